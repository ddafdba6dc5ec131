"""Deadlines and tolerances of all waiters, with one timer: one each would cost as much as the wait itself."""

from __future__ import annotations

import asyncio
import contextvars
import math
from collections.abc import Iterable

from airflow_provider_backup.cloud.clock import Clock
from airflow_provider_backup.cloud.limits import Limits
from airflow_provider_backup.cloud.polling.waiter import Waiter


class Deadlines:
    """Calls :meth:`Waiter.on_deadline` for each waiter whose wait has to end.

    :param waiters: all waiters; a live view, so that additions and removals show up here.
    :param clock: the clock of the waiters' deadlines.
    :param limits: how often to check.
    """

    def __init__(self, waiters: Iterable[Waiter], clock: Clock, limits: Limits) -> None:
        self._clock = clock
        self._limits = limits
        self._waiters = waiters
        self._next_check = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, waiter: Waiter) -> None:
        """Include the deadline of a waiter that was just added."""
        end = waiter.next_end(-math.inf)
        if end < self._next_check:
            self._schedule(end)

    def close(self) -> None:
        """Stop the timer."""
        self._schedule(math.inf)

    def _schedule(self, moment: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._next_check = moment
        if not math.isinf(moment):
            pause = max(0.0, moment - self._clock.monotonic())
            # An empty context: the timer belongs to no single waiter.
            context = contextvars.Context()
            self._timer = asyncio.get_running_loop().call_later(pause, self._check, context=context)

    def _check(self) -> None:
        now = self._clock.monotonic()
        responded_at = max((waiter.responded_at for waiter in self._waiters), default=-math.inf)
        for waiter in self._waiters:
            if waiter.next_end(responded_at) <= now:
                waiter.on_deadline()
        ahead = min((end for waiter in self._waiters if (end := waiter.next_end(responded_at)) > now), default=math.inf)
        self._schedule(max(ahead, now + self._limits.deadline_check_interval))
