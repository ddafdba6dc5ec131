"""VBS of a local cloud for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.cloud.services.vbs.servers import LocalVbs, local_vbs


@pytest.fixture
async def vbs() -> AsyncIterator[LocalVbs]:
    async with local_vbs() as vbs:
        yield vbs
