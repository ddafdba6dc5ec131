"""The pages of CBR's lists (CBR sections 5.3, 7.2 and 8)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from airflow_provider_backup.cloud.errors import UnexpectedResponseError
from airflow_provider_backup.cloud.operations.listing import RowPage
from airflow_provider_backup.cloud.operations.pagination import OffsetPages, paginate
from airflow_provider_backup.cloud.schema.answers import request_id_of
from airflow_provider_backup.cloud.schema.base import RequestModel
from airflow_provider_backup.cloud.service_api import ServiceApi

LARGEST_PAGE = 1000
"""Rows that a page may have at most."""

# The lists have no common way of paging but ``offset``: vaults and operation logs know no marker.
_PAGES = OffsetPages(LARGEST_PAGE, "count", short_page_is_last=True)

MEMBER_PAGES = OffsetPages(LARGEST_PAGE, "count", short_page_is_last=True)
"""The pages of the projects that a backup is shared with."""


def pages_of(api: ServiceApi, path: str, collection: str, query: RequestModel) -> AsyncIterator[RowPage]:
    """Read a list page by page, each id once.

    :param api: the service.
    :param path: last piece of the list's path.
    :param collection: name of the member that holds the rows.
    :param query: the filters; ``limit`` is the size of a page, ``offset`` where to begin.
    :raises UnexpectedResponseError: the answer is not a list.
    """
    asked = query.to_wire()
    if not asked.get("offset"):
        # The page on operation logs wants offset to be 1 or more: the first page goes without it.
        asked.pop("offset", None)
    return paginate(api, (path,), collection, _PAGES, asked, read_rows=rows_of)


def rows_of(body: Any, member: str) -> list[Any]:
    """Return the rows of one answer; a missing or empty member means none.

    :raises UnexpectedResponseError: the answer is not an object with a list.
    """
    rows = (body.get(member) or []) if isinstance(body, Mapping) else None
    if not isinstance(rows, list):
        raise UnexpectedResponseError(f"The answer has no list {member!r}", request_id=request_id_of(body))
    return rows
