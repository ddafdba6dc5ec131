"""Which backups a DAG made, by their names."""

from __future__ import annotations

import pytest

from airflow_provider_backup.tasks.dag_backups import DagBackups
from airflow_provider_backup.tasks.idempotency import KEY_LENGTH, LONGEST_NAME, holds_dag_id, name_from_key
from tests.airflow.task_runs import TaskRun


class Task:
    """What a run needs of a task."""

    retries = 0

    def __init__(self, task_id: str) -> None:
        self.task_id = task_id


def name_of(dag_id: str, task_id: str, run_id: str = "manual__1") -> str:
    """Return the name that a task generates."""
    return name_from_key(TaskRun(Task(task_id), dag_id=dag_id, run_id=run_id).context)


@pytest.mark.parametrize("dag_id", ["nightly", "1st", "auto.backups", "team/nightly", "n" * 42])
@pytest.mark.parametrize("task_id", ["backup", "group.backup", "t" * 60])
def test_a_dag_recognizes_what_its_tasks_name(dag_id: str, task_id: str) -> None:
    own = DagBackups(dag_id, ["prune", task_id])

    for name in (name_of(dag_id, task_id), name_of(dag_id, task_id, "another")):
        assert name in own
        assert f"{name}-2" in own
        assert f"{name}-0001" in own
        assert f"{name}-3-0012" in own


@pytest.mark.parametrize(
    "name",
    [
        None,
        "",
        "nightly-backup",
        "nightly-backup-mine",
        "nightly-backup-" + "a" * (KEY_LENGTH + 1),
        "nightly-backup-" + "A" * KEY_LENGTH,
        "nightly-backup-" + "a" * KEY_LENGTH + "-before",
        "x-nightly-backup-" + "a" * KEY_LENGTH,
    ],
)
def test_other_names_are_not_recognized(name: str | None) -> None:
    assert name not in DagBackups("nightly", ["backup"])


@pytest.mark.parametrize(("dag_id", "task_id"), [("nightly-prod", "backup"), ("nightly", "other"), ("other", "backup")])
def test_backups_of_other_dags_and_tasks_are_not_recognized(dag_id: str, task_id: str) -> None:
    assert name_of(dag_id, task_id) not in DagBackups("nightly", ["backup"])


def test_an_id_of_a_dag_that_does_not_fit_is_known() -> None:
    longest = LONGEST_NAME - KEY_LENGTH - len("-") - len("-t")

    assert holds_dag_id("d" * longest)
    assert not holds_dag_id("d" * (longest + 1))
