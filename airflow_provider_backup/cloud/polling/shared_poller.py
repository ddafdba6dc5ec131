"""The poll hub: one loop of questions for everybody who waits for backups of one service."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import math
import time
from collections.abc import Iterable
from typing import Protocol

from airflow_provider_backup.cloud.errors import BackupError
from airflow_provider_backup.cloud.http.clock_skew import CloudClock
from airflow_provider_backup.cloud.http.transient_error_log import TroubleLog
from airflow_provider_backup.cloud.operations.backup import OperationState
from airflow_provider_backup.cloud.operations.listing import BackupLists
from airflow_provider_backup.cloud.polling.deadlines import Deadlines
from airflow_provider_backup.cloud.polling.list_poller import ListPoller
from airflow_provider_backup.cloud.polling.pacing import (
    SHORTEST_SHARE,
    Durations,
    expected_end_in,
    pause_until_next_round,
)
from airflow_provider_backup.cloud.polling.read_pool import Observer, ReadPool
from airflow_provider_backup.cloud.polling.time_slice import TimeSlice
from airflow_provider_backup.cloud.polling.wait_errors import no_answer_within
from airflow_provider_backup.cloud.polling.waiter import Waiter

log = logging.getLogger(__name__)

LONGEST_QUESTION = 60.0
"""Seconds for the lists of one round, tries and pauses included: then everybody hears of the trouble."""

CHEAP_ROUND = 2
"""Requests: a round that takes no more may come early, when a backup is about to end."""


class SharedService(Observer, Protocol):
    """A service that can be asked for many."""

    name: str
    lists: BackupLists


class SharedPoller:
    """Waits for everybody in one event loop; it asks only while somebody waits.

    :param service: who is asked.
    :param clock: the cloud's clock; none takes it for the same as this machine's.
    """

    def __init__(self, service: SharedService, clock: CloudClock | None = None) -> None:
        self._name = service.name
        self._clock = clock or CloudClock()
        self._asking = ListPoller(service.lists, self._clock)
        self._durations = Durations()
        # In the order of arrival; the values mean nothing.
        self._seats: dict[Waiter, None] = {}
        self._deadlines = Deadlines(self._seats)
        self._rounds: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._next_round = 0.0
        self._reading_time = 0.0
        self._stirred = asyncio.Event()
        self._single_reads = ReadPool(service, self._stirred)
        self._listed_at = 0.0
        self._trouble = TroubleLog(log, f"{service.name} can be asked for all backups again")

    async def close(self) -> None:
        """End the rounds, if they are not over; whoever still waits is told so."""
        for seat in self._seats:
            seat.give_up(BackupError("The client was closed while somebody waited for a backup."))
        self._end_rounds()
        await self._single_reads.close()
        if self._ending:
            await asyncio.wait(self._ending)

    def enter(self, seat: Waiter) -> None:
        """Begin to ask for one who waits; ``seat.end`` tells when it is over.

        No coroutine: it would live as long as the wait, and thousands wait.

        :param seat: made in this event loop, for this wait; it has to leave, whatever happens.
        """
        first_look = time.monotonic() + seat.poll_interval
        self._seats[seat] = None
        self._deadlines.watch(seat)
        if self._rounds is None:
            self._next_round = first_look
            # An empty context: the rounds belong to nobody who waits, neither do their logs.
            self._rounds = asyncio.create_task(self._ask_in_rounds(), context=contextvars.Context())
        elif first_look < self._next_round:
            self._next_round = first_look
            self._stirred.set()

    def leave(self, seat: Waiter) -> None:
        """Ask no more for one who waited; who is the last one ends the rounds.

        :param seat: the one that entered.
        """
        del self._seats[seat]
        self._single_reads.stop(seat)
        finished_at = seat.outcome.finished_at if isinstance(seat.outcome, OperationState) else None
        begun_at = seat.begun(self._clock)
        if begun_at is not None and finished_at is not None:
            self._durations.add((finished_at - begun_at).total_seconds())
        if not self._seats:
            self._end_rounds()

    def _end_rounds(self) -> None:
        self._deadlines.close()
        if self._rounds is not None:
            self._rounds.cancel()
            self._ending.add(self._rounds)
            self._rounds.add_done_callback(self._ending.discard)
            self._rounds = None

    async def _ask_in_rounds(self) -> None:
        failures = 0
        while True:
            await self._until_next_round()
            began = time.monotonic()
            # Whoever comes during the round and cannot wait so long ends its waiting for slow answers.
            self._next_round = began + self._interval()
            self._stirred.clear()
            try:
                await self._round(began)
                failures = 0
                self._trouble.over()
            except BackupError as error:
                failures += 1
                self._trouble.met("A look at all %s backups failed: %s", self._name, error)
                await self._tell_of_trouble(error, began)
            except Exception as error:
                log.exception("A look at all %s backups failed", self._name)
                for seat in list(self._seats):
                    seat.give_up(error)
            interval = self._interval()
            pause = pause_until_next_round(
                interval,
                failures=failures,
                expected_end=self._expected_end(),
                reading_time=self._reading_time,
            )
            if failures:
                self._next_round = time.monotonic() + pause
            else:
                # Whoever is due sooner was looked at in this round; without the limit a mistake in that would never
                # pause. It counts from the end of the question: a slow one is followed by a pause, too.
                soonest = self._listed_at + interval * SHORTEST_SHARE
                self._next_round = max(min(began + pause, self._first_due()), soonest)

    async def _tell_of_trouble(self, error: BackupError, began: float) -> None:
        turn = TimeSlice()
        for seat in list(self._seats):
            if seat in self._seats and seat.looked_at < began:
                seat.met(error)
            await turn.let_others_run()

    async def _until_next_round(self) -> None:
        """Wait for the next round."""
        # Whoever was told gets the turn first, even when rounds follow each other without a pause.
        await asyncio.sleep(0)
        while (left := self._next_round - time.monotonic()) > 0:
            self._stirred.clear()
            try:
                async with asyncio.timeout(left):
                    await self._stirred.wait()
            except TimeoutError:
                return

    async def _round(self, began: float) -> None:
        seats = [seat for seat in self._seats if not seat.end.done()]
        interval = self._interval()
        due = [seat for seat in seats if seat.is_due(began + interval)]
        try:
            async with asyncio.timeout(LONGEST_QUESTION):
                left = await self._asking.ask(seats, due)
        except TimeoutError:
            raise no_answer_within(LONGEST_QUESTION, self._name) from None
        reading_began = self._listed_at = time.monotonic()
        await self._single_reads.look(left, patience=began + interval - reading_began)
        # When one hangs, the others need not be asked more often.
        self._reading_time = 0.0 if self._single_reads else time.monotonic() - reading_began

    def _interval(self) -> float:
        return min((seat.poll_interval for seat in self._seats), default=0.0)

    def _first_due(self) -> float:
        """Return when the first one must be looked at again: who had others wait for the next round may have left."""
        return min(
            (
                seat.looked_at + seat.poll_interval
                for seat in self._seats
                if not seat.end.done() and seat not in self._single_reads
            ),
            default=math.inf,
        )

    def _expected_end(self) -> float | None:
        # Each costs a request at least; thousands need not be asked what they cost.
        if len(self._seats) > CHEAP_ROUND or self._asking.cost(self._seats) > CHEAP_ROUND:
            return None
        now, typical = self._clock.now(), self._durations.typical
        return _soonest(expected_end_in(seat.begun(self._clock), seat.progress, typical, now) for seat in self._seats)


def _soonest(moments: Iterable[float | None]) -> float | None:
    return min((moment for moment in moments if moment is not None), default=None)
