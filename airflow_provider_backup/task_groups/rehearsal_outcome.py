"""The last task of a rehearsal, which says how it went."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict

from airflow.providers.common.compat.sdk import AirflowSkipException, BaseOperator

from airflow_provider_backup.cloud.operations.freshness import FreshBackupResult
from airflow_provider_backup.exceptions import RehearsalFailedError
from airflow_provider_backup.task_groups.guarded_work import task_names
from airflow_provider_backup.tasks.outcome import ReportsOutcome
from airflow_provider_backup.version_compat import task_states, xcom_of


class RehearsalResult(TypedDict):
    """What the last task of a rehearsal returns, also as an XCom when it fails.

    ``passed``: whether the backup was restored, all checks succeeded, and the instance is gone. ``backup`` is the
    newest good backup, ``age_seconds`` its age when it was found; ``None`` without one. ``restore_seconds`` is the time
    that the restore took in the cloud. ``checks`` are the states of the checks by task. ``deleted`` is whether the
    instance is gone; ``None`` if none was created. ``instance_id`` is its id.
    """

    passed: bool
    message: str
    backup: FreshBackupResult | None
    age_seconds: float | None
    restore_seconds: float | None
    instance_id: str | None
    checks: dict[str, str | None]
    deleted: bool | None


class RehearsalOutcomeOperator(ReportsOutcome, BaseOperator):
    """Say how a rehearsal went; fail if it did not pass.

    :param backup_task_id: id of the task that finds the backup.
    :param restore_task_id: id of the task that restores it.
    :param check_task_ids: ids of the checks.
    :param delete_task_id: id of the task that deletes the instance.
    """

    ui_color = "#d8ecd8"

    def __init__(
        self,
        *,
        backup_task_id: str,
        restore_task_id: str,
        check_task_ids: Sequence[str],
        delete_task_id: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.backup_task_id = backup_task_id
        self.restore_task_id = restore_task_id
        self.check_task_ids = check_task_ids
        self.delete_task_id = delete_task_id

    def execute(self, context: Any) -> RehearsalResult:
        """Look at the states and results of all tasks of the rehearsal.

        :return: how it went.
        :raises RehearsalFailedError: it did not pass.
        :raises AirflowSkipException: it was skipped, since there is no backup to rehearse with.
        """
        return self.report(context, lambda: self._end(context["ti"]))

    def _end(self, task_instance: Any) -> RehearsalResult:
        parts = [self.backup_task_id, self.restore_task_id, self.delete_task_id]
        backup_state, restore_state, delete_state = (
            next(iter(task_states(task_instance, [each]).values()), None) for each in parts
        )
        if backup_state == "skipped":
            raise AirflowSkipException(f"There is nothing to rehearse with: {self.backup_task_id} was skipped.")
        backup: FreshBackupResult | None = xcom_of(task_instance, self.backup_task_id)
        restored = xcom_of(task_instance, self.restore_task_id) or {}
        reference = xcom_of(task_instance, self.restore_task_id, "backup_reference") or {}
        checks = task_states(task_instance, self.check_task_ids)
        instance_id: str | None = reference.get("instance_id")
        deleted = delete_state == "success" if instance_id else None
        failures = list(self._failures(backup_state, restore_state, checks, deleted, instance_id))
        seconds = _seconds(restored)
        message = "; ".join(failures) or _passed_text(checks, seconds)
        result = RehearsalResult(
            passed=not failures,
            message=f"{message[0].upper()}{message[1:]}.",
            backup=backup,
            age_seconds=backup["age_seconds"] if backup else None,
            restore_seconds=seconds,
            instance_id=instance_id,
            checks=checks,
            deleted=deleted,
        )
        if not failures:
            self.log.info("%s", result["message"])
            return result
        # Airflow keeps what a task pushed before it failed.
        task_instance.xcom_push(key="return_value", value=result)
        raise RehearsalFailedError(result["message"], next_step=self._next_step(deleted, instance_id))

    def _failures(
        self,
        backup_state: str | None,
        restore_state: str | None,
        checks: Mapping[str, str | None],
        deleted: bool | None,
        instance_id: str | None,
    ) -> Iterator[str]:
        if backup_state != "success":
            yield f"there is no backup to rehearse with ({self.backup_task_id})"
        elif restore_state != "success":
            yield f"the restore failed ({self.restore_task_id})"
        elif failed := sorted(name for name, state in checks.items() if state not in ("success", "skipped")):
            yield f"checks failed ({task_names(failed)})"
        elif "success" not in checks.values():
            yield "no check ran"
        if deleted is False:
            yield f"instance {instance_id} was not deleted ({self.delete_task_id})"

    def _next_step(self, deleted: bool | None, instance_id: str | None) -> str:
        step = "See the logs of the tasks that it names."
        if deleted is False:
            step += f" Delete instance {instance_id}: clear {self.delete_task_id}, or do it in the cloud."
        return step


def _seconds(restored: Mapping[str, Any]) -> float | None:
    began, finished = restored.get("began_at"), restored.get("finished_at")
    if not began or not finished:
        return None
    return (datetime.fromisoformat(finished) - datetime.fromisoformat(began)).total_seconds()


def _passed_text(checks: Mapping[str, str | None], seconds: float | None) -> str:
    succeeded = sum(state == "success" for state in checks.values())
    took = "" if seconds is None else f" in {seconds:.0f} s"
    return f"the backup was restored{took}, {succeeded} checks succeeded, and the instance is deleted"
