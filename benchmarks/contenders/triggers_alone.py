"""The floor under everything that is a trigger: tasks with the smallest possible triggers, and no requests at all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from benchmarks.contenders.contender import Contender, News
from benchmarks.contenders.smallest_triggers import SmallestTriggers
from benchmarks.schedule import POLL_SECONDS, finish_offsets


class TriggersAlone(Contender):
    """What Airflow and asyncio cost, when it is known without a request which jobs have ended."""

    async def warm_up(self) -> None:
        """Let one trigger fire."""
        triggers = SmallestTriggers(lambda job, is_good: None)
        await triggers.start([0])
        triggers.tell(0, True)
        await triggers.end()

    async def watch(self, jobs: Sequence[int], news: News) -> None:
        """Let those fire, every interval, whose jobs are over."""
        began = time.monotonic()
        triggers = SmallestTriggers(news)
        await triggers.start(jobs)
        left = dict(zip(jobs, finish_offsets(len(jobs)), strict=True))
        while left:
            await asyncio.sleep(POLL_SECONDS)
            now = time.monotonic() - began
            for job in [job for job, offset in left.items() if offset <= now]:
                del left[job]
                triggers.tell(job, True)
        await triggers.end()
