"""Reading lists to their end, page by page: one loop, and a strategy for each way in which services name the next page.

Whatever a service answers, the loop ends: a page without a row that no page before had is the last one, so repeated
pages, markers that the service ignores and counts that are wrong do no harm. A list that has something new on every
page is refused after ``most_pages`` pages.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl

from airflow_provider_backup.cloud.errors import UnexpectedResponseError
from airflow_provider_backup.cloud.limits import current_limits
from airflow_provider_backup.cloud.operations.listing import RowPage
from airflow_provider_backup.cloud.schema.answers import new_rows, parsed, request_id_of, row_id, rows_in
from airflow_provider_backup.cloud.schema.base import ResponseT
from airflow_provider_backup.cloud.schema.fields import whole_number_of
from airflow_provider_backup.cloud.service_api import Query, ServiceApi


class PageStrategy(Protocol):
    """How a list is asked for its next page."""

    @property
    def page_size(self) -> int:
        """Rows that a page holds unless the query has another ``limit``."""
        ...

    def total(self, body: Mapping[str, Any]) -> int | None:
        """Return how many rows the whole list has; ``None`` when the answer does not tell."""
        ...

    def following(self, query: Query, body: Mapping[str, Any], collection: str, rows: Sequence[Any]) -> Query | None:
        """Return the query of the page after this one; ``None`` after the last one.

        :param query: the query that this page was asked for with.
        :param body: the decoded answer.
        :param collection: the member of it that holds the rows.
        :param rows: the rows of this page, one or more.
        """
        ...


@dataclass(frozen=True, slots=True)
class OffsetPages:
    """Pages that are asked for by the number of rows before them.

    :param page_size: rows of a page, unless the query has another ``limit``.
    :param total_member: the member of an answer that says how many rows the whole list has.
    :param short_page_is_last: whether the list ends with a page that is not full, unless its total says otherwise;
        without it the list ends when as many rows were read as the total says, or with an empty page.
    """

    page_size: int
    total_member: str
    short_page_is_last: bool = False

    def total(self, body: Mapping[str, Any]) -> int | None:
        """Return how many rows the whole list has."""
        return whole_number_of(body.get(self.total_member))

    def following(self, query: Query, body: Mapping[str, Any], collection: str, rows: Sequence[Any]) -> Query | None:
        """Return the query with the next offset."""
        offset = (whole_number_of(query.get("offset")) or 0) + len(rows)
        total = self.total(body)
        if self.short_page_is_last:
            # The service may make pages smaller than it was asked for; then it says so.
            limit = whole_number_of(body.get("limit")) or whole_number_of(query["limit"]) or self.page_size
            is_last = len(rows) < limit and offset >= (total or 0)
        else:
            is_last = total is not None and offset >= total
        return None if is_last else {**query, "offset": offset}


@dataclass(frozen=True, slots=True)
class MarkerPages:
    """Pages that are asked for by the id of the last row before them; the last one is short and links to no other.

    :param page_size: rows of a page, unless the query has another ``limit``.
    """

    page_size: int

    def total(self, body: Mapping[str, Any]) -> int | None:
        """Return ``None``: these lists do not tell."""
        return None

    def following(self, query: Query, body: Mapping[str, Any], collection: str, rows: Sequence[Any]) -> Query | None:
        """Return the query with the next marker, which takes the place of an offset."""
        marker = row_id(rows[-1])
        is_full = len(rows) >= (whole_number_of(query["limit"]) or self.page_size)
        if not marker or not (is_full or _next_link(body, collection) is not None):
            return None
        return {**{name: value for name, value in query.items() if name != "offset"}, "marker": marker}


@dataclass(frozen=True, slots=True)
class LinkPages:
    """Pages that link to the next one.

    Only the query of a link counts: its path may lack the version and the end of the list's path (VBS section 5).

    :param page_size: rows of a page, unless the query has another ``limit``.
    """

    page_size: int

    def total(self, body: Mapping[str, Any]) -> int | None:
        """Return ``None``: these lists do not tell."""
        return None

    def following(self, query: Query, body: Mapping[str, Any], collection: str, rows: Sequence[Any]) -> Query | None:
        """Return the query with the members of the link's."""
        link = _next_link(body, collection)
        if link is None:
            return None
        # Not urlsplit: an address that cannot be read is no reason to fail, as only its query counts.
        return {**query, **dict(parse_qsl(link.partition("?")[2].partition("#")[0]))}


def _next_link(body: Mapping[str, Any], collection: str) -> str | None:
    links = body.get(f"{collection}_links")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, Mapping) and link.get("rel") == "next":
            return str(link.get("href"))
    return None


async def paginate(
    api: ServiceApi,
    path: Sequence[str],
    collection: str,
    strategy: PageStrategy,
    query: Query,
    *,
    id_member: str = "id",
    read_rows: Callable[[Any, str], list[Any]] = rows_in,
) -> AsyncIterator[RowPage]:
    """Read a list to its end, page by page; a row that two pages show (something was added meanwhile) comes once.

    :param api: the service.
    :param path: pieces of the list's path below the project.
    :param collection: the member of an answer that holds the rows.
    :param strategy: how the next page is asked for.
    :param query: the filters, and where and with which ``limit`` to begin when not as the strategy does.
    :param id_member: the member of a row that holds its id.
    :param read_rows: reads the rows of an answer; refuses what is no list.
    :raises UnexpectedResponseError: an answer is not a list, or there are more than ``most_pages`` pages.
    """
    asked: Query = {"limit": strategy.page_size, **query}
    seen: set[str] = set()
    most_pages = current_limits().most_pages
    for _ in range(most_pages):
        body = await api.get(*path, query=asked)
        rows = read_rows(body, collection)
        fresh = new_rows(rows, seen, id_member)
        yield RowPage(fresh, strategy.total(body), request_id_of(body))
        following = strategy.following(asked, body, collection, rows) if fresh else None
        if following is None:
            return
        asked = following
    raise UnexpectedResponseError(
        f"The list of {api.name} {collection} does not end: {most_pages} pages were read and there are more",
        next_step="Narrow the list down with filters; if there cannot be so many, report it to the provider.",
    )


async def parsed_rows(pages: AsyncIterator[RowPage], model: type[ResponseT]) -> AsyncIterator[ResponseT]:
    """Read the rows of pages one by one.

    :param pages: from :func:`paginate`.
    :param model: the model of a row.
    :raises UnexpectedResponseError: a row is not what the API pages describe.
    """
    async for page in pages:
        for row in page.rows:
            yield parsed(model, row, request_id=page.request_id)
