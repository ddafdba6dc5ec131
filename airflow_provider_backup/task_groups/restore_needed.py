"""The task of a guard that decides whether its backup is restored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NoReturn

from airflow.providers.common.compat.sdk import AirflowSkipException, BaseOperator

from airflow_provider_backup.cloud.clock import current_clock
from airflow_provider_backup.cloud.operations.backup import BackupResult, backup_text
from airflow_provider_backup.cloud.operations.freshness import duration_text
from airflow_provider_backup.exceptions import GuardedWorkRunningError
from airflow_provider_backup.task_groups.guarded_work import GuardedWork, WorkState, task_names
from airflow_provider_backup.tasks.outcome import ReportsOutcome
from airflow_provider_backup.version_compat import task_states, xcom_of

REASON_KEY = "reason"
"""XCom: why the backup of work that failed is restored, or is not."""

_ENDS = {WorkState.SUCCEEDED: "succeeded", WorkState.SKIPPED: "was skipped", WorkState.NOT_RUN: "did not run"}


class RestoreNeededOperator(ReportsOutcome, BaseOperator):
    """Succeed if the guarded work failed and its backup is good and young enough; otherwise skip the restore.

    It runs when all tasks of the work are over.

    :param backup_task_id: id of the task that takes the backup.
    :param work_task_ids: ids of the tasks of the work.
    :param max_age: up to which age of the backup, in seconds, it is restored; ``None`` for any age.
    """

    ui_color = "#d8ecd8"

    def __init__(
        self, *, backup_task_id: str, work_task_ids: Sequence[str], max_age: float | None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.backup_task_id = backup_task_id
        self.work_task_ids = work_task_ids
        self.max_age = max_age

    def execute(self, context: Any) -> list[str]:
        """Decide.

        :return: ids of the backups to restore: one, or that of each resource in a checkpoint.
        :raises AirflowSkipException: nothing is restored.
        :raises GuardedWorkRunningError: a task of the work was cleared meanwhile.
        """
        return self.report(context, lambda: self._decide(context["ti"]))

    def _decide(self, task_instance: Any) -> list[str]:
        work = GuardedWork(task_states(task_instance, self.work_task_ids))
        if work.state is WorkState.RUNNING:
            raise GuardedWorkRunningError(task_names(work.running))
        if work.state is not WorkState.FAILED:
            raise AirflowSkipException(f"Nothing is restored, since the work did not fail: it {_ENDS[work.state]}.")
        backup: BackupResult | None = xcom_of(task_instance, self.backup_task_id)
        if backup is None or {*task_states(task_instance, [self.backup_task_id]).values()} != {"success"}:
            self._skip(task_instance, f"{self.backup_task_id} has not taken a good backup")
        began = backup["created_at"] or backup["finished_at"]
        named = backup_text(
            f"{backup['service']} {backup['kind']} {backup['backup_id']}", backup["name"], backup["resource_ids"]
        )
        if began is not None:
            named = f"{named}, which began at {began},"
            age = current_clock().time() - datetime.fromisoformat(began).timestamp()
            if self.max_age is not None and age > self.max_age:
                limit, found = duration_text(timedelta(seconds=self.max_age)), duration_text(timedelta(seconds=age))
                self._skip(task_instance, f"{named} is {found} old, and max_age is {limit}")
        reason = f"{named} holds what was there before"
        self.log.warning("The work failed (%s); %s.", task_names(work.failed), reason)
        task_instance.xcom_push(key=REASON_KEY, value=reason)
        return list(backup["backup_ids"])

    def _skip(self, task_instance: Any, reason: str) -> NoReturn:
        task_instance.xcom_push(key=REASON_KEY, value=reason)
        raise AirflowSkipException(f"The work failed, and nothing is restored: {reason}.")
