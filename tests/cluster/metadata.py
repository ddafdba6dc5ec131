"""What Airflow's own database says of the run: read straight from its tables, as the REST API may be down."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from tests.cluster.verdict import TaskKey


@dataclass(frozen=True)
class TaskState:
    """A task instance.

    :param task_id: its task.
    :param map_index: which instance of it.
    :param state: Airflow's word; ``waiting`` for none.
    :param try_number: how often it was tried.
    :param host: where it ran last.
    :param triggerer: the job of the triggerer that has its trigger, when there is one.
    """

    task_id: str
    map_index: int
    state: str
    try_number: int
    host: str
    triggerer: int | None

    @property
    def key(self) -> TaskKey:
        """Which task instance."""
        return self.task_id, self.map_index


@dataclass(frozen=True)
class JobState:
    """A scheduler, DAG processor or triggerer.

    :param job_id: its id in this life.
    :param kind: ``SchedulerJob``, ``DagProcessorJob`` or ``TriggererJob``.
    :param host: the component's name.
    :param heartbeat: its last sign of life, seconds since the epoch.
    """

    job_id: int
    kind: str
    host: str
    heartbeat: float


@dataclass(frozen=True)
class Snapshot:
    """Everything at one moment.

    :param tasks: all task instances of the run.
    :param jobs: all jobs that there ever were.
    """

    tasks: Mapping[TaskKey, TaskState] = field(default_factory=dict)
    jobs: Sequence[JobState] = ()

    @property
    def states(self) -> Counter[str]:
        """How many task instances are in each state."""
        return Counter(task.state for task in self.tasks.values())


class Metadata:
    """Reads the metadata database; a connection of its own for each question, so that cutting them does no harm.

    :param address: user, password, host, port and database.
    """

    def __init__(self, address: str) -> None:
        self._engine = create_engine(
            f"postgresql+psycopg2://{address}", poolclass=NullPool, connect_args={"connect_timeout": 3}
        )

    def is_there(self) -> bool:
        """Return whether the database answers."""
        try:
            self._rows("SELECT 1")
        except DBAPIError:
            return False
        return True

    def jobs(self) -> list[JobState]:
        """Return all jobs, the latest first."""
        rows = self._rows("SELECT id, job_type, hostname, latest_heartbeat FROM job ORDER BY id DESC")
        return [
            JobState(row["id"], row["job_type"], row["hostname"], _seconds(row["latest_heartbeat"])) for row in rows
        ]

    def snapshot(self, run_id: str) -> Snapshot:
        """Look at a run."""
        rows = self._rows(
            "SELECT i.task_id, i.map_index, i.state, i.try_number, i.hostname, t.triggerer_id "
            "FROM task_instance i LEFT JOIN trigger t ON t.id = i.trigger_id WHERE i.run_id = :run_id",
            run_id=run_id,
        )
        tasks = [
            TaskState(
                row["task_id"],
                row["map_index"],
                row["state"] or "waiting",
                row["try_number"],
                row["hostname"] or "",
                row["triggerer_id"],
            )
            for row in rows
        ]
        return Snapshot({task.key: task for task in tasks}, self.jobs())

    def results(self, run_id: str) -> dict[TaskKey, dict[str, Any]]:
        """Return what the tasks of a run returned."""
        rows = self._rows(
            "SELECT task_id, map_index, value FROM xcom WHERE run_id = :run_id AND key = 'return_value'", run_id=run_id
        )
        return {(row["task_id"], row["map_index"]): _decoded(row["value"]) for row in rows}

    def tries(self, run_id: str) -> Counter[int]:
        """Return how many task instances needed how many tries."""
        rows = self._rows("SELECT try_number FROM task_instance WHERE run_id = :run_id", run_id=run_id)
        return Counter(row["try_number"] for row in rows)

    def cut_connections(self) -> int:
        """End every connection to the database but ours.

        :return: how many there were.
        """
        rows = self._rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return len(rows)

    def _rows(self, statement: str, **parameters: Any) -> Sequence[RowMapping]:
        with self._engine.connect() as connection:
            return connection.execute(text(statement), parameters).mappings().all()


def _seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0


def _decoded(value: Any) -> dict[str, Any]:
    # A JSON column that may hold JSON text once more.
    decoded = json.loads(value) if isinstance(value, str) else value
    return decoded if isinstance(decoded, dict) else {}
