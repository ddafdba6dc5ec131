"""A yardstick: one session for all, and every waiter reads its own backup."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import aiohttp

from benchmarks.contenders.cloud_session import cloud_session
from benchmarks.contenders.contender import Contender, News
from benchmarks.schedule import POLL_SECONDS


class ReadPool(Contender):
    """CBR only: a checkpoint is read until it is over."""

    async def warm_up(self) -> None:
        """Read the finished one."""
        async with cloud_session(self.place) as session:
            await self._status(session, (self.place.finished or {})["backup_id"])

    async def watch(self, jobs: Sequence[int], news: News) -> None:
        """Read each job in a task of its own, every five seconds."""
        async with cloud_session(self.place) as session:
            await asyncio.gather(*(self._watch_one(session, job, news) for job in jobs))

    async def _watch_one(self, session: aiohttp.ClientSession, job: int, news: News) -> None:
        while await self._status(session, self.place.references[job]["backup_id"]) == "protecting":
            await asyncio.sleep(POLL_SECONDS)
        news(job, True)

    async def _status(self, session: aiohttp.ClientSession, checkpoint_id: str) -> str:
        cloud = self.place.cloud
        async with session.get(f"{cloud['cbr']}/v3/{cloud['project_id']}/checkpoints/{checkpoint_id}") as answer:
            status: str = json.loads(await answer.read())["checkpoint"]["status"]
        return status
