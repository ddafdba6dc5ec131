"""The task group of a guard: what is put around the author's tasks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from airflow.providers.common.compat.sdk import DAG, TaskGroup, TriggerRule

from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.operators.create_backup import CreateBackupOperator
from airflow_provider_backup.task_groups.approval import approval
from airflow_provider_backup.task_groups.guard_arguments import GuardArguments
from airflow_provider_backup.task_groups.guard_outcome import GuardOutcomeOperator
from airflow_provider_backup.task_groups.restore_needed import RestoreNeededOperator
from airflow_provider_backup.task_groups.restore_operators import names_target, shared_arguments
from airflow_provider_backup.task_groups.wrapped_work import OUTCOME, WrappingTaskGroup


class GuardedTaskGroup(WrappingTaskGroup):
    """A task group that begins with a backup and ends with a task that says what happened.

    :param arguments: those of the guard.
    :param kwargs: arguments of ``TaskGroup``.
    """

    backup: CreateBackupOperator
    """The task that takes the backup; ``backup.output`` is its result."""
    outcome: GuardOutcomeOperator
    """The last task; its result is a :class:`~airflow_provider_backup.task_groups.guard_outcome.GuardResult`."""

    def __init__(self, *, arguments: GuardArguments, **kwargs: Any) -> None:
        arguments.check(kwargs["group_id"])
        super().__init__(**kwargs)
        self.arguments = arguments

    def begin(self) -> None:
        """Add the backup; what is added until :meth:`finish` is the work."""
        self.backup = self.arguments.backup(task_id="backup", **self.arguments.backup_args)

    def parameters(self) -> dict[str, Any]:
        """Return the result of the backup."""
        return {"backup": self.backup.output}

    def finish(self) -> None:
        """Add what follows the work.

        :raises InvalidRequestError: there is no work, or a part of it cannot be guarded.
        """
        work = [task for task in self.iter_tasks() if task is not self.backup]
        roots = self.roots_of(work, title="Guard", reason="without a good backup")
        for task in roots:
            self.backup.set_downstream(task)
        judged = list(self._judged(self))
        restore_needed = approve = restore = None
        if self.arguments.restore != "never":
            restore_needed = RestoreNeededOperator(
                task_id="restore_needed",
                backup_task_id=self.backup.task_id,
                work_task_ids=judged,
                max_age=self.arguments.max_age_seconds,
                trigger_rule=TriggerRule.ALL_DONE,
            )
            if self.arguments.restore == "always_ask":
                approve = approval(str(self.group_id), restore_needed, self.arguments.ask_args)
            restore = self._restore(restore_needed)
        self.outcome = GuardOutcomeOperator(
            task_id=OUTCOME,
            backup_task_id=self.backup.task_id,
            work_task_ids=judged,
            restore_needed_task_id=None if restore_needed is None else restore_needed.task_id,
            approve_task_id=None if approve is None else approve.task_id,
            restore_task_id=None if restore is None else restore.task_id,
            if_restored=self.arguments.if_restored,
            trigger_rule=TriggerRule.ALL_DONE,
        )
        chain = [task for task in (restore_needed, approve, restore, self.outcome) if task is not None]
        # Each of them: a task that joins others is over as soon as one of these has failed. Airflow allows only usual
        # trigger rules after a setup; its teardown waits for it.
        for task in work:
            if not task.is_setup:
                task.set_downstream(chain[0])
        for before, after in pairwise(chain):
            before.set_downstream(after)
        if restore is not None:
            # The restore is over at once when the backup has failed.
            chain[0].set_downstream(self.outcome)

    def _judged(self, group: TaskGroup) -> Iterator[str]:
        """Yield the ids of the tasks by which the work is judged."""
        child: Any
        for child in group.children.values():
            if isinstance(child, WrappingTaskGroup):
                # What failed inside a guard may have been restored: its last task says so.
                yield child.outcome.task_id
            elif isinstance(child, TaskGroup):
                yield from self._judged(child)
            elif child is not self.backup and (not child.is_teardown or child.on_failure_fail_dagrun):
                yield child.task_id

    def _restore(self, restore_needed: RestoreNeededOperator) -> Any:
        arguments = self.arguments
        operator = arguments.restore_operator
        given = {
            "task_id": "restore",
            "overwrite": True,
            "trigger_rule": TriggerRule.ALL_SUCCESS,
            **shared_arguments(arguments.backup_args),
            **arguments.restore_args,
        }
        if names_target(operator, arguments.restore_args) or "checkpoint_id" not in operator.template_fields:
            if "target_instance_id" in operator.template_fields:
                given.setdefault("target_instance_id", arguments.backup_args.get("instance_id"))
            return operator(backup=self.backup.output, **given)
        if next(iter(self.iter_mapped_task_groups()), None) is not None:
            rule = "name the resource (server_id or volume_id): Airflow maps no tasks inside a mapped task group"
            raise InvalidRequestError(
                f"Guard {self.group_id!r}", [Violation("restore_args", rule, dict(arguments.restore_args))]
            )
        unattached = DAG(dag_id="check", schedule=None, auto_register=False)
        # Arguments of a mapped task are checked when it runs, and then it is late for that.
        operator(backup_id="check", dag=unattached, task_group=unattached.task_group, **given)
        # A checkpoint is of several resources: each has a backup of its own in it.
        return operator.partial(**given).expand(backup_id=restore_needed.output)
