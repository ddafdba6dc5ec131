"""Places for the tests of the poller, one for each kind of backup."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.cloud.polling.populated_cloud import KINDS, Place, VirtualCloud, open_client


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of backup in turn; a test may choose its own ones."""
    name: str = request.param
    return name


@pytest_asyncio.fixture
async def place(kind: str) -> AsyncIterator[Place]:
    """A local cloud in virtual time with a client, and more database instances than those with names of their own."""
    async with VirtualCloud(extra_resources=2) as running, open_client(running) as client:
        yield Place(running, client, kind)
