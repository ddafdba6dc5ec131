"""Everything that differs between Airflow 2.11 and 3.x, in one place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import airflow
from packaging.version import Version

AIRFLOW_3 = Version(airflow.__version__).release >= (3,)

TRIGGERS_HAVE_ON_KILL = Version(airflow.__version__).release >= (3, 3)
"""Whether the triggerer calls ``on_kill`` of a trigger whose task a user ended; before 3.3 it only cancels it."""

ASKS_PEOPLE = Version(airflow.__version__).release >= (3, 1)
"""Whether Airflow has human-in-the-loop operators: 3.1 and later."""

RETRIES_KEEP_THE_DEFERRAL = Version(airflow.__version__).release[:2] == (3, 0)
"""Whether Airflow resumes a retry with the event of the previous, deferred try: a bug of 3.0."""

FAIL_METHOD = "__fail__"
"""The next method that Airflow names after a trigger failed or a deferral timed out (2.11 and 3.x alike)."""


def own_xcom(task_instance: Any, key: str) -> Any:
    """Read a value that this task instance pushed in this attempt; ``None`` when there is none.

    :param task_instance: the running task instance.
    :param key: the XCom's key.
    """
    return xcom_of(task_instance, task_instance.task_id, key)


def xcom_of(task_instance: Any, task_id: str, key: str = "return_value") -> Any:
    """Read a value of a task of the same DAG run and with the same map index; ``None`` when there is none.

    :param task_instance: the running task instance.
    :param task_id: id of the task.
    :param key: the XCom's key; its value is no list.
    """
    value = task_instance.xcom_pull(task_ids=task_id, key=key, map_indexes=task_instance.map_index)
    # 3.x answers a list when map_indexes is given as -1 for some versions; 2.11 answers the value.
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def generation_of(task_instance: Any) -> str:
    """Return a text that stays the same in all tries of a task instance and changes when it is cleared.

    It is ``max_tries``, which Airflow keeps in its database: a retry never changes it, even if ``retries`` is
    edited in the DAG file, and a clear sets it to the number of tries so far plus ``retries``. A clear of a *running*
    task on 2.11 and 3.0 leaves it unchanged, and so cannot be distinguished from a retry.

    :param task_instance: the running task instance.
    """
    return f"max_tries={_max_tries(task_instance)}"


def clears_of(task_instance: Any, retries: int) -> int:
    """Return the number of tries before the last clear, 0 without one, provided ``retries`` was not edited since.

    :param task_instance: the running task instance.
    :param retries: the operator's number of retries, as the DAG file has it now.
    """
    return max(0, _max_tries(task_instance) - retries)


def _max_tries(task_instance: Any) -> int:
    return int(task_instance.max_tries or 0)


def beginning_of(dag_run: Any) -> datetime | None:
    """Return when a DAG run started; ``None`` if its ``start_date`` is something else.

    A run starts again if it is deleted and created again, and if tasks of a finished run are cleared. Neither a retry
    nor the clear of a task in a running run changes its start. ``dag.test()`` and ``airflow dags test`` store the
    logical date there, and a backfill of 2.11 the last time that it processed the run.

    :param dag_run: the DAG run of the context.
    """
    start_date: datetime | None = dag_run.start_date
    if start_date == getattr(dag_run, "logical_date", None):
        return None
    if not AIRFLOW_3 and getattr(dag_run, "run_type", None) == "backfill":
        return None
    return start_date


def state_of(task_instance: Any) -> str | None:
    """Return the present state of a task instance in Airflow; ``None`` if it has none or was deleted.

    This blocks: call it in a thread in which Airflow permits that (``sync_to_async`` in the triggerer).

    :param task_instance: anything with ``dag_id``, ``run_id``, ``task_id`` and ``map_index``.
    """
    return (_state_from_supervisor if AIRFLOW_3 else _state_from_database)(
        task_instance.dag_id,
        task_instance.run_id,
        task_instance.task_id,
        -1 if task_instance.map_index is None else task_instance.map_index,
    )


def _state_from_supervisor(dag_id: str, run_id: str, task_id: str, map_index: int) -> str | None:
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    states = RuntimeTaskInstance.get_task_states(
        dag_id=dag_id, run_ids=[run_id], task_ids=[task_id], map_index=map_index
    )
    state = states.get(run_id, {}).get(task_id if map_index < 0 else f"{task_id}_{map_index}")
    return None if state is None else str(state)


def _state_from_database(dag_id: str, run_id: str, task_id: str, map_index: int) -> str | None:
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    with create_session() as session:
        state = (
            session.query(TaskInstance.state)
            .filter_by(dag_id=dag_id, run_id=run_id, task_id=task_id, map_index=map_index)
            .scalar()
        )
    return None if state is None else str(state)


def task_states(task_instance: Any, task_ids: Sequence[str]) -> dict[str, str | None]:
    """Return the states of other tasks of the same DAG run, by id; instances of mapped tasks as ``task[0]``.

    In a mapped task group these are the instances with the map index of the running task.

    :param task_instance: the running task instance.
    :param task_ids: ids of the other tasks; one without an instance in the database is left out.
    """
    read = _states_from_api if AIRFLOW_3 else _states_from_metadata
    return {
        name if map_index < 0 else f"{name}[{map_index}]": None if state is None else str(state)
        for name, map_index, state in read(task_instance, task_ids)
    }


_StateRow = tuple[str, int, Any]


def _states_from_api(task_instance: Any, task_ids: Sequence[str]) -> Iterator[_StateRow]:
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    # Airflow calls instances of a mapped task ``task_0``, and a task of that name would take the place of one.
    alike = [task_id for task_id in task_ids if re.search(r"_\d+$", task_id)]
    others = [task_id for task_id in task_ids if task_id not in alike]
    run_id = task_instance.run_id
    for asked in (others, *([task_id] for task_id in alike)):
        if not asked:
            continue
        answer = RuntimeTaskInstance.get_task_states(
            dag_id=task_instance.dag_id,
            run_ids=[run_id],
            task_ids=asked,
            map_index=None if task_instance.map_index < 0 else task_instance.map_index,
        )
        for key, state in answer.get(run_id, {}).items():
            task_id, _, map_index = key.rpartition("_")
            yield (key, -1, state) if key in asked else (task_id, int(map_index), state)


def _states_from_metadata(task_instance: Any, task_ids: Sequence[str]) -> Iterator[_StateRow]:
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    with create_session() as session:
        rows = session.query(TaskInstance.task_id, TaskInstance.map_index, TaskInstance.state).filter(
            TaskInstance.dag_id == task_instance.dag_id,
            TaskInstance.run_id == task_instance.run_id,
            TaskInstance.task_id.in_(task_ids),
        )
        if task_instance.map_index >= 0:
            rows = rows.filter(TaskInstance.map_index == task_instance.map_index)
        yield from rows.all()


def skip_tasks(operator: Any, context: Any, tasks: Iterable[Any]) -> None:
    """Let Airflow skip tasks of a DAG run, whatever their trigger rules are; the running task succeeds.

    On 3.x this ends the running task with an exception of Airflow's, unless the task is mapped.

    :param operator: a ``SkipMixin``.
    :param context: the context of the running task.
    :param tasks: what is skipped.
    """
    if AIRFLOW_3:
        operator.skip(ti=context["ti"], tasks=tasks)
    else:
        run = context["dag_run"]
        operator.skip(run, run.logical_date, list(tasks), map_index=context["ti"].map_index)


def task_state_store(context: Any) -> Any:
    """Return the store whose values persist across the tries of a task instance (``get``, ``set``, ``delete``).

    :param context: the context of ``execute``.
    :return: ``None`` before Airflow 3.3.
    """
    return context.get("task_state_store")
