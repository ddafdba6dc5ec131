"""Backups that have a task's key and are not its own: of a DAG run that was made again, and of another Airflow."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.errors import CloudConnectionError, DuplicateNameError
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.emulator.core.state import system_time
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import BackupFailedError
from airflow_provider_backup.hooks.base import BackupCloudHook
from airflow_provider_backup.tasks.idempotency import idempotency_key
from airflow_provider_backup.version_compat import AIRFLOW_3
from tests.airflow.conftest import CONNECTION, ChangeLimits
from tests.airflow.dag_runs import run_dag
from tests.airflow.model.world import age
from tests.airflow.recording_proxy import Wire, is_post_to
from tests.airflow.service_matrix import DATABASES, NAMED, SERVICES, create_operator, rows, target
from tests.airflow.task_runs import Deferred, TaskRun, TaskStateStore

LATER = timedelta(days=14)


def made_again(run: TaskRun, after: timedelta = LATER) -> TaskRun:
    """Return the same task of the same DAG run, which was deleted and made again; its records went with it."""
    again = TaskRun(run.operator, run_id=run.run_id, store=TaskStateStore() if run.store else None)
    again.dag_run.start_date = run.dag_run.start_date + after
    again.ti.start_date = again.dag_run.start_date + timedelta(seconds=1)
    return again


def time_passes(cloud: RunningCloud, by: timedelta = LATER) -> None:
    """Let the cloud's backups be older."""
    for name in json.loads(cloud.state.to_json()):
        for row in list(cloud.state.table(name).values()):
            for moment in {"started_at", "ready_at", "created_at"} & row.keys():
                row[moment] = (datetime.fromisoformat(row[moment]) - by).isoformat()


def run_again(cloud: RunningCloud, run: TaskRun) -> TaskRun:
    """Delete a DAG run whose backups are two weeks old, and make it again now."""
    time_passes(cloud)
    return made_again(run, timedelta(0))


# --------------------------------------------------------------------------------- a DAG run that was made again


@pytest.mark.parametrize("service", SERVICES)
def test_a_run_that_was_deleted_and_made_again_takes_a_fresh_backup(
    cloud: RunningCloud, logged: Callable[[], str], service: str
) -> None:
    run = TaskRun(create_operator(cloud, service, deferrable=False), store=TaskStateStore())
    old = run.execute()
    assert run_again(cloud, run).execute()["backup_ids"] != old["backup_ids"]
    assert len(rows(cloud, service)) == 2
    if service in NAMED:
        assert "started before this DAG run" in logged()


@pytest.mark.parametrize("service", SERVICES)
def test_a_retry_in_a_run_that_was_made_again_finds_the_fresh_backup(cloud: RunningCloud, service: str) -> None:
    run = TaskRun(create_operator(cloud, service, deferrable=False, retries=2))
    run.execute()
    again = run_again(cloud, run)
    fresh = again.execute()
    again.retry()
    assert again.execute()["backup_ids"] == fresh["backup_ids"]
    assert len(rows(cloud, service)) == 2


@pytest.mark.parametrize("service", NAMED)
def test_a_retry_that_is_the_first_to_ask_does_not_take_the_backup_of_the_deleted_run(
    wire: Wire, backup_cloud: RunningCloud, service: str
) -> None:
    run = TaskRun(create_operator(backup_cloud, service, deferrable=False, retries=2))
    old = run.execute()
    again = run_again(backup_cloud, run)
    wire.down()
    with pytest.raises(CloudConnectionError):
        again.execute()
    wire.up()
    again.retry()
    assert again.execute()["backup_ids"] != old["backup_ids"]


@pytest.mark.parametrize("service", NAMED)
def test_with_on_clear_adopt_a_run_that_was_made_again_adopts_its_backup(cloud: RunningCloud, service: str) -> None:
    run = TaskRun(create_operator(cloud, service, deferrable=False, on_clear="adopt"))
    old = run.execute()
    assert run_again(cloud, run).execute()["backup_ids"] == old["backup_ids"]
    assert len(rows(cloud, service)) == 1


@pytest.mark.parametrize("service", DATABASES)
def test_with_on_clear_adopt_a_run_that_was_made_again_finds_a_backup_with_a_later_name(
    cloud: RunningCloud, service: str
) -> None:
    cloud.fail_next_backup(service, "the array is on fire")
    run = TaskRun(create_operator(cloud, service, deferrable=False, on_clear="adopt"))
    with pytest.raises(BackupFailedError):
        run.execute()
    run.retry()
    good = run.execute()
    backups = cloud.state.table(f"{service}.backups")
    for backup_id in [key for key, row in backups.items() if row["failure"]]:
        del backups[backup_id]
    assert run_again(cloud, run).execute()["backup_ids"] == good["backup_ids"]


@pytest.mark.parametrize("step", ["retry", "clear"])
@pytest.mark.parametrize("with_store", [False, True])
@pytest.mark.parametrize("service", NAMED)
def test_each_try_has_time_for_the_backup_of_the_deleted_run_and_never_deletes_it(
    cloud: RunningCloud, service: str, with_store: bool, step: str
) -> None:
    cloud.set_backup_seconds(3600)
    how = {"deferrable": True, "timeout": 3600, "on_clear": "adopt", "delete_on_kill": True}
    run = TaskRun(create_operator(cloud, service, **how), store=TaskStateStore() if with_store else None)
    run.execute()
    age(cloud.state, LATER)
    again = made_again(run, timedelta(0))
    first = again.execute()
    getattr(again, step)()
    second = again.execute()
    assert len(rows(cloud, service)) == 1
    assert abs(second.trigger_arguments["deadline"] - first.trigger_arguments["deadline"]) < 30
    assert [each.trigger_arguments.get("delete_on_kill", False) for each in (first, second)] == [False, False]


@pytest.mark.parametrize("service", DATABASES)
def test_the_name_that_the_deleted_run_left_taken_costs_no_searches(
    cloud: RunningCloud, change_limits: ChangeLimits, service: str
) -> None:
    run = TaskRun(create_operator(cloud, service, deferrable=False))
    first = run.execute()
    again = run_again(cloud, run)
    change_limits(lost_answer_searches=(3600.0,))
    assert again.execute()["name"] == f"{first['name']}-2"
    assert run_again(cloud, run).execute()["name"] == f"{first['name']}-3"


@pytest.mark.parametrize("service", DATABASES)
def test_when_deleted_runs_left_all_names_taken_the_task_says_so(cloud: RunningCloud, service: str) -> None:
    run = TaskRun(create_operator(cloud, service, deferrable=False))
    run.execute()
    for _ in range(4):
        run_again(cloud, run).execute()
    with pytest.raises(DuplicateNameError, match=r"all names of this task .* an earlier run of the same id"):
        run_again(cloud, run).execute()


@pytest.mark.parametrize("off", [timedelta(minutes=30), -timedelta(minutes=30)], ids=["ahead", "behind"])
@pytest.mark.parametrize("service", NAMED)
def test_a_retry_finds_its_backup_however_far_the_clouds_clock_is(
    cloud: RunningCloud, service: str, off: timedelta
) -> None:
    cloud.state.now = lambda: system_time() + off
    run = TaskRun(create_operator(cloud, service, deferrable=False, retries=2))
    first = run.execute()
    run.retry()
    assert run.execute()["backup_ids"] == first["backup_ids"]


def test_a_retry_finds_its_backup_although_the_schedulers_clock_is_ahead(cloud: RunningCloud) -> None:
    run = TaskRun(create_operator(cloud, "rds", deferrable=False, retries=2))
    run.dag_run.start_date += timedelta(minutes=1)
    first = run.execute()
    run.retry()
    assert run.execute()["backup_id"] == first["backup_id"]


@pytest.mark.parametrize("service", NAMED)
def test_a_later_retry_finds_its_backup_although_the_schedulers_clock_is_ahead(
    cloud: RunningCloud, service: str
) -> None:
    run = TaskRun(create_operator(cloud, service, deferrable=False, retries=2))
    run.dag_run.start_date += timedelta(minutes=1)
    first = run.execute()
    run.retry()
    run.ti.start_date += timedelta(minutes=5)
    assert run.execute()["backup_ids"] == first["backup_ids"]
    assert len(rows(cloud, service)) == 1


@pytest.mark.parametrize("service", NAMED)
def test_a_run_that_is_made_again_within_a_minute_takes_a_fresh_backup_too(cloud: RunningCloud, service: str) -> None:
    run = TaskRun(create_operator(cloud, service, deferrable=False, retries=2))
    old = run.execute()
    time_passes(cloud, timedelta(seconds=20))
    again = made_again(run, timedelta(0))
    fresh = again.execute()
    assert fresh["backup_ids"] != old["backup_ids"]
    again.retry()
    assert again.execute()["backup_ids"] == fresh["backup_ids"]


@pytest.mark.parametrize("service", NAMED)
def test_dags_test_of_one_date_takes_a_fresh_backup_each_time(cloud: RunningCloud, service: str) -> None:
    # Airflow writes the date down as the beginning of the run.
    run = TaskRun(create_operator(cloud, service, deferrable=False))
    run.dag_run.start_date = run.dag_run.logical_date = datetime(2026, 1, 1, tzinfo=UTC)
    old = run.execute()
    time_passes(cloud)
    again = TaskRun(run.operator)
    again.dag_run.start_date = again.dag_run.logical_date = datetime(2026, 1, 1, tzinfo=UTC)
    fresh = again.execute()
    assert fresh["backup_ids"] != old["backup_ids"]
    again.retry()
    assert again.execute()["backup_ids"] == fresh["backup_ids"]


@pytest.mark.usefixtures("airflow_database")
def test_a_run_that_airflow_deleted_and_made_again_takes_a_fresh_backup(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session

    monkeypatch.setattr(DagRun, "generate_run_id", staticmethod(lambda *_, **__: "manual__same"))
    results = []
    for _ in range(2):
        with DAG(dag_id="made_again", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)) as dag:
            create_operator(cloud, "rds", deferrable=True)
        end = run_dag(dag)["backup"]
        assert end.state == "success"
        results.append(end.result["backup_id"])
        with create_session() as session:
            session.query(DagRun).filter_by(dag_id="made_again").delete()
        time_passes(cloud)
    assert len(set(results)) == 2


@pytest.mark.skipif(AIRFLOW_3, reason="backfills were something else before")
def test_a_retry_in_a_backfill_that_was_started_once_more_finds_its_backup(cloud: RunningCloud) -> None:
    run = TaskRun(create_operator(cloud, "rds", deferrable=False, retries=2))
    run.dag_run.run_type = "backfill"
    first = run.execute()
    time_passes(cloud, timedelta(minutes=10))
    run.retry()
    run.dag_run.start_date = run.ti.start_date - timedelta(seconds=1)
    assert run.execute()["backup_id"] == first["backup_id"]


# ---------------------------------------------------------------------------------------------- another Airflow


def of_another_airflow(cloud: RunningCloud, service: str, **arguments: Any) -> tuple[dict[str, Any], TaskRun]:
    """Take a backup in one Airflow; return its result and the same task in another."""
    what = target(cloud, service)
    other = TaskRun(create_operator(cloud, service, deferrable=False, **what)).execute()
    return other, TaskRun(create_operator(cloud, service, **{"deferrable": False, **what, **arguments}))


@pytest.mark.parametrize("service", NAMED)
def test_what_a_first_try_finds_under_its_key_is_used_with_a_warning_that_says_why(
    cloud: RunningCloud, logged: Callable[[], str], service: str
) -> None:
    other, run = of_another_airflow(cloud, service)
    assert run.execute()["backup_ids"] == other["backup_ids"]
    assert "another Airflow with the same DAG" in logged()
    assert "'installation'" in logged()


@pytest.mark.parametrize("with_store", [True, False], ids=["store", "no store"])
@pytest.mark.parametrize("service", NAMED)
def test_what_a_first_try_finds_under_its_key_is_never_deleted(
    cloud: RunningCloud, service: str, with_store: bool
) -> None:
    cloud.set_backup_seconds(3600)
    what = target(cloud, service)
    assert isinstance(TaskRun(create_operator(cloud, service, **what)).execute(), Deferred)
    run = TaskRun(
        create_operator(cloud, service, delete_on_kill=True, **what), store=TaskStateStore() if with_store else None
    )
    deferred = run.execute()
    assert isinstance(deferred, Deferred)
    assert not deferred.trigger_arguments.get("delete_on_kill")
    assert len(rows(cloud, service)) == 1


@pytest.mark.parametrize("with_store", [True, False], ids=["store", "no store"])
@pytest.mark.parametrize("service", NAMED)
def test_what_the_first_try_after_a_clear_finds_under_its_key_is_never_deleted(
    cloud: RunningCloud, service: str, with_store: bool
) -> None:
    cloud.set_backup_seconds(3600)
    what = target(cloud, service)
    cleared_there = TaskRun(create_operator(cloud, service, **what))
    cleared_there.clear()
    cleared_there.execute()
    run = TaskRun(
        create_operator(cloud, service, delete_on_kill=True, **what), store=TaskStateStore() if with_store else None
    )
    run.clear()
    deferred = run.execute()
    assert isinstance(deferred, Deferred)
    assert not deferred.trigger_arguments.get("delete_on_kill")
    assert len(rows(cloud, service)) == 1


@pytest.mark.parametrize("service", NAMED)
def test_what_a_retry_finds_by_the_record_of_a_first_try_that_found_it_is_never_deleted(
    cloud: RunningCloud, service: str
) -> None:
    cloud.set_backup_seconds(3600)
    what = target(cloud, service)
    TaskRun(create_operator(cloud, service, **what)).execute()
    run = TaskRun(create_operator(cloud, service, delete_on_kill=True, **what), store=TaskStateStore())
    run.execute()
    run.retry()
    deferred = run.execute()
    assert isinstance(deferred, Deferred)
    assert not deferred.trigger_arguments.get("delete_on_kill")


@pytest.mark.parametrize("service", NAMED)
def test_what_a_first_try_finds_after_its_answer_got_lost_is_its_own(
    wire: Wire, backup_cloud: RunningCloud, logged: Callable[[], str], service: str
) -> None:
    backup_cloud.set_backup_seconds(3600)
    run = TaskRun(create_operator(backup_cloud, service, delete_on_kill=True))
    with wire.losing_answers_to(is_post_to(service)):
        deferred = run.execute()
    assert isinstance(deferred, Deferred)
    assert deferred.trigger_arguments["delete_on_kill"]
    assert "another Airflow" not in logged()


@pytest.mark.parametrize("service", NAMED)
def test_a_task_that_is_ended_before_it_has_asked_looks_for_no_backup_to_delete(
    cloud: RunningCloud, service: str
) -> None:
    what = target(cloud, service)
    TaskRun(create_operator(cloud, service, deferrable=False, **what)).execute()
    operator = create_operator(cloud, service, delete_on_kill=True, **what)
    context = TaskRun(operator).context

    async def found(cloud: BackupCloud) -> OperationReference | None:
        submission = operator._submission(cloud, context, None)
        return await submission.find_again(operator.operation_of(cloud), cloud.cloud_clock)

    assert BackupCloudHook().run_in_cloud(found) is None


@pytest.mark.parametrize("service", NAMED)
def test_airflows_with_an_installation_of_their_own_take_a_backup_each(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    what = target(cloud, service)
    results = []
    for installation in ("production", "test", "test"):
        monkeypatch.setenv(CONNECTION, with_extra(installation=installation))
        results.append(TaskRun(create_operator(cloud, service, deferrable=False, **what)).execute()["backup_ids"])
    assert results[0] != results[1] == results[2]


def test_the_key_without_an_installation_is_what_it_was() -> None:
    task_instance = SimpleNamespace(dag_id="dag", run_id="manual__1", task_id="backup", map_index=-1)
    assert idempotency_key({"ti": task_instance}, "0", "") == "5kqat4sgmokp"
    assert idempotency_key({"ti": task_instance}, "0", "test") != "5kqat4sgmokp"


def with_extra(**fields: str) -> str:
    """Return the connection with more extra fields."""
    connection = json.loads(os.environ[CONNECTION])
    extra = connection.get("extra") or {}
    connection["extra"] = {**(json.loads(extra) if isinstance(extra, str) else extra), **fields}
    return json.dumps(connection)
