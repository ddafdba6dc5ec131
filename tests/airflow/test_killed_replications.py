"""Kill -9 of a task that copies, while the cloud has its request and the answer has not come."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.airflow.killed_processes import TaskStateFile, kill_when
from tests.airflow.replicable import Replicable
from tests.airflow.task_runs import TaskRun, TaskStateStore


@pytest.fixture
def made(cloud: RunningCloud) -> Replicable:
    return Replicable(cloud, servers=2)


@pytest.fixture(params=[True, False], ids=["with a record", "without a record"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> TaskStateStore | None:
    return TaskStateFile(tmp_path / "task-state.json") if request.param else None


def test_after_a_kill_between_request_and_answer_nothing_is_copied_twice(
    made: Replicable, store: TaskStateStore | None
) -> None:
    run = TaskRun(made.operator(retries=1), store=store)
    made.misbehave("delay", seconds=60, after_effect=True, count=1)
    # The first of two backups is being copied, and the task does not know it.
    kill_when(run, lambda: len(made.copies) == 1)

    run.retry()
    result = run.run()

    assert len(result["copy_ids"]) == 2
    assert (len(made.copies), made.requests) == (2, 2)


def test_after_a_kill_before_the_request_takes_effect_it_is_sent_once(
    made: Replicable, store: TaskStateStore | None
) -> None:
    run = TaskRun(made.operator(retries=1), store=store)
    made.misbehave("delay", seconds=60, count=1)
    kill_when(run, lambda: made.requests == 1)

    run.retry()
    result = run.run()

    assert len(result["copy_ids"]) == 2
    assert len(made.copies) == 2
