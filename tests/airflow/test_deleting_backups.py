"""Deleting a backup and waiting until it is gone."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import (
    BackupError,
    BadRequestError,
    ConfigurationError,
    NotFoundError,
    PermissionDeniedError,
    ResourceBusyError,
)
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import (
    BackupFailedError,
    BackupMissingError,
    BackupTimeoutError,
    InvalidArgumentError,
)
from airflow_provider_backup.hooks.base import BackupCloudHook
from tests.airflow.conftest import CONNECTION
from tests.airflow.invalid_arguments import UUID
from tests.airflow.recording_proxy import Wire, WireRequest
from tests.airflow.service_matrix import (
    DATABASES,
    DELETE,
    SERVICES,
    cbr_vault,
    create_operator,
    csbs_policy,
    let_time_pass,
    resources,
    rows,
    taken,
)
from tests.airflow.task_runs import TaskRun, TaskStateStore


def is_gone(backup: dict[str, Any]) -> bool:
    """Ask the cloud itself whether a backup is not there any more."""
    reference = OperationReference.from_dict(backup)
    try:
        seen = BackupCloudHook().run_in_cloud(lambda cloud: cloud.service(reference.service).observe(reference))
    except NotFoundError:
        return True
    return seen.phase is Phase.DELETED


@pytest.mark.parametrize("service", SERVICES)
def test_a_backup_is_deleted(cloud: RunningCloud, service: str) -> None:
    backup = taken(cloud, service, wait=True)
    result = TaskRun(DELETE[service](task_id="delete", backup=backup, poll_interval=0.05)).execute()
    assert (result["service"], result["backup_id"]) == (service, backup["backup_id"])
    let_time_pass(cloud)
    assert is_gone(backup)


@pytest.mark.parametrize("service", SERVICES)
def test_a_failed_backup_is_deleted(cloud: RunningCloud, service: str) -> None:
    cloud.set_backup_seconds(0)
    cloud.fail_next_backup(service, "the array is on fire")
    backup = taken(cloud, service)
    operator = DELETE[service](task_id="delete", backup=backup, poll_interval=0.05, timeout=5)
    assert TaskRun(operator).execute()["backup_id"] == backup["backup_id"]


@pytest.mark.parametrize("service", ["vbs", "csbs", "cbr"])
def test_a_deletion_that_fails_fails_the_task(cloud: RunningCloud, service: str) -> None:
    backup = taken(cloud, service, wait=True)
    cloud.plan_outcome(f"{service}.deletion", reason="the array is on fire")
    operator = DELETE[service](task_id="delete", backup=backup, poll_interval=0.05, timeout=5)
    with pytest.raises(BackupFailedError) as caught:
        TaskRun(operator).execute()
    assert "requests its deletion again" in str(caught.value)
    assert "fresh backup" not in str(caught.value)


def unknown_to(cloud: RunningCloud, service: str) -> dict[str, str]:
    """Return arguments that name a backup which never was."""
    if service in DATABASES:
        return {"backup_id": "0" * 32 + "br01", "instance_id": resources(cloud, f"{service}_instances")[0]}
    return {"backup_id": UUID}


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize("service", SERVICES)
def test_a_backup_that_does_not_exist_fails_the_deletion(cloud: RunningCloud, service: str, wait: bool) -> None:
    arguments = unknown_to(cloud, service)
    operator = DELETE[service](task_id="delete", wait_for_completion=wait, **arguments)
    with pytest.raises(BackupMissingError) as caught:
        TaskRun(operator).execute()
    place = f"region eu-de, project {cloud.describe()['project_id']}"
    for words in (arguments["backup_id"], service, place, "if_missing='ignore'"):
        assert words in str(caught.value)


@pytest.mark.parametrize("service", SERVICES)
def test_a_backup_that_does_not_exist_is_ignored_by_choice(
    cloud: RunningCloud, logged: Callable[[], str], service: str
) -> None:
    arguments = unknown_to(cloud, service)
    operator = DELETE[service](task_id="delete", if_missing="ignore", **arguments)
    assert TaskRun(operator).execute()["backup_id"] == arguments["backup_id"]
    assert "here is nothing left to delete" in logged()


@pytest.mark.parametrize("if_missing", ["fail", "ignore"])
@pytest.mark.parametrize("field", ["region", "project_id"])
@pytest.mark.parametrize("with_access_key", [True, False], ids=["key", "password"])
@pytest.mark.parametrize("service", SERVICES)
def test_a_wrong_region_or_project_never_counts_as_a_backup_that_is_gone(
    cloud: RunningCloud,
    monkeypatch: pytest.MonkeyPatch,
    service: str,
    with_access_key: bool,
    field: str,
    if_missing: str,
) -> None:
    backup = taken(cloud, service, wait=True)
    wrong = {"region": "eu-fr"} if field == "region" else {"project_id": "0" * 32}
    connection = json.loads(cloud.connection_json(with_access_key=with_access_key))
    if field == "region":
        connection["extra"].pop("project_id", None)
    monkeypatch.setenv(CONNECTION, json.dumps(connection))
    operator = DELETE[service](task_id="delete", backup=backup, poll_interval=0.05, if_missing=if_missing, **wrong)
    with pytest.raises((ConfigurationError, PermissionDeniedError), match=r"(region|project_id).* in the connection"):
        TaskRun(operator).execute()
    assert len(rows(cloud, service)) == 1


@pytest.mark.parametrize(
    "refusal",
    [
        {"service": "iam", "status": 400, "code": "IAM.1109"},
        {"status": 400, "code": "IAM.1109"},
        {"status": 404, "code": "APIGW.0101"},
        {"status": 401, "code": "401", "message": "Malformed request url"},
    ],
    ids=["identity service", "identity service behind a service", "gateway", "unreadable project"],
)
@pytest.mark.parametrize("service", SERVICES)
def test_an_answer_about_something_else_never_counts_as_a_backup_that_is_gone(
    cloud: RunningCloud, service: str, refusal: dict[str, Any]
) -> None:
    backup = taken(cloud, service, wait=True)
    cloud.misbehave("refuse", **{"service": service, "message": "no", **refusal})
    operator = DELETE[service](task_id="delete", backup=backup, poll_interval=0.05, if_missing="ignore")
    with pytest.raises(BackupError):
        TaskRun(operator).execute()
    cloud.behave()
    assert not is_gone(backup)


@pytest.mark.parametrize("service", DATABASES)
def test_an_instance_that_does_not_exist_never_counts_as_a_backup_that_is_gone(
    cloud: RunningCloud, service: str
) -> None:
    backup_id = taken(cloud, service, wait=True)["backup_id"]
    unknown = "0" * 32 + resources(cloud, f"{service}_instances")[0][32:]
    operator = DELETE[service](task_id="delete", backup_id=backup_id, instance_id=unknown, if_missing="ignore")
    with pytest.raises(BadRequestError, match="Check instance_id"):
        TaskRun(operator).execute()
    assert len(rows(cloud, service)) == 1


@pytest.mark.parametrize("service", SERVICES)
def test_a_retry_succeeds_when_the_try_before_asked_for_the_deletion(
    cloud: RunningCloud, logged: Callable[[], str], service: str
) -> None:
    backup = taken(cloud, service, wait=True)
    operator = DELETE[service](task_id="delete", backup=backup, wait_for_completion=False)
    run = TaskRun(operator, store=TaskStateStore())
    run.execute()
    let_time_pass(cloud)
    run.retry()
    assert run.execute()["backup_id"] == backup["backup_id"]
    assert "here is nothing left to delete" in logged()
    run.clear()
    assert run.execute()["backup_id"] == backup["backup_id"]


@pytest.mark.parametrize("service", ["vbs", "csbs", "rds", "gaussdb", "taurusdb"])
def test_a_retry_that_cannot_know_of_an_earlier_try_says_so(cloud: RunningCloud, service: str) -> None:
    backup = taken(cloud, service, wait=True)
    run = TaskRun(DELETE[service](task_id="delete", backup=backup, wait_for_completion=False))
    run.execute()
    let_time_pass(cloud)
    run.retry()
    with pytest.raises(BackupMissingError, match=r"An earlier try may have deleted it.*if_missing='ignore'"):
        run.execute()


def test_what_one_try_saw_says_nothing_about_another_backup(cloud: RunningCloud) -> None:
    store = TaskStateStore()
    backup = taken(cloud, "vbs", wait=True)
    TaskRun(DELETE["vbs"](task_id="delete", backup=backup, poll_interval=0.05), store=store).execute()
    other = TaskRun(DELETE["vbs"](task_id="delete", backup_id=UUID, poll_interval=0.05), store=store)
    other.retry()
    with pytest.raises(BackupMissingError):
        other.execute()


@pytest.mark.parametrize("service", SERVICES)
def test_a_backup_that_another_task_deletes_meanwhile_counts_as_deleted(
    wire: Wire, backup_cloud: RunningCloud, service: str
) -> None:
    backup = taken(backup_cloud, service, wait=True)
    # The answer to the first request for the deletion gets lost, and all is over before the second one.
    backup_cloud.set_backup_seconds(0)
    lost = 0

    def first_deletion(request: WireRequest) -> bool:
        nonlocal lost
        lost += request.method == "DELETE"
        return request.method == "DELETE" and lost == 1

    with wire.losing_answers_to(first_deletion):
        TaskRun(DELETE[service](task_id="delete", backup=backup, poll_interval=0.05)).execute()
    assert is_gone(backup)


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize("service", SERVICES)
def test_the_log_names_each_deleted_backup_with_its_name_and_resource(
    cloud: RunningCloud, logged: Callable[[], str], service: str, wait: bool
) -> None:
    backup = taken(cloud, service, wait=True)
    TaskRun(DELETE[service](task_id="delete", backup=backup, poll_interval=0.05, wait_for_completion=wait)).execute()
    (backup_id,), (resource_id,) = backup["backup_ids"], backup["resource_ids"]
    text = "Deleted" if wait else "deletion of"
    lines = [line for line in logged().splitlines() if f"{text}: {service} backup" in line]
    assert lines
    assert all(words in lines[0] for words in (backup_id, backup["name"], resource_id))


@pytest.mark.parametrize("by", ["backup_id", "backup"])
def test_a_job_is_understood_as_the_backup_that_it_takes(cloud: RunningCloud, by: str) -> None:
    creation = TaskRun(create_operator(cloud, "vbs", deferrable=False))
    creation.execute()
    job = creation.ti.xcom_pull("backup", key="backup_reference", map_indexes=-1)
    assert job["kind"] == "job"
    named = {by: job["backup_id"] if by == "backup_id" else job}
    TaskRun(DELETE["vbs"](task_id="delete", poll_interval=0.05, **named)).execute()
    assert is_gone(job)


@pytest.mark.parametrize("service", ["csbs", "cbr"])
def test_the_id_of_a_checkpoint_is_understood_where_that_of_a_backup_is(cloud: RunningCloud, service: str) -> None:
    what = (
        {"policy_id": csbs_policy(cloud, servers=2)} if service == "csbs" else {"vault_id": cbr_vault(cloud, servers=2)}
    )
    backup = taken(cloud, service, wait=True, **what)
    result = TaskRun(DELETE[service](task_id="delete", backup_id=backup["backup_id"], poll_interval=0.05)).execute()
    assert (result["backup_id"], result["kind"]) == (backup["backup_id"], "checkpoint")
    for backup_id in backup["backup_ids"]:
        assert is_gone({"service": service, "backup_id": backup_id})


@pytest.mark.parametrize("service", ["csbs", "cbr"])
def test_a_checkpoint_is_deleted_with_all_its_backups(cloud: RunningCloud, service: str) -> None:
    what = (
        {"policy_id": csbs_policy(cloud, servers=2)} if service == "csbs" else {"vault_id": cbr_vault(cloud, servers=2)}
    )
    backup = taken(cloud, service, wait=True, **what)
    assert len(rows(cloud, service)) == 2
    TaskRun(DELETE[service](task_id="delete", checkpoint_id=backup["backup_id"], poll_interval=0.05)).execute()
    assert taken(cloud, service, wait=True, **what)["backup_ids"] != backup["backup_ids"]


@pytest.mark.parametrize("service", ["csbs", "cbr"])
def test_one_backup_of_a_checkpoint_is_deleted(cloud: RunningCloud, service: str) -> None:
    what = (
        {"policy_id": csbs_policy(cloud, servers=2)} if service == "csbs" else {"vault_id": cbr_vault(cloud, servers=2)}
    )
    first, _ = taken(cloud, service, wait=True, **what)["backup_ids"]
    operator = DELETE[service](task_id="delete", backup_id=first, poll_interval=0.05)
    assert TaskRun(operator).execute() == {"service": service, "backup_id": first, "kind": "backup"}


@pytest.mark.parametrize("service", SERVICES)
def test_the_task_need_not_wait(wire: Wire, backup_cloud: RunningCloud, service: str) -> None:
    backup = taken(backup_cloud, service, wait=True)
    backup_cloud.set_backup_seconds(3600)
    wire.requests.clear()
    TaskRun(DELETE[service](task_id="delete", backup=backup, wait_for_completion=False)).execute()
    assert [request.method for request in wire.sent_to(service) if request.method != "GET"] == ["DELETE"]


def test_a_deletion_that_takes_too_long_fails_the_task(cloud: RunningCloud, logged: Callable[[], str]) -> None:
    backup = taken(cloud, "vbs", wait=True)
    cloud.set_backup_seconds(3600)
    operator = DELETE["vbs"](task_id="delete", backup=backup, poll_interval=0.05, timeout=1.5)
    with pytest.raises(BackupTimeoutError, match=r"deleting.*\(timeout\)"):
        TaskRun(operator).execute()
    assert "could not be read" not in logged()


def test_a_retry_waits_for_the_running_deletion(cloud: RunningCloud) -> None:
    backup = taken(cloud, "vbs", wait=True)
    cloud.set_backup_seconds(3600)
    run = TaskRun(DELETE["vbs"](task_id="delete", backup=backup, poll_interval=0.05, timeout=1.5))
    with pytest.raises(BackupTimeoutError):
        run.execute()
    run.retry()
    timer = threading.Timer(0.1, let_time_pass, [cloud])
    timer.start()
    run.operator.timeout = 60
    assert run.execute()["backup_id"] == backup["backup_id"]
    timer.join()


def test_transient_errors_while_waiting_for_the_end_of_a_deletion_are_tolerated(
    wire: Wire, backup_cloud: RunningCloud
) -> None:
    backup = taken(backup_cloud, "vbs", wait=True)
    backup_cloud.set_backup_seconds(3600)
    failed = 0

    def after_the_deletion(request: WireRequest) -> bool:
        nonlocal failed
        if request.method != "GET" or not wire.sent_to("vbs", "DELETE"):
            return False
        failed += 1
        if failed == 6:
            let_time_pass(backup_cloud)
        return failed <= 6

    with wire.failing(after_the_deletion):
        TaskRun(DELETE["vbs"](task_id="delete", backup=backup, poll_interval=0.05)).execute()
    assert failed > 6


@pytest.mark.parametrize("service", SERVICES)
def test_the_deletion_of_a_running_backup_fails_by_choice(cloud: RunningCloud, service: str) -> None:
    cloud.set_backup_seconds(3600)
    backup = taken(cloud, service)
    with pytest.raises(ResourceBusyError):
        TaskRun(DELETE[service](task_id="delete", backup=backup, on_conflict="fail")).execute()
    assert len(rows(cloud, service)) == 1


@pytest.mark.parametrize("on_conflict", ["wait", "adopt"])
@pytest.mark.parametrize("service", SERVICES)
def test_a_running_backup_is_deleted_when_it_is_over(cloud: RunningCloud, service: str, on_conflict: str) -> None:
    cloud.set_backup_seconds(0.4)
    backup = taken(cloud, service)
    operator = DELETE[service](task_id="delete", backup=backup, poll_interval=0.05, timeout=20, on_conflict=on_conflict)
    assert TaskRun(operator).execute()["service"] == service
    assert is_gone(backup)


def test_a_backup_that_stays_busy_times_out_and_is_kept(cloud: RunningCloud) -> None:
    cloud.set_backup_seconds(3600)
    backup = taken(cloud, "rds")
    operator = DELETE["rds"](task_id="delete", backup=backup, poll_interval=0.05, timeout=1.2)
    with pytest.raises(BackupTimeoutError, match=r"was busy for .*; no deletion was started.*\(timeout\)\.$"):
        TaskRun(operator).execute()
    assert len(rows(cloud, "rds")) == 1


def test_the_backup_of_another_service_is_refused_when_the_task_runs(cloud: RunningCloud) -> None:
    operator = DELETE["vbs"](task_id="delete", backup="{{ set by a task }}")
    operator.backup = taken(cloud, "rds")
    with pytest.raises(InvalidArgumentError, match="'rds'.*'vbs'"):
        TaskRun(operator).execute()
