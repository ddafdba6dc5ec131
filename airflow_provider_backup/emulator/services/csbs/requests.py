"""What the routes of CSBS share when they read a request and cut a list into pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from aiohttp import web
from pydantic import ValidationError

from airflow_provider_backup.cloud.schema.base import RequestModel
from airflow_provider_backup.cloud.services.csbs.models import PROVIDER_ID
from airflow_provider_backup.emulator.core.service import checked, page
from airflow_provider_backup.emulator.core.state import Row
from airflow_provider_backup.emulator.services.csbs.refusals import refusal

RequestT = TypeVar("RequestT", bound=RequestModel)

INVALID = "CSBS.9001"
"""The code for a parameter that fails the check (CSBS section 10)."""

NO_LIMIT = 1_000_000
"""The page names no largest ``limit`` (CSBS sections 3.3 and 5)."""


def lenient(model: type[RequestT], values: Any) -> RequestT:
    """Hold a request against the wire contract; nulls count as not given, unknown members are ignored.

    Clients send both: ``null`` for what is not set (CSBS section 4.2), and members that they have read before.
    """
    values = _without_nulls(values)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        for detail in error.errors():
            if detail["type"] == "extra_forbidden":
                _remove(values, detail["loc"])
    return checked(model, values, code=INVALID)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(member) for name, member in value.items() if member is not None}
    return [_without_nulls(member) for member in value] if isinstance(value, list) else value


def _remove(value: Any, location: tuple[int | str, ...]) -> None:
    for part in location[:-1]:
        value = value[part]
    del value[location[-1]]


def refuse_other_provider(request: web.Request) -> None:
    """Refuse a path with another provider than the only one."""
    if request.match_info["provider_id"] != PROVIDER_ID:
        raise refusal("CSBS.9001")


def linked_page(
    rows: Sequence[Row],
    request: web.Request,
    collection: str,
    views: Callable[[Sequence[Row]], Sequence[Row]] = lambda rows: rows,
) -> dict[str, Any]:
    """Return the answer to a list: one page, and a link to the next when more rows exist (CSBS section 6.5).

    :param collection: name of the list in the answer.
    :param views: makes the rows of the page what is answered.
    """
    found = page(rows, request, code=INVALID, maximum=NO_LIMIT)
    answer: dict[str, Any] = {collection: views(found)}
    if found and found[-1]["id"] != rows[-1]["id"]:
        next_page = request.url.without_query_params("offset").update_query(marker=found[-1]["id"])
        answer[f"{collection}_links"] = [{"rel": "next", "href": str(next_page)}]
    return answer
