"""One look for all in an event loop that ask the same question about fresh backups."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager

from airflow_provider_backup.cloud.clock import SYSTEM_CLOCK, Clock
from airflow_provider_backup.cloud.http.time_limit import unlimited
from airflow_provider_backup.cloud.operations.freshness_question import (
    FreshnessAnswer,
    FreshnessQuestion,
    LatestBackupsClient,
)


class SharedLook:
    """The newest look at one question, under way or done.

    A look belongs to no single caller: one that is cancelled, or has no time left, only stops waiting for it.

    :param cloud: the client.
    :param question: what is asked.
    :param clock: where the time comes from.
    :param running: where its task is kept while it is under way.
    """

    def __init__(
        self,
        cloud: LatestBackupsClient,
        question: FreshnessQuestion,
        clock: Clock,
        running: set[asyncio.Task[FreshnessAnswer]],
    ) -> None:
        self._cloud = cloud
        self._question = question
        self._clock = clock
        self._running = running
        self._looking: asyncio.Task[FreshnessAnswer] | None = None
        self.users = 0
        self.ended_at = 0.0
        """When the last look was done, on the monotonic clock."""

    async def answer(self, *, memory: float, max_wait: float) -> FreshnessAnswer | None:
        """Return what a look shows, or an earlier one has just shown.

        :param memory: seconds after which a look counts no more.
        :param max_wait: seconds to wait for the answer.
        :return: ``None`` when it takes longer; the look continues.
        :raises BackupError: the backups cannot be read.
        """
        looking = self._looking
        if looking is None or (looking.done() and self._clock.monotonic() - self.ended_at >= memory):
            looking = self._looking = asyncio.create_task(self._look(), context=unlimited())
            self._running.add(looking)
            looking.add_done_callback(self._done)
        # Unlike wait_for, this cancels nothing, whether it is cancelled itself or takes too long.
        await asyncio.wait([looking], timeout=max_wait)
        return looking.result() if looking.done() else None

    def cancel(self) -> None:
        """Cancel a look that is under way, when no caller waits for it any more."""
        if self._looking is not None:
            self._looking.cancel()

    async def _look(self) -> FreshnessAnswer:
        try:
            return await self._question.ask(self._cloud)
        finally:
            self.ended_at = self._clock.monotonic()

    def _done(self, looking: asyncio.Task[FreshnessAnswer]) -> None:
        self._running.discard(looking)
        # When all who waited are cancelled, nothing else retrieves the error, and asyncio would complain.
        if not looking.cancelled():
            looking.exception()


class SharedLooks:
    """The looks of one client, by question.

    :param cloud: the client.
    :param clock: where the time comes from.
    """

    def __init__(self, cloud: LatestBackupsClient, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._cloud = cloud
        self.clock = clock
        self._looks: dict[str, SharedLook] = {}
        self._running: set[asyncio.Task[FreshnessAnswer]] = set()

    @contextmanager
    def of(self, question: FreshnessQuestion) -> Iterator[SharedLook]:
        """Share the looks of all who ask the same question, until the last one leaves.

        :param question: what is asked.
        """
        key = json.dumps(question.to_dict(), sort_keys=True)
        look = self._looks.setdefault(key, SharedLook(self._cloud, question, self.clock, self._running))
        look.users += 1
        try:
            yield look
        finally:
            look.users -= 1
            if look.users == 0:
                look.cancel()
                del self._looks[key]

    async def close(self) -> None:
        """Stop all looks that are under way, and wait until they have ended."""
        running = list(self._running)
        for looking in running:
            looking.cancel()
        await asyncio.gather(*running, return_exceptions=True)
