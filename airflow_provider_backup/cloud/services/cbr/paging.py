"""Reading lists to their end, page by page (CBR sections 5.3, 7.2 and 8)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from airflow_provider_backup.cloud.errors import UnexpectedResponseError
from airflow_provider_backup.cloud.operations.listing import RowPage
from airflow_provider_backup.cloud.operations.pagination import page_numbers
from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseT, new_rows, parsed, request_id_of
from airflow_provider_backup.cloud.service_api import ServiceApi

LARGEST_PAGE = 1000
"""Rows that a page may have at most."""


async def all_pages(api: ServiceApi, path: str, member: str, query: RequestModel) -> AsyncIterator[RowPage]:
    """Read a list page by page, each id once.

    The three lists have no common way of paging but ``offset``: vaults and operation logs know no marker.

    :param api: the service.
    :param path: last piece of the list's path.
    :param member: name of the member that holds the rows.
    :param query: the filters; ``limit`` is the size of a page, ``offset`` where to begin.
    :raises UnexpectedResponseError: the answer is not a list.
    """
    filters = query.to_wire()
    limit = int(filters.pop("limit", LARGEST_PAGE))
    offset = int(filters.pop("offset", 0))
    seen: set[str] = set()
    for _ in page_numbers(f"CBR {member}"):
        # The page on operation logs wants offset to be 1 or more: the first page goes without it.
        body = await api.get(path, query={**filters, "limit": limit, "offset": offset or None})
        rows = rows_of(body, member)
        fresh = new_rows(rows, seen)
        yield RowPage(fresh, _number(body, "count", 0) or None, request_id_of(body))
        offset += len(rows)
        if not fresh or (len(rows) < _number(body, "limit", limit) and offset >= _number(body, "count", 0)):
            return


async def all_rows(
    api: ServiceApi, path: str, member: str, query: RequestModel, model: type[ResponseT]
) -> AsyncIterator[ResponseT]:
    """Read every row of a list, each id once; see :func:`all_pages`.

    :param model: the model of a row.
    """
    async for page in all_pages(api, path, member, query):
        for row in page.rows:
            yield parsed(model, row, request_id=page.request_id)


def rows_of(body: Any, member: str) -> list[Any]:
    """Return the rows of one answer; a missing or empty member means none.

    :raises UnexpectedResponseError: the answer is not an object with a list.
    """
    rows = (body.get(member) or []) if isinstance(body, Mapping) else None
    if not isinstance(rows, list):
        raise UnexpectedResponseError(f"The answer has no list {member!r}", request_id=request_id_of(body))
    return rows


def _number(body: Mapping[str, Any], member: str, otherwise: int) -> int:
    number = body.get(member)
    return number if isinstance(number, int) else otherwise
