"""Reading many backups one by one: with as few readers as needed, and none delayed by another one's errors."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.polling.pacing import FEWEST_READERS, MOST_READERS
from airflow_provider_backup.cloud.polling.read_pool import ReadPool
from airflow_provider_backup.cloud.polling.waiter import Waiter
from tests.cloud.polling.fake_service import Service, waiter_of
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.virtual_clock


@dataclass
class Watched(Service):
    """A service that counts concurrent reads."""

    at_once: int = 0
    most_at_once: int = 0

    async def observe(self, reference: OperationReference) -> OperationState:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await super().observe(reference)
        finally:
            self.at_once -= 1


def waiters_of(service: Service, count: int) -> list[Waiter]:
    """Return waiters for so many backups that are good."""
    names = [f"backup-{number}" for number in range(count)]
    service.statuses.update(dict.fromkeys(names, "available"))
    return [waiter_of(OperationReference("cbr", name), poll_interval=5.0) for name in names]


async def read_all(service: Service, waiters: list[Waiter], *, max_wait: float = 10.0) -> ReadPool:
    """Read all once."""
    reads = ReadPool(service, asyncio.Event(), clock=VIRTUAL_CLOCK)
    await reads.read(waiters, max_wait=max_wait)
    return reads


async def start_reading(service: Service, waiters: list[Waiter]) -> tuple[ReadPool, asyncio.Task[None]]:
    """Start to read all; no read has been sent yet."""
    reads = ReadPool(service, asyncio.Event(), clock=VIRTUAL_CLOCK)
    reading = asyncio.create_task(reads.read(waiters, max_wait=5))
    await asyncio.sleep(0)
    return reads, reading


async def test_a_quick_service_gets_few_concurrent_reads() -> None:
    service = Watched()
    waiters = waiters_of(service, 500)
    await read_all(service, waiters)
    assert all(waiter.is_finished for waiter in waiters)
    assert service.most_at_once == FEWEST_READERS


async def test_a_slow_service_gets_more_concurrent_reads() -> None:
    service = Watched(seconds=0.05)
    waiters = waiters_of(service, 200)
    began = VIRTUAL_CLOCK.monotonic()
    await read_all(service, waiters)
    assert VIRTUAL_CLOCK.monotonic() - began < 200 * 0.05 / FEWEST_READERS / 3
    assert FEWEST_READERS < service.most_at_once <= MOST_READERS


async def test_reads_that_hang_delay_no_other_read() -> None:
    service = Watched()
    waiters = waiters_of(service, 30)
    service.hanging = {waiter.reference.backup_id for waiter in waiters[: MOST_READERS - 1]}
    reads = await read_all(service, waiters, max_wait=1.5)
    assert [waiter.is_finished for waiter in waiters] == [False] * (MOST_READERS - 1) + [True] * (31 - MOST_READERS)
    await reads.close()


async def test_a_queued_read_that_is_stopped_costs_no_request() -> None:
    service = Watched()
    waiters = waiters_of(service, 10)
    reads, reading = await start_reading(service, waiters)
    reads.stop(waiters[-1])
    await reading
    assert len(service.reads) == 9
    assert not waiters[-1].done.done()


async def test_when_all_queued_reads_are_stopped_reading_ends_at_once() -> None:
    service = Watched()
    waiters = waiters_of(service, 5)
    reads, reading = await start_reading(service, waiters)
    for waiter in waiters:
        reads.stop(waiter)
    began = VIRTUAL_CLOCK.monotonic()
    await reading
    assert VIRTUAL_CLOCK.monotonic() - began < 1
    assert service.reads == []


async def test_stopped_reads_delay_no_other_read() -> None:
    service = Watched()
    waiters = waiters_of(service, 10)
    service.hanging = {waiter.reference.backup_id for waiter in waiters[:FEWEST_READERS]}
    reads, reading = await start_reading(service, waiters)
    await asyncio.sleep(0.02)
    for waiter in waiters[:FEWEST_READERS]:
        reads.stop(waiter)
    await reading
    assert all(waiter.is_finished for waiter in waiters[FEWEST_READERS:])
    assert not reads
