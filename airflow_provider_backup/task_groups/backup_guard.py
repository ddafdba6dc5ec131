"""A guard around risky work: back up, work, restore when the work fails."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from airflow_provider_backup.operators.create_backup import CreateBackupOperator
from airflow_provider_backup.task_groups.guard_arguments import GuardArguments, Restore
from airflow_provider_backup.task_groups.guard_outcome import IfRestored
from airflow_provider_backup.task_groups.guarded_task_group import GuardedTaskGroup
from airflow_provider_backup.task_groups.wrapped_work import WrappedWork


def backup_guard(
    group_id: str | None = None,
    *,
    backup: type[CreateBackupOperator],
    backup_args: Mapping[str, Any],
    restore: Restore,
    restore_args: Mapping[str, Any] | None = None,
    ask_args: Mapping[str, Any] | None = None,
    if_restored: IfRestored = "fail",
    max_age: timedelta | float | None = timedelta(days=1),
    **group_args: Any,
) -> WrappedWork[GuardedTaskGroup]:
    """Put a guard around risky work: take a backup, do the work, and restore the backup when the work fails.

    Use it in a ``with`` statement, or as a decorator like ``@task_group``. The first tasks of the work begin when the
    backup is good. When all tasks of the work are over and one has failed, the backup is restored as ``restore`` says;
    everything that was written to the resource since the backup began is lost then. The last task, ``outcome``, says
    what happened, and fails when the work did not succeed.

    Inside are the tasks ``backup``, those of the work, ``restore_needed``, ``approve_restore`` (with ``always_ask``),
    ``restore`` and ``outcome``.

    :param group_id: id of the task group; as a decorator, ``None`` takes the name of the function.
    :param backup: the operator that takes the backup, such as
        :class:`~airflow_provider_backup.operators.rds.RdsCreateBackupOperator`. The operator of the same service that
        restores is found by it.
    :param backup_args: its arguments, such as ``instance_id``.
    :param restore: what happens when the work fails:

        * ``always_ask``: a person is asked whether the backup is restored (Airflow 3.1 and later).
        * ``on_failure``: it is restored.
        * ``never``: it is kept for a person to restore.
    :param restore_args: further arguments of the restore operator, such as ``timeout``. It takes over the connection,
        region, project, ``deferrable`` and ``poll_interval`` of the backup. Without a target the restore overwrites
        what was backed up; each resource of a CBR or CSBS checkpoint is restored by a mapped task.
    :param ask_args: further arguments of Airflow's ``ApprovalOperator``, such as ``response_timeout``, ``defaults``,
        ``assigned_users`` and ``notifiers``.
    :param if_restored: how the last task ends after a restore: ``fail``, ``succeed`` or ``skip``.
    :param max_age: the age of the backup, as a ``timedelta`` or in seconds, above 0, up to which it is restored. A task
        of the work that is cleared much later would bring very old data back otherwise; ``None`` for any age.
    :param group_args: further arguments of ``TaskGroup``, such as ``tooltip`` and ``default_args``.
    :return: a context manager and decorator.
    """
    arguments = GuardArguments(
        backup=backup,
        backup_args=backup_args,
        restore=restore,
        restore_args=restore_args or {},
        ask_args=ask_args or {},
        if_restored=if_restored,
        max_age=max_age,
    )
    return WrappedWork("Guard", partial(GuardedTaskGroup, arguments=arguments), {"group_id": group_id, **group_args})
