"""Lists of the database services, read page by page (databases sections 4 and 11)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeVar

from airflow_provider_backup.cloud.databases.models import PageQuery, Row
from airflow_provider_backup.cloud.errors import UnexpectedResponseError
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.wire import ResponseModel, WholeNumber, parsed

RowT = TypeVar("RowT", bound=Row)


class _Page(ResponseModel):
    total_count: WholeNumber = None


async def read_pages(api: ServiceApi, collection: str, query: PageQuery, model: type[RowT]) -> AsyncIterator[RowT]:
    """Read a list to its end; a row that two pages show (something was added in between) comes once.

    :param api: the service.
    :param collection: the path below the project, and the member of the answer that holds the rows.
    :param query: filters, first offset and page size.
    :param model: the model of a row.
    :return: the rows, in the service's order.
    :raises UnexpectedResponseError: an answer is not a list as described.
    """
    offset = query.offset
    seen: set[str] = set()
    while True:
        page = parsed(_Page, await api.get(collection, query={**query.to_wire(), "offset": offset}))
        rows = (page.model_extra or {}).get(collection)
        if not isinstance(rows, list):
            raise UnexpectedResponseError(f"The answer has no list {collection!r}")
        found = [parsed(model, row) for row in rows]
        fresh = [row for row in found if row.id not in seen]
        for row in fresh:
            yield row
        seen.update(row.id for row in fresh)
        offset += len(rows)
        # A service that ignores the offset repeats itself: without a new row there is nothing left to read.
        if not fresh or (page.total_count is not None and offset >= page.total_count):
            return
