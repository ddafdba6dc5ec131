"""Waiting as triggers and tasks do: one deadline, one final read, no result before its time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from airflow_provider_backup.cloud.client_cache import shared_cloud
from airflow_provider_backup.cloud.errors import NotFoundError
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.polling import wait as waiting
from airflow_provider_backup.cloud.polling.wait import wait_until_terminal
from airflow_provider_backup.cloud.polling.wait_errors import WaitTimeoutError, WaitTroubleError
from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.cloud.polling.populated_cloud import Place, open_client

SLACK = 0.3
"""Seconds that a busy machine may add."""


@pytest_asyncio.fixture
async def place(backup_cloud: RunningCloud) -> AsyncIterator[Place]:
    """A local cloud with a client."""
    async with open_client(backup_cloud) as client:
        yield Place(backup_cloud, client, "rds")


async def wait(place: Place, reference: OperationReference, seconds: float = 30, **arguments: Any) -> OperationState:
    """Wait for so many seconds at most."""
    usual: dict[str, Any] = {"poll_interval": 0.05, "started_at": time.time()}
    return await wait_until_terminal(place.client, reference, deadline=time.time() + seconds, **{**usual, **arguments})


async def test_the_state_of_a_succeeded_backup_is_returned(place: Place) -> None:
    [reference] = await place.start(1)
    place.end([reference])
    assert (await wait(place, reference)).phase is Phase.SUCCEEDED


async def test_the_deadline_ends_the_wait_with_the_last_status(place: Place) -> None:
    [reference] = await place.start(1)
    began = time.monotonic()
    with pytest.raises(WaitTimeoutError, match="last status: BUILDING"):
        await wait(place, reference, 0.2)
    assert 0.2 <= time.monotonic() - began < 0.2 + SLACK


async def test_the_final_read_at_the_deadline_finds_a_success(place: Place) -> None:
    [reference] = await place.start(1)
    place.end([reference])
    assert (await wait(place, reference, 0.1, poll_interval=30)).phase is Phase.SUCCEEDED


@pytest.mark.parametrize("seconds", [0.0, -3600.0])
async def test_a_deadline_in_the_past_leaves_the_final_read(place: Place, seconds: float) -> None:
    good, running = await place.start(2)
    place.end([good])
    assert (await wait(place, good, seconds)).phase is Phase.SUCCEEDED
    with pytest.raises(WaitTimeoutError):
        await wait(place, running, seconds)


async def test_the_deadline_is_kept_while_a_request_hangs(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "LAST_LOOK", 0.2)
    [reference] = await place.start(1)
    place.running.misbehave("delay", service="rds", seconds=30)
    began = time.monotonic()
    with pytest.raises(WaitTimeoutError, match="no status was read.*rds did not answer"):
        await wait(place, reference, 0.2)
    assert time.monotonic() - began < 0.4 + SLACK


async def test_an_error_of_the_final_read_is_named(place: Place) -> None:
    [reference] = await place.start(1)
    place.running.misbehave("server_error", service="rds", status=503)
    with pytest.raises(WaitTimeoutError, match="no status was read.*503"):
        await wait(place, reference, 0.2)


async def test_one_deadline_does_not_end_the_wait_of_others(place: Place) -> None:
    references = await place.start(3)
    others = [asyncio.create_task(wait(place, reference)) for reference in references[1:]]
    with pytest.raises(WaitTimeoutError):
        await wait(place, references[0], 0.2)
    place.end(references)
    assert {each.phase for each in await asyncio.gather(*others)} == {Phase.SUCCEEDED}


async def test_a_result_is_held_back_until_its_earliest_time(place: Place) -> None:
    [reference] = await place.start(1)
    place.end([reference])
    began = time.monotonic()
    assert (await wait(place, reference, earliest_result=0.4)).phase is Phase.SUCCEEDED
    assert 0.4 <= time.monotonic() - began < 0.4 + SLACK


async def test_an_error_is_held_back_as_well(place: Place) -> None:
    began = time.monotonic()
    [reference] = await place.start(1)
    place.end([reference])
    del place.rows[reference.backup_id]
    with pytest.raises(NotFoundError):
        await wait(place, reference, started_at=None, earliest_result=0.4)
    assert time.monotonic() - began >= 0.4


async def test_a_wait_that_holds_back_its_result_can_be_cancelled_at_once(place: Place) -> None:
    [reference] = await place.start(1)
    place.end([reference])
    one = asyncio.create_task(wait(place, reference, earliest_result=30))
    await asyncio.sleep(0.3)
    one.cancel()
    async with asyncio.timeout(SLACK):
        with pytest.raises(asyncio.CancelledError):
            await one


async def test_a_wait_that_holds_back_its_result_sends_nothing_more(place: Place) -> None:
    [reference] = await place.start(1)
    place.end([reference])
    await wait(place, reference, poll_interval=0.02, earliest_result=0.3)
    assert place.requests.total() == 1


async def test_transient_errors_beyond_the_tolerance_end_the_wait(place: Place) -> None:
    [reference] = await place.start(1)
    place.running.misbehave("close_before", service="rds")
    with pytest.raises(WaitTroubleError):
        await wait(place, reference, tolerance=0.1)


async def test_the_tolerance_ends_a_wait_before_the_client_has_used_up_its_retries(backup_cloud: RunningCloud) -> None:
    async with open_client(backup_cloud, attempts=7, retry_wait=0.2) as client:
        place = Place(backup_cloud, client, "rds")
        [reference] = await place.start(1)
        backup_cloud.misbehave("server_error", service="rds", status=503)
        began = time.monotonic()
        with pytest.raises(WaitTroubleError, match="503"):
            await wait(place, reference, tolerance=0.1)
    # Seven tries take 12 seconds.
    assert time.monotonic() - began < 6


async def test_the_shared_client_closes_after_the_last_wait_and_leaves_no_task(place: Place) -> None:
    references = await place.start(3)
    before = asyncio.all_tasks()

    async def with_shared_client(reference: OperationReference) -> OperationState:
        async with shared_cloud(place.client.settings) as client:
            return await wait_until_terminal(client, reference, poll_interval=0.02, deadline=time.time() + 30)

    waits = [asyncio.create_task(with_shared_client(reference)) for reference in references]
    await asyncio.sleep(0.1)
    waits[0].cancel()
    place.end(references)
    ended = await asyncio.gather(*waits, return_exceptions=True)
    assert [each.phase for each in ended if isinstance(each, OperationState)] == [Phase.SUCCEEDED] * 2
    assert asyncio.all_tasks() - before == set()


@pytest.mark.parametrize("milliseconds", [0, 1, 3, 6, 10, 15, 21, 30])
async def test_waits_cancelled_at_any_time_leave_no_task_and_no_connection(
    place: Place, milliseconds: int, caplog: pytest.LogCaptureFixture
) -> None:
    references = await place.start(3)
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, about: complaints.append(about))
    before = asyncio.all_tasks()

    async def with_shared_client(reference: OperationReference) -> OperationState:
        async with shared_cloud(place.client.settings) as client:
            return await wait_until_terminal(client, reference, poll_interval=0.005, deadline=time.time() + 30)

    waits = [asyncio.create_task(with_shared_client(reference)) for reference in references]
    await asyncio.sleep(milliseconds / 1000)
    for each in waits:
        each.cancel()
    await asyncio.gather(*waits, return_exceptions=True)
    async with asyncio.timeout(1):
        while asyncio.all_tasks() - before:
            await asyncio.sleep(0.005)
    assert complaints == []
    assert "Unclosed" not in caplog.text
    assert "never retrieved" not in caplog.text
