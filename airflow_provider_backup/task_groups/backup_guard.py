"""A guard around risky work: back up, work, restore when the work fails."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import TracebackType
from typing import Any, NoReturn

from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.operators.create_backup import CreateBackupOperator
from airflow_provider_backup.task_groups.guard_arguments import GuardArguments, Restore
from airflow_provider_backup.task_groups.guard_outcome import IfRestored
from airflow_provider_backup.task_groups.guarded_task_group import GuardedTaskGroup


class BackupGuard:
    """What :func:`backup_guard` returns: a context manager, and a decorator like ``@task_group``."""

    def __init__(self, arguments: GuardArguments, group_arguments: Mapping[str, Any]) -> None:
        self._arguments = arguments
        self._group_arguments = dict(group_arguments)
        self._entered: list[GuardedTaskGroup] = []

    def __enter__(self) -> GuardedTaskGroup:
        """Begin the task group; what is put into it is the work.

        :return: the task group, with the attributes ``backup`` and ``outcome``.
        :raises InvalidRequestError: an argument is wrong.
        """
        group_id = self._group_arguments.get("group_id")
        if not group_id:
            raise InvalidRequestError("Guard", [Violation("group_id", "is needed in a with statement", group_id)])
        self._arguments.check(group_id)
        group = GuardedTaskGroup(arguments=self._arguments, **self._group_arguments)
        group.__enter__()
        try:
            group.begin()
        except BaseException as error:
            group.__exit__(type(error), error, error.__traceback__)  # type: ignore[no-untyped-call]
            raise
        self._entered.append(group)
        return group

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        group = self._entered.pop()
        try:
            if kind is None:
                group.finish()
        finally:
            group.__exit__(kind, error, traceback)  # type: ignore[no-untyped-call]

    def __call__(self, function: Callable[..., Any]) -> GuardedFunction:
        """Decorate a function that makes the tasks of the work."""
        return GuardedFunction(self._arguments, self._group_arguments, function)


class GuardedFunction:
    """A decorated function: each call makes a guard with the tasks that the function makes.

    If it has a parameter ``backup`` that the caller does not give, it gets the result of the backup.
    """

    def __init__(
        self, arguments: GuardArguments, group_arguments: Mapping[str, Any], function: Callable[..., Any]
    ) -> None:
        functools.update_wrapper(self, function)
        self._arguments = arguments
        self._group_arguments: dict[str, Any] = {
            "group_id": function.__name__,
            "tooltip": inspect.getdoc(function) or "",
            "add_suffix_on_collision": True,
            **{name: value for name, value in group_arguments.items() if value is not None},
        }
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> GuardedTaskGroup:
        """Make a guard.

        :return: the task group, so that what follows it waits for its last task.
        :raises InvalidRequestError: an argument is wrong, or the function returns something.
        """
        with BackupGuard(self._arguments, self._group_arguments) as group:
            signature = inspect.signature(self._function)
            if "backup" in signature.parameters and "backup" not in signature.bind_partial(*args, **kwargs).arguments:
                kwargs["backup"] = group.backup.output
            returned = self._function(*args, **kwargs)
        if returned is not None:
            rule = "must return nothing: what follows the guard has to wait for its last task, not for one of the work"
            raise InvalidRequestError(f"Guard {group.group_id!r}", [Violation(self._function.__name__, rule, returned)])
        return group

    def override(self, **group_arguments: Any) -> GuardedFunction:
        """Return the same with other arguments of the task group, such as ``group_id``.

        :param group_arguments: arguments of ``TaskGroup``.
        """
        return GuardedFunction(self._arguments, {**self._group_arguments, **group_arguments}, self._function)

    def expand(self, *_: object, **__: object) -> NoReturn:
        """Refuse to be mapped.

        :raises InvalidRequestError: always; the text says what can be mapped instead.
        """
        rule = (
            "cannot be mapped itself, since its backup would not get the mapped values; put 'with backup_guard(...)' "
            "into a function with @task_group, use its parameters there, and expand that"
        )
        raise InvalidRequestError("Guard", [Violation(self._function.__name__, rule, "expand")])

    expand_kwargs = partial = expand


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
) -> BackupGuard:
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
    return BackupGuard(
        GuardArguments(
            backup=backup,
            backup_args=backup_args,
            restore=restore,
            restore_args=restore_args or {},
            ask_args=ask_args or {},
            if_restored=if_restored,
            max_age=max_age,
        ),
        {"group_id": group_id, **group_args},
    )
