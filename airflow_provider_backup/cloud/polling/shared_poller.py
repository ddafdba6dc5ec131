"""The shared poller: one poll loop for all waiters of one service."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import math
from collections.abc import Iterable
from typing import Protocol

from airflow_provider_backup.cloud.clock import SYSTEM_CLOCK, Clock
from airflow_provider_backup.cloud.errors import BackupError
from airflow_provider_backup.cloud.http.clock_skew import CloudClock
from airflow_provider_backup.cloud.http.transient_error_log import TransientErrorLog
from airflow_provider_backup.cloud.limits import Limits, current_limits
from airflow_provider_backup.cloud.operations.backup import OperationState
from airflow_provider_backup.cloud.operations.listing import BackupLists
from airflow_provider_backup.cloud.polling.deadlines import Deadlines
from airflow_provider_backup.cloud.polling.list_poller import ListPoller
from airflow_provider_backup.cloud.polling.pacing import (
    SHORTEST_SHARE,
    Durations,
    expected_end_in,
    pause_until_next_cycle,
)
from airflow_provider_backup.cloud.polling.read_pool import Observer, ReadPool
from airflow_provider_backup.cloud.polling.time_slice import TimeSlice
from airflow_provider_backup.cloud.polling.wait_errors import no_answer_within
from airflow_provider_backup.cloud.polling.waiter import Waiter

log = logging.getLogger(__name__)

CHEAP_CYCLE = 2
"""Requests: a poll cycle that takes no more may start early when a backup is about to end."""


class SharedService(Observer, Protocol):
    """A service that can be polled for many waiters."""

    name: str
    lists: BackupLists


class SharedPoller:
    """Polls one service for all waiters in an event loop; it runs only while there are waiters.

    :param service: the service.
    :param cloud_clock: the cloud's clock; ``None`` assumes that it agrees with this machine's.
    :param clock: this machine's clock.
    :param limits: how long queries may take and answers are trusted; ``None`` uses :func:`current_limits`.
    """

    def __init__(
        self,
        service: SharedService,
        cloud_clock: CloudClock | None = None,
        *,
        clock: Clock = SYSTEM_CLOCK,
        limits: Limits | None = None,
    ) -> None:
        self.clock = clock
        self.limits = limits or current_limits()
        self._monotonic = clock.monotonic
        self._name = service.name
        self._cloud_clock = cloud_clock or CloudClock(clock, self.limits)
        self._list_poller = ListPoller(service.lists, self._cloud_clock, clock=clock, limits=self.limits)
        self._durations = Durations()
        # In the order of arrival; the values mean nothing.
        self._waiters: dict[Waiter, None] = {}
        self._deadlines = Deadlines(self._waiters, clock, self.limits)
        self._loop: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._next_cycle = 0.0
        self._reading_time = 0.0
        self._wake = asyncio.Event()
        self._read_pool = ReadPool(service, self._wake, clock=clock, limits=self.limits)
        self._listed_at = 0.0
        self._error_log = TransientErrorLog(
            log, f"{service.name} backups can be polled again", clock=clock, limits=self.limits
        )

    async def close(self) -> None:
        """Stop polling; waits that have not ended fail."""
        for waiter in self._waiters:
            waiter.fail(BackupError("The client was closed while a wait for a backup was in progress."))
        self._stop_loop()
        await self._read_pool.close()
        if self._ending:
            await asyncio.wait(self._ending)

    def add(self, waiter: Waiter) -> None:
        """Start to poll for a waiter; ``waiter.done`` resolves when its wait ends.

        This is no coroutine: it would live as long as the wait, and there may be thousands of them.

        :param waiter: created in this event loop, for this wait; the caller has to :meth:`remove` it in any case.
        """
        first_poll = self._monotonic() + waiter.poll_interval
        self._waiters[waiter] = None
        self._deadlines.watch(waiter)
        if self._loop is None:
            self._next_cycle = first_poll
            # An empty context: the loop and its logs belong to no single waiter.
            self._loop = asyncio.create_task(self._poll_loop(), context=contextvars.Context())
        elif first_poll < self._next_cycle:
            self._next_cycle = first_poll
            self._wake.set()

    def remove(self, waiter: Waiter) -> None:
        """Stop polling for a waiter; the loop ends with the last one.

        :param waiter: as given to :meth:`add`.
        """
        del self._waiters[waiter]
        self._read_pool.stop(waiter)
        finished_at = waiter.outcome.finished_at if isinstance(waiter.outcome, OperationState) else None
        if finished_at is not None and (created_at := waiter.creation_time(self._cloud_clock)) is not None:
            self._durations.add((finished_at - created_at).total_seconds())
        if not self._waiters:
            self._stop_loop()

    def _stop_loop(self) -> None:
        self._deadlines.close()
        if self._loop is not None:
            self._loop.cancel()
            self._ending.add(self._loop)
            self._loop.add_done_callback(self._ending.discard)
            self._loop = None

    async def _poll_loop(self) -> None:
        failures = 0
        while True:
            await self._until_next_cycle()
            began = self._monotonic()
            # A waiter that is added during the cycle and is due earlier ends the wait for slow answers.
            self._next_cycle = began + self._interval()
            self._wake.clear()
            try:
                await self._poll_cycle(began)
                failures = 0
                self._error_log.recovered()
            except BackupError as error:
                failures += 1
                self._error_log.failed("Polling %s backups failed, retrying: %s", self._name, error)
                await self._report_error(error, began)
            except Exception as error:
                log.exception("Polling %s backups failed", self._name)
                for waiter in list(self._waiters):
                    waiter.fail(error)
            interval = self._interval()
            pause = pause_until_next_cycle(
                interval,
                longest_backoff=self.limits.longest_poll_backoff,
                failures=failures,
                expected_end=self._expected_end(),
                reading_time=self._reading_time,
            )
            if failures:
                self._next_cycle = self._monotonic() + pause
            else:
                # All waiters that are due before the next cycle were polled in this one; without the lower limit a
                # mistake in that would poll without a pause. It counts from the end of the query, so that a slow one is
                # followed by a pause as well.
                soonest = self._listed_at + interval * SHORTEST_SHARE
                self._next_cycle = max(min(began + pause, self._first_due()), soonest)

    async def _report_error(self, error: BackupError, began: float) -> None:
        """Report the error of a poll cycle to the waiters that were not updated since it began."""
        time_slice = TimeSlice(self.limits.longest_time_slice)
        for waiter in list(self._waiters):
            if waiter in self._waiters and waiter.polled_at < began:
                waiter.on_error(error)
            await time_slice.yield_if_used_up()

    async def _until_next_cycle(self) -> None:
        """Wait for the next poll cycle."""
        # Waits that have just ended get the event loop first, even when cycles follow each other without a pause.
        await asyncio.sleep(0)
        while (left := self._next_cycle - self._monotonic()) > 0:
            self._wake.clear()
            try:
                async with asyncio.timeout(left):
                    await self._wake.wait()
            except TimeoutError:
                return

    async def _poll_cycle(self, began: float) -> None:
        waiters = [waiter for waiter in self._waiters if not waiter.done.done()]
        interval = self._interval()
        due = [waiter for waiter in waiters if waiter.is_due(began + interval)]
        longest = self.limits.longest_list_query
        try:
            async with asyncio.timeout(longest):
                left = await self._list_poller.poll(waiters, due)
        except TimeoutError:
            raise no_answer_within(longest, self._name) from None
        reading_began = self._listed_at = self._monotonic()
        await self._read_pool.read(left, max_wait=began + interval - reading_began)
        # When one read hangs, the others need not be polled more often.
        self._reading_time = 0.0 if self._read_pool else self._monotonic() - reading_began

    def _interval(self) -> float:
        return min((waiter.poll_interval for waiter in self._waiters), default=0.0)

    def _first_due(self) -> float:
        """Return when the next waiter must be polled; the one with the shortest interval may have been removed."""
        return min(
            (
                waiter.polled_at + waiter.poll_interval
                for waiter in self._waiters
                if not waiter.done.done() and waiter not in self._read_pool
            ),
            default=math.inf,
        )

    def _expected_end(self) -> float | None:
        # Each waiter costs a request at least; with many of them the sum need not be computed.
        if len(self._waiters) > CHEAP_CYCLE or self._list_poller.cost(self._waiters) > CHEAP_CYCLE:
            return None
        now, typical = self._cloud_clock.now(), self._durations.typical
        return _soonest(
            expected_end_in(waiter.creation_time(self._cloud_clock), waiter.progress, typical, now)
            for waiter in self._waiters
        )


def _soonest(moments: Iterable[float | None]) -> float | None:
    return min((moment for moment in moments if moment is not None), default=None)
