"""Looking at backups one by one: a few at once, and nobody waits for a slow one."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import Protocol

from airflow_provider_backup.cloud.errors import BackupError
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.polling.pacing import readers_needed
from airflow_provider_backup.cloud.polling.waiter import Waiter

PACE_CHECK = 0.1
"""Seconds between two looks whether more have to read at once."""


class Observer(Protocol):
    """Looks at one backup."""

    async def observe(self, reference: OperationReference) -> OperationState:
        """Look once at a backup."""


class ReadPool:
    """The looks that are under way, and those that are still to come.

    Few readers share them, each of which has a connection; more join in when these would take too long.

    :param service: who is asked.
    :param stirred: set with the last answer.
    """

    def __init__(self, service: Observer, stirred: asyncio.Event) -> None:
        self._service = service
        self._stirred = stirred
        # With the reader that looks; none as long as a look is still to come.
        self._looks: dict[Waiter, asyncio.Task[None] | None] = {}
        self._to_come: deque[Waiter] = deque()
        self._readers: set[asyncio.Task[None]] = set()
        self._began = 0.0
        self._answered = 0
        self._next_check: asyncio.TimerHandle | None = None

    def __bool__(self) -> bool:
        return bool(self._looks)

    def __contains__(self, seat: Waiter) -> bool:
        return seat in self._looks

    async def look(self, seats: Iterable[Waiter], *, patience: float) -> None:
        """Look at the backups of these seats; what takes longer goes on by itself and tells its seat later.

        :param seats: whose backups; one whose last look is still under way gets no second one.
        :param patience: seconds to wait for the answers; ``stirred`` ends it sooner.
        """
        if not self._to_come:
            self._began, self._answered = time.monotonic(), 0
        for seat in seats:
            if seat not in self._looks and not seat.end.done():
                self._looks[seat] = None
                self._to_come.append(seat)
        self._check_pace()
        if self._looks:
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self._stirred.wait()

    def stop(self, seat: Waiter) -> None:
        """End the look of one who leaves."""
        if seat not in self._looks:
            return
        reader = self._looks.pop(seat)
        if reader is not None:
            reader.cancel()
        elif not self._looks:
            self._stirred.set()

    async def close(self) -> None:
        """End all looks, and wait until they have ended."""
        self._to_come.clear()
        for seat in list(self._looks):
            self.stop(seat)
        self._check_no_more()
        if self._readers:
            await asyncio.wait(self._readers)

    def _check_pace(self) -> None:
        """Let as many read as it takes, now and as long as looks are still to come."""
        self._check_no_more()
        readers = readers_needed(
            len(self._readers),
            looks_to_come=len(self._to_come),
            answered=self._answered,
            seconds=time.monotonic() - self._began,
        )
        while len(self._readers) < readers:
            self._start_reader()
        if self._to_come:
            self._next_check = asyncio.get_running_loop().call_later(PACE_CHECK, self._check_pace)

    def _check_no_more(self) -> None:
        if self._next_check is not None:
            self._next_check.cancel()
            self._next_check = None

    def _start_reader(self) -> None:
        reader = asyncio.create_task(self._read())
        self._readers.add(reader)
        reader.add_done_callback(self._readers.discard)

    async def _read(self) -> None:
        reader = asyncio.current_task()
        while self._to_come:
            seat = self._to_come.popleft()
            if seat in self._looks:
                self._looks[seat] = reader
                await self._look_at(seat)

    async def _look_at(self, seat: Waiter) -> None:
        try:
            seat.observed(await self._service.observe(seat.reference))
        except BackupError as error:
            seat.met(error)
        except Exception as error:
            seat.give_up(error)
        finally:
            self._answered += 1
            self._looks.pop(seat, None)
            if not self._looks:
                self._stirred.set()
