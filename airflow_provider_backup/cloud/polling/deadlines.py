"""The ends of all waits, by deadline or tolerance: one timer for everybody, as each would weigh as much as waiting."""

from __future__ import annotations

import asyncio
import contextvars
import math
import time
from collections.abc import Iterable

from airflow_provider_backup.cloud.polling.waiter import Waiter

SHORTEST_PAUSE = 0.01
"""Seconds between two looks at the deadlines, so that thousands that end one after the other are told in groups."""


class Deadlines:
    """Tells seats that their deadline is there.

    :param seats: everybody who waits; who comes and goes is seen in it.
    """

    def __init__(self, seats: Iterable[Waiter]) -> None:
        self._seats = seats
        self._next_look = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, seat: Waiter) -> None:
        """Watch the deadline of one who came."""
        end = seat.next_end(-math.inf)
        if end < self._next_look:
            self._look_at(end)

    def close(self) -> None:
        """Watch nobody any more."""
        self._look_at(math.inf)

    def _look_at(self, moment: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._next_look = moment
        if not math.isinf(moment):
            pause = max(0.0, moment - time.monotonic())
            # An empty context: the timer belongs to nobody who waits.
            context = contextvars.Context()
            self._timer = asyncio.get_running_loop().call_later(pause, self._tell, context=context)

    def _tell(self) -> None:
        now = time.monotonic()
        heard_at = max((seat.heard_at for seat in self._seats), default=-math.inf)
        for seat in self._seats:
            if seat.next_end(heard_at) <= now:
                seat.time_is_over()
        ahead = min((end for seat in self._seats if (end := seat.next_end(heard_at)) > now), default=math.inf)
        self._look_at(max(ahead, now + SHORTEST_PAUSE))
