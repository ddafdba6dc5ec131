"""Sensors: poke, reschedule and deferred, alike in all three."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSensorTimeout, AirflowSkipException

from airflow_provider_backup.cloud.errors import AuthenticationError, BackupError, NotFoundError
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import BackupFailedError, BackupPartialError, InvalidArgumentError
from airflow_provider_backup.sensors.base import BackupSensor
from tests.airflow.conftest import CONNECTION, ChangeLimits
from tests.airflow.recording_proxy import Wire
from tests.airflow.service_matrix import (
    CASES,
    DELETE,
    SENSORS,
    SERVICES,
    cbr_vault,
    create_operator,
    csbs_policy,
    let_time_pass,
    resources,
    taken,
)
from tests.airflow.task_runs import Deferred, Rescheduled, TaskRun

MODES = ("poke", "reschedule", "deferred")


def sensor(service: str, mode: str, **arguments: Any) -> BackupSensor:
    """Return a sensor that asks often."""
    how = {"deferrable": True} if mode == "deferred" else {"deferrable": False, "mode": mode}
    return SENSORS[service](task_id="wait", **{"poke_interval": 0.05, "timeout": 60, **how, **arguments})


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("service", SERVICES)
def test_the_result_of_a_create_operator_can_be_waited_for(cloud: RunningCloud, service: str, mode: str) -> None:
    backup = taken(cloud, service)
    result = TaskRun(sensor(service, mode, backup=backup)).run()
    assert set(result) == set(backup)
    assert result["status"].lower() in ("available", "completed")
    assert len(result["backup_ids"]) == 1


@pytest.mark.parametrize("service", SERVICES)
def test_the_result_is_the_same_in_every_mode(cloud: RunningCloud, service: str) -> None:
    backup = taken(cloud, service, wait=True)
    poked, rescheduled, deferred = (TaskRun(sensor(service, mode, backup=backup)).run() for mode in MODES)
    assert poked == rescheduled == deferred


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("service", SERVICES)
def test_a_failed_backup_fails_the_sensor_with_the_reason_of_the_service(
    cloud: RunningCloud, service: str, mode: str
) -> None:
    cloud.fail_next_backup(service, "the array is on fire")
    backup = taken(cloud, service)
    with pytest.raises(BackupFailedError) as caught:
        TaskRun(sensor(service, mode, backup=backup)).run()
    assert ("the array is on fire" if CASES[service].tells_reason else "no reason") in str(caught.value)


@pytest.mark.parametrize("mode", MODES)
def test_soft_fail_skips_on_a_failed_backup(cloud: RunningCloud, mode: str) -> None:
    cloud.fail_next_backup("gaussdb", "the array is on fire")
    backup = taken(cloud, "gaussdb")
    with pytest.raises(AirflowSkipException):
        TaskRun(sensor("gaussdb", mode, backup=backup, soft_fail=True)).run()


@pytest.mark.parametrize("mode", MODES)
def test_the_end_of_the_time_fails_without_a_retry(cloud: RunningCloud, mode: str) -> None:
    cloud.set_backup_seconds(3600)
    backup = taken(cloud, "rds")
    with pytest.raises(AirflowSensorTimeout):
        TaskRun(sensor("rds", mode, backup=backup, timeout=0.2)).run()


@pytest.mark.parametrize("mode", MODES)
def test_soft_fail_skips_at_the_end_of_the_time(cloud: RunningCloud, mode: str) -> None:
    cloud.set_backup_seconds(3600)
    backup = taken(cloud, "rds")
    with pytest.raises(AirflowSkipException):
        TaskRun(sensor("rds", mode, backup=backup, timeout=0.2, soft_fail=True)).run()


@pytest.mark.parametrize("servers", [1, 2])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("service", ["csbs", "cbr"])
def test_the_id_of_a_checkpoint_is_understood_where_that_of_a_backup_is(
    cloud: RunningCloud, service: str, mode: str, servers: int
) -> None:
    cloud.set_backup_seconds(0.5)
    what: dict[str, Any] = (
        {"policy_id": csbs_policy(cloud, servers=servers)}
        if service == "csbs"
        else {"vault_id": cbr_vault(cloud, servers=servers)}
    )
    backup = taken(cloud, service, **what)
    result = TaskRun(sensor(service, mode, backup_id=backup["backup_id"])).run()
    assert (result["backup_id"], len(result["backup_ids"])) == (backup["backup_id"], servers)


@pytest.mark.parametrize("mode", MODES)
def test_the_id_of_a_job_is_understood_where_that_of_a_backup_is(cloud: RunningCloud, mode: str) -> None:
    cloud.set_backup_seconds(0.5)
    creation = TaskRun(create_operator(cloud, "vbs", deferrable=False, wait_for_completion=False))
    creation.execute()
    job = creation.ti.xcom_pull("backup", key="backup_reference", map_indexes=-1)
    assert job["kind"] == "job"
    assert TaskRun(sensor("vbs", mode, backup_id=job["backup_id"])).run()["kind"] == "backup"


@pytest.mark.parametrize("soft_fail", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_an_unknown_id_fails_the_sensor(cloud: RunningCloud, mode: str, soft_fail: bool) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"
    with pytest.raises(NotFoundError):
        TaskRun(sensor("vbs", mode, backup_id=unknown, soft_fail=soft_fail)).run()


@pytest.mark.parametrize("soft_fail", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_a_wrong_key_fails_the_sensor(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch, mode: str, soft_fail: bool
) -> None:
    backup = taken(cloud, "rds")
    good = cloud.connection_json(with_access_key=True)
    monkeypatch.setenv(CONNECTION, good.replace(cloud.describe()["sk"], "wrong"))
    with pytest.raises(AuthenticationError):
        TaskRun(sensor("rds", mode, backup=backup, soft_fail=soft_fail)).run()


@pytest.mark.parametrize("soft_fail", [False, True])
def test_an_error_that_comes_up_while_deferred_fails_the_sensor(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch, soft_fail: bool
) -> None:
    cloud.set_backup_seconds(3600)
    backup = taken(cloud, "rds")
    run = TaskRun(sensor("rds", "deferred", backup=backup, soft_fail=soft_fail))
    ended = run.execute()
    good = cloud.connection_json()
    monkeypatch.setenv(CONNECTION, good.replace(cloud.describe()["password"], "wrong"))
    with pytest.raises(AuthenticationError):
        run.finish(ended)


@pytest.mark.parametrize("soft_fail", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_a_wrong_argument_fails_the_sensor_without_a_retry(cloud: RunningCloud, mode: str, soft_fail: bool) -> None:
    backup = taken(cloud, "rds")
    operator = sensor("gaussdb", mode, backup="{{ set by a task }}", soft_fail=soft_fail)
    operator.backup = backup
    with pytest.raises(InvalidArgumentError, match="'rds'.*'gaussdb'") as caught:
        TaskRun(operator).run()
    assert isinstance(caught.value, AirflowFailException)


@pytest.mark.parametrize("mode", MODES)
def test_never_fail_skips_on_any_error(cloud: RunningCloud, mode: str) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"
    with pytest.raises(AirflowSkipException):
        TaskRun(sensor("vbs", mode, backup_id=unknown, never_fail=True)).run()


@pytest.mark.parametrize("mode", MODES)
def test_never_fail_skips_on_a_connection_that_is_missing(cloud: RunningCloud, mode: str) -> None:
    operator = sensor("vbs", mode, backup_id="1", huaweicloud_conn_id="nobody", never_fail=True)
    with pytest.raises(AirflowSkipException):
        TaskRun(operator).run()


@pytest.mark.parametrize("mode", MODES)
def test_transient_errors_are_tolerated(wire: Wire, backup_cloud: RunningCloud, mode: str) -> None:
    backup_cloud.set_backup_seconds(3600)
    backup = taken(backup_cloud, "rds")
    seen = 0

    def first_questions(_: object) -> bool:
        nonlocal seen
        seen += 1
        if seen == 4:
            let_time_pass(backup_cloud)
        return seen <= 4

    with wire.failing(first_questions):
        result = TaskRun(sensor("rds", mode, backup=backup)).run()
    assert result["status"] == "COMPLETED"


def test_an_outage_that_lasts_for_many_pokes_is_logged_once(
    cloud: RunningCloud, logged: Callable[[], str], caplog: pytest.LogCaptureFixture
) -> None:
    backup = taken(cloud, "rds")
    cloud.misbehave("server_error", service="rds", status=503, count=12)
    caplog.clear()

    # It ends when the service answers again, however long that takes.
    TaskRun(sensor("rds", "poke", backup=backup)).run()

    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert sum("failed, next in" in record.getMessage() for record in warnings) == 1
    assert logged().count("answers again after") >= 1


@pytest.mark.parametrize("mode", MODES)
def test_a_backup_that_goes_away_fails_the_sensor(cloud: RunningCloud, mode: str) -> None:
    backup = taken(cloud, "vbs", wait=True)
    TaskRun(DELETE["vbs"](task_id="delete", backup=backup, wait_for_completion=False)).execute()
    with pytest.raises(BackupError, match=r"deleting|404"):
        TaskRun(sensor("vbs", mode, backup=backup)).run()


@pytest.mark.parametrize("mode", MODES)
def test_a_backup_without_all_resources_fails_the_sensor(cloud: RunningCloud, mode: str) -> None:
    vault_id = cbr_vault(cloud, servers=2)
    left_out = resources(cloud, "servers")[1]
    cloud.state.table("inventory.servers")[left_out]["status"] = "ERROR"
    backup = taken(cloud, "cbr", vault_id=vault_id)
    with pytest.raises(BackupPartialError, match=left_out):
        TaskRun(sensor("cbr", mode, backup=backup)).run()
    skipped = TaskRun(sensor("cbr", mode, backup=backup, fail_on_skipped=False)).run()["skipped"]
    assert [item["resource_id"] for item in skipped] == [left_out]


def test_a_reschedule_sensor_gives_up_its_worker(cloud: RunningCloud) -> None:
    cloud.set_backup_seconds(3600)
    assert isinstance(TaskRun(sensor("rds", "reschedule", backup=taken(cloud, "rds"))).execute(), Rescheduled)


def test_a_deferrable_sensor_defers_only_while_the_backup_is_running(cloud: RunningCloud) -> None:
    good = taken(cloud, "rds", wait=True)
    assert TaskRun(sensor("rds", "deferred", backup=good)).execute()["status"] == "COMPLETED"
    cloud.set_backup_seconds(3600)
    running = taken(cloud, "rds", name="another")
    assert isinstance(TaskRun(sensor("rds", "deferred", backup=running)).execute(), Deferred)


def test_a_short_poke_interval_is_stretched_in_the_triggerer(cloud: RunningCloud, change_limits: ChangeLimits) -> None:
    change_limits(shortest_poke=1.0)
    cloud.set_backup_seconds(3600)
    ended = TaskRun(sensor("rds", "deferred", backup=taken(cloud, "rds"))).execute()
    assert isinstance(ended, Deferred)
    assert ended.trigger.poll_interval == 1.0


def test_a_checkpoint_can_be_named_by_its_id(cloud: RunningCloud) -> None:
    backup = taken(cloud, "csbs")
    result = TaskRun(sensor("csbs", "poke", checkpoint_id=backup["backup_id"])).run()
    assert (result["kind"], result["status"]) == ("checkpoint", "available")


@pytest.mark.parametrize("service", ["csbs", "cbr"])
def test_one_backup_of_a_checkpoint_can_be_named_by_its_id(cloud: RunningCloud, service: str) -> None:
    backup = taken(cloud, service, wait=True)
    result = TaskRun(sensor(service, "poke", backup_id=backup["backup_ids"][0])).run()
    assert (result["kind"], result["status"]) == ("backup", "available")


def test_a_vbs_job_can_be_named_by_its_id(cloud: RunningCloud) -> None:
    cloud.set_backup_seconds(3600)
    job = taken(cloud, "vbs")
    assert job["kind"] == "job"
    let_time_pass(cloud)
    assert TaskRun(sensor("vbs", "poke", job_id=job["backup_id"])).run()["status"] == "available"


@pytest.mark.parametrize("service", ["rds", "gaussdb", "taurusdb"])
def test_a_database_backup_can_be_named_by_its_ids(cloud: RunningCloud, service: str) -> None:
    backup = taken(cloud, service)
    operator = sensor(service, "poke", backup_id=backup["backup_id"], instance_id=backup["instance_id"])
    assert TaskRun(operator).run()["backup_id"] == backup["backup_id"]


def test_a_sensors_result_can_be_waited_for_again(cloud: RunningCloud) -> None:
    first = TaskRun(sensor("csbs", "poke", backup=taken(cloud, "csbs"))).run()
    assert TaskRun(sensor("csbs", "deferred", backup=first)).run() == first
