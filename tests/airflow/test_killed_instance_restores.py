"""Kill -9 of a task that restores a database instance, while the cloud has its request and the answer has not come."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_provider_backup.cloud.limits import override_limits
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import UnprovenSubmissionError
from tests.airflow.conftest import ChangeLimits
from tests.airflow.killed_processes import TaskStateFile, kill_when
from tests.airflow.restorable_instances import NEW_ROUTE, RESTORE_INSTANCE, RestorableInstance, set_password
from tests.airflow.task_runs import TaskRun


@pytest.fixture(autouse=True)
def _no_delays(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    set_password(monkeypatch)
    with override_limits(longest_status_delay=0.0):
        yield


@pytest.fixture(params=RESTORE_INSTANCE)
def made(cloud: RunningCloud, request: pytest.FixtureRequest) -> RestorableInstance:
    return RestorableInstance(cloud, request.param)


@pytest.fixture
def in_place(made: RestorableInstance, tmp_path: Path) -> TaskRun:
    return TaskRun(made.operator(retries=1), store=TaskStateFile(tmp_path / "task-state.json"))


@pytest.fixture
def to_new(made: RestorableInstance, tmp_path: Path) -> TaskRun:
    operator = made.operator(retries=1, new_instance_name="rehearsal")
    return TaskRun(operator, store=TaskStateFile(tmp_path / "task-state.json"))


def test_a_restore_in_place_that_runs_is_adopted_after_a_kill(made: RestorableInstance, in_place: TaskRun) -> None:
    made.cloud.set_backup_seconds(3)
    _kill_before_the_answer(made, in_place)
    # The instance is still ACTIVE in the first moments (databases section 8.3).
    made.cloud.state.advance_clock(1)

    in_place.retry()
    in_place.run()

    assert (made.restores, made.content) == (1, 1)


def test_a_restore_in_place_that_is_over_is_not_repeated_after_a_kill(
    made: RestorableInstance, in_place: TaskRun
) -> None:
    _kill_before_the_answer(made, in_place)
    made.cloud.state.advance_clock(1)

    in_place.retry()
    with pytest.raises(UnprovenSubmissionError, match="Nothing was sent.*Check in the cloud whether it started"):
        in_place.run()

    assert (made.restores, made.content) == (1, 1)


def test_a_restore_in_place_that_takes_effect_after_a_kill_is_not_sent_twice(
    made: RestorableInstance, in_place: TaskRun
) -> None:
    made.misbehave("delay", seconds=1, count=1)
    kill_when(in_place, lambda: made.requests == 1)

    in_place.retry()
    with pytest.raises(UnprovenSubmissionError, match="Nothing was sent"):
        in_place.run()

    assert made.requests == 1


def test_a_clear_after_a_kill_restores_the_instance_again(made: RestorableInstance, in_place: TaskRun) -> None:
    _kill_before_the_answer(made, in_place)
    made.cloud.state.advance_clock(1)
    made.cloud.change_content(made.instance_id, 3)

    in_place.clear()
    in_place.run()

    assert (made.restores, made.content) == (2, 1)


@pytest.mark.parametrize("seconds", [0.05, 2])
def test_a_new_instance_is_found_again_after_a_kill(made: RestorableInstance, to_new: TaskRun, seconds: float) -> None:
    made.cloud.set_backup_seconds(seconds)
    made.misbehave("delay", route=NEW_ROUTE, seconds=60, after_effect=True, count=1)
    kill_when(to_new, lambda: made.restores == 1)

    to_new.retry()
    result = to_new.run()

    (instance,) = made.made
    assert (result["instance_id"], made.cloud.content(instance["id"])) == (instance["id"], 1)
    assert (made.creations, made.content) == (1, 2)


def test_a_new_instance_whose_request_takes_effect_after_a_kill_is_found(
    made: RestorableInstance, to_new: TaskRun, change_limits: ChangeLimits
) -> None:
    change_limits(lost_answer_searches=(0.1, 1.0))
    made.misbehave("delay", route=NEW_ROUTE, seconds=0.4, count=1)
    kill_when(to_new, lambda: made.creations == 1)

    to_new.retry()
    to_new.run()

    assert (len(made.made), made.creations) == (1, 1)


def _kill_before_the_answer(made: RestorableInstance, run: TaskRun) -> None:
    made.misbehave("delay", seconds=60, after_effect=True, count=1)
    kill_when(run, lambda: made.restores == 1)
