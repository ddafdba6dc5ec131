"""Backups of disks with VBS: taken, found, restored and deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.services.vbs.models import BackupCreate, RestoreCreate
from airflow_provider_backup.cloud.services.vbs.operations import VbsBackupOperation
from airflow_provider_backup.cloud.services.vbs.restores import VbsRestoreOperation, VbsRestoreRequest
from airflow_provider_backup.operators.base import key_value_pairs
from airflow_provider_backup.operators.create_backup import CreateBackupOperator
from airflow_provider_backup.operators.delete_backup import DeleteBackupOperator
from airflow_provider_backup.operators.latest_backup import GetLatestBackupOperator
from airflow_provider_backup.operators.prune_backups import PruneBackupsOperator
from airflow_provider_backup.operators.restore_backup import RestoreBackupOperator
from airflow_provider_backup.tasks.freshness_targets import VolumeFreshness

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud


class VbsCreateBackupOperator(CreateBackupOperator):
    """Take a backup of a disk: ``POST /v2/{project_id}/cloudbackups`` (VBS section 4.1).

    The task succeeds when the backup is available. The arguments of waiting are those of
    :class:`~airflow_provider_backup.operators.create_backup.CreateBackupOperator`.

    :param volume_id: id of the disk, which must be available or in use (templated).
    :param name: 1 to 64 letters, digits, ``_`` or ``-``, not beginning with ``autobk`` (templated). ``None``: generated
        from DAG, task and a key of the task instance.
    :param description: at most 64 characters without ``<`` and ``>`` (templated).
    :param snapshot_id: id of an existing snapshot of the disk to back up, instead of its present state (templated).
    :param full_backup: ``True`` for a full backup; ``None`` for an incremental one (templated).
    :param tags: at most 10 labels (templated).
    """

    operation = VbsBackupOperation

    template_fields: Sequence[str] = (
        *CreateBackupOperator.template_fields,
        "volume_id",
        "name",
        "description",
        "snapshot_id",
        "full_backup",
        "tags",
    )

    def __init__(
        self,
        *,
        volume_id: str,
        name: str | None = None,
        description: str | None = None,
        snapshot_id: str | None = None,
        full_backup: bool | None = None,
        tags: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.volume_id = volume_id
        self.name = name
        self.description = description
        self.snapshot_id = snapshot_id
        self.full_backup = full_backup
        self.tags = tags

    def request(self, name: str) -> BackupCreate:
        """Build the request."""
        return validated(
            BackupCreate,
            "VBS backup",
            {
                "volume_id": self.volume_id,
                "name": name,
                "description": self.description,
                "snapshot_id": self.snapshot_id,
                "tags": key_value_pairs(self.tags),
                "extend_param": None if self.full_backup is None else {"full_backup": self.full_backup},
            },
        )

    def operation_of(self, cloud: BackupCloud) -> VbsBackupOperation:
        """Return the backup of a disk."""
        return VbsBackupOperation(cloud.vbs)


class VbsDeleteBackupOperator(DeleteBackupOperator):
    """Delete a backup of a disk (VBS section 4.5).

    The arguments are those of :class:`~airflow_provider_backup.operators.delete_backup.DeleteBackupOperator`.
    """

    service_name = "vbs"


class VbsRestoreBackupOperator(RestoreBackupOperator):
    """Overwrite a disk with a backup: ``POST /v2/{project_id}/cloudbackups/{backup_id}/restore`` (VBS section 4.2).

    The disk must be detached, and not smaller than the backup. The restore has succeeded when its job reports so and
    the status of the backup is no longer ``restoring``. The service lists no jobs: a retry can adopt a restore only by
    the record of Airflow 3.3 and later. The other arguments are those of
    :class:`~airflow_provider_backup.operators.restore_backup.RestoreBackupOperator`.

    :param job_id: id of the job that took the backup. Mutually exclusive with ``backup_id`` (templated).
    :param volume_id: id of the disk to overwrite; ``None`` for the one that was backed up (templated).
    """

    target_fields = ("volume_id",)
    template_fields: Sequence[str] = (*RestoreBackupOperator.template_fields, "job_id", *target_fields)
    service_name = "vbs"
    operation = VbsRestoreOperation

    def __init__(self, *, job_id: str | None = None, volume_id: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job_id = job_id
        self.volume_id = volume_id

    def ids(self) -> dict[str, str | None]:
        """Return the ids that name the backup, by kind."""
        return {"backup": self.backup_id, "job": self.job_id}

    def target(self) -> RestoreCreate | None:
        """Build the target of the restore; ``None`` for the disk that was backed up."""
        if self.volume_id is None:
            return None
        return validated(RestoreCreate, "VBS restore", {"volume_id": self.volume_id})

    def request(self, name: str) -> VbsRestoreRequest:
        """Build the request."""
        return VbsRestoreRequest(self.reference(), self.target())

    def operation_of(self, cloud: BackupCloud) -> VbsRestoreOperation:
        """Return the restore of a backup."""
        return cloud.vbs.restores


class VbsGetLatestBackupOperator(VolumeFreshness, GetLatestBackupOperator):
    """Return the newest good backup of a disk, or of each of several (VBS section 4.5).

    The arguments are those of :class:`~airflow_provider_backup.tasks.freshness_targets.VolumeFreshness` and
    :class:`~airflow_provider_backup.operators.latest_backup.GetLatestBackupOperator`.
    """

    template_fields: Sequence[str] = (*GetLatestBackupOperator.template_fields, *VolumeFreshness.target_fields)
    service_name = "vbs"


class VbsPruneBackupsOperator(PruneBackupsOperator):
    """Delete the backups of disks that no rule keeps (VBS section 4.5).

    The backups of disks that belong to the backup of a server are left alone. No list tells that an image was made from
    a backup: then the service refuses its deletion.

    The other arguments are those of :class:`~airflow_provider_backup.operators.prune_backups.PruneBackupsOperator`.

    :param volume_ids: ids of one disk or more (templated).
    """

    template_fields: Sequence[str] = (*PruneBackupsOperator.template_fields, "volume_ids")
    service_name = "vbs"
    targets_argument = "volume_ids"

    def __init__(self, *, volume_ids: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.volume_ids = volume_ids
