"""For all tests of the client: servers that misbehave on demand, and nothing of this machine's own settings."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.cloud.certificates import Certificate, new_certificate
from tests.cloud.unruly_server import UnrulyServer, running


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


@pytest_asyncio.fixture
async def unruly() -> AsyncIterator[UnrulyServer]:
    """A server that answers as it is told."""
    async with running() as server:
        yield server


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A certificate for 127.0.0.1 and cbr.example that signed itself."""
    return new_certificate(tmp_path_factory.mktemp("certificate"), "cbr.example")
