"""The smallest possible triggers: each waits for a future that something else holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from benchmarks.contenders.contender import News


class _Trigger(BaseTrigger):
    """Waits for a future."""

    def __init__(self, future: asyncio.Future[bool]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._future = future

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """It is never stored."""
        raise NotImplementedError

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Fire when the future is done."""
        yield TriggerEvent(await self._future)  # type: ignore[no-untyped-call]


class SmallestTriggers:
    """A task with a trigger for each job.

    :param news: told of each event.
    """

    def __init__(self, news: News) -> None:
        self._news = news
        self._futures: dict[int, asyncio.Future[bool]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, jobs: Sequence[int]) -> None:
        """Start all, as the triggerer does."""
        loop = asyncio.get_running_loop()
        for job in jobs:
            self._futures[job] = loop.create_future()
            await asyncio.sleep(0)
            self._tasks.append(asyncio.create_task(self._run(_Trigger(self._futures[job]), job)))

    def tell(self, job: int, is_good: bool) -> None:
        """Let the trigger of a job fire."""
        self._futures[job].set_result(is_good)

    async def end(self) -> None:
        """Wait until all have fired."""
        await asyncio.gather(*self._tasks)

    async def _run(self, trigger: BaseTrigger, job: int) -> None:
        async for event in trigger.run():
            self._news(job, event.payload)
