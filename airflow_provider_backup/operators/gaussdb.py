"""Backups of GaussDB instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_backup.cloud.services.gaussdb.models import BackupCreate, PolicyUpdate
from airflow_provider_backup.cloud.services.gaussdb.restore_models import DayQuery
from airflow_provider_backup.cloud.services.gaussdb.restore_requests import GaussDbRestoreRequests
from airflow_provider_backup.operators.backup_policies import (
    DatabaseApplyBackupPolicyOperator,
    DatabaseGetBackupPolicyOperator,
)
from airflow_provider_backup.operators.databases import (
    DatabaseCreateBackupOperator,
    DatabaseDeleteBackupOperator,
    DatabaseGetLatestBackupOperator,
    DatabasePruneBackupsOperator,
)
from airflow_provider_backup.operators.delete_instance import DatabaseDeleteInstanceOperator
from airflow_provider_backup.operators.restore_instance import DatabaseRestoreInstanceOperator
from airflow_provider_backup.operators.restore_windows import DatabaseGetRestoreWindowsOperator

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud
    from airflow_provider_backup.cloud.services.gaussdb.service import GaussDbService


class GaussDbCreateBackupOperator(DatabaseCreateBackupOperator):
    """Take a manual backup of a GaussDB instance: ``POST /v3/{project_id}/backups`` (databases section 3.2).

    The arguments are those of :class:`~airflow_provider_backup.operators.databases.DatabaseCreateBackupOperator`.
    """

    title = "GaussDB"
    model = BackupCreate

    def service_of(self, cloud: BackupCloud) -> GaussDbService:
        """Return GaussDB."""
        return cloud.gaussdb


class GaussDbDeleteBackupOperator(DatabaseDeleteBackupOperator):
    """Delete a manual backup of a GaussDB instance (databases section 5).

    The arguments are those of :class:`~airflow_provider_backup.operators.databases.DatabaseDeleteBackupOperator`.
    """

    service_name = "gaussdb"


class GaussDbGetLatestBackupOperator(DatabaseGetLatestBackupOperator):
    """Return the newest good backup of a GaussDB instance, or of each of several (databases section 4).

    The arguments are those of :class:`~airflow_provider_backup.operators.databases.DatabaseGetLatestBackupOperator`.
    """

    service_name = "gaussdb"


class GaussDbGetRestoreWindowsOperator(DatabaseGetRestoreWindowsOperator):
    """Return to which moments a GaussDB instance can be restored (databases section 7). ``date`` is required.

    The arguments are those of
    :class:`~airflow_provider_backup.operators.restore_windows.DatabaseGetRestoreWindowsOperator`.
    """

    title = "GaussDB"
    service_name = "gaussdb"
    query = DayQuery


class GaussDbRestoreInstanceOperator(DatabaseRestoreInstanceOperator):
    """Restore a GaussDB instance: ``POST /v3/{project_id}/instances/recovery`` in place, or ``POST
    /v3/{project_id}/instances`` for a new one (databases section 8). Open Telekom Cloud has the latter only.

    The other arguments are those of
    :class:`~airflow_provider_backup.operators.restore_instance.DatabaseRestoreInstanceOperator`.
    ``availability_zone`` is three zones, all equal or all different; it has to be given unless ``like`` shows one zone
    or three.

    :param volume: storage of a new instance, ``{"type": ..., "size": ...}``, the size in GB: a multiple of 40 for each
        shard, and not smaller than that of the instance that was backed up (templated).
    :param port: of a new instance, 1 to 65535 (templated).
    :param disk_encryption_id: id of the key that encrypts the disks of a new instance (templated).
    """

    service_name = "gaussdb"
    backup_model = BackupCreate
    requests = GaussDbRestoreRequests()
    new_fields = (*DatabaseRestoreInstanceOperator.new_fields, "volume", "port", "disk_encryption_id")
    template_fields: Sequence[str] = (
        *DatabaseRestoreInstanceOperator.template_fields,
        *("volume", "port", "disk_encryption_id"),
    )

    def __init__(
        self,
        *,
        volume: Mapping[str, Any] | None = None,
        port: int | None = None,
        disk_encryption_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.volume = volume
        self.port = port
        self.disk_encryption_id = disk_encryption_id

    def service_of(self, cloud: BackupCloud) -> GaussDbService:
        """Return GaussDB."""
        return cloud.gaussdb


class GaussDbDeleteInstanceOperator(DatabaseDeleteInstanceOperator):
    """Delete a GaussDB instance with its data (databases section 11.1).

    The arguments are those of
    :class:`~airflow_provider_backup.operators.delete_instance.DatabaseDeleteInstanceOperator`.
    """

    service_name = "gaussdb"


class GaussDbPruneBackupsOperator(DatabasePruneBackupsOperator):
    """Delete the manual backups of GaussDB instances that no rule keeps (databases section 5).

    Each deletion takes a request. The arguments are those of
    :class:`~airflow_provider_backup.operators.databases.DatabasePruneBackupsOperator`.
    """

    service_name = "gaussdb"


class GaussDbApplyBackupPolicyOperator(DatabaseApplyBackupPolicyOperator):
    """Bring the automatic backup policy of a GaussDB instance to the described state: ``PUT
    /v3/{project_id}/instances/{instance_id}/backups/policy`` (databases section 6).

    GaussDB cannot switch automatic backups off: ``state="absent"`` is rejected. The time of ``schedule`` falls on a
    full hour in UTC. The other arguments are those of
    :class:`~airflow_provider_backup.operators.backup_policies.DatabaseApplyBackupPolicyOperator`.

    :param differential_period: minutes between differential backups: 15, 30, 60, 180, 360, 720 or 1440 (templated).
    :param rate_limit: MB per second, 0 (no limit) to 1024 (templated).
    :param prefetch_block: pages to prefetch, 1 to 8192 (templated).
    :param file_split_size: GB at which files are split, 0 (never) to 1024, a multiple of 4 (templated).
    :param enable_standby_backup: whether backups are taken from a standby node; not for instances of one node
        (templated).
    """

    own_fields = ("differential_period", "rate_limit", "prefetch_block", "file_split_size", "enable_standby_backup")
    template_fields: Sequence[str] = (*DatabaseApplyBackupPolicyOperator.template_fields, *own_fields)
    service_name = "gaussdb"
    title = "GaussDB backup policy"
    model = PolicyUpdate

    def __init__(
        self,
        *,
        differential_period: int | None = None,
        rate_limit: int | None = None,
        prefetch_block: int | None = None,
        file_split_size: int | None = None,
        enable_standby_backup: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.differential_period = differential_period
        self.rate_limit = rate_limit
        self.prefetch_block = prefetch_block
        self.file_split_size = file_split_size
        self.enable_standby_backup = enable_standby_backup


class GaussDbGetBackupPolicyOperator(DatabaseGetBackupPolicyOperator):
    """Read the automatic backup policy of a GaussDB instance: ``GET
    /v3/{project_id}/instances/{instance_id}/backups/policy`` (databases section 6).

    The arguments are those of
    :class:`~airflow_provider_backup.operators.backup_policies.DatabaseGetBackupPolicyOperator`.
    """

    service_name = "gaussdb"
    title = "GaussDB"
