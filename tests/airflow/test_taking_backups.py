"""Taking a backup and waiting for it, on the worker and in the triggerer: the operators of all services alike."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import NotFoundError
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import BackupFailedError, BackupPartialError, BackupTimeoutError
from airflow_provider_backup.limits import TaskLimits
from airflow_provider_backup.operators.rds import RdsCreateBackupOperator
from tests.airflow.service_matrix import (
    CASES,
    DATABASES,
    SERVICES,
    cbr_vault,
    create_operator,
    csbs_policy,
    let_time_pass,
    resources,
    rows,
)
from tests.airflow.task_runs import Deferred, TaskRun

RESULT_MEMBERS = {
    "expires_at",
    "service",
    "backup_id",
    "kind",
    "instance_id",
    "job_id",
    "name",
    "status",
    "backup_ids",
    "resource_ids",
    "expected_ids",
    "skipped",
    "size_mb",
    "created_at",
    "finished_at",
}


def without_what_varies(result: dict[str, Any]) -> dict[str, Any]:
    """Return a result without what differs from backup to backup; the second one of a disk is incremental."""
    varying = {"backup_id", "job_id", "backup_ids", "name", "created_at", "finished_at", "size_mb"}
    return {key: value for key, value in result.items() if key not in varying}


@pytest.mark.parametrize("service", SERVICES)
def test_a_task_that_waits_on_the_worker_returns_the_good_backup(cloud: RunningCloud, service: str) -> None:
    result = TaskRun(create_operator(cloud, service, deferrable=False)).execute()
    assert set(result) == RESULT_MEMBERS
    assert result["service"] == service
    assert result["status"].lower() in ("available", "completed")
    assert len(result["backup_ids"]) == len(result["resource_ids"]) == 1
    assert result["skipped"] == []
    assert datetime.fromisoformat(result["created_at"]) <= datetime.fromisoformat(result["finished_at"])


@pytest.mark.parametrize("service", SERVICES)
def test_waiting_in_the_triggerer_gives_the_same_result_as_on_the_worker(cloud: RunningCloud, service: str) -> None:
    operator = create_operator(cloud, service, deferrable=False)
    on_the_worker = TaskRun(operator, run_id="first").run()
    operator.deferrable = True
    cloud.set_backup_seconds(3600)
    in_the_triggerer = TaskRun(operator, run_id="second")
    ended = in_the_triggerer.execute()
    assert isinstance(ended, Deferred)
    let_time_pass(cloud)
    assert without_what_varies(in_the_triggerer.finish(ended)) == without_what_varies(on_the_worker)


@pytest.mark.parametrize("deferrable", [True, False])
def test_the_log_calls_a_good_backup_good_wherever_it_was_waited_for(
    cloud: RunningCloud, logged: Callable[[], str], deferrable: bool
) -> None:
    cloud.set_backup_seconds(0.3)
    TaskRun(create_operator(cloud, "rds", deferrable=deferrable)).run()
    assert "is COMPLETED (good)" in logged()


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize("service", SERVICES)
def test_a_task_that_does_not_wait_returns_the_running_backup(
    cloud: RunningCloud, service: str, deferrable: bool
) -> None:
    cloud.set_backup_seconds(3600)
    operator = create_operator(cloud, service, wait_for_completion=False, deferrable=deferrable)
    result = TaskRun(operator).execute()
    assert set(result) == RESULT_MEMBERS
    assert result["finished_at"] is None
    assert len(rows(cloud, service)) == 1


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize("service", SERVICES)
def test_a_backup_that_fails_fails_the_task_with_the_reason_of_the_service(
    cloud: RunningCloud, service: str, deferrable: bool
) -> None:
    cloud.fail_next_backup(service, "the array is on fire")
    with pytest.raises(BackupFailedError) as caught:
        TaskRun(create_operator(cloud, service, deferrable=deferrable)).run()
    assert ("the array is on fire" if CASES[service].tells_reason else "no reason") in str(caught.value)


def test_a_backup_that_failed_before_the_first_look_does_not_defer(cloud: RunningCloud) -> None:
    cloud.set_backup_seconds(0)
    cloud.fail_next_backup("vbs", "the array is on fire")
    with pytest.raises(BackupFailedError, match="the array is on fire"):
        TaskRun(create_operator(cloud, "vbs")).execute()


@pytest.mark.parametrize("service", DATABASES)
def test_a_backup_that_is_good_at_the_first_look_does_not_defer(cloud: RunningCloud, service: str) -> None:
    cloud.set_backup_seconds(0)
    assert TaskRun(create_operator(cloud, service)).execute()["status"] == "COMPLETED"


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_task_that_times_out_fails_and_reports_the_status_of_the_backup(
    cloud: RunningCloud, deferrable: bool
) -> None:
    cloud.set_backup_seconds(3600)
    operator = create_operator(cloud, "rds", deferrable=deferrable, timeout=1.5)
    with pytest.raises(BackupTimeoutError, match=r"(did not finish|Timed out) .*BUILDING.*\(timeout\)"):
        TaskRun(operator).run()
    assert len(rows(cloud, "rds")) == 1


def test_a_resource_that_does_not_exist_fails_the_task(cloud: RunningCloud) -> None:
    operator = RdsCreateBackupOperator(task_id="backup", instance_id="0" * 32 + "in01")
    with pytest.raises(NotFoundError, match="rds answered 404 DBS"):
        TaskRun(operator).execute()


def test_all_servers_of_a_policy_are_in_the_result(cloud: RunningCloud) -> None:
    operator = create_operator(cloud, "csbs", policy_id=csbs_policy(cloud, servers=3))
    result = TaskRun(operator).run()
    assert sorted(result["resource_ids"]) == sorted(resources(cloud, "servers")[:3])


def test_some_servers_of_a_policy_can_be_chosen(cloud: RunningCloud) -> None:
    chosen = resources(cloud, "servers")[1:3]
    operator = create_operator(cloud, "csbs", policy_id=csbs_policy(cloud, servers=3), server_ids=chosen)
    assert sorted(TaskRun(operator).run()["resource_ids"]) == sorted(chosen)


def test_some_resources_of_a_vault_can_be_chosen(cloud: RunningCloud) -> None:
    chosen = resources(cloud, "servers")[1:3]
    operator = create_operator(cloud, "cbr", vault_id=cbr_vault(cloud, servers=3), resource_ids=chosen)
    assert sorted(TaskRun(operator).run()["resource_ids"]) == sorted(chosen)


def break_one_server(cloud: RunningCloud) -> str:
    """Let the second server be in a state that cannot be backed up, and return its id."""
    server_id = resources(cloud, "servers")[1]
    cloud.state.table("inventory.servers")[server_id]["status"] = "ERROR"
    return server_id


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_backup_without_all_resources_fails_the_task_and_names_them(cloud: RunningCloud, deferrable: bool) -> None:
    vault_id = cbr_vault(cloud, servers=2)
    left_out = break_one_server(cloud)
    operator = create_operator(cloud, "cbr", vault_id=vault_id, deferrable=deferrable)
    with pytest.raises(BackupPartialError, match=left_out):
        TaskRun(operator).run()


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_backup_without_all_resources_passes_when_the_author_says_so(cloud: RunningCloud, deferrable: bool) -> None:
    vault_id = cbr_vault(cloud, servers=2)
    left_out = break_one_server(cloud)
    operator = create_operator(cloud, "cbr", vault_id=vault_id, deferrable=deferrable, fail_on_skipped=False)
    assert [item["resource_id"] for item in TaskRun(operator).run()["skipped"]] == [left_out]


def test_the_framework_gives_up_later_than_the_task_itself(cloud: RunningCloud) -> None:
    cloud.set_backup_seconds(3600)
    ended = TaskRun(create_operator(cloud, "gaussdb", timeout=100)).execute()
    assert isinstance(ended, Deferred)
    margin = TaskLimits().framework_margin
    assert timedelta(seconds=95) + margin < ended.timeout <= timedelta(seconds=100) + margin
    assert 95 < ended.trigger.deadline - time.time() <= 100


def test_the_id_of_the_backup_is_known_before_the_task_defers(cloud: RunningCloud) -> None:
    cloud.set_backup_seconds(3600)
    run = TaskRun(create_operator(cloud, "taurusdb"))
    run.execute()
    reference = run.ti.xcom_pull(task_ids="backup", key="backup_reference", map_indexes=-1)
    assert reference["backup_id"] == rows(cloud, "taurusdb")[0]["id"]


def test_whether_to_defer_follows_the_configuration(cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.set_backup_seconds(3600)
    monkeypatch.setenv("AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE", "True")
    assert isinstance(TaskRun(create_operator(cloud, "rds", deferrable=None)).execute(), Deferred)


def test_a_backup_that_takes_long_is_waited_for(cloud: RunningCloud) -> None:
    cloud.set_backup_seconds(3600)
    run = TaskRun(create_operator(cloud, "vbs"))
    ended = run.execute()
    assert isinstance(ended, Deferred)
    let_time_pass(cloud)
    assert run.finish(ended)["status"] == "available"
    assert len(rows(cloud, "vbs")) == 1
