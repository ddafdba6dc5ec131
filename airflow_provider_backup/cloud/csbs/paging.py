"""Walking through the lists of CSBS page by page (CSBS section 6.5)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from airflow_provider_backup.cloud.errors import UnexpectedResponseError
from airflow_provider_backup.cloud.service_api import ServiceApi

PAGE_SIZE = 1000
"""Rows in a page: what the service itself takes without ``limit``."""


async def pages(api: ServiceApi, collection: str, query: Mapping[str, Any]) -> AsyncIterator[list[Any]]:
    """Yield the pages of a list until a short one that names no next page.

    :param api: the service.
    :param collection: path and member of the answer: ``policies`` or ``checkpoint_items``.
    :param query: the filters; ``limit`` is the size of a page.
    :raises UnexpectedResponseError: an answer is not a list.
    """
    asked = {"limit": PAGE_SIZE, **query}
    seen: set[str] = set()
    while True:
        body = await api.get(collection, query=asked)
        rows = body.get(collection) if isinstance(body, Mapping) else None
        if not isinstance(rows, list):
            raise UnexpectedResponseError(f"The answer has no list {collection!r}")
        yield rows
        marker = str(rows[-1].get("id", "")) if rows and isinstance(rows[-1], Mapping) else ""
        more = len(rows) >= asked["limit"] or _names_next_page(body.get(f"{collection}_links"))
        # A service that does not know the marker would send the same page for ever.
        if not marker or not more or marker in seen:
            return
        seen.add(marker)
        asked = {name: value for name, value in asked.items() if name != "offset"} | {"marker": marker}


def _names_next_page(links: Any) -> bool:
    return isinstance(links, list) and any(isinstance(link, Mapping) and link.get("rel") == "next" for link in links)
