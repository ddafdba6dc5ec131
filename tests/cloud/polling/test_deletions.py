"""Waiting for deletions: all that run at the same time share the requests, and none disturbs who waits for backups."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from airflow_provider_backup.cloud.errors import ConfigurationError, NotFoundError
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.deletion import deletion_of
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.polling.wait import wait_until_terminal
from airflow_provider_backup.cloud.polling.wait_errors import WaitTimeoutError
from airflow_provider_backup.emulator.core.state import Row
from tests.cloud.polling.populated_cloud import DATABASES, KINDS, Place, VirtualCloud, open_client
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.virtual_clock

MANY = 150
PAGES = {"csbs backup": 2, "csbs checkpoint": 2} | dict.fromkeys(("gaussdb", "taurusdb"), 2)
"""Pages of one poll cycle, where it is not one: CSBS filters by one status at a time, databases list all backups."""
LISTED = [kind for kind in KINDS if kind != "rds"]


@pytest_asyncio.fixture
async def large_place(kind: str) -> AsyncIterator[Place]:
    """A local cloud with as many instances as there are backups: three have names of their own."""
    extra_resources = MANY - 3 if kind in DATABASES else 0
    async with VirtualCloud(extra_resources=extra_resources) as running, open_client(running) as client:
        yield Place(running, client, kind)


def set_deletion(rows: Iterable[Row], seconds: float, failure: str | None = None) -> None:
    """Let these backups be deleted in so many seconds from now."""
    now = datetime.fromtimestamp(VIRTUAL_CLOCK.time(), UTC)
    end = (now + timedelta(seconds=seconds)).isoformat()
    for row in rows:
        if "gone_at" in row:
            row["gone_at"] = end
        else:
            row["deletion"] = {"started_at": now.isoformat(), "ready_at": end, "failure": failure}


async def deletions(place: Place, count: int) -> list[OperationReference]:
    """Begin so many deletions of an hour."""
    backups = await place.start(count)
    place.end(backups)
    deleted = [deletion_of(await place.client.observe(backup)) for backup in backups]
    set_deletion(place.rows.values(), 3600)
    place.forget_requests()
    return deleted


def wait(place: Place, reference: OperationReference, poll_interval: float = 0.2) -> asyncio.Task[OperationState]:
    """Begin to wait."""
    return asyncio.create_task(
        wait_until_terminal(place.client, reference, poll_interval=poll_interval, deadline=VIRTUAL_CLOCK.time() + 60)
    )


@pytest.mark.parametrize("kind", LISTED)
async def test_many_deletions_cost_the_pages_of_a_list_in_each_poll_cycle(large_place: Place, kind: str) -> None:
    pages = PAGES.get(kind, 1)
    waits = [wait(large_place, reference) for reference in await deletions(large_place, MANY)]
    began = VIRTUAL_CLOCK.monotonic()

    await large_place.requests_reach(2 * pages)

    cycles = (VIRTUAL_CLOCK.monotonic() - began) / (0.9 * 0.2) + 1
    assert large_place.requests.total() <= cycles * pages
    for each in waits:
        each.cancel()
    await asyncio.gather(*waits, return_exceptions=True)


@pytest.mark.parametrize("kind", LISTED)
async def test_each_deletion_is_confirmed_by_a_single_read_before_it_counts_as_done(
    large_place: Place, kind: str
) -> None:
    waits = [wait(large_place, reference) for reference in await deletions(large_place, MANY)]
    await large_place.requests_reach(PAGES.get(kind, 1))
    large_place.forget_requests()
    set_deletion(large_place.rows.values(), 0)

    ended = await asyncio.gather(*waits)

    assert {state.phase for state in ended} == {Phase.SUCCEEDED}
    cycles = 4 * PAGES.get(kind, 1)
    assert MANY <= large_place.requests.total() <= MANY + cycles


@pytest.mark.parametrize("kind", ["rds"])
async def test_deletions_that_no_list_shows_are_read_one_by_one(place: Place) -> None:
    waits = [wait(place, reference) for reference in await deletions(place, 3)]
    await place.requests_reach(6)
    set_deletion(place.rows.values(), 0)
    assert {state.phase for state in await asyncio.gather(*waits)} == {Phase.SUCCEEDED}
    assert set(place.requests) == {"backups"}


@pytest.mark.parametrize("kind", ["cbr backup", "csbs backup", "vbs backup"])
async def test_the_one_deletion_that_fails_among_many_is_reported(large_place: Place) -> None:
    references = await deletions(large_place, 5)
    waits = [wait(large_place, reference, 0.1) for reference in references]
    await large_place.requests_reach(2)
    set_deletion([large_place.rows[references[2].backup_id]], 0, "the array is on fire")

    state = await waits.pop(2)

    assert (state.phase, state.reference) == (Phase.FAILED, references[2])
    assert not any(each.done() for each in waits)
    set_deletion(large_place.rows.values(), 0)
    assert {state.phase for state in await asyncio.gather(*waits)} == {Phase.SUCCEEDED}


@pytest.mark.parametrize("kind", ["csbs backup"])
async def test_deletions_that_wait_for_their_turn_are_listed_too(large_place: Place) -> None:
    waits = [wait(large_place, reference) for reference in await deletions(large_place, 20)]
    later = (datetime.fromtimestamp(VIRTUAL_CLOCK.time(), UTC) + timedelta(hours=1)).isoformat()
    for row in list(large_place.rows.values())[5:]:
        row["deletion"] = {"started_at": later, "ready_at": later, "failure": None}
    await large_place.requests_reach(4)
    assert set(large_place.requests) == {"checkpoint_items"}
    set_deletion(large_place.rows.values(), 0)
    assert {state.phase for state in await asyncio.gather(*waits)} == {Phase.SUCCEEDED}


@pytest.mark.parametrize("kind", ["cbr checkpoint", "csbs checkpoint"])
async def test_the_deletion_of_a_checkpoint_succeeds_when_its_last_backup_is_gone(place: Place) -> None:
    checkpoint = await place.start_checkpoint(3)
    place.end([checkpoint])
    deletion = deletion_of(await place.client.observe(checkpoint))
    assert len(deletion.parts) == 3
    set_deletion(place.rows.values(), 3600)
    waiting = wait(place, deletion, 0.05)
    for row in place.parts_of(checkpoint):
        await asyncio.sleep(0.1)
        assert not waiting.done()
        set_deletion([row], 0)
    assert (await waiting).phase is Phase.SUCCEEDED


@pytest.mark.parametrize("kind", ["cbr backup", "gaussdb"])
async def test_who_waits_for_backups_and_who_waits_for_deletions_do_not_disturb_each_other(place: Place) -> None:
    backup, deleted = await place.start(2)
    place.end([deleted])
    deletion = deletion_of(await place.client.observe(deleted))
    set_deletion([place.rows[deleted.backup_id]], 0.3)
    waits = [wait(place, deletion, 0.1), wait(place, backup, 0.1), wait(place, deletion, 0.1)]
    assert {(await waits[0]).phase, (await waits[2]).phase} == {Phase.SUCCEEDED}
    assert not waits[1].done()
    place.end([backup])
    assert (await waits[1]).reference.operation == "backup"


@pytest.mark.parametrize("kind", ["vbs backup"])
async def test_a_backup_that_is_still_there_at_the_deadline_is_a_timeout(place: Place) -> None:
    [reference] = await deletions(place, 1)
    with pytest.raises(WaitTimeoutError, match=r"deletion of vbs backup .*deleting.*the deletion continues"):
        await wait_until_terminal(place.client, reference, poll_interval=0.05, deadline=VIRTUAL_CLOCK.time() + 0.2)


@pytest.mark.parametrize("kind", ["vbs backup"])
async def test_the_last_read_at_the_deadline_reports_a_backup_that_is_gone(place: Place) -> None:
    [reference] = await deletions(place, 1)
    set_deletion(place.rows.values(), 0)
    ended = await wait_until_terminal(place.client, reference, poll_interval=30, deadline=VIRTUAL_CLOCK.time() + 0.1)
    assert ended.phase is Phase.SUCCEEDED


@pytest.mark.parametrize("kind", ["vbs backup"])
async def test_an_operation_of_a_newer_version_is_refused_in_words(place: Place) -> None:
    with pytest.raises(ConfigurationError, match=r"no operation 'mirroring'.*same version"):
        await place.client.observe(OperationReference("vbs", "b1", operation="mirroring"))


@pytest.mark.parametrize("kind", ["cbr checkpoint", "vbs job"])
async def test_no_other_id_counts_as_that_of_a_single_backup(place: Place) -> None:
    [reference] = await place.start(1)
    place.end([reference])
    with pytest.raises(NotFoundError):
        await place.client.service(place.service).observe_single(replace(reference, kind="backup"))
