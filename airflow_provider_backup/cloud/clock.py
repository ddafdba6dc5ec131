"""The clock that everything here asks: the system's, or one that a test controls.

Whatever is constructed by hand takes a clock as an argument. Airflow constructs operators, sensors and triggers itself
and passes only their arguments, so they, and the clients that are opened for them, ask for the clock that applies:
:func:`current_clock`, which tests change with :func:`override_clock`.

Timers and timeouts are those of the event loop (``asyncio.timeout``, ``loop.call_later``). A clock that is not the
system's therefore comes with an event loop that runs on it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from contextlib import AbstractContextManager
from typing import Protocol

from airflow_provider_backup.cloud.override import Overridable


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

_current = Overridable(SYSTEM_CLOCK)


def current_clock() -> Clock:
    """Return the clock for whatever is constructed now without a clock of its own."""
    return _current.value


def override_clock(clock: Clock) -> AbstractContextManager[Clock]:
    """Change the clock of everything that is constructed inside, in all threads; for tests.

    :param clock: the clock to use.
    """
    return _current.override(clock)
