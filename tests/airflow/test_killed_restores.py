"""Kill -9 of a task that restores, while the cloud has its request and the answer has not come."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import UnprovenSubmissionError
from tests.airflow.killed_processes import TaskStateFile, kill_when
from tests.airflow.restorable import RESTORE, Restorable
from tests.airflow.task_runs import TaskRun

FOUND_AGAIN = ("cbr",)
"""Services that show which resource a restore overwrites."""


@pytest.fixture(params=RESTORE)
def made(cloud: RunningCloud, request: pytest.FixtureRequest) -> Restorable:
    return Restorable(cloud, request.param)


@pytest.fixture
def run(made: Restorable, tmp_path: Path) -> TaskRun:
    return TaskRun(made.operator(retries=1), store=TaskStateFile(tmp_path / "task-state.json"))


def test_after_a_kill_between_request_and_answer_nothing_is_restored_twice(made: Restorable, run: TaskRun) -> None:
    _kill_before_the_answer(made, run)

    run.retry()
    if made.service in FOUND_AGAIN:
        run.run()
    else:
        with pytest.raises(UnprovenSubmissionError, match="Nothing was sent.*Check in the cloud whether it started"):
            run.run()

    assert (made.restores, made.content) == (1, 1)


def test_after_a_kill_before_the_request_takes_effect_nothing_is_sent(made: Restorable, run: TaskRun) -> None:
    made.misbehave("delay", seconds=1, count=1)
    kill_when(run, lambda: made.requests == 1)

    run.retry()
    with pytest.raises(UnprovenSubmissionError, match="Nothing was sent"):
        run.run()

    assert made.requests == 1


def test_a_clear_after_a_kill_restores_again(made: Restorable, run: TaskRun) -> None:
    _kill_before_the_answer(made, run)
    made.cloud.change_content(made.resource_id, 3)

    run.clear()
    run.run()

    assert (made.restores, made.content) == (2, 1)


def _kill_before_the_answer(made: Restorable, run: TaskRun) -> None:
    made.misbehave("delay", seconds=60, after_effect=True, count=1)
    kill_when(run, lambda: made.restores == 1)
