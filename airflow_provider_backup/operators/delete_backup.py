"""Deleting a backup, the same for every service."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, get_args

from airflow_provider_backup.cloud.errors import BackupError, NotFoundError, OutOfTimeError
from airflow_provider_backup.cloud.http.retry_policy import is_passing
from airflow_provider_backup.cloud.http.time_limit import pause, time_limit
from airflow_provider_backup.cloud.http.transient_error_log import TransientErrorLog
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.exceptions import BackupFailedError, BackupMissingError, BackupTimeoutError
from airflow_provider_backup.operators.base import BackupCloudOperator, check_choice, in_seconds
from airflow_provider_backup.tasks.idempotency import EVERY_GENERATION
from airflow_provider_backup.tasks.reference_arguments import BackupReferenceMixin
from airflow_provider_backup.tasks.submission_record import SubmissionRecord, SubmissionRecordStore

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud

IfMissing = Literal["fail", "ignore"]


class DeleteBackupOperator(BackupReferenceMixin, BackupCloudOperator):
    """Delete a backup. It is looked at first, and the log names each backup that is deleted, with its resource.

    :param backup: what a create operator or a sensor returned (templated); in place of the ids.
    :param backup_id: id of the backup (templated). The id of a checkpoint (CBR, CSBS) stands for all its backups, that
        of a job that takes a backup (VBS) for its backup.
    :param wait_for_completion: whether the task ends only when the backup is gone; it waits on the worker.
    :param poll_interval: seconds between two looks, or a ``timedelta``, above 0.
    :param timeout: seconds to wait, or a ``timedelta``, above 0; a deletion can take half an hour.
    :param if_missing: what to do when the service has no such backup: ``fail`` fails the task, ``ignore`` counts it as
        deleted. Either way it counts as deleted on a retry when an earlier try saw it (known from Airflow 3.3 on), and
        where the service itself says that it was deleted. Any other answer fails the task: one about the project, the
        instance or the credentials, or one of a gateway, is none about the backup.
    """

    template_fields: Sequence[str] = (*BackupCloudOperator.template_fields, "backup", "backup_id")

    def __init__(
        self,
        *,
        backup: dict[str, Any] | None = None,
        backup_id: str | None = None,
        wait_for_completion: bool = True,
        poll_interval: float | timedelta = 10.0,
        timeout: float | timedelta = 60 * 60,
        if_missing: IfMissing = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_choice(self.task_id, "if_missing", if_missing, get_args(IfMissing))
        self.backup = backup
        self.backup_id = backup_id
        self.wait_for_completion = wait_for_completion
        self.poll_interval = in_seconds(self.task_id, "poll_interval", poll_interval)
        self.timeout = in_seconds(self.task_id, "timeout", timeout)
        self.if_missing = if_missing

    def perform(self, context: Any) -> dict[str, Any]:
        """Delete the backup.

        :return: the reference of the deleted backup; it names the checkpoint where that was given by its id.
        :raises BackupMissingError: there is no such backup, and ``if_missing`` is ``fail``.
        :raises ApiError: the service refuses.
        :raises BackupTimeoutError: it is still there when the time is over.
        """
        reference = self.reference()
        # One note for all generations: what a task deleted before it was cleared stays deleted.
        notes = SubmissionRecordStore(context, EVERY_GENERATION, {"deletion": reference.to_dict()}, self.log)
        would_know = notes.are_kept or context["ti"].try_number == 1
        self.log.info("Deleting %s (%s).", reference, self.connection_text)

        async def delete(cloud: BackupCloud) -> OperationReference:
            try:
                with time_limit(self.timeout):
                    return await self._delete(cloud, reference, notes, would_know=would_know)
            except OutOfTimeError as error:
                raise BackupTimeoutError(
                    f"The time is over (timeout={self.timeout:g} s) and it is not certain that the deletion of "
                    f"{reference} was asked for. {error.message}",
                    next_step="Look whether the service can be reached, or give it more time (timeout).",
                ) from error

        return self.act(delete).to_dict()

    async def _delete(
        self, cloud: BackupCloud, reference: OperationReference, notes: SubmissionRecordStore, *, would_know: bool
    ) -> OperationReference:
        service = cloud.service(reference.service)
        deadline = time.monotonic() + self.timeout
        before: OperationState | None = None
        try:
            before = await service.observe(reference)
            if before.phase is Phase.DELETED:
                self.log.info("%s; nothing was left to delete.", before)
                return before.reference
            if before.parts:
                notes.write(SubmissionRecord(time.time(), before.reference))
                self._say("To be deleted: %s.", before)
            await service.delete_backup(before.reference)
        except NotFoundError as absence:
            if before is None or not before.parts:
                return await self._missing(cloud, reference, absence, notes, would_know=would_know)
            if before.phase is Phase.IN_PROGRESS:
                # It is too new to be known everywhere.
                raise
        if not before.parts:
            self.log.info("%s and has no backup; nothing was left to delete.", before)
            return before.reference
        if not self.wait_for_completion:
            self._say("The deletion is asked for: %s.", before)
            return before.reference
        was_failed = before.phase is Phase.FAILED
        # The single backups, because a failed job or checkpoint stays failed when its backups are gone.
        for part in before.parts:
            backup = replace(before.reference, backup_id=part.backup_id, kind="backup")
            await self._wait_until_gone(cloud, backup, deadline, was_failed=was_failed)
            self.log.info("Deleted: %s %s.", service.name, part)
        return before.reference

    def _say(self, text: str, observation: OperationState) -> None:
        for part in observation.parts:
            self.log.info(text, f"{observation.reference.service} {part}")

    async def _missing(
        self,
        cloud: BackupCloud,
        reference: OperationReference,
        absence: NotFoundError,
        notes: SubmissionRecordStore,
        *,
        would_know: bool,
    ) -> OperationReference:
        """Return what counts as deleted although it was not found."""
        note = notes.read()
        if note is not None and note.reference is not None:
            self.log.info("Nothing was left to delete: an earlier try of this task saw %s.", note.reference)
            return note.reference
        if self.if_missing == "ignore":
            self.log.info("Nothing was left to delete (if_missing is 'ignore'): %s", absence.message)
            return reference
        place = f"region {cloud.settings.region}, project {await cloud.project_id()}"
        raise BackupMissingError(reference, place, absence, would_know=would_know) from absence

    async def _wait_until_gone(
        self, cloud: BackupCloud, backup: OperationReference, deadline: float, *, was_failed: bool
    ) -> None:
        observation: OperationState | None = None
        trouble = TransientErrorLog(self.log, f"{backup} is seen again")
        while True:
            try:
                observation = await cloud.service(backup.service).observe(backup)
            except NotFoundError:
                return
            except BackupError as error:
                if not is_passing(error):
                    raise
                if not isinstance(error, OutOfTimeError):
                    trouble.failed("%s could not be seen, asking again: %s", backup, error)
            else:
                trouble.recovered()
            if observation is not None and (
                # What has the id of a checkpoint, too, is gone when only that is left.
                observation.phase is Phase.DELETED or observation.reference.kind != backup.kind
            ):
                return
            if observation is not None and observation.phase is Phase.FAILED and not was_failed:
                raise BackupFailedError(
                    observation,
                    next_step="Look at the backup in the cloud; the next try, or clearing the task, asks for its "
                    "deletion again.",
                )
            if time.monotonic() >= deadline:
                raise BackupTimeoutError(
                    f"The time is over and {observation or f'{backup} was never seen'}.",
                    next_step="Give it more time (timeout).",
                )
            await pause(self.poll_interval)


class CheckpointDeleteBackupOperator(DeleteBackupOperator):
    """Delete a checkpoint with all its backups, or one backup in it.

    :param checkpoint_id: id of the checkpoint, in place of ``backup_id`` (templated).
    """

    template_fields: Sequence[str] = (*DeleteBackupOperator.template_fields, "checkpoint_id")

    def __init__(self, *, checkpoint_id: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.checkpoint_id = checkpoint_id

    def ids(self) -> dict[str, str | None]:
        """Return the ids that name the backup, by kind."""
        return {"backup": self.backup_id, "checkpoint": self.checkpoint_id}
