"""Lists as CBR answers them: checked filters, order, one page with the total (CBR sections 5.3, 7.2 and 8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar, get_origin

from aiohttp import web

from airflow_provider_backup.cloud.schema.base import RequestModel
from airflow_provider_backup.emulator.core.service import checked, in_order, page
from airflow_provider_backup.emulator.core.state import Row
from airflow_provider_backup.emulator.services.cbr.refusals import INVALID
from airflow_provider_backup.emulator.services.cbr.schema import refuse_other_values

QueryT = TypeVar("QueryT", bound=RequestModel)

LARGEST_PAGE = 1000
ALL_ENTERPRISE_PROJECTS = "all_granted_eps"
_SORT_KEYS = ("created_at", "updated_at", "name", "status", "protected_at", "id")


def asked(model: type[QueryT], request: web.Request, **fixed: Any) -> QueryT:
    """Read the query of a list; empty values count as not given, names that the model does not know are ignored.

    :param model: the filters.
    :param fixed: filters that do not stand in the query.
    """
    refuse_other_values(request)
    values: dict[str, Any] = dict(fixed)
    for name in set(request.query) & set(model.model_fields) - set(fixed):
        given = [value for value in request.query.getall(name) if value]
        if given:
            values[name] = given if _is_list(model, name) else given[-1]
    return checked(model, values, code=INVALID)


def matches(row: Mapping[str, Any], **wanted: Any) -> bool:
    """Whether members of a row equal what is asked for; ``None`` asks for nothing, a list for any of it."""
    return all(
        value is None or (row.get(name) in value if isinstance(value, list) else row.get(name) == value)
        for name, value in wanted.items()
    )


def in_enterprise_project(row: Mapping[str, Any], wanted: str | None) -> bool:
    """Whether a row belongs to the enterprise project that is asked for."""
    return wanted in (None, ALL_ENTERPRISE_PROJECTS) or row["enterprise_project_id"] == wanted


def begun_between(row: Mapping[str, Any], start: datetime | None, end: datetime | None) -> bool:
    """Whether a stored row began in a span of time; both ends belong to it, ``None`` leaves it open."""
    if start is None and end is None:
        return True
    moment = datetime.fromisoformat(row["started_at"])
    return (start is None or start <= moment) and (end is None or moment <= end)


def ordered(rows: Sequence[Row], sort: str | None) -> list[Row]:
    """Order rows by ``key[:asc|desc],key...``, descending when not said; newest first without it."""
    return in_order(rows, sort, keys=_SORT_KEYS, code=INVALID)


def listed(
    request: web.Request, member: str, rows: Sequence[Row], view: Callable[[Row], Row] = lambda row: row
) -> web.Response:
    """Answer with one page of rows and the number of all.

    :param member: name of the list in the answer.
    :param rows: all rows that match, in their order.
    :param view: makes a row of the page what is answered.
    """
    found = page(rows, request, code=INVALID, maximum=LARGEST_PAGE)
    return web.json_response(
        {
            member: [view(row) for row in found],
            "count": len(rows),
            "limit": int(request.query.get("limit") or LARGEST_PAGE),
            "offset": int(request.query.get("offset") or 0),
        }
    )


def _is_list(model: type[RequestModel], name: str) -> bool:
    annotation = model.model_fields[name].annotation
    return any(get_origin(part) is list for part in _parts(annotation))


def _parts(annotation: Any) -> list[Any]:
    nested = [part for each in getattr(annotation, "__args__", ()) for part in _parts(each)]
    return [annotation, *nested]
