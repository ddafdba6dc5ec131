"""Looking at many backups one by one: as few at once as are quick enough, and never one behind another's trouble."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.polling.pacing import FEWEST_READERS, MOST_READERS
from airflow_provider_backup.cloud.polling.read_pool import ReadPool
from airflow_provider_backup.cloud.polling.waiter import Waiter
from tests.cloud.polling.fake_service import Service


@dataclass
class Watched(Service):
    """A service that counts how many look at the same time."""

    at_once: int = 0
    most_at_once: int = 0

    async def observe(self, reference: OperationReference) -> OperationState:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await super().observe(reference)
        finally:
            self.at_once -= 1


def seats_of(service: Service, count: int) -> list[Waiter]:
    """Return seats for so many backups that are good."""
    names = [f"backup-{number}" for number in range(count)]
    service.statuses.update(dict.fromkeys(names, "available"))
    return [Waiter(OperationReference("cbr", name), poll_interval=5.0) for name in names]


async def looked_at(service: Service, seats: list[Waiter], *, patience: float = 10.0) -> ReadPool:
    """Look at all once."""
    reads = ReadPool(service, asyncio.Event())
    await reads.look(seats, patience=patience)
    return reads


async def looking_at(service: Service, seats: list[Waiter]) -> tuple[ReadPool, asyncio.Task[None]]:
    """Begin to look at all; nobody was looked at yet."""
    reads = ReadPool(service, asyncio.Event())
    looking = asyncio.create_task(reads.look(seats, patience=5))
    await asyncio.sleep(0)
    return reads, looking


async def test_a_service_that_answers_quickly_gets_few_questions_at_once() -> None:
    service = Watched()
    seats = seats_of(service, 500)
    await looked_at(service, seats)
    assert all(seat.is_over for seat in seats)
    assert service.most_at_once == FEWEST_READERS


async def test_a_service_that_answers_slowly_gets_more_questions_at_once() -> None:
    service = Watched(seconds=0.05)
    seats = seats_of(service, 200)
    began = time.monotonic()
    await looked_at(service, seats)
    assert time.monotonic() - began < 200 * 0.05 / FEWEST_READERS / 3
    assert FEWEST_READERS < service.most_at_once <= MOST_READERS


async def test_looks_that_hang_keep_nobody_else_from_being_looked_at() -> None:
    service = Watched()
    seats = seats_of(service, 30)
    service.hanging = {seat.reference.backup_id for seat in seats[: MOST_READERS - 1]}
    reads = await looked_at(service, seats, patience=1.5)
    assert [seat.is_over for seat in seats] == [False] * (MOST_READERS - 1) + [True] * (31 - MOST_READERS)
    await reads.close()


async def test_one_whose_look_is_still_to_come_and_who_leaves_costs_no_request() -> None:
    service = Watched()
    seats = seats_of(service, 10)
    reads, looking = await looking_at(service, seats)
    reads.stop(seats[-1])
    await looking
    assert len(service.looks) == 9
    assert not seats[-1].end.done()


async def test_when_all_whose_looks_are_still_to_come_leave_nobody_waits_for_them() -> None:
    service = Watched()
    seats = seats_of(service, 5)
    reads, looking = await looking_at(service, seats)
    for seat in seats:
        reads.stop(seat)
    began = time.monotonic()
    await looking
    assert time.monotonic() - began < 1
    assert service.looks == []


async def test_those_who_leave_while_they_are_looked_at_hold_up_nobody() -> None:
    service = Watched()
    seats = seats_of(service, 10)
    service.hanging = {seat.reference.backup_id for seat in seats[:FEWEST_READERS]}
    reads, looking = await looking_at(service, seats)
    await asyncio.sleep(0.02)
    for seat in seats[:FEWEST_READERS]:
        reads.stop(seat)
    await looking
    assert all(seat.is_over for seat in seats[FEWEST_READERS:])
    assert not reads
