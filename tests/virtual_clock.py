"""Virtual time for tests of waiting: an event loop whose time jumps to the next timer, and the clock that shows it.

Mark a test (or a module) with ``pytest.mark.virtual_clock`` and give :data:`VIRTUAL_CLOCK` to what it tests: hours pass
at once, and to the millisecond. Servers in the same event loop work as well: time stands still while bytes are on
their way. A server in another thread or process lives in real time and needs tests without the mark.

The library ``looptime`` does the same within a test function only: what its fixtures opened before, such as a client
with deadlines, would see the clock go back.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

IN_FLIGHT = 0.005
"""Real seconds without any I/O after which nothing is on its way between two ends of a loopback connection."""


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """An event loop whose time stands still while there is work, and jumps to the next timer otherwise."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.epoch = time.time() - self.now
        self.threads = 0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self.now

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Run a function in a thread; the time stands still meanwhile."""
        future = super().run_in_executor(executor, func, *args)
        self.threads += 1
        future.add_done_callback(self._thread_ended)
        return future

    def _thread_ended(self, _: asyncio.Future[Any]) -> None:
        self.threads -= 1


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualClockLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; when nothing is, let the time jump to the next timer."""
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None:
            # No timer: only I/O or another thread can go on.
            return super().select(None)
        if self._loop.threads:
            return super().select(IN_FLIGHT)
        # The event loop itself has one entry, to be woken up from other threads.
        if len(self.get_map()) > 1 and (ready := super().select(IN_FLIGHT)):
            return ready
        self._loop.now += timeout
        return []


class VirtualClock:
    """The clock of the running :class:`VirtualClockLoop`."""

    sleep = staticmethod(asyncio.sleep)

    def monotonic(self) -> float:
        """Return the event loop's time in seconds."""
        return _running_loop().now

    def time(self) -> float:
        """Return seconds since the epoch: real ones when the event loop was made, virtual ones from then on."""
        loop = _running_loop()
        return loop.epoch + loop.now


VIRTUAL_CLOCK = VirtualClock()


class LaterClock:
    """This machine's clock, set forward: for tasks that wait on a worker, which run event loops of their own.

    :param seconds: how far.
    """

    sleep = staticmethod(asyncio.sleep)

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def monotonic(self) -> float:
        """Return the shifted monotonic time."""
        return time.monotonic() + self._seconds

    def time(self) -> float:
        """Return the shifted time in seconds since the epoch."""
        return time.time() + self._seconds


class SteppingClock:
    """A clock that shows one given moment after another, for code that does not wait.

    :param moments: what it shows; with a time zone.
    """

    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(asyncio.sleep)

    def __init__(self, *moments: datetime) -> None:
        self._moments = iter(moments)

    def time(self) -> float:
        """Return the next moment in seconds since the epoch."""
        return next(self._moments).timestamp()


def _running_loop() -> VirtualClockLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualClockLoop), "Mark the test with pytest.mark.virtual_clock."
    return loop
