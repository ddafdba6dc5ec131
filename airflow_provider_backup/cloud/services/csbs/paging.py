"""Walking through the lists of CSBS page by page (CSBS section 6.5)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from airflow_provider_backup.cloud.operations.listing import RowPage
from airflow_provider_backup.cloud.operations.pagination import page_numbers
from airflow_provider_backup.cloud.schema.base import listed, request_id_of, row_id
from airflow_provider_backup.cloud.service_api import ServiceApi

PAGE_SIZE = 1000
"""Rows in a page: what the service itself takes without ``limit``."""


async def pages(api: ServiceApi, collection: str, query: Mapping[str, Any]) -> AsyncIterator[RowPage]:
    """Yield the pages of a list until a short one that names no next page.

    :param api: the service.
    :param collection: path and member of the answer: ``policies`` or ``checkpoint_items``.
    :param query: the filters; ``limit`` is the size of a page.
    :raises UnexpectedResponseError: an answer is not a list.
    """
    asked = {"limit": PAGE_SIZE, **query}
    seen: set[str] = set()
    for _ in page_numbers(f"CSBS {collection}"):
        body = await api.get(collection, query=asked)
        rows = listed(body, collection)
        yield RowPage(rows, request_id=request_id_of(body))
        marker = row_id(rows[-1]) if rows else ""
        more = len(rows) >= asked["limit"] or _names_next_page(body.get(f"{collection}_links"))
        # A service that does not know the marker would send the same page for ever.
        if not marker or not more or marker in seen:
            return
        seen.add(marker)
        asked = {name: value for name, value in asked.items() if name != "offset"} | {"marker": marker}


def _names_next_page(links: Any) -> bool:
    return isinstance(links, list) and any(isinstance(link, Mapping) and link.get("rel") == "next" for link in links)
