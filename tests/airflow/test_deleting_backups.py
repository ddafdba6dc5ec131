"""Deleting a backup and waiting until it is gone."""

from __future__ import annotations

import pytest

from airflow_provider_backup.cloud.errors import BackupError
from airflow_provider_backup.emulator.running import RunningCloud
from airflow_provider_backup.exceptions import BackupFailedError, BackupTimeoutError, InvalidArgumentError
from tests.airflow.backups import DELETE, SERVICES, cbr_vault, csbs_policy, let_time_pass, rows, taken
from tests.airflow.rules import INSTANCE, UUID
from tests.airflow.task_runs import TaskRun
from tests.airflow.wire import Wire, WireRequest


@pytest.mark.parametrize("service", SERVICES)
def test_a_backup_is_deleted(cloud: RunningCloud, service: str) -> None:
    backup = taken(cloud, service, wait=True)
    result = TaskRun(DELETE[service](task_id="delete", backup=backup, poll_interval=0.05)).execute()
    assert (result["service"], result["backup_id"]) == (service, backup["backup_id"])
    let_time_pass(cloud)
    again = TaskRun(DELETE[service](task_id="again", backup=backup, poll_interval=0.05)).execute()
    assert again == result


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
    with pytest.raises(BackupFailedError):
        TaskRun(operator).execute()


@pytest.mark.parametrize("service", SERVICES)
def test_a_backup_that_is_not_there_counts_as_deleted(cloud: RunningCloud, service: str) -> None:
    instance = {"instance_id": INSTANCE} if service in ("rds", "gaussdb", "taurusdb") else {}
    backup_id = "0" * 32 + "br01" if instance else UUID
    operator = DELETE[service](task_id="delete", backup_id=backup_id, **instance)
    assert TaskRun(operator).execute()["backup_id"] == backup_id


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


def test_a_deletion_that_takes_too_long_fails_the_task(cloud: RunningCloud) -> None:
    backup = taken(cloud, "vbs", wait=True)
    cloud.set_backup_seconds(3600)
    operator = DELETE["vbs"](task_id="delete", backup=backup, poll_interval=0.05, timeout=0.2)
    with pytest.raises(BackupTimeoutError, match=r"deleting.*\(timeout\)"):
        TaskRun(operator).execute()


def test_a_retry_waits_for_the_deletion_that_goes_on(cloud: RunningCloud) -> None:
    backup = taken(cloud, "vbs", wait=True)
    cloud.set_backup_seconds(3600)
    run = TaskRun(DELETE["vbs"](task_id="delete", backup=backup, poll_interval=0.05, timeout=0.2))
    with pytest.raises(BackupTimeoutError):
        run.execute()
    let_time_pass(cloud)
    run.retry()
    assert run.execute()["backup_id"] == backup["backup_id"]


def test_trouble_while_waiting_for_the_end_of_a_deletion_is_outlived(wire: Wire, backup_cloud: RunningCloud) -> None:
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
def test_a_running_backup_cannot_be_deleted(cloud: RunningCloud, service: str) -> None:
    cloud.set_backup_seconds(3600)
    backup = taken(cloud, service)
    with pytest.raises(BackupError):
        TaskRun(DELETE[service](task_id="delete", backup=backup)).execute()
    assert len(rows(cloud, service)) == 1


def test_the_backup_of_another_service_is_refused_when_the_task_runs(cloud: RunningCloud) -> None:
    operator = DELETE["vbs"](task_id="delete", backup="{{ set by a task }}")
    operator.backup = taken(cloud, "rds")
    with pytest.raises(InvalidArgumentError, match="'rds'.*'vbs'"):
        TaskRun(operator).execute()
