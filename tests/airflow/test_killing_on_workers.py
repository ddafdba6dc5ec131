"""What becomes of the backup when Airflow ends the process of a task that runs on a worker."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import BackupError
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.operators.create_backup import CreateBackupOperator
from airflow_provider_backup.tasks.deferred_wait import WAIT_XCOM
from tests.airflow.conftest import ChangeLimits
from tests.airflow.killed_triggers import Logged, TaskState, is_deleted
from tests.airflow.service_matrix import SERVICES, create_operator, finish_backups, rows, taken
from tests.airflow.task_runs import Deferred, TaskRun


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> TaskState:
    return TaskState(monkeypatch)


def end(cloud: RunningCloud, operator: CreateBackupOperator, run: Callable[[], Any], when: Callable[[], bool]) -> None:
    """Run a task, send it SIGTERM in the middle, and handle that as Airflow 3 does: afterwards the task continues.

    :param cloud: where all backups are over soon after the signal.
    :param run: runs the task.
    :param when: whether it is time for the signal.
    """
    handled = []

    def handle(*_: Any) -> None:
        finish = threading.Timer(0.3, finish_backups, [cloud])
        finish.start()
        operator.on_kill()
        finish.join()
        handled.append(True)

    def send() -> None:
        deadline = time.monotonic() + 30
        while not when() and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, handle)
    sender = threading.Thread(target=send)
    sender.start()
    try:
        # A task that continues may find that its backup was deleted.
        with suppress(BackupError):
            run()
    finally:
        sender.join()
        signal.signal(signal.SIGTERM, before)
    assert handled


def reference_of(task: TaskRun) -> dict[str, Any]:
    """Return what a task said of its backup before anything could go wrong."""
    reference: dict[str, Any] = task.ti.xcom_pull("backup", "backup_reference", map_indexes=-1)
    return reference


def killed_while_waiting(cloud: RunningCloud, service: str = "rds", **arguments: Any) -> dict[str, Any]:
    """Run a task on the worker, end it in the middle of its wait, and return the reference of its backup."""
    cloud.set_backup_seconds(3600)
    operator = create_operator(cloud, service, **{"deferrable": False, "delete_on_kill": True, **arguments})
    task = TaskRun(operator)
    end(cloud, operator, task.execute, when=lambda: "backup_reference" in task.ti.xcoms)
    return reference_of(task)


@pytest.mark.parametrize("service", SERVICES)
def test_the_backup_of_an_ended_task_is_deleted_when_it_is_over(
    cloud: RunningCloud, state: TaskState, service: str
) -> None:
    state.is_now("failed")
    assert is_deleted(killed_while_waiting(cloud, service))


@pytest.mark.parametrize("kept", ["running", "restarting", "queued", "success", "up_for_retry", None])
def test_the_backup_stays_unless_the_task_was_ended(
    cloud: RunningCloud, state: TaskState, logged: Logged, kept: str | None
) -> None:
    state.is_now(kept)
    reference = killed_while_waiting(cloud)
    assert not is_deleted(reference)
    assert f"rds backup {reference['backup_id']} is left alone" in logged()


def test_without_the_argument_the_backup_stays(cloud: RunningCloud, state: TaskState, logged: Logged) -> None:
    state.is_now("failed")
    reference = killed_while_waiting(cloud, delete_on_kill=False)
    assert not is_deleted(reference)
    assert state.asked == 0
    assert f"rds backup {reference['backup_id']} is left alone" in logged()


def test_a_backup_whose_request_is_still_unanswered_is_found_and_deleted(cloud: RunningCloud, state: TaskState) -> None:
    state.is_now("failed")
    cloud.misbehave("delay", service="rds", method="POST", seconds=3, after_effect=True, count=1)
    operator = create_operator(cloud, "rds", deferrable=False, delete_on_kill=True, timeout=5)
    seen = rows(cloud, "rds")

    def is_there() -> bool:
        seen[:] = rows(cloud, "rds")
        return bool(seen)

    end(cloud, operator, TaskRun(operator).execute, when=is_there)
    assert seen
    assert all(
        is_deleted({"service": "rds", "backup_id": row["id"], "instance_id": row["instance_id"]}) for row in seen
    )


@pytest.mark.parametrize("arguments", [{"name": "a-name-of-mine"}, {"on_clear": "adopt"}])
def test_an_unanswered_request_whose_backup_could_be_of_others_is_left_alone(
    cloud: RunningCloud, state: TaskState, logged: Logged, arguments: dict[str, Any]
) -> None:
    state.is_now("failed")
    cloud.misbehave("delay", service="rds", method="POST", seconds=3, after_effect=True, count=1)
    operator = create_operator(cloud, "rds", deferrable=False, delete_on_kill=True, **arguments)
    end(cloud, operator, TaskRun(operator).execute, when=lambda: len(rows(cloud, "rds")) == 1)
    assert len(rows(cloud, "rds")) == 1
    assert "a backup that was perhaps just requested is left alone" in logged()


def test_a_backup_that_was_found_by_a_name_of_the_authors_is_left_alone(cloud: RunningCloud, state: TaskState) -> None:
    state.is_now("failed")
    cloud.set_backup_seconds(3600)
    operator = create_operator(cloud, "rds", deferrable=False, delete_on_kill=True, name="a-name-of-mine")
    task = TaskRun(operator)
    others = taken(cloud, "rds", name="a-name-of-mine", instance_id=operator.instance_id)  # type: ignore[attr-defined]
    task.retry()
    end(cloud, operator, task.execute, when=lambda: "backup_reference" in task.ti.xcoms)
    assert not is_deleted(others)


def test_the_trigger_is_not_asked_to_delete_what_was_found_by_a_name_of_the_authors(cloud: RunningCloud) -> None:
    cloud.set_backup_seconds(3600)
    operator = create_operator(cloud, "rds", delete_on_kill=True, name="a-name-of-mine")
    task = TaskRun(operator)
    taken(cloud, "rds", name="a-name-of-mine", instance_id=operator.instance_id)  # type: ignore[attr-defined]
    task.retry()
    ended = task.execute()
    assert isinstance(ended, Deferred)
    assert ended.trigger.delete_on_kill is False


def test_the_trigger_is_not_asked_to_delete_what_was_adopted(cloud: RunningCloud) -> None:
    cloud.set_backup_seconds(3600)
    taken(cloud, "rds", task_id="other")
    ended = TaskRun(create_operator(cloud, "rds", delete_on_kill=True, on_conflict="adopt")).execute()
    assert isinstance(ended, Deferred)
    assert ended.trigger.delete_on_kill is False


@pytest.mark.parametrize("delete_on_kill", [True, False])
def test_the_wish_holds_when_the_wait_continues_on_the_worker(
    cloud: RunningCloud, state: TaskState, delete_on_kill: bool
) -> None:
    cloud.set_backup_seconds(3600)
    state.is_now("failed")
    operator = create_operator(cloud, "rds", delete_on_kill=delete_on_kill)
    task = TaskRun(operator)
    task.execute()
    plan = task.ti.xcom_pull("backup", WAIT_XCOM, map_indexes=-1)
    task.ti.xcom_push(WAIT_XCOM, plan | {"trigger_failures": 5})
    end(cloud, operator, task.resume_after_failure, when=lambda: True)
    assert is_deleted(plan["reference"]) is delete_on_kill


def test_a_task_that_has_not_started_has_nothing_to_delete(cloud: RunningCloud, state: TaskState) -> None:
    state.is_now("failed")
    create_operator(cloud, "rds", delete_on_kill=True).on_kill()
    assert state.asked == 0


def test_the_handler_does_not_wait_for_ever(
    cloud: RunningCloud, state: TaskState, logged: Logged, change_limits: ChangeLimits
) -> None:
    change_limits(longest_on_kill=0.1)
    state.is_now("failed")
    cloud.set_backup_seconds(3600)
    operator = create_operator(cloud, "rds", delete_on_kill=True)
    task = TaskRun(operator)
    task.execute()
    operator.on_kill()
    reference = reference_of(task)
    assert not is_deleted(reference)
    assert f"no more time to delete rds backup {reference['backup_id']}; it is kept" in logged()
    finish_backups(cloud)
    for thread in threading.enumerate():
        if thread.name == "on_kill":
            thread.join()


def test_a_timeout_of_the_task_leaves_the_backup_alone(cloud: RunningCloud, state: TaskState) -> None:
    cloud.set_backup_seconds(3600)
    operator = create_operator(cloud, "rds", delete_on_kill=True)
    task = TaskRun(operator)
    task.execute()
    state.is_now("running")
    operator.on_kill()  # as Airflow does when execution_timeout is over
    assert not is_deleted(reference_of(task))
