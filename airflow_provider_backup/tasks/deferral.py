"""How tasks wait for an operation: one way for operators and sensors, deferred or on the worker."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from airflow_provider_backup.cloud.operations.backup import (
    BackupResult,
    OperationReference,
    OperationState,
    backup_text,
)
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.text import one_line
from airflow_provider_backup.exceptions import BackupFailedError, BackupPartialError, FinalBackupFailedError
from airflow_provider_backup.tasks.deferred_wait import WAIT_XCOM, DeferredWait, bounded_times
from airflow_provider_backup.tasks.observing import observe_once
from airflow_provider_backup.version_compat import RETRIES_KEEP_THE_DEFERRAL, own_xcom

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud
    from airflow_provider_backup.triggers.backup import BackupTrigger


def wait_plan(
    reference: OperationReference,
    poll_interval: float,
    deadline: float,
    *,
    started_at: float | None = None,
    tolerance: float | None = None,
    delete_on_kill: bool = False,
) -> dict[str, Any]:
    """Return what a wait needs to know, as plain JSON: it goes through XCom, the trigger's row and the resumption.

    :param reference: which operation.
    :param poll_interval: seconds between two polls, above 0.
    :param deadline: when to give up, seconds since the epoch.
    :param started_at: when this task started the operation, seconds since the epoch; ``None`` if it did not.
    :param tolerance: seconds of consecutive transient errors after which to give up; ``None`` waits until the deadline.
    :param delete_on_kill: whether to delete the backup when a user ends the task; only while a backup is taken.
    """
    return {
        "reference": reference.to_dict(),
        **bounded_times(poll_interval, deadline),
        "started_at": started_at,
        "tolerance": tolerance,
        "delete_on_kill": delete_on_kill,
    }


class DeferrableWaitMixin(DeferredWait):
    """Waiting for one operation; for operators and sensors, which provide the attributes."""

    fail_on_skipped: bool = True
    retry_failed: bool = False
    """Whether Airflow may retry a task whose backup failed or was deleted."""
    waits_for: ClassVar[str] = "backup"
    """Which operation is waited for, as references name it."""
    next_step_after_timeout: ClassVar[str] = (
        "Give it more time (timeout); the backup is left alone, and a retry adopts it."
    )

    def subject_of(self, plan: Mapping[str, Any]) -> OperationReference:
        """Return the operation that is waited for."""
        return OperationReference.from_dict(plan["reference"])

    async def look_at(self, cloud: BackupCloud, subject: OperationReference) -> OperationState:
        """Read the state of the operation once."""
        return await self.look(cloud, subject)

    def is_over(self, seen: OperationState) -> bool:
        """Return whether the operation is terminal."""
        return seen.phase.is_terminal

    def timeout_text(self, subject: OperationReference, seen: OperationState) -> str:
        """Return that the operation did not finish."""
        return f"{subject} did not finish before the timeout (status: {seen.status})."

    async def look(self, cloud: BackupCloud, reference: OperationReference, *, is_new: bool = False) -> OperationState:
        """Read the state of a backup once.

        :param cloud: the open client.
        :param reference: the backup.
        :param is_new: whether it was started just now; then it may be unknown yet, and transient errors do not matter.
        """
        return await observe_once(cloud.observe, reference, is_new=is_new)

    def wait(
        self,
        context: Any,
        plan: dict[str, Any],
        observation: OperationState,
    ) -> Any:
        """Wait until the operation that was just observed is terminal.

        :param context: the context of ``execute``.
        :param plan: what to wait for, from :func:`wait_plan`.
        :param observation: its state just now; if that is terminal already, the task does not defer.
        :return: see :meth:`finish`.
        :raises BackupFailedError: the operation failed.
        :raises TaskDeferred: the triggerer continues to wait.
        """
        if observation.phase.is_terminal:
            return self.finish(plan, observation)
        until = time.strftime("%F %T UTC", time.gmtime(plan["deadline"]))
        self.log.info("%s; waiting until %s (%s).", observation, until, self.connection_text)
        if self.deferrable:
            self.defer_wait(context, plan)
        return self.finish(plan, self.wait_on_the_worker(plan))

    def finish(self, plan: dict[str, Any], observation: OperationState) -> Any:
        """Return the result of an operation that succeeded, or raise the error of another outcome.

        :param plan: what was waited for, from :func:`wait_plan`.
        :param observation: a terminal state.
        :return: the result of the task.
        :raises BackupFailedError: the operation failed.
        """
        return self.end(observation)

    def end(self, observation: OperationState) -> BackupResult:
        """Return the result of a successful backup, or raise the error of another outcome.

        :raises BackupFailedError: it failed or was deleted.
        :raises BackupPartialError: it succeeded, but omitted resources, and ``fail_on_skipped`` is set.
        """
        if observation.phase is not Phase.SUCCEEDED:
            raise (BackupFailedError if self.retry_failed else FinalBackupFailedError)(observation)
        if observation.skipped and self.fail_on_skipped:
            raise BackupPartialError(observation)
        self.log.info("%s", observation)
        return observation.to_result()

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        """Continue after the trigger's event: unless it reports success, the task observes the operation itself.

        :param context: the context of the task.
        :param event: see :class:`~airflow_provider_backup.triggers.backup.BackupTrigger`.
        """
        result: dict[str, Any] = event.get("result") or {}
        is_over = event.get("outcome") == "over"
        is_about_this = event.get("operation", "backup") == self.waited_operation(context)
        if is_over and is_about_this and event.get("phase") == Phase.SUCCEEDED.value and not result.get("skipped"):
            return self.succeeded(context, result)
        self.log.warning("Trigger event: %s", one_line(str(event.get("message") or event.get("reason") or event)))
        plan = self.plan_of(context)
        if is_over and not is_about_this:
            # A triggerer with an older version does not know this operation, and waits for the backup.
            self.count_failure(context, plan)
        return self.continue_wait(context, plan, patient=event.get("outcome") != "trouble")

    def waited_operation(self, context: Any) -> str:
        """Return which operation is waited for, as references name it.

        :param context: the context of the task.
        """
        return self.waits_for

    def succeeded(self, context: Any, result: dict[str, Any]) -> Any:
        """Return the result of an operation that the trigger reported as successful.

        :param context: the context of the task.
        :param result: how it was last observed, from the event.
        """
        operation = self.waited_operation(context)
        prefix = "" if operation == "backup" else f"{operation} of "
        reference = prefix + " ".join(str(result.get(key)) for key in ("service", "kind", "backup_id"))
        what = backup_text(reference, result.get("name"), result.get("resource_ids") or ())
        self.log.info("%s", one_line(f"{what} is {result.get('status')} ({Phase.SUCCEEDED.value})"))
        return cast("BackupResult", result)

    def trigger_of(self, plan: Mapping[str, Any]) -> BackupTrigger:
        """Build the trigger that waits for the operation."""
        from airflow_provider_backup.triggers.backup import BackupTrigger

        return BackupTrigger(
            plan["reference"],
            self.huaweicloud_conn_id,
            region=self.region,
            project_id=self.project_id,
            poll_interval=plan["poll_interval"],
            deadline=plan["deadline"],
            started_at=plan["started_at"],
            tolerance=plan.get("tolerance"),
            delete_on_kill=plan.get("delete_on_kill", False),
        )

    def wait_on_the_worker(self, plan: Mapping[str, Any]) -> OperationState:
        """Wait here until the operation is terminal."""
        # Imported here, because it is not needed while a DAG file is parsed.
        from airflow_provider_backup.cloud.polling.wait import wait_until_terminal
        from airflow_provider_backup.cloud.polling.wait_errors import WaitTimeoutError

        try:
            return self.hook.run_in_cloud(
                lambda cloud: wait_until_terminal(
                    cloud,
                    OperationReference.from_dict(plan["reference"]),
                    poll_interval=plan["poll_interval"],
                    deadline=plan["deadline"],
                    started_at=plan["started_at"],
                    tolerance=plan.get("tolerance"),
                )
            )
        except WaitTimeoutError as error:
            raise self.timeout_error(error.message, next_step=self.next_step_after_timeout) from error


class OperatorWaitMixin(DeferrableWaitMixin):
    """The same for operators, whose work starts again if Airflow resumes a retry by mistake."""

    if TYPE_CHECKING:
        perform: Any

    def resume(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any) -> Any:
        """Continue after a deferral of this try; a retry that Airflow resumes by mistake starts again.

        :param next_method: the method that the deferral named, or Airflow's marker of a failed trigger.
        :param next_kwargs: its arguments, or the error of the failed trigger.
        :param context: the context of the task.
        """
        if RETRIES_KEEP_THE_DEFERRAL:
            plan = own_xcom(context["ti"], WAIT_XCOM)
            try_number = context["ti"].try_number
            if isinstance(plan, dict) and plan.get("try_number", try_number) != try_number:
                self.log.info("The deferral belongs to an earlier try; this try starts again.")
                return self.perform(context)
        return super().resume(next_method, next_kwargs, context)
