"""Sensors of fresh backups: they wait on or off the worker until there is one, alike in all modes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout, AirflowSkipException

from airflow_provider_backup.cloud.errors import AuthenticationError, InvalidRequestError, NotFoundError
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import InvalidArgumentError
from airflow_provider_backup.sensors.vbs import VbsFreshBackupSensor
from airflow_provider_backup.tasks.deferred_wait import MOST_TRIGGER_FAILURES
from airflow_provider_backup.triggers.fresh_backup import FreshBackupTrigger
from tests.airflow.conftest import CONNECTION
from tests.airflow.recording_proxy import Wire
from tests.airflow.service_matrix import FRESH, SERVICES, let_time_pass, resources, taken
from tests.airflow.task_runs import Deferred, Rescheduled, TaskRun, event_of

MODES = ("poke", "reschedule", "deferred")
each_mode = pytest.mark.parametrize("mode", MODES)


def sensor(service: str, resource_id: str, mode: str, **arguments: Any) -> Any:
    """Return the sensor of a service, for one resource; it looks often."""
    how = {"deferrable": True} if mode == "deferred" else {"deferrable": False, "mode": mode}
    cls = FRESH[service]
    return cls(task_id="fresh", **{cls.one: resource_id, "poke_interval": 0.05, "timeout": 30, **how, **arguments})


def volume(cloud: RunningCloud) -> str:
    """Return a disk without a backup."""
    return resources(cloud, "volumes")[0]


def deferred(cloud: RunningCloud, **arguments: Any) -> tuple[TaskRun, Deferred]:
    """Return a deferred task that waits for the backup of a disk."""
    run = TaskRun(sensor("vbs", volume(cloud), "deferred", **arguments))
    ended = run.execute()
    assert isinstance(ended, Deferred)
    return run, ended


@each_mode
@pytest.mark.parametrize("service", SERVICES)
def test_a_sensor_waits_until_the_running_backup_is_good(cloud: RunningCloud, service: str, mode: str) -> None:
    cloud.set_backup_seconds(1)
    started = taken(cloud, service)
    resource_id = (started["resource_ids"] or started["expected_ids"] or [started["instance_id"]])[0]

    result = TaskRun(sensor(service, resource_id, mode, max_age=timedelta(hours=1))).run()

    assert result["resource_id"] == resource_id
    assert result["status"].lower() in ("available", "completed")


@pytest.mark.parametrize("service", SERVICES)
def test_the_result_is_the_same_in_every_mode(cloud: RunningCloud, service: str) -> None:
    (resource_id,) = taken(cloud, service, wait=True)["resource_ids"]
    # Each mode looks at another moment.
    poked, *others = ({**TaskRun(sensor(service, resource_id, mode)).run(), "age_seconds": 0} for mode in MODES)
    assert others == [poked, poked]


def test_the_result_after_a_deferral_is_that_of_poke_mode(cloud: RunningCloud) -> None:
    run, ended = deferred(cloud)
    taken(cloud, "vbs", wait=True, volume_id=volume(cloud))

    resumed = run.finish(ended)

    poked = TaskRun(sensor("vbs", volume(cloud), "poke")).run()
    assert {**resumed, "age_seconds": 0} == {**poked, "age_seconds": 0}


def test_a_sensor_in_reschedule_mode_gives_its_worker_back(cloud: RunningCloud) -> None:
    assert isinstance(TaskRun(sensor("vbs", volume(cloud), "reschedule")).execute(), Rescheduled)


def test_a_deferrable_sensor_does_not_defer_when_there_is_a_fresh_backup(cloud: RunningCloud) -> None:
    volume_id = taken(cloud, "vbs", wait=True)["resource_ids"][0]

    assert TaskRun(sensor("vbs", volume_id, "deferred")).execute()["resource_id"] == volume_id


@each_mode
def test_a_sensor_times_out_without_a_fresh_backup(cloud: RunningCloud, mode: str) -> None:
    with pytest.raises(AirflowSensorTimeout):
        TaskRun(sensor("vbs", volume(cloud), mode, timeout=0.2)).run()


@each_mode
def test_soft_fail_skips_at_the_end_of_the_time(cloud: RunningCloud, mode: str) -> None:
    with pytest.raises(AirflowSkipException):
        TaskRun(sensor("vbs", volume(cloud), mode, timeout=0.2, soft_fail=True)).run()


@pytest.mark.parametrize("soft_fail", [False, True])
@each_mode
def test_an_error_that_stays_fails_the_sensor(cloud: RunningCloud, mode: str, soft_fail: bool) -> None:
    cls = FRESH["cbr"]
    how = {"deferrable": mode == "deferred", "mode": "poke" if mode == "deferred" else mode}
    with pytest.raises(NotFoundError):
        TaskRun(cls(task_id="fresh", vault_id="missing", soft_fail=soft_fail, **how)).run()


@each_mode
def test_never_fail_skips_on_any_error(cloud: RunningCloud, mode: str) -> None:
    operator = sensor("vbs", volume(cloud), mode, huaweicloud_conn_id="nobody", never_fail=True)
    with pytest.raises(AirflowSkipException):
        TaskRun(operator).run()


@pytest.mark.parametrize("soft_fail", [False, True])
def test_an_error_that_comes_up_while_deferred_fails_the_sensor(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch, soft_fail: bool
) -> None:
    run, ended = deferred(cloud, soft_fail=soft_fail)
    monkeypatch.setenv(CONNECTION, cloud.connection_json().replace(cloud.describe()["password"], "wrong"))
    with pytest.raises(AuthenticationError):
        run.finish(ended)


@each_mode
def test_a_transient_error_is_retried_with_the_next_look(cloud: RunningCloud, mode: str) -> None:
    volume_id = taken(cloud, "vbs", wait=True)["resource_ids"][0]
    fault = cloud.misbehave("server_error", service="vbs", count=3)

    assert TaskRun(sensor("vbs", volume_id, mode)).run()["resource_id"] == volume_id
    assert cloud.hits(fault) == 3


def test_wrong_arguments_of_a_sensor_are_refused_before_anything_is_sent(wire: Wire) -> None:
    with pytest.raises(InvalidRequestError):
        VbsFreshBackupSensor(task_id="fresh", volume_id="v", after="2026-01-01T00:00:00")
    late = VbsFreshBackupSensor(task_id="fresh", volume_id="v", after="{{ value }}", soft_fail=True)
    late.after = "2026-01-01T00:00:00"
    with pytest.raises(InvalidArgumentError, match="time zone"):
        TaskRun(late).execute()
    assert wire.requests == []


# ------------------------------------------------------------------------------------------------------- deferrals


def test_a_failed_trigger_is_replaced_and_the_deadline_stays(cloud: RunningCloud) -> None:
    run, ended = deferred(cloud)
    again = run.resume_after_failure()

    assert isinstance(again, Deferred)
    assert again.trigger_arguments["deadline"] == ended.trigger_arguments["deadline"]
    taken(cloud, "vbs", wait=True, volume_id=volume(cloud))
    assert run.resume_after_failure()["resource_id"] == volume(cloud)


def test_after_several_failed_triggers_the_task_waits_on_the_worker(
    cloud: RunningCloud, logged: Callable[[], str]
) -> None:
    run, _ = deferred(cloud)
    for _ in range(MOST_TRIGGER_FAILURES - 1):
        assert isinstance(run.resume_after_failure(), Deferred)
    cloud.set_backup_seconds(0.5)
    taken(cloud, "vbs", volume_id=volume(cloud))

    assert run.resume_after_failure()["resource_id"] == volume(cloud)
    assert "waiting on the worker" in logged()


def test_the_question_stays_what_it_was_when_the_task_deferred(cloud: RunningCloud) -> None:
    run, ended = deferred(cloud, after="2020-01-01T00:00:00Z")
    # Airflow renders templates again before it resumes a task.
    run.operator.after = "2100-01-01T00:00:00Z"
    taken(cloud, "vbs", wait=True, volume_id=volume(cloud))

    assert run.finish(ended)["resource_id"] == volume(cloud)


def test_a_backup_that_aged_meanwhile_defers_the_task_again(cloud: RunningCloud) -> None:
    run, ended = deferred(cloud, max_age=3600)
    taken(cloud, "vbs", wait=True, volume_id=volume(cloud))
    event = event_of(ended.rebuilt())
    let_time_pass(cloud)

    assert event == {"outcome": "over"}
    assert isinstance(run.resume(ended.method_name, event=event), Deferred)


def test_a_trigger_holds_ids_and_times_and_no_credentials(cloud: RunningCloud) -> None:
    _, ended = deferred(cloud, max_age=3600, after="2026-01-01T00:00:00Z", backup_type="automatic")

    path, arguments = ended.trigger.serialize()
    assert path.endswith(FreshBackupTrigger.__qualname__)
    assert arguments["question"] == {
        "service": "vbs",
        "rule": {"max_age": 3600.0, "after": "2026-01-01T00:00:00+00:00", "backup_type": "automatic"},
        "targets": {"resource_ids": [volume(cloud)]},
        "is_single": True,
    }
    assert not any(cloud.describe()[name] in json.dumps(arguments) for name in ("password", "sk", "ak"))


def test_a_trigger_tells_what_it_waits_for_and_what_is_missing(cloud: RunningCloud, logged: Callable[[], str]) -> None:
    _, ended = deferred(cloud, timeout=1, max_age=3600)

    assert event_of(ended.rebuilt()) == {"outcome": "timeout"}
    assert "Waiting for fresh vbs backups (at most 60 min old)" in logged()
    assert f"No fresh backup yet: {volume(cloud)} (no good backup)" in logged()
