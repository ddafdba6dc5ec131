"""The clock that everything in the client asks: the system's, or one that a test controls.

Timers and timeouts are those of the event loop (``asyncio.timeout``, ``loop.call_later``). A clock that is not the
system's therefore comes with an event loop that runs on it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import Protocol


class Clock(Protocol):
    """What the client asks of a clock."""

    def monotonic(self) -> float:
        """Return seconds since an arbitrary moment; never goes back. For durations and deadlines in this process."""

    def time(self) -> float:
        """Return seconds since the epoch. For moments that other processes or the cloud know."""

    def sleep(self, seconds: float, /) -> Awaitable[None]:
        """Wait.

        :param seconds: how long; 0 lets other tasks run.
        """


class SystemClock:
    """This machine's clock. Its methods are those of the standard library, so asking it costs no extra call."""

    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)
    sleep = staticmethod(asyncio.sleep)


SYSTEM_CLOCK: Clock = SystemClock()
