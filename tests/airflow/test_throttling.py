"""Tasks of a service that limits the rate: they succeed, and a task that only reads never waits long."""

from __future__ import annotations

import time

import pytest

from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.sensors.rds import RdsBackupSensor
from tests.airflow.conftest import ChangeLimits
from tests.airflow.service_matrix import SERVICES, create_operator, rows, taken
from tests.airflow.task_runs import TaskRun


@pytest.mark.parametrize("service", SERVICES)
def test_a_task_outlives_more_refusals_than_it_has_tries_and_takes_one_backup(
    cloud: RunningCloud, service: str
) -> None:
    operator = create_operator(cloud, service)
    # The connection of these tests allows two tries.
    throttled = cloud.misbehave("throttle", service=service, count=5)

    result = TaskRun(operator).run()

    assert result["status"].lower() in ("available", "completed")
    assert len(rows(cloud, service)) == 1
    assert cloud.hits(throttled) == 5


def test_a_look_at_a_service_that_throttles_does_not_outlast_the_time_between_two_looks(
    cloud: RunningCloud, change_limits: ChangeLimits
) -> None:
    change_limits(longest_read=0.3)
    backup = taken(cloud, "rds")
    cloud.misbehave("throttle", service="rds", method="GET")
    began = time.monotonic()

    seen = RdsBackupSensor(task_id="wait", backup=backup, deferrable=False).poke({})

    assert seen is False
    assert time.monotonic() - began < 5
