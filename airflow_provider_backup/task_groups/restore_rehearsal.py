"""A rehearsal: the newest backup is restored to a new instance, checked there, and the instance deleted."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from airflow_provider_backup.operators.latest_backup import GetLatestBackupOperator
from airflow_provider_backup.task_groups.rehearsal_task_group import RehearsalArguments, RehearsalTaskGroup
from airflow_provider_backup.task_groups.wrapped_work import WrappedWork


def restore_rehearsal(
    group_id: str | None = None,
    *,
    backup: type[GetLatestBackupOperator],
    backup_args: Mapping[str, Any],
    restore_args: Mapping[str, Any] | None = None,
    delete_args: Mapping[str, Any] | None = None,
    **group_args: Any,
) -> WrappedWork[RehearsalTaskGroup]:
    """Prove that the newest backup of a database instance can be restored.

    Use it in a ``with`` statement, or as a decorator like ``@task_group``. The newest good backup is restored to a new
    instance like the one that was backed up, whose name begins with ``rehearsal-``. The author's tasks inside are the
    checks; they get its ``host`` and ``port``. The instance is deleted whatever happened. The last task, ``outcome``,
    says how it went, and fails if a check failed, or the instance is still there.

    Inside are the tasks ``backup`` and ``restore`` (setups), the checks, ``delete`` (their teardown) and ``outcome``.

    :param group_id: id of the task group; as a decorator, ``None`` takes the name of the function.
    :param backup: the operator that finds the backup, such as
        :class:`~airflow_provider_backup.operators.rds.RdsGetLatestBackupOperator`. The operators of the same service
        that restore and delete are found by it.
    :param backup_args: its arguments: ``instance_id``, and for example ``max_age``.
    :param restore_args: further arguments of the restore operator, such as ``password_conn_id``, ``flavor_ref`` (a
        smaller instance may do) and ``deferrable``. It takes over the connection, region and project of the backup.
    :param delete_args: further arguments of the operator that deletes the instance, such as ``deferrable``.
    :param group_args: further arguments of ``TaskGroup``, such as ``tooltip`` and ``default_args``.
    :return: a context manager and decorator. The task group has the attributes ``host``, ``port``, ``restore`` and
        ``outcome``; a decorated function gets its parameters ``host``, ``port`` and ``restored`` from it.
    """
    arguments = RehearsalArguments(backup, backup_args, restore_args or {}, delete_args or {})
    return WrappedWork(
        "Rehearsal", partial(RehearsalTaskGroup, arguments=arguments), {"group_id": group_id, **group_args}
    )
