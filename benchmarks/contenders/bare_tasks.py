"""A yardstick between the floor and us: the bare list, and a task with the smallest possible trigger for each job."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.contenders.bare_list import BareList
from benchmarks.contenders.contender import News
from benchmarks.contenders.smallest_triggers import SmallestTriggers


class BareTasks(BareList):
    """What the news cost at least when each has to reach a trigger of its own."""

    async def watch(self, jobs: Sequence[int], news: News) -> None:
        """Read all pages in one task, and let every job's own task tell."""
        triggers = SmallestTriggers(news)
        await triggers.start(jobs)
        await super().watch(jobs, triggers.tell)
        await triggers.end()
