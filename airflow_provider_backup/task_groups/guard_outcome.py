"""The last task of a guard, which says what happened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypedDict

from airflow.providers.common.compat.sdk import AirflowSkipException, BaseOperator

from airflow_provider_backup.cloud.operations.backup import BackupResult
from airflow_provider_backup.exceptions import GuardedWorkError, GuardedWorkRunningError
from airflow_provider_backup.task_groups.guarded_work import GuardedWork, WorkState, task_names
from airflow_provider_backup.task_groups.restore_needed import REASON_KEY
from airflow_provider_backup.tasks.outcome import ReportsOutcome
from airflow_provider_backup.version_compat import task_states, xcom_of

_BY_HAND = (
    "Repair the resource, or restore it with the restore operator of the service; the result of this task names the "
    "backup."
)

IfRestored = Literal["fail", "succeed", "skip"]
GuardEnd = Literal["succeeded", "restored", "restore_failed", "not_restored", "not_run", "skipped"]


class GuardResult(TypedDict):
    """What the last task of a guard returns, also as an XCom when it fails.

    ``outcome``: ``succeeded`` (the work did), ``restored`` (the work failed, and its backup was restored, whatever the
    work was marked as since), ``restore_failed``, ``not_restored`` (the work failed), ``not_run`` (the work did not
    run) or ``skipped`` (it was).
    ``failed_tasks`` are the tasks of the work that failed. ``backup`` is the result of the backup; ``None`` without a
    good one.
    """

    outcome: GuardEnd
    message: str
    failed_tasks: list[str]
    backup: BackupResult | None


class GuardOutcomeOperator(ReportsOutcome, BaseOperator):
    """Say what happened inside a guard, and end as the work and ``if_restored`` say.

    :param backup_task_id: id of the task that takes the backup.
    :param work_task_ids: ids of the tasks of the work.
    :param restore_needed_task_id: id of the task that decides about the restore; ``None`` if nothing is ever restored.
    :param approve_task_id: id of the task that asks a person; ``None`` if no person is asked.
    :param restore_task_id: id of the task that restores; ``None`` if nothing is ever restored.
    :param if_restored: how this task ends after a restore.
    """

    ui_color = "#d8ecd8"

    def __init__(
        self,
        *,
        backup_task_id: str,
        work_task_ids: Sequence[str],
        restore_needed_task_id: str | None,
        approve_task_id: str | None,
        restore_task_id: str | None,
        if_restored: IfRestored,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.backup_task_id = backup_task_id
        self.work_task_ids = work_task_ids
        self.restore_needed_task_id = restore_needed_task_id
        self.approve_task_id = approve_task_id
        self.restore_task_id = restore_task_id
        self.if_restored = if_restored

    def execute(self, context: Any) -> GuardResult:
        """Look at the states of all tasks of the guard.

        :return: what happened.
        :raises GuardedWorkError: the work did not succeed.
        :raises AirflowSkipException: the work was skipped; or it was restored, and ``if_restored`` is ``skip``.
        """
        return self.report(context, lambda: self._end(context["ti"]))

    def _end(self, task_instance: Any) -> GuardResult:
        work = GuardedWork(task_states(task_instance, self.work_task_ids))
        if work.state is WorkState.RUNNING:
            raise GuardedWorkRunningError(task_names(work.running))
        outcome, message, next_step = self._what_happened(task_instance, work)
        result = GuardResult(
            outcome=outcome,
            message=message,
            failed_tasks=work.failed if work.state is WorkState.FAILED else [],
            backup=xcom_of(task_instance, self.backup_task_id),
        )
        if outcome == "succeeded" or (outcome == "restored" and self.if_restored == "succeed"):
            self.log.info("%s", message)
            return result
        # Airflow keeps what a task pushed before it failed.
        task_instance.xcom_push(key="return_value", value=result)
        if outcome == "skipped" or (outcome == "restored" and self.if_restored == "skip"):
            raise AirflowSkipException(message)
        raise GuardedWorkError(message, next_step=next_step)

    def _what_happened(self, task_instance: Any, work: GuardedWork) -> tuple[GuardEnd, str, str]:
        restores = self._states_of_restore(task_instance)
        if work.state is WorkState.FAILED:
            failed = f"The work failed ({task_names(work.failed)})"
        elif restores == {"success"} or "failed" in restores:
            # Airflow runs this task again when failed work is marked; what it did is overwritten all the same.
            failed = "The work had failed, before it was marked otherwise"
        else:
            return self._end_without_failure(work)
        if self.restore_task_id is None:
            return "not_restored", f"{failed}. Nothing is restored (restore is 'never').", _BY_HAND
        if restores == {"success"}:
            reason = xcom_of(task_instance, str(self.restore_needed_task_id), REASON_KEY)
            next_step = f"Correct the work, and clear the whole group, {self.backup_task_id} included."
            return "restored", f"{failed}, and the resource was restored: {reason}.", next_step
        if "failed" in restores:
            next_step = (
                f"See the log of {self.restore_task_id}: the resource may be overwritten in part. Clearing that task "
                "restores once more."
            )
            return "restore_failed", f"{failed}, and the restore failed, too.", next_step
        why = self._why_not_restored(task_instance)
        return "not_restored", f"{failed}, and nothing is restored: {why}.", _BY_HAND

    def _states_of_restore(self, task_instance: Any) -> set[str | None]:
        if self.restore_task_id is None:
            return set()
        return {*task_states(task_instance, [self.restore_task_id]).values()} - {"removed"}

    def _end_without_failure(self, work: GuardedWork) -> tuple[GuardEnd, str, str]:
        if work.state is WorkState.SUCCEEDED:
            return "succeeded", "The work succeeded.", ""
        if work.state is WorkState.SKIPPED:
            return "skipped", "The work was skipped.", ""
        next_step = f"See {self.backup_task_id} and what is before it; clear what failed there."
        return "not_run", "The work did not run, since something before it failed. Nothing is restored.", next_step

    def _why_not_restored(self, task_instance: Any) -> str:
        decision = {*task_states(task_instance, [str(self.restore_needed_task_id)]).values()}
        if decision != {"success"}:
            return (
                xcom_of(task_instance, str(self.restore_needed_task_id), REASON_KEY)
                or f"{self.restore_needed_task_id} did not succeed, see its log"
            )
        last = self.approve_task_id or self.restore_task_id
        # A rejection skips the restore; Airflow keeps no result of a task that skips others.
        is_rejected = self.approve_task_id and {*task_states(task_instance, [self.approve_task_id]).values()} == {
            "success"
        }
        return f"it was rejected in {last}" if is_rejected else f"{last} did not succeed, see its log"
