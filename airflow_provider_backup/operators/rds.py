"""Backups of RDS instances (MySQL, PostgreSQL, SQL Server, MariaDB; Flexus RDS included)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_backup.cloud.services.rds.models import BackupCreate
from airflow_provider_backup.operators.base import listed
from airflow_provider_backup.operators.databases import (
    DatabaseCreateBackupOperator,
    DatabaseDeleteBackupOperator,
    DatabaseGetLatestBackupOperator,
)
from airflow_provider_backup.operators.restore_windows import DatabaseGetRestoreWindowsOperator

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud
    from airflow_provider_backup.cloud.services.rds.service import RdsService


class RdsCreateBackupOperator(DatabaseCreateBackupOperator):
    """Take a manual backup of an RDS instance: ``POST /v3/{project_id}/backups`` (databases section 3.1).

    The other arguments are those of
    :class:`~airflow_provider_backup.operators.databases.DatabaseCreateBackupOperator`.

    :param databases: SQL Server and newer PostgreSQL only: names of the databases to back up instead of all
        (templated).
    :param backup_database_individually: whether each database gets its own file; requires ``databases`` (templated).
    """

    template_fields: Sequence[str] = (
        *DatabaseCreateBackupOperator.template_fields,
        "databases",
        "backup_database_individually",
    )
    title = "RDS"
    model = BackupCreate

    def __init__(
        self,
        *,
        databases: Sequence[str] | None = None,
        backup_database_individually: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.databases = databases
        self.backup_database_individually = backup_database_individually

    def service_of(self, cloud: BackupCloud) -> RdsService:
        """Return RDS."""
        return cloud.rds

    def arguments(self) -> dict[str, Any]:
        """Return the request's fields other than the name."""
        names = listed(self.databases)
        return {
            **super().arguments(),
            "databases": [{"name": name} for name in names] if isinstance(names, list) else names,
            "backup_database_individually": self.backup_database_individually,
        }


class RdsDeleteBackupOperator(DatabaseDeleteBackupOperator):
    """Delete a manual backup of an RDS instance (databases section 5).

    The arguments are those of :class:`~airflow_provider_backup.operators.databases.DatabaseDeleteBackupOperator`.
    """

    service_name = "rds"
    needs_instance = True


class RdsGetLatestBackupOperator(DatabaseGetLatestBackupOperator):
    """Return the newest good backup of an RDS instance, or of each of several (databases section 4).

    RDS lists the backups of one instance only: several instances take one request each, or more.

    The arguments are those of :class:`~airflow_provider_backup.operators.databases.DatabaseGetLatestBackupOperator`.
    """

    service_name = "rds"


class RdsGetRestoreWindowsOperator(DatabaseGetRestoreWindowsOperator):
    """Return to which moments an RDS instance can be restored (databases section 7).

    The arguments are those of
    :class:`~airflow_provider_backup.operators.restore_windows.DatabaseGetRestoreWindowsOperator`.
    """

    title = "RDS"
    service_name = "rds"
