"""Promise 2: when a trigger died or ran out of time, the task looks at the backup itself before it fails."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import BackupError, NotFoundError
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import (
    BackupFailedError,
    BackupPartialError,
    BackupSensorTimeoutError,
    BackupTimeoutError,
    UnknownConnectionError,
)
from airflow_provider_backup.limits import TaskLimits
from airflow_provider_backup.tasks.deferred_wait import MOST_TRIGGER_FAILURES
from airflow_provider_backup.triggers.backup import BackupTrigger
from tests.airflow.conftest import CONNECTION
from tests.airflow.recording_proxy import Wire
from tests.airflow.service_matrix import (
    SENSORS,
    SERVICES,
    cbr_vault,
    create_operator,
    let_time_pass,
    resources,
    rows,
    taken,
)
from tests.airflow.task_runs import Deferred, TaskRun, event_of

# What Airflow calls the end of a trigger: 3.x and 2.11.
ERRORS = ("Trigger failure", "Trigger timeout", "Trigger/execution timeout")


def deferred(cloud: RunningCloud, service: str = "rds", **arguments: Any) -> tuple[TaskRun, Deferred]:
    """Return a task that waits in the triggerer for a backup of an hour."""
    cloud.set_backup_seconds(3600)
    run = TaskRun(create_operator(cloud, service, **arguments))
    ended = run.execute()
    assert isinstance(ended, Deferred)
    return run, ended


def deferred_sensor(cloud: RunningCloud, service: str = "rds", **arguments: Any) -> tuple[TaskRun, Deferred]:
    """Return a sensor that waits in the triggerer for a backup of an hour."""
    cloud.set_backup_seconds(3600)
    sensor = SENSORS[service](
        task_id="wait", backup=taken(cloud, service), deferrable=True, poke_interval=0.05, **arguments
    )
    run = TaskRun(sensor)
    ended = run.execute()
    assert isinstance(ended, Deferred)
    return run, ended


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("service", SERVICES)
def test_a_backup_that_is_good_by_then_succeeds(cloud: RunningCloud, service: str, error: str) -> None:
    run, _ = deferred(cloud, service)
    let_time_pass(cloud)
    assert run.resume_after_failure(error)["status"].lower() in ("available", "completed")


def test_a_running_backup_is_waited_for_again_with_the_time_that_is_left(
    cloud: RunningCloud, later: Callable[[float], None]
) -> None:
    run, first = deferred(cloud, timeout=1000)
    later(0.2)
    second = run.resume_after_failure()
    assert isinstance(second, Deferred)
    assert second.trigger_arguments == first.trigger_arguments
    assert second.timeout < first.timeout - timedelta(seconds=0.2)
    assert second.timeout > timedelta(seconds=900) + TaskLimits().framework_margin


def test_a_backup_that_failed_fails_the_task_with_its_reason(cloud: RunningCloud) -> None:
    cloud.fail_next_backup("cbr", "the array is on fire")
    run, _ = deferred(cloud, "cbr")
    let_time_pass(cloud)
    with pytest.raises(BackupFailedError, match="the array is on fire"):
        run.resume_after_failure()


def test_a_backup_without_all_resources_fails_the_task(cloud: RunningCloud) -> None:
    vault_id = cbr_vault(cloud, servers=2)
    left_out = resources(cloud, "servers")[1]
    cloud.state.table("inventory.servers")[left_out]["status"] = "ERROR"
    run, _ = deferred(cloud, "cbr", vault_id=vault_id)
    let_time_pass(cloud)
    with pytest.raises(BackupPartialError, match=left_out):
        run.resume_after_failure()


def test_a_backup_that_is_gone_fails_the_task(cloud: RunningCloud) -> None:
    run, _ = deferred(cloud, "taurusdb")
    cloud.state.table("taurusdb.backups").clear()
    with pytest.raises(NotFoundError):
        run.resume_after_failure()


def test_a_transient_error_of_the_last_read_continues_the_wait(wire: Wire, backup_cloud: RunningCloud) -> None:
    run, _ = deferred(backup_cloud)
    wire.down()
    again = run.resume_after_failure()
    assert isinstance(again, Deferred)
    wire.up()
    let_time_pass(backup_cloud)
    assert run.finish(again)["status"] == "COMPLETED"


def test_a_permanent_error_fails_the_task(cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    run, _ = deferred(cloud)
    monkeypatch.setenv(CONNECTION, cloud.connection_json().replace(cloud.describe()["password"], "wrong"))
    with pytest.raises(BackupError, match=r"iam answered 401"):
        run.resume_after_failure()


@pytest.mark.parametrize("error", ERRORS)
def test_a_backup_that_continues_after_the_deadline_fails_the_task(
    cloud: RunningCloud, error: str, later: Callable[[float], None]
) -> None:
    run, _ = deferred(cloud, timeout=1.5)
    later(2)
    with pytest.raises(BackupTimeoutError, match=r"before the timeout \(status: BUILDING\).*\(timeout\)"):
        run.resume_after_failure(error)


def test_a_backup_that_is_good_after_the_deadline_succeeds(cloud: RunningCloud, later: Callable[[float], None]) -> None:
    run, _ = deferred(cloud, timeout=1.5)
    let_time_pass(cloud)
    later(2)
    assert run.resume_after_failure()["status"] == "COMPLETED"


def test_an_error_after_the_deadline_fails_the_task_with_that_error(
    wire: Wire, backup_cloud: RunningCloud, later: Callable[[float], None]
) -> None:
    run, _ = deferred(backup_cloud, timeout=1.5)
    wire.down()
    later(2)
    with pytest.raises(BackupError, match="No connection"):
        run.resume_after_failure()


def test_after_many_dead_triggers_the_task_waits_on_the_worker(cloud: RunningCloud) -> None:
    run, _ = deferred(cloud)
    for _ in range(MOST_TRIGGER_FAILURES - 1):
        assert isinstance(run.resume_after_failure(), Deferred)
    rows(cloud, "rds")[0]["ready_at"] = (cloud.state.now() + timedelta(seconds=0.5)).isoformat()
    assert run.resume_after_failure()["status"] == "COMPLETED"


def test_waiting_on_the_worker_after_dead_triggers_really_waits(cloud: RunningCloud, logged: Callable[[], str]) -> None:
    run, _ = deferred(cloud, timeout=1)
    for _ in range(MOST_TRIGGER_FAILURES - 1):
        assert isinstance(run.resume_after_failure(), Deferred)
    with pytest.raises(BackupTimeoutError):
        run.resume_after_failure()
    assert "5 triggers of this wait failed; waiting on the worker" in logged()


def test_a_retry_counts_dead_triggers_anew(cloud: RunningCloud) -> None:
    run, _ = deferred(cloud)
    for _ in range(MOST_TRIGGER_FAILURES - 1):
        run.resume_after_failure()
    run.retry()
    run.execute()
    assert isinstance(run.resume_after_failure(), Deferred)


def test_the_log_reports_why_the_trigger_ended(cloud: RunningCloud, logged: Callable[[], str]) -> None:
    run, _ = deferred(cloud)
    run.resume_after_failure("Trigger failure")
    text = logged()
    assert "Trigger failure" in text
    assert "RuntimeError: died" in text


def test_a_failure_without_any_words_is_looked_into_as_well(cloud: RunningCloud) -> None:
    run, _ = deferred(cloud)
    assert isinstance(run.resume("__fail__"), Deferred)


def test_a_sensor_looks_as_well(cloud: RunningCloud) -> None:
    run, _ = deferred_sensor(cloud)
    assert isinstance(run.resume_after_failure(), Deferred)
    let_time_pass(cloud)
    assert run.resume_after_failure()["status"] == "COMPLETED"


@pytest.mark.parametrize("error", ERRORS)
def test_a_sensor_that_times_out_ends_without_a_retry(
    cloud: RunningCloud, error: str, later: Callable[[float], None]
) -> None:
    run, _ = deferred_sensor(cloud, timeout=1.5)
    later(2)
    with pytest.raises(BackupSensorTimeoutError):
        run.resume_after_failure(error)


def test_a_dead_trigger_of_a_soft_sensor_does_not_look_like_a_skip(cloud: RunningCloud) -> None:
    run, _ = deferred_sensor(cloud, soft_fail=True)
    assert isinstance(run.resume_after_failure(), Deferred)


def test_without_its_xcom_the_task_says_that_it_does_not_know_the_backup_any_more(cloud: RunningCloud) -> None:
    run, _ = deferred(cloud)
    run.ti.xcoms.clear()
    with pytest.raises(BackupError, match="Cannot continue the wait"):
        run.resume_after_failure()


@pytest.mark.parametrize("outcome", ["over", "timeout", "refused", "something new"])
def test_the_backup_has_the_last_word_and_not_the_event(cloud: RunningCloud, outcome: str) -> None:
    run, ended = deferred(cloud)
    event = {"outcome": outcome, "phase": "failed", "reason": "?", "message": "?", "result": None}
    again = run.resume(ended.method_name, event=event)
    assert isinstance(again, Deferred)
    let_time_pass(cloud)
    assert run.resume(ended.method_name, event=event)["status"] == "COMPLETED"


def test_an_event_of_a_newer_version_is_understood(cloud: RunningCloud) -> None:
    run, ended = deferred(cloud)
    result = {"service": "rds", "kind": "backup", "backup_id": "1", "status": "COMPLETED", "skipped": [], "new": 1}
    event = {"outcome": "over", "phase": "good", "result": result, "version": 2}
    assert run.resume(ended.method_name, event=event) == result


def test_an_event_of_an_older_version_is_understood(cloud: RunningCloud) -> None:
    run, ended = deferred(cloud)
    event = {"outcome": "over", "phase": "good", "result": {"backup_id": "1"}}
    assert run.resume(ended.method_name, event=event) == {"backup_id": "1"}


def test_an_event_without_any_known_member_makes_the_task_look(cloud: RunningCloud) -> None:
    run, ended = deferred(cloud)
    assert isinstance(run.resume(ended.method_name, event={"state": "done"}), Deferred)
    let_time_pass(cloud)
    assert run.resume(ended.method_name, event={"state": "done"})["status"] == "COMPLETED"


def test_a_triggerer_that_does_not_know_the_connection_leaves_the_wait_to_the_worker(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, ended = deferred(cloud)
    connection = os.environ[CONNECTION]
    monkeypatch.delenv(CONNECTION)
    with pytest.raises(UnknownConnectionError):
        event_of(BackupTrigger(**ended.trigger_arguments))
    monkeypatch.setenv(CONNECTION, connection)

    let_time_pass(cloud)
    assert run.resume_after_failure()["status"] == "COMPLETED"
