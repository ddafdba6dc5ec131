"""Cooperative yielding: long loops give the event loop back every few milliseconds."""

from __future__ import annotations

import asyncio
import time


class TimeSlice:
    """A time slice of the event loop that begins now.

    It measures work and not waiting, and therefore takes the real time, whatever clock the client has.

    :param seconds: of work after which other tasks get their turn.
    """

    __slots__ = ("_began", "_seconds")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._began = time.monotonic()

    async def yield_if_used_up(self) -> None:
        """Let other tasks run, if this one has been running for longer than its time slice."""
        if time.monotonic() - self._began > self._seconds:
            await asyncio.sleep(0)
            self._began = time.monotonic()
