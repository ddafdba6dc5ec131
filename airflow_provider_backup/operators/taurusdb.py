"""Backups of TaurusDB instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_backup.cloud.services.taurusdb.models import BackupCreate, PolicyUpdate
from airflow_provider_backup.cloud.services.taurusdb.restore_requests import TaurusDbRestoreRequests
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
    from airflow_provider_backup.cloud.services.taurusdb.service import TaurusDbService


class TaurusDbCreateBackupOperator(DatabaseCreateBackupOperator):
    """Take a manual backup of a TaurusDB instance: ``POST /v3/{project_id}/backups/create`` (databases section 3.3).

    The arguments are those of :class:`~airflow_provider_backup.operators.databases.DatabaseCreateBackupOperator`.
    """

    title = "TaurusDB"
    model = BackupCreate

    def service_of(self, cloud: BackupCloud) -> TaurusDbService:
        """Return TaurusDB."""
        return cloud.taurusdb


class TaurusDbDeleteBackupOperator(DatabaseDeleteBackupOperator):
    """Delete a manual backup of a TaurusDB instance (databases section 5).

    The arguments are those of :class:`~airflow_provider_backup.operators.databases.DatabaseDeleteBackupOperator`.
    """

    service_name = "taurusdb"


class TaurusDbGetLatestBackupOperator(DatabaseGetLatestBackupOperator):
    """Return the newest good backup of a TaurusDB instance, or of each of several (databases section 4).

    The arguments are those of :class:`~airflow_provider_backup.operators.databases.DatabaseGetLatestBackupOperator`.
    """

    service_name = "taurusdb"


class TaurusDbGetRestoreWindowsOperator(DatabaseGetRestoreWindowsOperator):
    """Return to which moments a TaurusDB instance can be restored (databases section 7). Open Telekom Cloud has none.

    The arguments are those of
    :class:`~airflow_provider_backup.operators.restore_windows.DatabaseGetRestoreWindowsOperator`.
    """

    title = "TaurusDB"
    service_name = "taurusdb"


class TaurusDbRestoreInstanceOperator(DatabaseRestoreInstanceOperator):
    """Restore a TaurusDB instance: ``POST /v3/{project_id}/instances/restore`` in place, or ``POST
    /v3/{project_id}/instances`` for a new one (databases section 8). Open Telekom Cloud has neither.

    The other arguments are those of
    :class:`~airflow_provider_backup.operators.restore_instance.DatabaseRestoreInstanceOperator`.
    ``availability_zone`` is that of the primary node.

    :param availability_zone_mode: ``single`` or ``multi``, of a new instance (templated).
    :param slave_count: number of read replicas of a new instance, 0 or more (templated).
    :param tags: labels of a new instance (templated).
    """

    service_name = "taurusdb"
    backup_model = BackupCreate
    requests = TaurusDbRestoreRequests()
    new_fields = (*DatabaseRestoreInstanceOperator.new_fields, "availability_zone_mode", "slave_count", "tags")
    template_fields: Sequence[str] = (
        *DatabaseRestoreInstanceOperator.template_fields,
        *("availability_zone_mode", "slave_count", "tags"),
    )

    def __init__(
        self,
        *,
        availability_zone_mode: str | None = None,
        slave_count: int | None = None,
        tags: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.availability_zone_mode = availability_zone_mode
        self.slave_count = slave_count
        self.tags = tags

    def service_of(self, cloud: BackupCloud) -> TaurusDbService:
        """Return TaurusDB."""
        return cloud.taurusdb


class TaurusDbDeleteInstanceOperator(DatabaseDeleteInstanceOperator):
    """Delete a TaurusDB instance with its data (databases section 11.1).

    The arguments are those of
    :class:`~airflow_provider_backup.operators.delete_instance.DatabaseDeleteInstanceOperator`.
    """

    service_name = "taurusdb"


class TaurusDbPruneBackupsOperator(DatabasePruneBackupsOperator):
    """Delete the manual backups of TaurusDB instances that no rule keeps (databases section 5).

    Backups are deleted 50 with one request. The arguments are those of
    :class:`~airflow_provider_backup.operators.databases.DatabasePruneBackupsOperator`.
    """

    service_name = "taurusdb"


class TaurusDbApplyBackupPolicyOperator(DatabaseApplyBackupPolicyOperator):
    """Bring the automatic backup policy of a TaurusDB instance to the described state: ``PUT
    /v3/{project_id}/instances/{instance_id}/backups/policy/update`` (databases section 6).

    TaurusDB cannot switch automatic backups off: ``state="absent"`` is rejected. The time of ``schedule`` falls on a
    full hour in UTC. The other arguments are those of
    :class:`~airflow_provider_backup.operators.backup_policies.DatabaseApplyBackupPolicyOperator`.

    :param retention_num_backup_level1: how many level-1 backups stay, 0 or 1 (templated).
    """

    own_fields = ("retention_num_backup_level1",)
    template_fields: Sequence[str] = (*DatabaseApplyBackupPolicyOperator.template_fields, *own_fields)
    service_name = "taurusdb"
    title = "TaurusDB backup policy"
    model = PolicyUpdate

    def __init__(self, *, retention_num_backup_level1: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.retention_num_backup_level1 = retention_num_backup_level1


class TaurusDbGetBackupPolicyOperator(DatabaseGetBackupPolicyOperator):
    """Read the automatic backup policy of a TaurusDB instance: ``GET
    /v3/{project_id}/instances/{instance_id}/backups/policy`` (databases section 6).

    The arguments are those of
    :class:`~airflow_provider_backup.operators.backup_policies.DatabaseGetBackupPolicyOperator`.
    """

    service_name = "taurusdb"
    title = "TaurusDB"
