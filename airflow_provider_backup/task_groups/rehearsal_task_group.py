"""The task group of a rehearsal: what is put around the author's checks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airflow.providers.common.compat.sdk import AirflowSkipException, TriggerRule

from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.cloud.services.databases.rehearsals import REHEARSAL_PREFIX
from airflow_provider_backup.operators.latest_backup import GetLatestBackupOperator
from airflow_provider_backup.task_groups.rehearsal_outcome import RehearsalOutcomeOperator
from airflow_provider_backup.task_groups.restore_operators import (
    ACCOUNT_ARGUMENTS,
    DELETE_INSTANCE,
    RESTORE_INSTANCE,
    operator_of_service,
    shared_arguments,
)
from airflow_provider_backup.task_groups.wrapped_work import OUTCOME, WrappingTaskGroup

_LONGEST_NAME = 40
_SET_BY_THE_REHEARSAL = frozenset(
    {"task_id", "trigger_rule", "dag", "task_group", "do_xcom_push", "wait_for_completion"}
)
_OF_THE_RESTORE = _SET_BY_THE_REHEARSAL | {
    *ACCOUNT_ARGUMENTS,
    *("backup", "backup_id", "source_instance_id", "restore_time", "target_instance_id", "overwrite"),
    *("new_instance_name", "retry_failed"),
}
_OF_THE_DELETION = _SET_BY_THE_REHEARSAL | {*ACCOUNT_ARGUMENTS, "instance_id", "confirm_name", "if_missing"}


@dataclass(frozen=True)
class RehearsalArguments:
    """What the author gives, see :func:`~airflow_provider_backup.task_groups.restore_rehearsal.restore_rehearsal`."""

    backup: type[GetLatestBackupOperator]
    backup_args: Mapping[str, Any]
    restore_args: Mapping[str, Any]
    delete_args: Mapping[str, Any]

    @property
    def restore_operator(self) -> Any:
        """The operator that restores to a new instance; ``None`` if the service has none."""
        return operator_of_service(self.backup, RESTORE_INSTANCE)

    @property
    def delete_operator(self) -> Any:
        """The operator that deletes an instance; ``None`` if the service has none."""
        return operator_of_service(self.backup, DELETE_INSTANCE)

    def check(self, group_id: str) -> None:
        """Reject wrong arguments.

        :param group_id: id of the rehearsal, for the message.
        :raises InvalidRequestError: an argument is wrong.
        """
        if violations := list(self._violations()):
            raise InvalidRequestError(f"Rehearsal {group_id!r}", violations)

    def _violations(self) -> Iterator[Violation]:
        backup: Any = self.backup
        if not isinstance(backup, type) or not issubclass(backup, GetLatestBackupOperator):
            rule = "must be the class of an operator that finds the newest backup, such as RdsGetLatestBackupOperator"
            yield Violation("backup", rule, backup)
            return
        if self.restore_operator is None or self.delete_operator is None:
            yield Violation("backup", "a rehearsal needs a service of database instances", backup.__name__)
        if "instance_id" not in self.backup_args:
            yield Violation("backup_args.instance_id", "is needed: a rehearsal is of one instance", None)
        if self.backup_args.get("if_stale") == "short_circuit":
            yield Violation("backup_args.if_stale", "must be 'fail' or 'skip'", "short_circuit")
        for name, given, taken in (
            ("backup_args", self.backup_args, _SET_BY_THE_REHEARSAL),
            ("restore_args", self.restore_args, _OF_THE_RESTORE),
            ("delete_args", self.delete_args, _OF_THE_DELETION),
        ):
            for key in sorted(given.keys() & taken):
                yield Violation(f"{name}.{key}", "is set by the rehearsal", given[key])


class RehearsalTaskGroup(WrappingTaskGroup):
    """A task group that restores a backup to a new instance and deletes that at the end.

    :param arguments: those of the rehearsal.
    :param kwargs: arguments of ``TaskGroup``.
    """

    backup: GetLatestBackupOperator
    """The task that finds the newest good backup."""
    restore: Any
    """The task that restores it; ``restore.output`` is its result."""
    outcome: RehearsalOutcomeOperator
    """The last task; its result is a
    :class:`~airflow_provider_backup.task_groups.rehearsal_outcome.RehearsalResult`."""

    def __init__(self, *, arguments: RehearsalArguments, **kwargs: Any) -> None:
        arguments.check(kwargs["group_id"])
        super().__init__(**kwargs)
        self.arguments = arguments

    @property
    def host(self) -> Any:
        """The address of the instance, for the checks."""
        return self.restore.output["host"]

    @property
    def port(self) -> Any:
        """The port of the instance, for the checks."""
        return self.restore.output["port"]

    def parameters(self) -> dict[str, Any]:
        """Return address and port of the instance, and the result of the restore."""
        return {"host": self.host, "port": self.port, "restored": self.restore.output}

    def begin(self) -> None:
        """Add the search for the backup and the restore, both setups; what is added until :meth:`finish` are checks."""
        arguments = self.arguments
        self.backup = arguments.backup(task_id="backup", **arguments.backup_args)
        given = {
            "like": arguments.backup_args["instance_id"],
            **self._account(),
            **arguments.restore_args,
        }
        restore_operator = arguments.restore_operator
        self.restore = restore_operator(
            task_id="restore",
            backup=self.backup.output,
            new_instance_name=self._instance_name(),
            # The next try would create another instance beside the one that failed.
            retry_failed=False,
            **given,
        )

    def finish(self) -> None:
        """Add what follows the checks.

        :raises InvalidRequestError: there is no check, or one would not wait for the restore.
        """
        checks = [task for task in self.iter_tasks() if task is not self.backup and task is not self.restore]
        for task in self.roots_of(checks, title="Rehearsal", reason="without the restored instance"):
            self.restore.set_downstream(task)
        restore_id = self.restore.task_id
        delete = self.arguments.delete_operator(
            task_id="delete",
            instance_id=_INSTANCE_ID.format(task_id=restore_id),
            confirm_name=REHEARSAL_PREFIX,
            # A request whose answer was lost may have deleted it.
            if_missing="ignore",
            pre_execute=_skip_without_instance,
            **{**self._account(), **self.arguments.delete_args},
        )
        for task in checks:
            if not task.is_setup:
                task.set_downstream(delete)
        # Of both: a restore that failed may have created the instance.
        delete.as_teardown(setups=[self.backup, self.restore])
        self.outcome = RehearsalOutcomeOperator(
            task_id=OUTCOME,
            backup_task_id=self.backup.task_id,
            restore_task_id=restore_id,
            check_task_ids=[task.task_id for task in checks if not task.is_teardown],
            delete_task_id=delete.task_id,
            trigger_rule=TriggerRule.ALL_DONE,
        )
        for task in (*(each for each in checks if not each.is_setup), delete):
            task.set_downstream(self.outcome)

    def _account(self) -> dict[str, Any]:
        shared = shared_arguments(self.arguments.backup_args)
        return {name: value for name, value in shared.items() if name in ACCOUNT_ARGUMENTS}

    def _instance_name(self) -> str:
        """Return the beginning of the instance's name, by which people recognize where it comes from."""
        return f"{REHEARSAL_PREFIX}{re.sub(r'[^A-Za-z0-9_-]', '-', self.dag.dag_id)}"[:_LONGEST_NAME]


_INSTANCE_ID = (
    "{{% set found = ti.xcom_pull(task_ids='{task_id}', key='backup_reference', map_indexes=ti.map_index) or {{}} %}}"
    "{{{{ (found if found is mapping else found[0]).get('instance_id') or '' }}}}"
)
"""Template: the id of the new instance, which is known even if its restore failed."""


def _skip_without_instance(context: Any) -> None:
    if not context["task"].instance_id:
        raise AirflowSkipException("There is nothing to delete: no instance was created.")
