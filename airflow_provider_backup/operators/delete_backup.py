"""Deleting a backup, the same for every service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.deletion import Deletion
from airflow_provider_backup.operators.deletion import DeletionOperator
from airflow_provider_backup.tasks.reference_arguments import BackupReferenceMixin

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud


class DeleteBackupOperator(BackupReferenceMixin, DeletionOperator):
    """Delete a backup and wait until it is deleted. The log names each deleted backup with its resource.

    The backup is read before the deletion is requested; a deletion that is running already is adopted. If the task ends
    early, the deletion continues in the cloud.

    :param backup: the result of a create operator or a sensor (templated). Mutually exclusive with the ids.
    :param backup_id: id of the backup (templated). The id of a checkpoint (CBR, CSBS) means all its backups, that of a
        job that takes a backup (VBS) means that backup.
    :param wait_for_completion: whether the task waits until the backup is deleted; otherwise it ends after the request.
    :param deferrable: whether to wait in the triggerer, also for a busy backup; ``None`` follows
        ``[operators] default_deferrable``.
    :param poll_interval: poll interval in seconds, or a ``timedelta``, above 0.
    :param timeout: timeout in seconds, or a ``timedelta``, above 0, counted from the start of each try. A deletion can
        take half an hour, and continues in the cloud after the timeout. It includes the wait for a busy backup.
    :param tolerance: seconds of consecutive transient errors, or a ``timedelta``, above 0, after which the task fails
        with the last error; ``None`` waits until ``timeout``.
    :param on_conflict: what to do while the backup is still being taken, or restored from:

        * ``wait``: request the deletion again when that may be over, until ``timeout``.
        * ``adopt``: the same; a deletion that is running already is adopted in any case.
        * ``fail``: fail the task (retryable).
    :param if_missing: what to do if the service has no such backup. In both cases it counts as deleted if the service
        reports that it was deleted, or, on a retry, if an earlier try saw it (Airflow 3.3 and later). Other errors, for
        instance about the project, the instance or the credentials, or those of a gateway, always fail the task.

        * ``fail``: fail the task.
        * ``ignore``: count the backup as deleted.
    """

    template_fields: Sequence[str] = (*DeletionOperator.template_fields, "backup", "backup_id")
    waits_for = Deletion.name

    def __init__(self, *, backup: dict[str, Any] | None = None, backup_id: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.backup = backup
        self.backup_id = backup_id

    def target(self) -> OperationReference:
        """Return the backup that the arguments name."""
        return self.reference()

    def request(self) -> OperationReference:
        """Return the backup that the arguments name."""
        return self.reference()

    def operation_of(self, cloud: BackupCloud) -> Deletion:
        """Return the deletion of a backup."""
        return Deletion(cloud.service(self.service_name))

    def names_of(self, before: OperationState) -> tuple[str, ...]:
        """Return each backup with its resource."""
        return tuple(f"{before.reference.service} {part}" for part in before.parts)


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
