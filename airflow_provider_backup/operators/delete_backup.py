"""Deleting a backup, the same for every service."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from airflow.providers.common.compat.sdk import conf

from airflow_provider_backup.cloud.clock import current_clock
from airflow_provider_backup.cloud.errors import NotFoundError, OutOfTimeError
from airflow_provider_backup.cloud.http.time_limit import time_limit
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState, SingleBackup
from airflow_provider_backup.cloud.operations.deletion import Deletion, backup_of, deletion_of
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.exceptions import BackupFailedError, BackupMissingError, BackupTimeoutError
from airflow_provider_backup.operators.base import BackupCloudOperator, check_choice, in_seconds
from airflow_provider_backup.tasks.deferral import OperatorWaitMixin, wait_plan
from airflow_provider_backup.tasks.deferred_wait import WAIT_XCOM
from airflow_provider_backup.tasks.idempotency import EVERY_GENERATION
from airflow_provider_backup.tasks.reference_arguments import BackupReferenceMixin
from airflow_provider_backup.tasks.submission_record import SubmissionRecord, SubmissionRecordStore
from airflow_provider_backup.version_compat import own_xcom

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud

IfMissing = Literal["fail", "ignore"]


class _Started(NamedTuple):
    """A deletion; without a state there is nothing to wait for."""

    backup: OperationReference
    parts: tuple[SingleBackup, ...] = ()
    state: OperationState | None = None


class DeleteBackupOperator(BackupReferenceMixin, OperatorWaitMixin, BackupCloudOperator):
    """Delete a backup and wait until it is deleted. The log names each deleted backup with its resource.

    The backup is read before the deletion is requested; a deletion that is running already is adopted. If the task ends
    early, the deletion continues in the cloud.

    :param backup: the result of a create operator or a sensor (templated). Mutually exclusive with the ids.
    :param backup_id: id of the backup (templated). The id of a checkpoint (CBR, CSBS) means all its backups, that of a
        job that takes a backup (VBS) means that backup.
    :param wait_for_completion: whether the task waits until the backup is deleted; otherwise it ends after the request.
    :param deferrable: whether to wait in the triggerer; ``None`` follows ``[operators] default_deferrable``.
    :param poll_interval: poll interval in seconds, or a ``timedelta``, above 0.
    :param timeout: timeout in seconds, or a ``timedelta``, above 0, counted from the start of each try. A deletion can
        take half an hour, and continues in the cloud after the timeout.
    :param tolerance: seconds of consecutive transient errors, or a ``timedelta``, above 0, after which the task fails
        with the last error; ``None`` waits until ``timeout``.
    :param if_missing: what to do if the service has no such backup. In both cases it counts as deleted if the service
        reports that it was deleted, or, on a retry, if an earlier try saw it (Airflow 3.3 and later). Other errors, for
        instance about the project, the instance or the credentials, or those of a gateway, always fail the task.

        * ``fail``: fail the task.
        * ``ignore``: count the backup as deleted.
    """

    template_fields: Sequence[str] = (*BackupCloudOperator.template_fields, "backup", "backup_id")
    timeout_error = BackupTimeoutError
    waits_for = Deletion.name
    next_step_after_timeout = "Give it more time (timeout); the deletion continues in the cloud, and a retry adopts it."

    def __init__(
        self,
        *,
        backup: dict[str, Any] | None = None,
        backup_id: str | None = None,
        wait_for_completion: bool = True,
        deferrable: bool | None = None,
        poll_interval: float | timedelta = 10.0,
        timeout: float | timedelta = 60 * 60,
        tolerance: float | timedelta | None = None,
        if_missing: IfMissing = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_choice(self.task_id, "if_missing", if_missing, get_args(IfMissing))
        self.backup = backup
        self.backup_id = backup_id
        self.wait_for_completion = wait_for_completion
        self.deferrable = conf.getboolean("operators", "default_deferrable") if deferrable is None else deferrable
        self.poll_interval = in_seconds(self.task_id, "poll_interval", poll_interval)
        self.timeout = in_seconds(self.task_id, "timeout", timeout)
        self.tolerance = None if tolerance is None else in_seconds(self.task_id, "tolerance", tolerance)
        self.if_missing = if_missing

    def perform(self, context: Any) -> dict[str, Any]:
        """Delete the backup, or adopt its deletion, and wait until it is deleted.

        :return: the reference of the deleted backup, or of the checkpoint if its id was given.
        :raises BackupMissingError: there is no such backup, and ``if_missing`` is ``fail``.
        :raises BackupFailedError: the deletion failed.
        :raises BackupTimeoutError: the backup still exists after ``timeout``.
        :raises ApiError: the service rejected the request.
        """
        reference = self.reference()
        deadline = current_clock().time() + self.timeout
        # One record for all generations: what a task deleted before it was cleared stays deleted.
        records = SubmissionRecordStore(context, EVERY_GENERATION, {"deletion": reference.to_dict()}, self.log)
        would_know = records.are_kept or context["ti"].try_number == 1
        self.log.info("Deleting %s (%s).", reference, self.connection_text)
        started = self.act(lambda cloud: self._start_in_time(cloud, reference, records, would_know=would_know))
        if started.state is None:
            return started.backup.to_dict()
        plan = wait_plan(started.state.reference, self.poll_interval, deadline, tolerance=self.tolerance)
        # For the log after a deferral; not for the trigger.
        plan["backups"] = [f"{started.backup.service} {part}" for part in started.parts]
        result: dict[str, Any] = self.wait(context, plan, started.state)
        return result

    def succeeded(self, context: Any, result: dict[str, Any]) -> dict[str, Any]:
        """Return the reference of the backup whose deletion the trigger reported as finished.

        :param context: the context of the task.
        :param result: how the deletion was last observed.
        """
        plan = own_xcom(context["ti"], WAIT_XCOM)
        # The event is enough; the plan has the names for the log.
        return self._deleted(plan if isinstance(plan, dict) else {"reference": result})

    def finish(self, plan: dict[str, Any], observation: OperationState) -> dict[str, Any]:
        """Return the reference of the deleted backup.

        :param plan: the wait, from ``wait_plan``.
        :param observation: the terminal state of the deletion.
        :raises BackupFailedError: the deletion failed.
        """
        if observation.phase is not Phase.SUCCEEDED:
            raise BackupFailedError(
                observation,
                next_step="Check the backup in the cloud; a retry, or clearing the task, requests its deletion again.",
            )
        return self._deleted(plan)

    def _deleted(self, plan: dict[str, Any]) -> dict[str, Any]:
        reference = backup_of(OperationReference.from_dict(plan["reference"]))
        for backup in plan.get("backups") or [str(reference)]:
            self.log.info("Deleted: %s.", backup)
        return reference.to_dict()

    async def _start_in_time(
        self, cloud: BackupCloud, reference: OperationReference, records: SubmissionRecordStore, *, would_know: bool
    ) -> _Started:
        try:
            with time_limit(self.timeout, tolerance=self.tolerance):
                return await self._start(cloud, reference, records, would_know=would_know)
        except OutOfTimeError as error:
            if not error.is_deadline:
                raise
            raise BackupTimeoutError(
                f"Timed out (timeout={self.timeout:g} s), and it is not certain that the deletion of {reference} was "
                f"submitted. {error.message}",
                next_step="Check that the service can be reached, or give it more time (timeout).",
            ) from error

    async def _start(
        self, cloud: BackupCloud, reference: OperationReference, records: SubmissionRecordStore, *, would_know: bool
    ) -> _Started:
        deletion = Deletion(cloud.service(reference.service))
        before: OperationState | None = None
        try:
            await deletion.prepare(reference)
            before = deletion.before
            if before.phase is Phase.DELETED:
                self.log.info("%s; there is nothing left to delete.", before)
                return _Started(before.reference)
            if before.parts:
                records.write(SubmissionRecord(current_clock().time(), before.reference))
                self._log_each("To be deleted: %s.", before)
            if running := await deletion.find_running(reference):
                self.log.info("The %s is running already; adopting it.", running)
            else:
                await deletion.submit(reference)
        except NotFoundError as absence:
            if before is None or not before.parts:
                return _Started(await self._missing(cloud, reference, absence, records, would_know=would_know))
            if before.phase is Phase.IN_PROGRESS:
                # It is too new to be known by all parts of the service.
                raise
        if not before.parts:
            self.log.info("%s and has no backup; there is nothing left to delete.", before)
            return _Started(before.reference)
        if not self.wait_for_completion:
            self._log_each("Requested the deletion of: %s.", before)
            return _Started(before.reference)
        return _Started(before.reference, before.parts, await self.look(cloud, deletion_of(before), is_new=True))

    def _log_each(self, text: str, observation: OperationState) -> None:
        for part in observation.parts:
            self.log.info(text, f"{observation.reference.service} {part}")

    async def _missing(
        self,
        cloud: BackupCloud,
        reference: OperationReference,
        absence: NotFoundError,
        records: SubmissionRecordStore,
        *,
        would_know: bool,
    ) -> OperationReference:
        """Return the reference of a backup that was not found but counts as deleted."""
        record = records.read()
        if record is not None and record.reference is not None:
            self.log.info("There is nothing left to delete: an earlier try of this task saw %s.", record.reference)
            return record.reference
        if self.if_missing == "ignore":
            self.log.info("There is nothing left to delete (if_missing is 'ignore'): %s", absence.message)
            return reference
        place = f"region {cloud.settings.region}, project {await cloud.project_id()}"
        raise BackupMissingError(reference, place, absence, would_know=would_know) from absence


class CheckpointDeleteBackupOperator(DeleteBackupOperator):
    """Delete a checkpoint with all its backups, or one backup in it.

    :param checkpoint_id: id of the checkpoint; mutually exclusive with ``backup_id`` (templated).
    """

    template_fields: Sequence[str] = (*DeleteBackupOperator.template_fields, "checkpoint_id")

    def __init__(self, *, checkpoint_id: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.checkpoint_id = checkpoint_id

    def ids(self) -> dict[str, str | None]:
        """Return the ids that name the backup, by kind."""
        return {"backup": self.backup_id, "checkpoint": self.checkpoint_id}
