"""Lists as a server of the test answers them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.operations.listing import BackupList, BackupLists
from tests.cloud.clients import settings_for
from tests.cloud.unruly_server import UnrulyServer

SINCE = datetime.fromisoformat("2026-04-02T09:15:07+00:00")


@asynccontextmanager
async def lists_of(service: str, unruly: UnrulyServer) -> AsyncIterator[BackupLists]:
    """Open the lists of a service at a server of the test."""
    async with BackupCloud(settings_for(unruly.url)) as client:
        yield client.service(service).lists


async def pages_of(asked: BackupList | None, since: datetime | None = None) -> list[list[Any]]:
    """Read a list to its end."""
    assert asked is not None
    return [list(page.rows) async for page in asked.pages(since)]


def queries(unruly: UnrulyServer) -> list[dict[str, list[str]]]:
    """Return the query of each request."""
    return [parse_qs(urlsplit(received.target).query) for received in unruly.received]
