"""Work on the event loop that others must not wait for."""

from __future__ import annotations

import asyncio
import time

LONGEST_TURN = 0.01
"""Seconds of work after which others get their turn."""


class TimeSlice:
    """A long piece of work that begins now."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    async def let_others_run(self) -> None:
        """Pause, if the work has gone on for long."""
        if time.monotonic() - self._began > LONGEST_TURN:
            await asyncio.sleep(0)
            self._began = time.monotonic()
