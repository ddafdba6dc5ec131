"""Deletions in the poller with a service in memory: late listings, errors, and thousands in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_backup.cloud.errors import BackupError, PermissionDeniedError, ServerError
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.deletion import Deletion
from airflow_provider_backup.cloud.operations.listing import BackupLists, one_read
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.polling.shared_poller import SharedPoller
from airflow_provider_backup.cloud.polling.wait_errors import WaitTroubleError
from airflow_provider_backup.cloud.services.account_services import ObservedOperation
from tests.cloud.polling.fake_service import Service, wait_in, waiter_of
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.virtual_clock

DOWN = ServerError(service="cbr", status=503, code="503", detail="down")
REFUSED = PermissionDeniedError(service="cbr", status=403, code="403", detail="no listing for you")
LISTING = "recent"


class DeletingService(Service):
    """A service whose listing shows every backup that exists, whatever its status."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.lists = BackupLists(reads=one_read, existing=self.lists.recent)

    async def observe_single(self, reference: OperationReference) -> OperationState:
        """Read one backup."""
        return await self.observe(reference)

    async def delete_backup(self, reference: OperationReference) -> None:
        """Delete a backup; not needed here."""
        raise NotImplementedError


def poller_of(service: DeletingService) -> SharedPoller:
    deletion = Deletion(service)
    observed = ObservedOperation(service.name, deletion.lists, deletion.observe)
    return SharedPoller(observed, clock=VIRTUAL_CLOCK)


def waiting(poller: SharedPoller, name: str, **arguments: Any) -> asyncio.Task[OperationState]:
    """Begin to wait for the deletion of one backup."""
    reference = OperationReference("cbr", name, operation="deletion", parts=(name,))
    return asyncio.create_task(wait_in(poller, waiter_of(reference, **{"started_at": None, **arguments})))


def deleting(number: int, **arguments: Any) -> DeletingService:
    """Return a service that deletes so many backups."""
    return DeletingService({str(each): "deleting" for each in range(number)}, **arguments)


async def given_up(*waits: asyncio.Task[OperationState]) -> None:
    for each in waits:
        each.cancel()
    await asyncio.gather(*waits, return_exceptions=True)


async def test_two_thousand_deletions_of_an_hour_cost_the_pages_of_each_poll_cycle() -> None:
    service = deleting(2000)
    poller = poller_of(service)
    waits = [waiting(poller, name, poll_interval=60) for name in service.statuses]
    await asyncio.sleep(3600)
    cycles = 3600 / (60 * 0.9) + 1
    assert service.requests[LISTING] <= 2 * cycles
    assert service.reads == []
    service.statuses.clear()
    assert {state.phase for state in await asyncio.gather(*waits)} == {Phase.SUCCEEDED}
    assert len(service.reads) == 2000


async def test_the_outcome_comes_within_the_poll_interval() -> None:
    service = deleting(10)
    poller = poller_of(service)
    waits = [waiting(poller, name, poll_interval=10) for name in service.statuses]
    await asyncio.sleep(123)
    del service.statuses["3"]
    ended_at = VIRTUAL_CLOCK.monotonic()
    assert (await waits[3]).phase is Phase.SUCCEEDED
    assert VIRTUAL_CLOCK.monotonic() - ended_at <= 10.1
    await given_up(*waits)


async def test_backups_that_no_listing_shows_any_more_are_read_until_they_are_gone() -> None:
    service = deleting(3, rows={LISTING: []})
    poller = poller_of(service)
    waits = [waiting(poller, name) for name in service.statuses]
    await asyncio.sleep(10)
    assert not any(each.done() for each in waits)
    service.statuses.clear()
    assert {state.phase for state in await asyncio.gather(*waits)} == {Phase.SUCCEEDED}


async def test_single_reads_replace_a_listing_that_is_refused() -> None:
    service = deleting(5, troubles={LISTING: REFUSED})
    poller = poller_of(service)
    waits = [waiting(poller, name) for name in service.statuses]
    await asyncio.sleep(10)
    assert service.requests[LISTING] == 1
    service.statuses.clear()
    assert {state.phase for state in await asyncio.gather(*waits)} == {Phase.SUCCEEDED}


async def test_transient_errors_of_the_listing_are_retried() -> None:
    service = deleting(5, troubles={LISTING: DOWN})
    poller = poller_of(service)
    waits = [waiting(poller, name) for name in service.statuses]
    await asyncio.sleep(300)
    assert not any(each.done() for each in waits)
    service.troubles.clear()
    service.statuses.clear()
    assert {state.phase for state in await asyncio.gather(*waits)} == {Phase.SUCCEEDED}


async def test_a_wait_ends_when_transient_errors_last_longer_than_it_tolerates() -> None:
    service = deleting(5, troubles={LISTING: DOWN})
    poller = poller_of(service)
    impatient, *others = [waiting(poller, name, tolerance=30 if name == "0" else None) for name in service.statuses]
    with pytest.raises(WaitTroubleError, match="the deletion continues in the cloud, and a retry adopts it"):
        await impatient
    assert not any(each.done() for each in others)
    await given_up(*others)


async def test_an_error_of_one_deletion_ends_its_wait_alone() -> None:
    service = deleting(3, rows={LISTING: []}, refusals={"1": REFUSED})
    poller = poller_of(service)
    waits = [waiting(poller, name) for name in service.statuses]
    with pytest.raises(BackupError, match="no listing for you"):
        await waits[1]
    await asyncio.sleep(10)
    assert [each.done() for each in waits] == [False, True, False]
    await given_up(*waits)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.floats(0, 60), st.booleans()), min_size=1, max_size=8),
    st.floats(0, 20),
    st.floats(0.5, 10),
    st.integers(1, 3),
)
async def test_no_deletion_is_done_before_its_backup_is_gone_and_none_is_missed(
    ends: list[tuple[float, bool]], lag: float, poll_interval: float, page_size: int
) -> None:
    service = deleting(len(ends), page_size=page_size)
    poller = poller_of(service)
    reported: dict[str, tuple[float, Phase]] = {}

    async def delete(name: str, after: float, *, fails: bool) -> None:
        await asyncio.sleep(after)
        if fails:
            service.statuses[name] = "error"
        else:
            del service.statuses[name]

    async def show(rows: list[dict[str, str]]) -> None:
        await asyncio.sleep(lag)
        service.rows[LISTING] = rows

    async def list_late() -> None:
        while True:
            rows = [{"id": name, "status": status} for name, status in service.statuses.items()]
            late.append(asyncio.create_task(show(rows)))
            await asyncio.sleep(0.5)

    async def wait(name: str) -> None:
        state = await waiting(poller, name, poll_interval=poll_interval)
        reported[name] = (VIRTUAL_CLOCK.monotonic() - began, state.phase)

    late: list[asyncio.Task[None]] = []
    service.rows[LISTING] = [{"id": name, "status": "deleting"} for name in service.statuses]
    began = VIRTUAL_CLOCK.monotonic()
    listing = asyncio.create_task(list_late())
    waits = [asyncio.create_task(wait(name)) for name in service.statuses]
    for number, (after, fails) in enumerate(ends):
        late.append(asyncio.create_task(delete(str(number), after, fails=fails)))
    async with asyncio.timeout(600):
        await asyncio.gather(*waits)
    for each in (listing, *late):
        each.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await each
    for number, (after, fails) in enumerate(ends):
        moment, phase = reported[str(number)]
        assert phase is (Phase.FAILED if fails else Phase.SUCCEEDED)
        assert after - 0.001 <= moment <= after + lag + 0.5 + 2 * poll_interval + 0.1
