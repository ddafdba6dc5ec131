"""Guards on the local cloud, and work inside them that changes what is protected."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from airflow.providers.common.compat.sdk import task

from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.operators.vbs import VbsCreateBackupOperator
from airflow_provider_backup.task_groups.backup_guard import backup_guard
from airflow_provider_backup.task_groups.guarded_task_group import GuardedTaskGroup
from airflow_provider_backup.task_groups.wrapped_work import WrappedWork
from tests.airflow.dag_runs import TaskEnd
from tests.airflow.service_matrix import CREATE, resources, target

BEFORE, AFTER = 1, 2
"""Content versions before and after the work."""


def disk_of(cloud: RunningCloud) -> str:
    """Return the id of a disk that is not attached, and so can be restored."""
    return resources(cloud, "volumes")[-1]


def guard_of_disk(cloud: RunningCloud, group_id: str = "guard", **arguments: Any) -> WrappedWork[GuardedTaskGroup]:
    """Return a guard around work on a disk."""
    return backup_guard(
        group_id,
        backup=VbsCreateBackupOperator,
        **{
            "backup_args": {"volume_id": disk_of(cloud), "poll_interval": 0.05, "deferrable": False},
            "restore": "on_failure",
            **arguments,
        },
    )


def guard_of(cloud: RunningCloud, service: str, **arguments: Any) -> WrappedWork[GuardedTaskGroup]:
    """Return a guard around work on something of a service; what is missing for that is made."""
    what = {"volume_id": disk_of(cloud)} if service == "vbs" else target(cloud, service)
    return backup_guard(
        "guard",
        backup=CREATE[service],  # type: ignore[arg-type]
        backup_args={**what, "poll_interval": 0.05, "deferrable": True},
        restore="on_failure",
        restore_args={"poll_interval": 0.05},
        **arguments,
    )


def work(cloud: RunningCloud, *, fails: bool, task_id: str = "work", **arguments: Any) -> Any:
    """Put a task into a DAG that changes the disk of :func:`disk_of`, and perhaps fails then."""

    @task(task_id=task_id, **arguments)
    def change() -> None:
        cloud.change_content(disk_of(cloud), AFTER)
        if fails:
            raise ValueError("the migration is wrong")

    return change()


def states(ends: dict[str, TaskEnd], group_id: str = "guard") -> dict[str, str]:
    """Return the states of the tasks that a guard adds, and of those outside, without the prefix of the group."""
    return {name.removeprefix(f"{group_id}."): end.state for name, end in ends.items()}


def answer_questions(dag_id: str, choice: str) -> None:
    """Answer the questions of tasks that wait for a person, as the page and the REST API of Airflow do.

    :param dag_id: id of the DAG.
    :param choice: ``Approve`` or ``Reject``.
    """
    from airflow.api_fastapi.core_api.datamodels.hitl import UpdateHITLDetailPayload
    from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    person: Any = SimpleNamespace(get_id=lambda: "7", get_name=lambda: "Ada")
    with create_session() as session:
        for waiting in session.query(TaskInstance).filter_by(dag_id=dag_id, state="awaiting_input").all():
            update_hitl_detail(
                dag_id,
                waiting.run_id,
                waiting.task_id,
                UpdateHITLDetailPayload(chosen_options=[choice], params_input={}),
                person,
                session,
            )


def mark_task(dag_id: str, task_id: str, state: str) -> None:
    """Mark a task that is over, as a user does by hand.

    :param dag_id: id of the DAG.
    :param task_id: id of the task.
    :param state: ``success`` or ``skipped``.
    """
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    with create_session() as session:
        session.query(TaskInstance).filter_by(dag_id=dag_id, task_id=task_id).update({"state": state})
