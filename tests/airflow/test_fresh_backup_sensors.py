"""Sensors of fresh backups: they wait on or off the worker until there is one."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout

from airflow_provider_backup.cloud.errors import InvalidRequestError
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import InvalidArgumentError
from airflow_provider_backup.sensors.vbs import VbsFreshBackupSensor
from tests.airflow.recording_proxy import Wire
from tests.airflow.service_matrix import CASES, SERVICES, resources, taken
from tests.airflow.task_runs import Rescheduled, TaskRun


def sensor(service: str, resource_id: str, **arguments: Any) -> Any:
    """Return the sensor of a service, for one resource; it looks often."""
    name = CASES[service].sensor.__name__.replace("BackupSensor", "FreshBackupSensor")
    cls = getattr(import_module(f"airflow_provider_backup.sensors.{service}"), name)
    return cls(task_id="fresh", **{cls.one: resource_id, "poke_interval": 0.05, "timeout": 30, **arguments})


@pytest.mark.parametrize("mode", ["poke", "reschedule"])
@pytest.mark.parametrize("service", SERVICES)
def test_a_sensor_waits_until_the_running_backup_is_good(cloud: RunningCloud, service: str, mode: str) -> None:
    cloud.set_backup_seconds(1)
    started = taken(cloud, service)
    resource_id = (started["resource_ids"] or started["expected_ids"] or [started["instance_id"]])[0]
    run = TaskRun(sensor(service, resource_id, mode=mode, max_age=timedelta(hours=1)))

    result = run.run()

    assert result["resource_id"] == resource_id
    assert result["status"].lower() in ("available", "completed")


def test_a_sensor_in_reschedule_mode_gives_its_worker_back(cloud: RunningCloud) -> None:
    volume_id = resources(cloud, "volumes")[0]

    assert isinstance(TaskRun(sensor("vbs", volume_id, mode="reschedule")).execute(), Rescheduled)


def test_a_sensor_times_out_without_a_fresh_backup(cloud: RunningCloud) -> None:
    with pytest.raises(AirflowSensorTimeout):
        TaskRun(sensor("vbs", resources(cloud, "volumes")[0], mode="poke", timeout=0.2)).execute()


def test_a_transient_error_is_retried_with_the_next_look(cloud: RunningCloud) -> None:
    volume_id = taken(cloud, "vbs", wait=True)["resource_ids"][0]
    fault = cloud.misbehave("server_error", service="vbs", count=3)

    assert TaskRun(sensor("vbs", volume_id, mode="poke")).run()["resource_id"] == volume_id
    assert cloud.hits(fault) == 3


def test_wrong_arguments_of_a_sensor_are_refused_before_anything_is_sent(wire: Wire) -> None:
    with pytest.raises(InvalidRequestError):
        VbsFreshBackupSensor(task_id="fresh", volume_id="v", after="2026-01-01T00:00:00")
    late = VbsFreshBackupSensor(task_id="fresh", volume_id="v", after="{{ value }}")
    late.after = "2026-01-01T00:00:00"
    with pytest.raises(InvalidArgumentError, match="time zone"):
        TaskRun(late).execute()
    assert wire.requests == []
