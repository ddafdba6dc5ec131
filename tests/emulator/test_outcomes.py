"""How backups go when the local cloud is told: stuck, late, or failing in the end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.services.rds.models import BackupCreate
from airflow_provider_backup.emulator.core.state import CloudState
from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.emulator.callers import Caller, client_of

START = datetime(2031, 4, 2, 9, 15, 7, tzinfo=UTC)


class Clocked:
    """A state whose backups take 100 seconds of a clock that tests move."""

    def __init__(self) -> None:
        self.time = START
        self.state = CloudState(backup_seconds=100, now=lambda: self.time)

    def is_ready_after(self, row: Any, seconds: float) -> bool:
        """Whether a row of the start is ready so many seconds later."""
        self.time = START + timedelta(seconds=seconds)
        return self.state.is_ready(row)


@pytest.fixture
def clocked() -> Clocked:
    return Clocked()


def test_a_stuck_backup_never_ends(clocked: Clocked) -> None:
    clocked.state.plan_outcome("rds", stuck=True)
    row = clocked.state.started("rds")
    assert not clocked.is_ready_after(row, 3_000_000_000)
    assert clocked.state.progress(row) == 50


def test_a_backup_takes_as_long_as_planned(clocked: Clocked) -> None:
    clocked.state.plan_outcome("rds", seconds=7)
    row = clocked.state.started("rds")
    assert not clocked.is_ready_after(row, 6)
    assert clocked.is_ready_after(row, 7)
    assert row["failure"] is None


def test_a_backup_fails_as_late_as_planned(clocked: Clocked) -> None:
    clocked.state.plan_outcome("rds", seconds=500, reason="disk full")
    row = clocked.state.started("rds")
    assert not clocked.is_ready_after(row, 499)
    assert clocked.is_ready_after(row, 500)
    assert row["failure"] == "disk full"


def test_a_failure_takes_the_usual_time_unless_planned_otherwise(clocked: Clocked) -> None:
    clocked.state.plan_failure("rds", "disk full")
    row = clocked.state.started("rds")
    assert not clocked.is_ready_after(row, 99)
    assert clocked.is_ready_after(row, 100)


def test_a_plan_is_for_as_many_backups_as_planned(clocked: Clocked) -> None:
    clocked.state.plan_outcome("rds", reason="disk full", count=2)
    assert [clocked.state.started("rds")["failure"] for _ in range(3)] == ["disk full", "disk full", None]


def test_plans_are_used_up_in_their_order(clocked: Clocked) -> None:
    clocked.state.plan_failure("rds", "first")
    clocked.state.plan_outcome("rds", seconds=1)
    clocked.state.plan_failure("rds", "third")
    assert [clocked.state.started("rds")["failure"] for _ in range(3)] == ["first", None, "third"]


def test_a_plan_is_for_one_service(clocked: Clocked) -> None:
    clocked.state.plan_failure("rds", "disk full")
    assert clocked.state.started("cbr")["failure"] is None


def test_plans_survive_a_restart(tmp_path: Path) -> None:
    first = CloudState(file=tmp_path / "state.json")
    first.plan_outcome("rds", reason="disk full")
    first.save()
    assert CloudState(file=tmp_path / "state.json").started("rds")["failure"] == "disk full"


async def test_our_client_sees_a_stuck_backup_running(backup_cloud: RunningCloud) -> None:
    backup_cloud.set_backup_seconds(0)
    backup_cloud.plan_outcome("rds", stuck=True)
    instance_id = backup_cloud.describe()["resources"]["rds_instances"][0]
    async with client_of(backup_cloud) as client:
        backup = await client.rds.backups.create(BackupCreate(instance_id=instance_id, name="nightly"))
        observation = await client.rds.observe(client.rds.reference_to(backup))
    assert observation.phase is Phase.IN_PROGRESS


async def control(cloud: RunningCloud, body: Any) -> tuple[int, str]:
    caller = Caller(cloud)
    answer = await caller.call("POST", "iam", "/_control/outcomes", body)
    await caller.close()
    return answer.status, answer.text


async def test_an_outcome_is_planned_from_outside(backup_cloud: RunningCloud) -> None:
    body = {"service": "cbr.deletion", "reason": "still attached", "seconds": 3, "count": 2}
    assert (await control(backup_cloud, body))[0] == 204
    rows = [backup_cloud.state.started("cbr.deletion") for _ in range(3)]
    assert [row["failure"] for row in rows] == ["still attached", "still attached", None]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"service": "s3", "stuck": True}, "service must be one of vbs"),
        ({"service": "rds.deletion", "stuck": True}, "service must be one of vbs"),
        ({"service": "rds"}, "needs reason, seconds or stuck"),
        ({"service": "rds", "stuck": True, "seconds": 1}, "a backup that is stuck neither fails nor ends"),
        ({"service": "rds", "seconds": -1}, "seconds: Input should be greater than or equal to 0"),
        ({"service": "rds", "seconds": 1e300}, "seconds: Input should be less than or equal to"),
        ({"service": "rds", "reason": ""}, "reason"),
        ({"service": "rds", "stuck": True, "count": 0}, "count"),
        ({"stuck": True}, "service: must be given"),
        ({"service": "rds", "stuck": True, "colour": 1}, "colour"),
    ],
)
async def test_an_outcome_that_cannot_be_is_refused_with_its_rule(
    body: Any, message: str, backup_cloud: RunningCloud
) -> None:
    status, text = await control(backup_cloud, body)
    assert status == 400
    assert message in text
