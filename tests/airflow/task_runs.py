"""Running one task as Airflow does: attempts, deferrals, retries and clears, without a scheduler."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from airflow.exceptions import AirflowRescheduleException
from airflow.providers.common.compat.sdk import TaskDeferred
from airflow.triggers.base import BaseTrigger

from airflow_provider_backup.triggers.backup import BackupTrigger
from airflow_provider_backup.triggers.conflict import ConflictTrigger
from airflow_provider_backup.triggers.fresh_backup import FreshBackupTrigger
from tests.secret_search import searched

FAIL = "__fail__"


class TaskInstance:
    """What an operator sees of its task instance; XComs are JSON, as in Airflow."""

    def __init__(self, dag_id: str, run_id: str, task_id: str, map_index: int, max_tries: int) -> None:
        self.dag_id = dag_id
        self.run_id = run_id
        self.task_id = task_id
        self.map_index = map_index
        self.try_number = 1
        self.max_tries = max_tries
        self.start_date = datetime.now(UTC)
        self.xcoms: dict[str, str] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        """Keep a value."""
        self.xcoms[key] = searched(json.dumps(value), f"XCom {key}")

    def xcom_pull(self, task_ids: str, key: str = "return_value", map_indexes: int | None = None) -> Any:
        """Return a value of this task; ``None`` if there is none."""
        assert (task_ids, map_indexes) == (self.task_id, self.map_index)
        return json.loads(self.xcoms[key]) if key in self.xcoms else None

    def get_first_reschedule_date(self, context: Any) -> datetime:
        """Tell when the first poke was (Airflow 3)."""
        return self.start_date


class TaskStateStore:
    """What outlives the tries of a task instance from Airflow 3.3 on; values are JSON."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.fails = False

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value."""
        self._fail()
        return json.loads(self.values[key]) if key in self.values else default

    def set(self, key: str, value: Any, *, retention: timedelta | None = None) -> None:
        """Keep a value."""
        self._fail()
        if value is None:
            raise ValueError("Cannot set value as None")
        self.values[key] = searched(json.dumps(value), f"task state {key}")

    def delete(self, key: str) -> None:
        """Keep a value no longer."""
        self._fail()
        self.values.pop(key, None)

    def _fail(self) -> None:
        if self.fails:
            raise ConnectionError("the API server is away")


@dataclass(frozen=True)
class Deferred:
    """A task that was put aside."""

    trigger: Any
    method_name: str
    timeout: timedelta

    @property
    def trigger_arguments(self) -> dict[str, Any]:
        """The trigger's arguments, as the triggerer reads them from the database."""
        arguments: dict[str, Any] = json.loads(searched(json.dumps(self.trigger.serialize()), "trigger row"))[1]
        return arguments

    @property
    def is_for_conflict(self) -> bool:
        """Whether the task waits for a busy resource."""
        return self.method_name == "submit_again"

    def rebuilt(self) -> BaseTrigger:
        """Return the trigger, as the triggerer builds it from its row."""
        rebuilt: BaseTrigger = type(self.trigger)(**self.trigger_arguments)
        return rebuilt


class Rescheduled:
    """A sensor that gave up its worker until the next poke."""


@dataclass
class TaskRun:
    """One task instance of a DAG run.

    :param operator: the task.
    :param dag_id: id of its DAG.
    :param run_id: id of the DAG run.
    :param map_index: which of a mapped task; -1 for a plain one.
    :param store: Airflow's task state store; ``None`` for an Airflow without one.
    """

    operator: Any
    dag_id: str = "dag"
    run_id: str = "manual__1"
    map_index: int = -1
    store: TaskStateStore | None = None
    ti: TaskInstance = field(init=False)
    dag_run: SimpleNamespace = field(init=False)

    def __post_init__(self) -> None:
        self.ti = TaskInstance(
            self.dag_id, self.run_id, self.operator.task_id, self.map_index, max_tries=self.operator.retries
        )
        self.dag_run = SimpleNamespace(start_date=datetime.now(UTC), logical_date=None)

    @property
    def context(self) -> dict[str, Any]:
        """The context that the task gets."""
        plain = {"ti": self.ti, "task_instance": self.ti, "task": self.operator, "dag_run": self.dag_run}
        return plain if self.store is None else {**plain, "task_state_store": self.store}

    def execute(self) -> Any:
        """Run the task until it ends or is put aside.

        :return: its result, :class:`Deferred` or :class:`Rescheduled`.
        """
        try:
            return self.operator.execute(self.context)
        except TaskDeferred as deferred:
            return _put_aside(deferred)
        except AirflowRescheduleException:
            return Rescheduled()

    def resume(self, method_name: str, **arguments: Any) -> Any:
        """Go on after a deferral.

        :return: the task's result, or :class:`Deferred`.
        """
        try:
            return self.operator.resume_execution(method_name, arguments, self.context)
        except TaskDeferred as deferred:
            return _put_aside(deferred)

    def resume_after_failure(self, error: str = "Trigger failure") -> Any:
        """Go on after the trigger died or the deferral ran out of time."""
        return self.resume(FAIL, error=error, traceback=["Traceback\n", "RuntimeError: died\n"])

    def run(self) -> Any:
        """Run the task to its end, its triggers included; return its result."""
        return self.finish(self.execute())

    def finish(self, ended: Any) -> Any:
        """Let triggers and resumptions go on until the task ends; return its result.

        :param ended: what :meth:`execute` or :meth:`resume` returned.
        """
        while isinstance(ended, Deferred | Rescheduled):
            if isinstance(ended, Deferred):
                event = event_of(ended.rebuilt())
                ended = self.resume(ended.method_name, event=event)
            else:
                time.sleep(self.operator.poke_interval)
                ended = self.execute()
        return ended

    def retry(self) -> None:
        """Begin the next attempt, as after a crash."""
        self._next_attempt()

    def clear(self) -> None:
        """Begin a new generation, as after a clear."""
        # Airflow's own arithmetic: as many retries again as the task has.
        self.ti.max_tries = self.ti.try_number + self.operator.retries
        self._next_attempt()

    def _next_attempt(self) -> None:
        self.ti.try_number += 1
        self.ti.start_date = datetime.now(UTC)
        self.ti.xcoms.clear()


def _put_aside(deferred: TaskDeferred) -> Deferred:
    assert isinstance(deferred.trigger, BackupTrigger | ConflictTrigger | FreshBackupTrigger)
    assert isinstance(deferred.timeout, timedelta)
    return Deferred(deferred.trigger, deferred.method_name, deferred.timeout)


def event_of(trigger: BaseTrigger) -> dict[str, Any]:
    """Run a trigger to its one event, and return that as it comes back from the database."""

    async def first() -> Any:
        events = [event.payload async for event in trigger.run()]
        assert len(events) == 1
        return events[0]

    event: dict[str, Any] = json.loads(searched(json.dumps(asyncio.run(first())), "event"))
    return event
