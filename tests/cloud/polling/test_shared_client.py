"""Waiting with a shared client on a real server: what waits leave behind in the event loop, in real time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from airflow_provider_backup.cloud.client_cache import shared_cloud
from airflow_provider_backup.cloud.limits import override_limits
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.polling.wait import wait_until_terminal
from airflow_provider_backup.cloud.polling.wait_errors import WaitTroubleError
from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.cloud.polling.populated_cloud import Place, open_client


@pytest_asyncio.fixture
async def place(backup_cloud: RunningCloud) -> AsyncIterator[Place]:
    """A local cloud with a client."""
    async with open_client(backup_cloud) as client:
        yield Place(backup_cloud, client, "rds")


async def test_the_tolerance_ends_a_wait_before_the_client_has_used_up_its_retries(backup_cloud: RunningCloud) -> None:
    # The first retry would come after an hour; a query in flight has a tenth of a second more than the tolerance.
    with override_limits(silence_grace=0.1):
        async with open_client(backup_cloud, attempts=7, retry_wait=3600) as client:
            place = Place(backup_cloud, client, "rds")
            [reference] = await place.start(1)
            backup_cloud.misbehave("server_error", service="rds", status=503)
            deadline = time.time() + 30
            with pytest.raises(WaitTroubleError, match="503|did not answer"):
                await wait_until_terminal(client, reference, poll_interval=0.05, deadline=deadline, tolerance=0.1)


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
