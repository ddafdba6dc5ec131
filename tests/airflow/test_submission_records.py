"""What a task records about its backup in Airflow's task state store, and what its later tries make of that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.errors import BackupError, ServerError, UnknownProjectError
from airflow_provider_backup.cloud.limits import override_limits
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import BackupFailedError
from airflow_provider_backup.operators.create_backup import CreateBackupOperator
from airflow_provider_backup.tasks.submission_record import RECORD_KEY, fingerprint_of
from tests.airflow.service_matrix import (
    DELETE,
    OPERATIONS,
    SERVICES,
    create_operator,
    csbs_policy,
    finish_backups,
    resources,
    rows,
    taken,
    target,
)
from tests.airflow.task_runs import Deferred, TaskRun, TaskStateStore


class Died(BaseException):
    """The process is gone."""


def run_of(operator: CreateBackupOperator, **arguments: Any) -> TaskRun:
    """Return a task on an Airflow that has a store."""
    return TaskRun(operator, store=TaskStateStore(), **arguments)


def record_of(run: TaskRun) -> dict[str, Any]:
    """Return what the task recorded."""
    assert run.store is not None
    record: dict[str, Any] = run.store.get(RECORD_KEY)
    return record


@pytest.mark.parametrize("service", SERVICES)
def test_the_record_names_the_backup_as_this_tasks_own(cloud: RunningCloud, service: str) -> None:
    run = run_of(create_operator(cloud, service, deferrable=False))
    run.execute()
    reference = run.ti.xcom_pull(task_ids=run.ti.task_id, key="backup_reference", map_indexes=-1)
    assert {"reference": reference, "is_own": True}.items() <= record_of(run).items()


@pytest.mark.parametrize("service", SERVICES)
def test_a_retry_asks_for_the_recorded_backup_and_searches_nothing(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    operator = create_operator(cloud, service, deferrable=False)
    run = run_of(operator)
    first = run.execute()
    run.retry()

    async def search(*_: Any, **__: Any) -> None:
        raise AssertionError("the cloud is searched")

    monkeypatch.setattr(OPERATIONS[service], "find", search)
    assert run.execute()["backup_ids"] == first["backup_ids"]
    assert len(rows(cloud, service)) == 1


def test_two_executions_of_one_policy_are_distinguished_on_a_retry(cloud: RunningCloud) -> None:
    # Without a record the retry of the first finds the checkpoint of the second, which is newer.
    policy_id = csbs_policy(cloud)
    runs = [
        run_of(create_operator(cloud, "csbs", task_id=task_id, policy_id=policy_id, deferrable=False))
        for task_id in ("before", "after")
    ]
    firsts = [run.execute()["backup_id"] for run in runs]
    for run in runs:
        run.retry()
    assert [run.execute()["backup_id"] for run in runs] == firsts
    assert len(rows(cloud, "csbs")) == 2


def test_a_policy_execution_that_died_before_its_answer_is_not_taken_for_an_older_one(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Both started since the DAG run did; the record has the time of this task's request.
    policy_id = csbs_policy(cloud)
    operators = [
        create_operator(cloud, "csbs", task_id=task_id, policy_id=policy_id, deferrable=False) for task_id in "ab"
    ]
    other = TaskRun(operators[0])
    other.execute()
    rows(cloud, "csbs")[0]["started_at"] = (other.ti.start_date - timedelta(seconds=30)).isoformat()
    run = run_of(operators[1])
    run.dag_run.start_date -= timedelta(minutes=1)
    with monkeypatch.context() as patch:
        patch.setattr(OPERATIONS["csbs"], "submit", _dies)
        with pytest.raises(Died):
            run.execute()
    run.retry()
    run.execute()
    assert len(rows(cloud, "csbs")) == 2


async def _dies(*_: Any, **__: Any) -> Any:
    raise Died


@pytest.mark.parametrize("service", SERVICES)
def test_a_backup_that_lists_do_not_show_yet_is_looked_up_after_a_crash(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    cloud.set_backup_seconds(3600)
    run = run_of(create_operator(cloud, service, timeout=5))
    submit = OPERATIONS[service].submit

    async def dies_afterwards(self: Any, *arguments: Any) -> Any:
        cloud.misbehave("stale_read", service=service, method="GET", count=1, writes=1)
        await submit(self, *arguments)
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(OPERATIONS[service], "submit", dies_afterwards)
        with pytest.raises(Died):
            run.execute()
    assert record_of(run)["reference"] is None
    finish_backups(cloud)
    run.retry()
    run.finish(run.execute())
    assert len(rows(cloud, service)) == 1


def test_a_refused_request_leaves_no_record(cloud: RunningCloud) -> None:
    cloud.set_backup_seconds(60)
    what: dict[str, Any] = target(cloud, "rds")
    taken(cloud, "rds", task_id="other", **what)
    run = run_of(create_operator(cloud, "rds", on_conflict="fail", **what))
    with pytest.raises(BackupError):
        run.execute()
    assert record_of(run) is None


@pytest.mark.parametrize("service", SERVICES)
def test_a_failed_backup_is_not_adopted_by_its_record(cloud: RunningCloud, service: str) -> None:
    cloud.fail_next_backup(service, "the array is on fire")
    run = run_of(create_operator(cloud, service, deferrable=False))
    with pytest.raises(BackupFailedError):
        run.execute()
    run.retry()
    assert run.execute()["status"].lower() in ("available", "completed")
    assert len(rows(cloud, service)) == 2


@pytest.mark.parametrize("service", SERVICES)
def test_a_backup_that_was_deleted_is_not_adopted_by_its_record(cloud: RunningCloud, service: str) -> None:
    run = run_of(create_operator(cloud, service, deferrable=False))
    first = run.execute()
    TaskRun(DELETE[service](task_id="delete", backup=first, poll_interval=0.05)).execute()
    run.retry()
    with override_limits(new_backup_grace=0.0):
        assert run.execute()["backup_ids"] != first["backup_ids"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_project_that_is_unknown_for_a_moment_does_not_make_the_recorded_backup_gone(
    cloud: RunningCloud, service: str
) -> None:
    run = run_of(create_operator(cloud, service, deferrable=False))
    first = run.execute()
    for row in rows(cloud, service):
        # Only the record can find it.
        row["name"] = "renamed"
    run.retry()
    cloud.misbehave("refuse", service="iam", status=400, code="IAM.1109", message="project not found", count=1)
    with pytest.raises(UnknownProjectError):
        run.execute()
    run.retry()
    assert run.execute()["backup_ids"] == first["backup_ids"]
    assert len(rows(cloud, service)) == 1


@pytest.mark.parametrize("service", SERVICES)
def test_after_a_clear_the_record_is_that_of_another_generation(cloud: RunningCloud, service: str) -> None:
    run = run_of(create_operator(cloud, service, deferrable=False))
    first = run.execute()
    run.clear()
    assert run.execute()["backup_ids"] != first["backup_ids"]
    assert len(rows(cloud, service)) == 2


def test_after_a_clear_that_adopts_the_record_counts(cloud: RunningCloud) -> None:
    run = run_of(create_operator(cloud, "rds", deferrable=False, on_clear="adopt"))
    first = run.execute()
    run.clear()
    assert run.execute()["backup_id"] == first["backup_id"]


def test_a_mapped_task_ignores_the_record_of_another_item_with_its_index(cloud: RunningCloud) -> None:
    # Between two tries the list was changed: index 0 stands for another instance now (apache/airflow#72725).
    first, second = resources(cloud, "servers")[:2]
    policy_id = csbs_policy(cloud, servers=2)
    run = run_of(create_operator(cloud, "csbs", policy_id=policy_id, server_ids=[first], deferrable=False), map_index=0)
    run.execute()
    run.operator = create_operator(cloud, "csbs", policy_id=policy_id, server_ids=[second], deferrable=False)
    run.retry()
    assert run.execute()["resource_ids"] == [second]


@pytest.mark.parametrize("kept", ["a text", 5, [], {}, {"key": "other"}])
def test_what_is_not_a_record_is_ignored(cloud: RunningCloud, kept: Any) -> None:
    run = run_of(create_operator(cloud, "rds", deferrable=False))
    assert run.store is not None
    run.store.set(RECORD_KEY, kept)
    assert run.execute()["status"] == "COMPLETED"


@pytest.mark.parametrize("wrong", [{"noted_at": "yesterday"}, {"noted_at": None}, {"reference": "a text"}])
def test_a_record_that_cannot_be_read_is_ignored(
    cloud: RunningCloud, logged: Callable[[], str], wrong: dict[str, Any]
) -> None:
    run = run_of(create_operator(cloud, "rds", deferrable=False))
    first = run.execute()
    assert run.store is not None
    run.store.set(RECORD_KEY, {**record_of(run), **wrong})
    run.retry()
    assert run.execute()["backup_id"] == first["backup_id"]
    assert "searching the cloud instead" in logged()


@pytest.mark.parametrize("service", SERVICES)
def test_without_a_working_store_the_search_suffices(
    cloud: RunningCloud, logged: Callable[[], str], service: str
) -> None:
    run = run_of(create_operator(cloud, service, deferrable=False))
    assert run.store is not None
    run.store.fails = True
    first = run.execute()
    run.retry()
    assert run.execute()["backup_ids"] == first["backup_ids"]
    assert len(rows(cloud, service)) == 1
    assert "the API server is away" in logged()


def test_a_transient_error_does_not_make_the_recorded_backup_forgotten(cloud: RunningCloud) -> None:
    cloud.set_backup_seconds(3600)
    run = run_of(create_operator(cloud, "csbs"))
    run.execute()
    assert run.store is not None
    run.store.set(RECORD_KEY, {**record_of(run), "noted_at": 0.0})
    cloud.misbehave("server_error", service="csbs", status=503, method="GET")
    run.retry()
    with pytest.raises(ServerError):
        run.execute()
    cloud.behave()
    run.retry()
    assert isinstance(run.execute(), Deferred)
    assert len(rows(cloud, "csbs")) == 1


def test_a_record_holds_no_arguments(cloud: RunningCloud) -> None:
    run = run_of(create_operator(cloud, "vbs", tags={"secret": "value-of-a-tag"}, deferrable=False))
    run.execute()
    assert run.store is not None
    assert "value-of-a-tag" not in str(run.store.values)


names = st.sampled_from(["vault_id", "resource_ids", "region"])
values = st.one_of(st.none(), st.text(), st.lists(st.text()), st.booleans())


@given(st.dictionaries(names, values), st.dictionaries(names, values))
def test_fingerprints_are_equal_when_the_requests_are(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert (fingerprint_of(one) == fingerprint_of(other)) == (one == other)
    assert fingerprint_of(dict(reversed(one.items()))) == fingerprint_of(one)
