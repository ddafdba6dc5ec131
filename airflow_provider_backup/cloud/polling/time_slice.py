"""Cooperative yielding: long loops give the event loop back every few milliseconds."""

from __future__ import annotations

import asyncio
import time

LONGEST_TURN = 0.01
"""Seconds of work after which other tasks get their turn."""


class TimeSlice:
    """A time slice of the event loop that begins now."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    async def yield_if_used_up(self) -> None:
        """Let other tasks run, if this one has been running for longer than its time slice."""
        if time.monotonic() - self._began > LONGEST_TURN:
            await asyncio.sleep(0)
            self._began = time.monotonic()
