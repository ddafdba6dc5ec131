"""Durations are seconds or a ``timedelta``, for every operator and sensor; triggers get plain numbers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import BackupTimeoutError
from tests.airflow.service_matrix import DELETE, SENSORS, SERVICES, create_operator, taken, target
from tests.airflow.task_runs import Deferred, TaskRun


def awaited(operator: Any) -> dict[str, Any]:
    """Return the arguments of the trigger that a task defers to."""
    ended = TaskRun(operator).execute()
    assert isinstance(ended, Deferred)
    return ended.trigger_arguments


@pytest.mark.parametrize("service", SERVICES)
def test_the_durations_of_an_operator_may_be_timedeltas(cloud: RunningCloud, service: str) -> None:
    cloud.set_backup_seconds(3600)
    operator = create_operator(
        cloud,
        service,
        poll_interval=timedelta(minutes=1),
        timeout=timedelta(hours=2),
        tolerance=timedelta(minutes=5),
    )

    arguments = awaited(operator)

    assert (arguments["poll_interval"], arguments["tolerance"]) == (60, 300)
    assert arguments["deadline"] - arguments["started_at"] == pytest.approx(7200, abs=60)


@pytest.mark.parametrize("service", SERVICES)
def test_the_durations_of_a_sensor_may_be_timedeltas(cloud: RunningCloud, service: str) -> None:
    cloud.set_backup_seconds(3600)
    sensor = SENSORS[service](
        task_id="wait",
        backup=taken(cloud, service),
        deferrable=True,
        poke_interval=timedelta(minutes=1),
        timeout=timedelta(hours=2),
    )

    assert awaited(sensor)["poll_interval"] == 60
    assert sensor.timeout == 7200


@pytest.mark.parametrize("service", SERVICES)
def test_the_durations_of_a_deletion_may_be_timedeltas(cloud: RunningCloud, service: str) -> None:
    backup = taken(cloud, service, wait=True)
    delete = DELETE[service](
        task_id="delete", backup=backup, poll_interval=timedelta(milliseconds=50), timeout=timedelta(minutes=1)
    )

    TaskRun(delete).execute()

    assert (delete.poll_interval, delete.timeout) == (0.05, 60)


def test_a_timedelta_bounds_the_wait_on_the_worker(cloud: RunningCloud) -> None:
    cloud.set_backup_seconds(3600)
    operator = create_operator(
        cloud, "rds", deferrable=False, poll_interval=timedelta(milliseconds=50), timeout=timedelta(seconds=0.3)
    )

    with pytest.raises(BackupTimeoutError):
        TaskRun(operator).run()


def test_a_busy_resource_is_waited_for_with_a_timeout_that_no_clock_knows(cloud: RunningCloud) -> None:
    cloud.set_backup_seconds(0.3)
    what = target(cloud, "rds")
    TaskRun(create_operator(cloud, "rds", **what), run_id="another").execute()
    operator = create_operator(cloud, "rds", deferrable=False, timeout=1e300, poll_interval=0.05, **what)
    assert TaskRun(operator).execute()["status"] == "COMPLETED"
