"""A yardstick between the floor and us: the bare list, and a task with the smallest possible trigger for each job."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from benchmarks.contenders.bare_list import BareList
from benchmarks.contenders.contender import News


class _Trigger(BaseTrigger):
    """Waits for a future that somebody else holds."""

    def __init__(self, future: asyncio.Future[bool]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._future = future

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """It is never stored."""
        raise NotImplementedError

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Fire when the future is done."""
        yield TriggerEvent(await self._future)  # type: ignore[no-untyped-call]


class BareTasks(BareList):
    """What the news cost at least when each has to reach a trigger of its own."""

    async def watch(self, jobs: Sequence[int], news: News) -> None:
        """Read all pages in one task, and let every job's own task tell."""
        loop = asyncio.get_running_loop()
        futures = {job: loop.create_future() for job in jobs}
        tasks = []
        for job, future in futures.items():
            await asyncio.sleep(0)
            tasks.append(asyncio.create_task(_run(_Trigger(future), job, news)))
        await super().watch(jobs, lambda job, is_good: futures[job].set_result(is_good))
        await asyncio.gather(*tasks)


async def _run(trigger: BaseTrigger, job: int, news: News) -> None:
    async for event in trigger.run():
        news(job, event.payload)
