"""Reading answers: the decoded JSON, its rows, and the models that it is checked by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from airflow_provider_backup.cloud.errors import UnexpectedResponseError
from airflow_provider_backup.cloud.schema.base import ResponseT, violations_of
from airflow_provider_backup.cloud.text import plain_text

_MOST_WORDS = 1000
"""Characters about what is wrong with an answer: the path to a nested member may be long."""


class AnswerObject(dict[str, Any]):
    """The object that an answer holds; it knows the id that the answer is to be quoted with."""

    request_id: str | None = None


def request_id_of(body: Any) -> str | None:
    """Return the id that an answer is to be quoted with; ``None`` when it has none.

    :param body: the decoded JSON.
    """
    return body.request_id if isinstance(body, AnswerObject) else None


def row_id(row: Any, member: str = "id") -> str:
    """Return the id of a row that is not checked yet; empty when it has none.

    :param row: as it came.
    :param member: where the id stands.
    """
    # Not Mapping, whose check takes longer than the rest: what JSON holds are dicts.
    found = row.get(member) if isinstance(row, dict) else None
    if isinstance(found, str):
        return found
    return str(found) if isinstance(found, int) else ""


def new_rows(rows: list[Any], seen: set[str], member: str = "id") -> list[Any]:
    """Return the rows of a page that no page before had, and remember them.

    :param rows: as they came.
    :param seen: ids of rows that came before.
    :param member: where the id of a row stands.
    """
    # Ids are texts but for rare exceptions, and pages are long: no call for each row.
    ids = [
        found if isinstance(row, dict) and isinstance(found := row.get(member), str) else row_id(row, member)
        for row in rows
    ]
    fresh = rows if seen.isdisjoint(ids) else [row for row, own_id in zip(rows, ids, strict=True) if own_id not in seen]
    seen.update(ids)
    return fresh


def parsed(
    model: type[ResponseT], body: Any, envelope: str | None = None, *, request_id: str | None = None
) -> ResponseT:
    """Read a response.

    :param model: the response's model.
    :param body: the decoded JSON.
    :param envelope: name of the member that wraps the object, such as ``policy``; ``None`` when it is bare.
    :param request_id: id to quote to the provider's support, for what is not a whole answer.
    :raises UnexpectedResponseError: the body is not what the API pages describe.
    """
    content = body
    request_id = request_id or request_id_of(body)
    if envelope is not None:
        if not isinstance(body, Mapping) or not isinstance(body.get(envelope), Mapping):
            raise UnexpectedResponseError(f"The answer has no member {envelope!r}", request_id=request_id)
        content = body[envelope]
    try:
        return model.model_validate(content)
    except ValidationError as error:
        text = plain_text("; ".join(map(str, violations_of(error)[:3])), _MOST_WORDS)
        raise UnexpectedResponseError(f"The answer is not a {model.__name__}: {text}", request_id=request_id) from None


def parsed_list(model: type[ResponseT], body: Any, member: str) -> list[ResponseT]:
    """Read the list that one member of an answer holds.

    :param model: the model of one item.
    :param body: the decoded JSON.
    :param member: name of the member, such as ``policies``.
    :raises UnexpectedResponseError: the body is not what the API pages describe.
    """
    return [parsed(model, item, request_id=request_id_of(body)) for item in rows_in(body, member)]


def rows_in(body: Any, member: str) -> list[Any]:
    """Return the list that one member of an answer holds, its items as they came.

    :param body: the decoded JSON.
    :param member: name of the member, such as ``policies``.
    :raises UnexpectedResponseError: there is no such list.
    """
    items = body.get(member) if isinstance(body, Mapping) else None
    if not isinstance(items, list):
        raise UnexpectedResponseError(f"The answer has no list {member!r}", request_id=request_id_of(body))
    return items
