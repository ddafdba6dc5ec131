"""Looking at backups one by one: a few at once, and nobody waits for a slow one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Protocol

from airflow_provider_backup.cloud.backup import BackupObservation, BackupReference
from airflow_provider_backup.cloud.errors import BackupError
from airflow_provider_backup.cloud.hub.seat import Seat
from airflow_provider_backup.cloud.hub.turn import Turn

MOST_AT_ONCE = 20
"""Requests that may be under way at the same time."""


class Observer(Protocol):
    """Looks at one backup."""

    async def observe(self, reference: BackupReference) -> BackupObservation:
        """Look once at a backup."""


class SingleReads:
    """The looks that are under way.

    :param service: who is asked.
    :param stirred: set with the last answer.
    """

    def __init__(self, service: Observer, stirred: asyncio.Event) -> None:
        self._service = service
        self._stirred = stirred
        self._slots = asyncio.Semaphore(MOST_AT_ONCE)
        self._under_way: dict[Seat, asyncio.Task[None]] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def __contains__(self, seat: Seat) -> bool:
        return seat in self._under_way

    async def look(self, seats: Iterable[Seat], *, patience: float) -> None:
        """Look at the backups of these seats; what takes longer goes on by itself and tells its seat later.

        :param seats: whose backups; one whose last look is still under way gets no second one.
        :param patience: seconds to wait for the answers; ``stirred`` ends it sooner.
        """
        turn = Turn()
        for seat in seats:
            if seat not in self._under_way and not seat.end.done():
                self._under_way[seat] = asyncio.create_task(self._look_at(seat))
            await turn.let_others_run()
        if self._under_way:
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self._stirred.wait()

    def stop(self, seat: Seat) -> None:
        """End the look of one who leaves."""
        task = self._under_way.pop(seat, None)
        if task is not None:
            task.cancel()
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        """End all looks, and wait until they have ended."""
        for seat in list(self._under_way):
            self.stop(seat)
        if self._ending:
            await asyncio.wait(self._ending)

    async def _look_at(self, seat: Seat) -> None:
        try:
            async with self._slots:
                seat.observed(await self._service.observe(seat.reference))
        except BackupError as error:
            seat.met(error)
        except Exception as error:
            seat.give_up(error)
        finally:
            self._under_way.pop(seat, None)
            if not self._under_way:
                self._stirred.set()
