"""A plain session with the local cloud, for the yardsticks: a token, and nothing of our own client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from benchmarks.place import Place


@asynccontextmanager
async def cloud_session(place: Place) -> AsyncIterator[aiohttp.ClientSession]:
    """Open a session that carries a token."""
    cloud = place.cloud
    user = {"name": cloud["user"], "password": cloud["password"], "domain": {"name": cloud["domain"]}}
    scope = {"project": {"name": cloud["project_name"]}}
    auth = {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{cloud['iam']}/auth/tokens", json={"auth": auth}) as answer:
            answer.raise_for_status()
            session.headers["X-Auth-Token"] = answer.headers["X-Subject-Token"]
        yield session
