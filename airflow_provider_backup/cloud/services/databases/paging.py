"""Lists of the database services, read page by page (databases sections 4 and 11)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeVar

from airflow_provider_backup.cloud.errors import UnexpectedResponseError
from airflow_provider_backup.cloud.operations.listing import RowPage
from airflow_provider_backup.cloud.operations.pagination import page_numbers
from airflow_provider_backup.cloud.schema.base import ResponseModel, WholeNumber, new_rows, parsed, request_id_of
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.databases.models import PageQuery, Row

RowT = TypeVar("RowT", bound=Row)


class _Page(ResponseModel):
    total_count: WholeNumber = None


async def row_pages(api: ServiceApi, collection: str, query: PageQuery) -> AsyncIterator[RowPage]:
    """Read a list to its end, page by page; a row that two pages show (something was added in between) comes once.

    :param api: the service.
    :param collection: the path below the project, and the member of the answer that holds the rows.
    :param query: filters, first offset and page size.
    :raises UnexpectedResponseError: an answer is not a list as described.
    """
    offset = query.offset
    seen: set[str] = set()
    for _ in page_numbers(collection):
        answer = await api.get(collection, query={**query.to_wire(), "offset": offset})
        page = parsed(_Page, answer)
        request_id = request_id_of(answer)
        rows = (page.model_extra or {}).get(collection)
        if not isinstance(rows, list):
            raise UnexpectedResponseError(f"The answer has no list {collection!r}", request_id=request_id)
        fresh = new_rows(rows, seen)
        yield RowPage(fresh, page.total_count, request_id)
        offset += len(rows)
        # A service that ignores the offset repeats itself: without a new row there is nothing left to read.
        if not fresh or (page.total_count is not None and offset >= page.total_count):
            return


async def read_pages(api: ServiceApi, collection: str, query: PageQuery, model: type[RowT]) -> AsyncIterator[RowT]:
    """Read a list to its end, row by row; see :func:`row_pages`.

    :param model: the model of a row.
    :return: the rows, in the service's order.
    :raises UnexpectedResponseError: an answer is not a list as described.
    """
    async for page in row_pages(api, collection, query):
        for row in page.rows:
            yield parsed(model, row, request_id=page.request_id)
