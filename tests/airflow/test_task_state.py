"""Asking Airflow for the state of a task."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_backup.version_compat import AIRFLOW_3, TRIGGERS_HAVE_ON_KILL, state_of


def test_triggers_have_on_kill_where_airflow_says_so() -> None:
    from airflow.triggers.base import BaseTrigger

    assert hasattr(BaseTrigger, "on_kill") is TRIGGERS_HAVE_ON_KILL


def task(task_id: str, map_index: int = -1) -> Any:
    return SimpleNamespace(dag_id="dag", run_id="manual__1", task_id=task_id, map_index=map_index)


class Supervisor:
    """Answers as the supervisor of Airflow 3 does, which asks the API server.

    :param states: states by dag run and name: the task's id, for a mapped task with its index behind a ``_``.
    """

    def __init__(self, states: dict[str, dict[str, str | None]]) -> None:
        self._states = states
        self.asked: list[Any] = []

    def send(self, message: Any) -> Any:
        from airflow.sdk.execution_time.comms import TaskStatesResult

        self.asked.append(message)
        return TaskStatesResult(task_states=self._states)


@pytest.mark.skipif(not AIRFLOW_3, reason="Airflow 2 has no supervisor")
@pytest.mark.parametrize(("name", "map_index", "state"), [("backup", -1, "failed"), ("backup_1", 1, "deferred")])
def test_airflow_3_asks_the_supervisor(monkeypatch: pytest.MonkeyPatch, name: str, map_index: int, state: str) -> None:
    from airflow.sdk.execution_time import task_runner

    supervisor = Supervisor({"manual__1": {name: state}})
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", supervisor, raising=False)
    assert state_of(task("backup", map_index)) == state
    (asked,) = supervisor.asked
    assert (asked.dag_id, asked.run_ids, asked.task_ids, asked.map_index) == (
        "dag",
        ["manual__1"],
        ["backup"],
        map_index,
    )


@pytest.mark.skipif(not AIRFLOW_3, reason="Airflow 2 has no supervisor")
@pytest.mark.parametrize("states", [{}, {"manual__1": {}}, {"manual__1": {"backup": None}}, {"other": {"backup": "x"}}])
def test_airflow_3_knows_no_state(monkeypatch: pytest.MonkeyPatch, states: dict[str, dict[str, str | None]]) -> None:
    from airflow.sdk.execution_time import task_runner

    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", Supervisor(states), raising=False)
    assert state_of(task("backup")) is None


@pytest.mark.skipif(AIRFLOW_3, reason="tasks of Airflow 3 have no database")
def test_airflow_2_asks_the_database(airflow_database: Path) -> None:
    import airflow.models
    from airflow.operators.empty import EmptyOperator  # type: ignore[import-not-found,unused-ignore]
    from airflow.providers.common.compat.sdk import DAG
    from airflow.utils.session import create_session

    models: Any = airflow.models
    with DAG("dag", schedule=None):
        operator = EmptyOperator(task_id="backup")
    with create_session() as session:
        session.add(
            models.DagRun(
                "dag",
                run_id="manual__1",
                run_type="manual",
                execution_date=datetime.now(UTC),
                start_date=datetime.now(UTC),
            )
        )
        session.flush()
        for map_index, state in ((-1, "failed"), (1, "deferred")):
            session.add(models.TaskInstance(operator, run_id="manual__1", state=state, map_index=map_index))
    assert state_of(task("backup")) == "failed"
    assert state_of(task("backup", 1)) == "deferred"
    assert state_of(task("backup", 2)) is None
