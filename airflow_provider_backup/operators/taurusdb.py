"""Backups of TaurusDB instances."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_backup.cloud.services.taurusdb.models import BackupCreate
from airflow_provider_backup.operators.databases import (
    DatabaseCreateBackupOperator,
    DatabaseDeleteBackupOperator,
    DatabaseGetLatestBackupOperator,
)
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
