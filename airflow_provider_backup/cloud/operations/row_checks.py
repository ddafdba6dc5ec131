"""Answers are held against the question: a service that ignores a filter, or describes something else, is not believed.

What proves that a row was asked for is decided for each list by the API pages: a row without that member is passed
over where they always show it, and kept where they may leave it out.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, TypeVar

from airflow_provider_backup.cloud.errors import UnexpectedResponseError
from airflow_provider_backup.cloud.http.transient_error_log import TransientErrorLog
from airflow_provider_backup.cloud.schema.answers import parsed, request_id_of
from airflow_provider_backup.cloud.schema.base import ResponseModel
from airflow_provider_backup.cloud.text import one_line

log = logging.getLogger(__name__)

_troubles: dict[str, TransientErrorLog] = {}
"""By list and its filters, for the whole process: thousands of waits may ask the same list."""

RowT = TypeVar("RowT", bound=ResponseModel)


def is_same_id(found: object, wanted: str) -> bool:
    """Return whether an id is the wanted one; upper and lower case are the same, as services write their own."""
    return isinstance(found, str) and found.lower() == wanted.lower()


def spelled_as_listed(ids: Iterable[str], listed: Iterable[str | None]) -> tuple[str, ...]:
    """Return ids as the service writes them, as far as it shows them, each once.

    :param ids: as they were given.
    :param listed: as the service wrote them.
    """
    spellings = {each.lower(): each for each in listed if each is not None}
    return tuple(dict.fromkeys(spellings.get(each.lower(), each) for each in ids))


def matches(row: ResponseModel, required: Mapping[str, str | None], optional: Mapping[str, str | None]) -> bool:
    """Return whether a row fits the filters of its list.

    :param row: the row.
    :param required: the filters by members that the API pages always show; ``None`` for any value.
    :param optional: the filters by members that the API pages may leave out; a row without one fits.
    """
    return all(
        wanted is None or _is_same(name, getattr(row, name), wanted) for name, wanted in required.items()
    ) and all(
        wanted is None or getattr(row, name) is None or _is_same(name, getattr(row, name), wanted)
        for name, wanted in optional.items()
    )


def _is_same(member: str, found: object, wanted: str) -> bool:
    return found == wanted if member == "name" else is_same_id(found, wanted)


async def matching(
    rows: AsyncIterator[RowT],
    title: str,
    required: Mapping[str, str | None],
    optional: Mapping[str, str | None] | None = None,
) -> AsyncIterator[RowT]:
    """Yield the rows that fit the filters; a warning now and then says how many others came.

    :param rows: as the service listed them.
    :param title: what they are, for the warning.
    :param required: as for :func:`matches`.
    :param optional: as for :func:`matches`.
    """
    filters = {name: wanted for name, wanted in {**required, **(optional or {})}.items() if wanted}
    kept = others = 0
    async for row in rows:
        if matches(row, required, optional or {}):
            kept += 1
            yield row
        else:
            others += 1
    key = f"{title} by {', '.join(filters)}"
    if others:
        _troubles.setdefault(key, TransientErrorLog(log, f"{key}: the service counts the filter again")).failed(
            "%s: %d rows are not of %s and are ignored; the service ignores a filter.",
            title,
            others,
            one_line(", ".join(f"{name} {wanted}" for name, wanted in filters.items())),
        )
    elif kept and key in _troubles:
        _troubles[key].recovered()


def read_by_id(model: type[RowT], body: Any, envelope: str | None, wanted: str, *members: str) -> RowT:
    """Read what was asked for by its id, after a look whether it has that id.

    :param model: the response's model.
    :param body: the decoded JSON.
    :param envelope: name of the member that wraps the object; ``None`` when it is bare.
    :param wanted: the id that was asked for.
    :param members: where the id may stand; ``id`` without any.
    :raises UnexpectedResponseError: the body is not what the API pages describe, or it describes something else.
    """
    found = parsed(model, body, envelope)
    ids = [getattr(found, name) for name in members or ("id",)]
    if not any(is_same_id(each, wanted) for each in ids):
        raise UnexpectedResponseError(
            f"{model.__name__} {wanted} was requested, and the answer describes {ids[0]}",
            request_id=request_id_of(body),
            next_step="Check the id; when it is right, quote the request id to the provider's support.",
        )
    return found
