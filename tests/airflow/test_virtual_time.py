"""Triggers in virtual time, on the event loop of the test: hours of waiting pass at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from airflow_provider_backup.cloud.clock import override_clock
from airflow_provider_backup.limits import TaskLimits
from airflow_provider_backup.triggers.backup import BackupTrigger
from airflow_provider_backup.triggers.conflict import ConflictTrigger
from tests.airflow.conftest import CONNECTION, ChangeLimits
from tests.cloud.polling.populated_cloud import Place, VirtualCloud, open_client
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.virtual_clock


@pytest.fixture(autouse=True)
def _virtual_time(change_limits: ChangeLimits) -> Iterator[None]:
    change_limits(earliest_event=TaskLimits().earliest_event)
    with override_clock(VIRTUAL_CLOCK):
        yield


@pytest_asyncio.fixture
async def place(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    """A local cloud with a client and an Airflow connection."""
    async with VirtualCloud() as running, open_client(running) as client:
        monkeypatch.setenv(CONNECTION, running.connection_json())
        yield Place(running, client, "rds")


async def event_of(trigger: BackupTrigger | ConflictTrigger) -> dict[str, object]:
    """Return the payload of the only event of a trigger."""
    [event] = [event async for event in trigger.run()]
    payload: dict[str, object] = event.payload
    return payload


@pytest.mark.parametrize(("seconds", "elapsed"), [(3600, 3600), (1, 5), (-60, 5)])
async def test_the_trigger_of_a_busy_resource_fires_at_its_time_and_not_at_once(seconds: float, elapsed: float) -> None:
    began = VIRTUAL_CLOCK.monotonic()
    assert await event_of(ConflictTrigger(VIRTUAL_CLOCK.time() + seconds)) == {"outcome": "over"}
    assert VIRTUAL_CLOCK.monotonic() - began == pytest.approx(elapsed)


async def test_a_trigger_fires_within_its_interval_after_the_end_of_a_backup_of_hours(place: Place) -> None:
    [reference] = await place.start(1)
    place.running.set_backup_seconds(36_000)
    [row] = place.parts_of(reference)
    row["ready_at"] = place.at(3 * 3600)
    began = VIRTUAL_CLOCK.monotonic()
    trigger = BackupTrigger(
        reference.to_dict(), "huaweicloud_backup_default", poll_interval=60, deadline=VIRTUAL_CLOCK.time() + 36_000
    )
    assert (await event_of(trigger))["phase"] == "good"
    assert 3 * 3600 <= VIRTUAL_CLOCK.monotonic() - began <= 3 * 3600 + 61


@pytest.mark.parametrize(("poll_interval", "elapsed"), [(1, 5), (5, 5), (30, 30)])
async def test_the_first_event_leaves_airflow_the_time_to_defer_the_task(
    place: Place, poll_interval: float, elapsed: float
) -> None:
    [reference] = await place.start(1)
    place.end([reference])
    began = VIRTUAL_CLOCK.monotonic()
    deadline = VIRTUAL_CLOCK.time() + 3600
    trigger = BackupTrigger(
        reference.to_dict(), "huaweicloud_backup_default", poll_interval=poll_interval, deadline=deadline
    )
    assert (await event_of(trigger))["phase"] == "good"
    assert VIRTUAL_CLOCK.monotonic() - began == pytest.approx(elapsed, abs=0.1)


async def test_a_trigger_fires_at_its_deadline(place: Place) -> None:
    [reference] = await place.start(1)
    began = VIRTUAL_CLOCK.monotonic()
    trigger = BackupTrigger(
        reference.to_dict(), "huaweicloud_backup_default", poll_interval=60, deadline=VIRTUAL_CLOCK.time() + 3600
    )
    assert (await event_of(trigger))["outcome"] == "timeout"
    assert VIRTUAL_CLOCK.monotonic() - began == pytest.approx(3600, abs=0.1)
