"""Triggers in virtual time, on the event loop of the test: hours of waiting pass at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from airflow_provider_backup.cloud.clock import override_clock
from airflow_provider_backup.cloud.operations.freshness import FreshnessRule
from airflow_provider_backup.cloud.operations.freshness_question import FreshnessQuestion
from airflow_provider_backup.limits import TaskLimits
from airflow_provider_backup.triggers.backup import BackupTrigger
from airflow_provider_backup.triggers.conflict import ConflictTrigger
from airflow_provider_backup.triggers.fresh_backup import FreshBackupTrigger
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


async def event_of(trigger: BackupTrigger | ConflictTrigger | FreshBackupTrigger) -> dict[str, object]:
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


def fresh_trigger(place: Place, **arguments: Any) -> FreshBackupTrigger:
    """Return a trigger that waits for a manual backup of an instance that began in the last hour."""
    instance_id = place.running.describe()["resources"]["rds_instances"][0]
    rule = FreshnessRule(max_age=timedelta(hours=1), backup_type="manual")
    question = FreshnessQuestion("rds", rule, {"resource_ids": [instance_id]}, is_single=True)
    usual = {"poll_interval": 60.0, "deadline": VIRTUAL_CLOCK.time() + 3600}
    return FreshBackupTrigger(question.to_dict(), "huaweicloud_backup_default", **{**usual, **arguments})


async def test_a_trigger_of_fresh_backups_fires_within_its_interval_after_the_backup(place: Place) -> None:
    [reference] = await place.start(1)
    [row] = place.parts_of(reference)
    row["ready_at"] = place.at(1800)
    began = VIRTUAL_CLOCK.monotonic()

    assert await event_of(fresh_trigger(place)) == {"outcome": "over"}
    assert 1800 <= VIRTUAL_CLOCK.monotonic() - began <= 1861


async def test_a_trigger_of_fresh_backups_fires_at_its_deadline(place: Place) -> None:
    began = VIRTUAL_CLOCK.monotonic()

    assert await event_of(fresh_trigger(place)) == {"outcome": "timeout"}
    assert VIRTUAL_CLOCK.monotonic() - began == pytest.approx(3600, abs=1)


async def test_triggers_with_the_same_question_share_their_looks(place: Place) -> None:
    place.forget_requests()
    deadline = VIRTUAL_CLOCK.time() + 3600

    events = await asyncio.gather(*(event_of(fresh_trigger(place, deadline=deadline)) for _ in range(100)))

    assert events == [{"outcome": "timeout"}] * 100
    assert place.requests.total() <= 65


@pytest.mark.parametrize("service", ["rds", "taurusdb"])
async def test_a_trigger_waits_for_the_automatic_backup_of_tonight(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with VirtualCloud(automatic_backups=True) as running:
        running.set_backup_seconds(600)
        monkeypatch.setenv(CONNECTION, running.connection_json())
        now = datetime.fromtimestamp(VIRTUAL_CLOCK.time(), UTC)
        rule = FreshnessRule(after=now, backup_type="automatic")
        instance_id = running.describe()["resources"][f"{service}_instances"][0]
        question = FreshnessQuestion(service, rule, {"resource_ids": [instance_id]}, is_single=True)
        trigger = FreshBackupTrigger(
            question.to_dict(),
            "huaweicloud_backup_default",
            poll_interval=300,
            deadline=VIRTUAL_CLOCK.time() + 26 * 3600,
        )

        assert await event_of(trigger) == {"outcome": "over"}

    # The policy of an instance begins at 01:00.
    tonight = now.replace(hour=1, minute=0, second=0, microsecond=0)
    tonight += timedelta(days=tonight <= now)
    seconds = VIRTUAL_CLOCK.time() - tonight.timestamp()
    assert 600 <= seconds <= 901
