"""Backups of what is in vaults with CBR: taken, found, restored and deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_backup.cloud.operations.backup import BackupResult, OperationState
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.schema.fields import timestamp_of
from airflow_provider_backup.cloud.services.cbr.models import CheckpointCreate
from airflow_provider_backup.cloud.services.cbr.operations import CbrBackupOperation
from airflow_provider_backup.cloud.services.cbr.restores import CbrRestoreOperation, CbrRestoreRequest, RestoreTarget
from airflow_provider_backup.operators.base import listed
from airflow_provider_backup.operators.create_backup import CreateBackupOperator
from airflow_provider_backup.operators.delete_backup import CheckpointDeleteBackupOperator
from airflow_provider_backup.operators.latest_backup import GetLatestBackupOperator
from airflow_provider_backup.operators.prune_backups import PruneBackupsOperator
from airflow_provider_backup.operators.restore_backup import RestoreBackupOperator
from airflow_provider_backup.tasks.freshness_targets import VaultResourceFreshness
from airflow_provider_backup.tasks.reference_arguments import CheckpointReferenceMixin

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud

_ONE_DAY = timedelta(days=1)
"""By how much less an end may differ from what was asked for: services count days from different moments."""


class CbrCreateBackupOperator(CreateBackupOperator):
    """Back up the resources of a vault in one checkpoint: ``POST /v3/{project_id}/checkpoints`` (CBR section 6.1).

    The task succeeds when the checkpoint and its backups are available. The arguments of waiting are those of
    :class:`~airflow_provider_backup.operators.create_backup.CreateBackupOperator`.

    :param vault_id: id of the vault (templated).
    :param resource_ids: some of the vault's resources; ``None`` for all (templated).
    :param resource_details: like ``resource_ids`` with types, each ``{"id": ..., "type": ...}`` (templated).
    :param name: name of the backups, 1 to 64 letters, digits, ``_`` or ``-`` (templated). ``None``: generated
        from DAG, task and a key of the task instance.
    :param description: at most 255 characters without ``<`` and ``>`` (templated).
    :param incremental: ``False`` for full backups; ``None`` leaves it to the service (templated).
    :param retention_days: days after which the service deletes the backups by itself, 1 to 36,500; ``None`` or -1 keeps
        them until a user deletes them (templated). No page of the service documents it, only its SDK: the task warns
        when a backup does not expire as it should, see ``expires_at`` in the result.
    :param fail_on_skipped: whether a backup that omitted resources counts as failed.
    """

    operation = CbrBackupOperation

    template_fields: Sequence[str] = (
        *CreateBackupOperator.template_fields,
        "vault_id",
        "resource_ids",
        "resource_details",
        "name",
        "description",
        "incremental",
        "retention_days",
    )

    def __init__(
        self,
        *,
        vault_id: str,
        resource_ids: Sequence[str] | None = None,
        resource_details: Sequence[Mapping[str, Any]] | None = None,
        name: str | None = None,
        description: str | None = None,
        incremental: bool | None = None,
        retention_days: int | None = None,
        fail_on_skipped: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.vault_id = vault_id
        self.resource_ids = resource_ids
        self.resource_details = resource_details
        self.name = name
        self.description = description
        self.incremental = incremental
        self.retention_days = retention_days
        self.fail_on_skipped = fail_on_skipped

    def request(self, name: str) -> CheckpointCreate:
        """Build the request."""
        parameters = {
            "name": name,
            "description": self.description,
            "incremental": self.incremental,
            "retention_duration_days": self.retention_days,
            "resources": listed(self.resource_ids),
            "resource_details": listed(self.resource_details),
        }
        given = {key: value for key, value in parameters.items() if value is not None}
        return validated(CheckpointCreate, "CBR backup", {"vault_id": self.vault_id, "parameters": given})

    def operation_of(self, cloud: BackupCloud) -> CbrBackupOperation:
        """Return the backup of a vault."""
        return CbrBackupOperation(cloud.cbr)

    def compared_arguments(self) -> dict[str, Any]:
        """Return what is the same in all tries; the previous release knew no ``retention_days``."""
        arguments = super().compared_arguments()
        if self.retention_days is None:
            del arguments["retention_days"]
        return arguments

    def end(self, observation: OperationState) -> BackupResult:
        """Return the result of a successful backup, or raise the error of another outcome."""
        return self._checked(super().end(observation))

    def succeeded(self, context: Any, result: dict[str, Any]) -> Any:
        """Return the result of a backup that the trigger reported as successful.

        :param context: the context of the task.
        :param result: how it was last observed, from the event.
        """
        return self._checked(super().succeeded(context, result))

    def _checked(self, result: BackupResult) -> BackupResult:
        days = -1 if self.retention_days is None else int(self.retention_days)
        begun, end = (timestamp_of(result.get(name)) for name in ("created_at", "expires_at"))
        if days <= 0 or begun is None or (end is not None and abs(end - begun - timedelta(days=days)) < _ONE_DAY):
            return result
        self.log.warning(
            "The backup was to expire after %d days (retention_days), but %s. Delete it when it is not needed any "
            "more, for instance with CbrPruneBackupsOperator.",
            days,
            "it never does" if end is None else f"it expires at {end.isoformat()}",
        )
        return result


class CbrDeleteBackupOperator(CheckpointDeleteBackupOperator):
    """Delete all backups of a checkpoint, or one backup (CBR section 7.3).

    The arguments are those of :class:`~airflow_provider_backup.operators.delete_backup.CheckpointDeleteBackupOperator`.
    """

    service_name = "cbr"


class CbrRestoreBackupOperator(CheckpointReferenceMixin, RestoreBackupOperator):
    """Overwrite a server, disk or file system with a backup: ``POST /v3/{project_id}/backups/{backup_id}/restore`` (CBR
    section 7.4).

    The service shuts a server down and starts it again. A disk must be detached, or its server stopped. The restore
    has succeeded when its operation log reports so and the status of the backup is no longer ``restoring``. The other
    arguments are those of :class:`~airflow_provider_backup.operators.restore_backup.RestoreBackupOperator`.

    :param checkpoint_id: id of a checkpoint, whose backup of the resource is restored. Mutually exclusive with
        ``backup_id`` (templated).
    :param server_id: id of the server to overwrite; ``None`` for the one that was backed up (templated).
    :param volume_id: id of the disk to overwrite, for the backup of a disk; ``None`` for the one that was backed up
        (templated).
    :param resource_id: id of the file system (SFS Turbo) to overwrite, for the backup of a file system; ``None`` for
        the one that was backed up (templated).
    :param mappings: for a server, the disks to overwrite: keys are ids of the disks that were backed up, or of their
        backups, values are ids of the disks to overwrite (templated). Other disks are left alone. ``None`` overwrites
        each disk that was backed up.
    :param power_on: whether the server is started afterwards; ``None`` means ``True`` (templated).
    """

    target_fields = ("server_id", "volume_id", "resource_id", "mappings", "power_on")
    template_fields: Sequence[str] = (
        *RestoreBackupOperator.template_fields,
        "checkpoint_id",
        *target_fields,
    )
    service_name = "cbr"
    operation = CbrRestoreOperation

    def __init__(
        self,
        *,
        checkpoint_id: str | None = None,
        server_id: str | None = None,
        volume_id: str | None = None,
        resource_id: str | None = None,
        mappings: Mapping[str, str] | None = None,
        power_on: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.checkpoint_id = checkpoint_id
        self.server_id = server_id
        self.volume_id = volume_id
        self.resource_id = resource_id
        self.mappings = mappings
        self.power_on = power_on

    def target(self) -> RestoreTarget:
        """Build what is overwritten."""
        return validated(RestoreTarget, "CBR restore", {name: getattr(self, name) for name in self.target_fields})

    def request(self, name: str) -> CbrRestoreRequest:
        """Build the request."""
        return CbrRestoreRequest(self.reference(), self.target())

    def operation_of(self, cloud: BackupCloud) -> CbrRestoreOperation:
        """Return the restore of a backup."""
        return cloud.cbr.restores


class CbrGetLatestBackupOperator(VaultResourceFreshness, GetLatestBackupOperator):
    """Return the newest good backup of a server, disk or file system, or of each of several (CBR section 7.2).

    The arguments are those of :class:`~airflow_provider_backup.tasks.freshness_targets.VaultResourceFreshness` and
    :class:`~airflow_provider_backup.operators.latest_backup.GetLatestBackupOperator`.
    """

    template_fields: Sequence[str] = (*GetLatestBackupOperator.template_fields, *VaultResourceFreshness.target_fields)
    service_name = "cbr"


class CbrPruneBackupsOperator(PruneBackupsOperator):
    """Delete the backups in vaults that no rule keeps (CBR section 7.3).

    Each resource is decided by itself, in each vault. Copies of backups of other regions are left alone. Whether the
    backup of a server is shared takes one request for each that would be deleted.

    The other arguments are those of :class:`~airflow_provider_backup.operators.prune_backups.PruneBackupsOperator`.

    :param vault_ids: ids of one vault or more (templated).
    """

    template_fields: Sequence[str] = (*PruneBackupsOperator.template_fields, "vault_ids")
    service_name = "cbr"
    targets_argument = "vault_ids"

    def __init__(self, *, vault_ids: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vault_ids = vault_ids
