"""Read backups one by one with bounded concurrency; a slow read delays no other waiter."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import Protocol

from airflow_provider_backup.cloud.clock import SYSTEM_CLOCK, Clock
from airflow_provider_backup.cloud.errors import BackupError
from airflow_provider_backup.cloud.limits import Limits, current_limits
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.polling.pacing import readers_needed
from airflow_provider_backup.cloud.polling.waiter import Waiter


class Observer(Protocol):
    """Reads the state of one backup."""

    async def observe(self, reference: OperationReference) -> OperationState:
        """Read the state of a backup once."""


class ReadPool:
    """Reads in flight and reads in the queue.

    A few readers, each with a connection of its own, work the queue off; more are started when these would take too
    long.

    :param service: the service to read from.
    :param wake: set when the last read is done.
    :param clock: where the time comes from.
    :param limits: how often to check for more readers; ``None`` uses :func:`current_limits`.
    """

    def __init__(
        self, service: Observer, wake: asyncio.Event, *, clock: Clock = SYSTEM_CLOCK, limits: Limits | None = None
    ) -> None:
        self._clock = clock
        self._limits = limits or current_limits()
        self._service = service
        self._wake = wake
        # The value is the reader; ``None`` while the read is queued.
        self._reads: dict[Waiter, asyncio.Task[None] | None] = {}
        self._queue: deque[Waiter] = deque()
        self._readers: set[asyncio.Task[None]] = set()
        self._began = 0.0
        self._answered = 0
        self._next_check: asyncio.TimerHandle | None = None

    def __bool__(self) -> bool:
        return bool(self._reads)

    def __contains__(self, waiter: Waiter) -> bool:
        return waiter in self._reads

    async def read(self, waiters: Iterable[Waiter], *, max_wait: float) -> None:
        """Read the backups of these waiters; a read that takes longer than ``max_wait`` continues in the background.

        :param waiters: whose backups to read; a waiter with a read in flight gets no second one.
        :param max_wait: seconds to wait for the answers; ``wake`` ends it sooner.
        """
        if not self._queue:
            self._began, self._answered = self._clock.monotonic(), 0
        for waiter in waiters:
            if waiter not in self._reads and not waiter.done.done():
                self._reads[waiter] = None
                self._queue.append(waiter)
        self._adjust_readers()
        if self._reads:
            with suppress(TimeoutError):
                async with asyncio.timeout(max_wait):
                    await self._wake.wait()

    def stop(self, waiter: Waiter) -> None:
        """Cancel the read of a waiter that is removed."""
        if waiter not in self._reads:
            return
        reader = self._reads.pop(waiter)
        if reader is not None:
            reader.cancel()
        elif not self._reads:
            self._wake.set()

    async def close(self) -> None:
        """Cancel all reads, and wait until they have ended."""
        self._queue.clear()
        for waiter in list(self._reads):
            self.stop(waiter)
        self._cancel_check()
        if self._readers:
            await asyncio.wait(self._readers)

    def _adjust_readers(self) -> None:
        """Start as many readers as needed, now and as long as reads are queued."""
        self._cancel_check()
        readers = readers_needed(
            len(self._readers),
            queued=len(self._queue),
            answered=self._answered,
            seconds=self._clock.monotonic() - self._began,
        )
        while len(self._readers) < readers:
            self._start_reader()
        if self._queue:
            self._next_check = asyncio.get_running_loop().call_later(
                self._limits.reader_check_interval, self._adjust_readers
            )

    def _cancel_check(self) -> None:
        if self._next_check is not None:
            self._next_check.cancel()
            self._next_check = None

    def _start_reader(self) -> None:
        reader = asyncio.create_task(self._work_off_queue())
        self._readers.add(reader)
        reader.add_done_callback(self._readers.discard)

    async def _work_off_queue(self) -> None:
        reader = asyncio.current_task()
        while self._queue:
            waiter = self._queue.popleft()
            if waiter in self._reads:
                self._reads[waiter] = reader
                await self._read_one(waiter)

    async def _read_one(self, waiter: Waiter) -> None:
        try:
            waiter.on_observed(await self._service.observe(waiter.reference))
        except BackupError as error:
            waiter.on_error(error)
        except Exception as error:
            waiter.fail(error)
        finally:
            self._answered += 1
            self._reads.pop(waiter, None)
            if not self._reads:
                self._wake.set()
