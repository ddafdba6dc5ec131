"""Backups of GaussDB instances."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_backup.cloud.services.gaussdb.models import BackupCreate
from airflow_provider_backup.cloud.services.gaussdb.restore_models import DayQuery
from airflow_provider_backup.operators.databases import (
    DatabaseCreateBackupOperator,
    DatabaseDeleteBackupOperator,
    DatabaseGetLatestBackupOperator,
)
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
