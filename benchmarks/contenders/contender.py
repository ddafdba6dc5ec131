"""What every contender has in common."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from airflow.triggers.base import BaseTrigger

from benchmarks.place import Place

News = Callable[[int, bool], None]
"""Told when a job is over, by its place in the list of jobs, and whether the event says that all went well."""


class Contender(ABC):
    """A way to wait.

    :param place: the server.
    """

    def __init__(self, place: Place) -> None:
        self.place = place

    @classmethod
    def environment(cls, place: Place) -> dict[str, str]:
        """Return the environment variables that it needs: its connection."""
        return {}

    @abstractmethod
    async def warm_up(self) -> None:
        """Wait for a job that is over, so that imports and caches are not measured."""

    @abstractmethod
    async def watch(self, jobs: Sequence[int], news: News) -> None:
        """Wait for jobs and tell of each; return when all are over.

        :param jobs: which of the place's jobs, counted from 0.
        """


class TriggerContender(Contender):
    """A published trigger, run as the triggerer runs it."""

    @abstractmethod
    def trigger(self, job: int | None) -> BaseTrigger:
        """Return the trigger for a job, or for the one that is over."""

    @abstractmethod
    def is_good(self, event: Any) -> bool:
        """Return whether the payload of an event says that the job ended well."""

    async def warm_up(self) -> None:
        """Run one trigger to its end."""
        await self._run(self.trigger(None), 0, lambda _, is_good: _expect(is_good))

    async def watch(self, jobs: Sequence[int], news: News) -> None:
        """Run a trigger for each job, in tasks of one event loop."""
        tasks = []
        for job in jobs:
            # Twice, as TriggerRunner.create_triggers does.
            await asyncio.sleep(0)
            trigger = self.trigger(job)
            await asyncio.sleep(0)
            tasks.append(asyncio.create_task(self._run(trigger, job, news)))
        await asyncio.gather(*tasks)

    async def _run(self, trigger: BaseTrigger, job: int, news: News) -> None:
        async for event in trigger.run():
            news(job, self.is_good(event.payload))


def _expect(is_good: bool) -> None:
    if not is_good:
        raise RuntimeError("The trigger for the finished job says that it went badly.")
