"""A backup fails: Airflow retries the task as its author said, and the next try takes a fresh backup."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException

from airflow_provider_backup.cloud.errors import DuplicateNameError
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import BackupFailedError, BackupPartialError, FinalBackupFailedError
from tests.airflow.conftest import ChangeLimits
from tests.airflow.dag_runs import run_dag
from tests.airflow.recording_proxy import Wire, is_post_to
from tests.airflow.service_matrix import (
    DATABASES,
    DELETE,
    NAMED,
    SENSORS,
    SERVICE_OF,
    SERVICES,
    cbr_vault,
    create_operator,
    finish_backups,
    resources,
    rows,
    taken,
)
from tests.airflow.task_runs import Deferred, TaskRun, TaskStateStore

WAYS = ["on the worker", "told by the trigger", "seen after the trigger died"]
each_service = pytest.mark.parametrize("service", SERVICES)
each_way = pytest.mark.parametrize("way", WAYS)
each_store = pytest.mark.parametrize("with_store", [True, False], ids=["store", "no store"])


def failing(cloud: RunningCloud, service: str, *, with_store: bool = False, **arguments: Any) -> TaskRun:
    """Return a task whose next backup fails."""
    usual: dict[str, Any] = {"deferrable": False, "retries": 2}
    run = TaskRun(
        create_operator(cloud, service, **{**usual, **arguments}), store=TaskStateStore() if with_store else None
    )
    cloud.fail_next_backup(SERVICE_OF[service], "the array is on fire")
    return run


def end_of(cloud: RunningCloud, run: TaskRun, way: str) -> BackupFailedError:
    """Run a task to the failure of its backup."""
    run.operator.deferrable = way != "on the worker"
    go: Callable[[], Any] = run.execute
    if run.operator.deferrable:
        cloud.set_backup_seconds(3600)
        deferred = run.execute()
        assert isinstance(deferred, Deferred)
        finish_backups(cloud)
        cloud.set_backup_seconds(0.05)
        go = partial(run.finish, deferred) if way == "told by the trigger" else run.resume_after_failure
    with pytest.raises(BackupFailedError) as caught:
        go()
    return caught.value


@each_way
@each_service
def test_the_task_is_retried_when_its_backup_failed(cloud: RunningCloud, service: str, way: str) -> None:
    error = end_of(cloud, failing(cloud, service), way)
    assert not isinstance(error, AirflowFailException)
    assert "the next try" in str(error)


@each_way
@each_service
def test_without_retry_failed_the_task_fails_at_once(cloud: RunningCloud, service: str, way: str) -> None:
    error = end_of(cloud, failing(cloud, service, retry_failed=False), way)
    assert isinstance(error, AirflowFailException)
    assert "the next try" not in str(error)


@each_store
@each_service
def test_the_next_try_names_the_failed_backup_and_takes_a_fresh_one(
    cloud: RunningCloud, logged: Callable[[], str], service: str, with_store: bool
) -> None:
    run = failing(cloud, service, with_store=with_store)
    end_of(cloud, run, "on the worker")
    failed = rows(cloud, service)[0]
    run.retry()
    assert run.execute()["status"].lower() in ("available", "completed")
    line = next(line for line in logged().splitlines() if "an earlier try cannot be used" in line)
    jobs = {job["id"] for job in cloud.state.table("vbs.jobs").values() if job["backup_id"] == failed["id"]}
    assert any(each in line for each in {failed["id"], failed.get("checkpoint_id") or failed["id"], *jobs})
    assert len(rows(cloud, service)) == 2


@pytest.mark.parametrize("service", NAMED)
def test_a_failed_backup_of_the_authors_name_is_named_by_the_next_try(
    cloud: RunningCloud, logged: Callable[[], str], service: str
) -> None:
    run = failing(cloud, service, name="nightly")
    end_of(cloud, run, "on the worker")
    run.retry()
    if service in DATABASES:
        with pytest.raises(DuplicateNameError, match="this one belongs to a backup that failed"):
            run.execute()
    else:
        run.execute()
    assert "an earlier try cannot be used" in logged()


@each_service
def test_the_try_after_a_failure_in_each_of_two_tries_takes_a_third_backup(cloud: RunningCloud, service: str) -> None:
    run = failing(cloud, service)
    end_of(cloud, run, "on the worker")
    run.retry()
    cloud.fail_next_backup(service, "the array is on fire")
    end_of(cloud, run, "on the worker")
    run.retry()
    run.execute()
    assert len(rows(cloud, service)) == 3


@pytest.mark.parametrize("retry_failed", [True, False])
@each_service
def test_no_second_backup_is_asked_for_when_that_of_a_lost_answer_has_failed(
    wire: Wire, backup_cloud: RunningCloud, service: str, retry_failed: bool
) -> None:
    backup_cloud.set_backup_seconds(0)
    run = failing(backup_cloud, service, retry_failed=retry_failed)
    with wire.losing_answers_to(is_post_to(service)), pytest.raises(BackupFailedError) as caught:
        run.execute()
    assert isinstance(caught.value, FinalBackupFailedError) is not retry_failed
    assert len(rows(backup_cloud, service)) == 1
    if retry_failed:
        run.retry()
        assert run.execute()["status"].lower() in ("available", "completed")
        assert len(rows(backup_cloud, service)) == 2


@pytest.mark.parametrize("service", DATABASES)
def test_the_next_name_is_taken_without_searches(
    cloud: RunningCloud, change_limits: ChangeLimits, service: str
) -> None:
    run = failing(cloud, service)
    end_of(cloud, run, "on the worker")
    run.retry()
    change_limits(lost_answer_searches=(3600.0,))
    assert run.execute()["name"].endswith("-2")


@each_store
@pytest.mark.parametrize("service", NAMED)
def test_without_retry_failed_a_try_that_finds_its_failed_backup_fails_at_once(
    cloud: RunningCloud, service: str, with_store: bool
) -> None:
    # The first try died while its backup went on.
    run = failing(cloud, service, with_store=with_store, retry_failed=False, wait_for_completion=False)
    run.execute()
    finish_backups(cloud)
    run.retry()
    with pytest.raises(FinalBackupFailedError):
        run.execute()
    assert len(rows(cloud, service)) == 1
    run.clear()
    run.operator.wait_for_completion = True
    assert run.execute()["status"].lower() in ("available", "completed")


@each_store
@pytest.mark.parametrize("service", NAMED)
def test_without_retry_failed_a_clear_takes_a_fresh_backup_also_with_on_clear_adopt(
    cloud: RunningCloud, service: str, with_store: bool
) -> None:
    run = failing(cloud, service, with_store=with_store, retry_failed=False, on_clear="adopt")
    end_of(cloud, run, "on the worker")
    run.clear()
    assert run.execute()["status"].lower() in ("available", "completed")
    assert len(rows(cloud, service)) == 2


def test_without_retry_failed_a_recorded_checkpoint_that_failed_ends_the_task(cloud: RunningCloud) -> None:
    run = failing(cloud, "csbs", with_store=True, retry_failed=False, wait_for_completion=False)
    run.execute()
    finish_backups(cloud)
    run.retry()
    with pytest.raises(FinalBackupFailedError):
        run.execute()
    assert len(rows(cloud, "csbs")) == 1


@each_service
def test_a_retry_takes_a_fresh_backup_when_a_user_deleted_the_one_before(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    run = TaskRun(create_operator(cloud, service, deferrable=False, retries=2))
    first = run.execute()
    TaskRun(DELETE[service](task_id="delete", backup=first, poll_interval=0.05)).execute()
    run.retry()
    assert run.execute()["backup_ids"] != first["backup_ids"]


@each_service
def test_a_sensor_still_fails_for_good(cloud: RunningCloud, service: str) -> None:
    cloud.fail_next_backup(service, "the array is on fire")
    backup = taken(cloud, service)
    finish_backups(cloud)
    with pytest.raises(FinalBackupFailedError) as caught:
        TaskRun(SENSORS[service](task_id="wait", backup=backup, poke_interval=0.05)).execute()
    assert isinstance(caught.value, AirflowFailException)


def test_a_partial_backup_is_not_taken_once_more_by_a_retry(cloud: RunningCloud) -> None:
    # Its good part would be taken twice.
    run = TaskRun(create_operator(cloud, "cbr", deferrable=False, retries=2, vault_id=cbr_vault(cloud, servers=2)))
    cloud.state.table("inventory.servers")[resources(cloud, "servers")[1]]["status"] = "ERROR"
    for _ in range(2):
        with pytest.raises(BackupPartialError) as caught:
            run.execute()
        assert isinstance(caught.value, AirflowFailException)
        run.retry()
    assert len(rows(cloud, "cbr")) == 1


@pytest.mark.parametrize("service", ["rds", "cbr"])
def test_the_error_reports_a_reason_only_where_the_service_gives_one(cloud: RunningCloud, service: str) -> None:
    error = end_of(cloud, failing(cloud, service), "on the worker")
    assert ("the array is on fire" in str(error)) is (service == "cbr")
    assert ("gives no reason" in str(error)) is (service == "rds")


@pytest.mark.usefixtures("airflow_database")
@pytest.mark.parametrize("deferrable", [True, False])
def test_airflow_retries_the_task_and_the_second_backup_is_its_result(cloud: RunningCloud, deferrable: bool) -> None:
    vault_id = cbr_vault(cloud)
    cloud.fail_next_backup("cbr", "the array is on fire")
    with DAG(dag_id=f"failed_{deferrable}", schedule=None) as dag:
        create_operator(cloud, "cbr", vault_id=vault_id, deferrable=deferrable, retries=1, retry_delay=timedelta(0))
    end = run_dag(dag)["backup"]
    assert (end.state, end.tries) == ("success", 2)
    assert end.result["backup_ids"] == [rows(cloud, "cbr")[1]["id"]]


@pytest.mark.usefixtures("airflow_database")
def test_airflow_does_not_retry_the_task_without_retry_failed(cloud: RunningCloud) -> None:
    cloud.fail_next_backup("vbs", "the array is on fire")
    with DAG(dag_id="failed_at_once", schedule=None) as dag:
        create_operator(cloud, "vbs", deferrable=True, retries=1, retry_delay=timedelta(0), retry_failed=False)
    end = run_dag(dag)["backup"]
    assert (end.state, end.tries) == ("failed", 1)
    assert len(rows(cloud, "vbs")) == 1
