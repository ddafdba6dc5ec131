"""Backups of RDS instances (MySQL, PostgreSQL, SQL Server, MariaDB; Flexus RDS included)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_backup.cloud.services.rds.models import BackupCreate
from airflow_provider_backup.cloud.services.rds.restore_requests import RdsRestoreRequests
from airflow_provider_backup.operators.base import listed
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


class RdsRestoreInstanceOperator(DatabaseRestoreInstanceOperator):
    """Restore an RDS instance: ``POST /v3.1/{project_id}/instances/recovery`` in place, or ``POST
    /v3/{project_id}/instances`` for a new one (databases section 8).

    The other arguments are those of
    :class:`~airflow_provider_backup.operators.restore_instance.DatabaseRestoreInstanceOperator`. PostgreSQL to the
    instance that was backed up: the sources disagree whether RDS offers it, so that a warning is logged.

    :param databases: SQL Server only: the databases to restore instead of all: a list of names, or a mapping of names
        to new names (templated).
    :param restore_all_databases: SQL Server in place: whether all databases are restored; it requires this or
        ``databases``.
    :param volume: storage of a new instance, ``{"type": ..., "size": ...}``, the size in GB and not smaller than that
        of the instance that was backed up (templated).
    :param ha: a new instance with a standby: ``{"mode": "Ha", "replication_mode": ...}``; ``False`` for one without
        (templated).
    :param port: of a new instance, 1 to 65535 (templated).
    :param collation: of a new instance of SQL Server (templated).
    :param disk_encryption_id: id of the key that encrypts the disks of a new instance (templated).
    :param tags: labels of a new instance, at most 20 (templated).
    """

    service_name = "rds"
    needs_instance = True
    backup_model = BackupCreate
    requests = RdsRestoreRequests()
    new_fields = (
        *DatabaseRestoreInstanceOperator.new_fields,
        *("volume", "ha", "port", "collation", "disk_encryption_id", "tags"),
    )
    template_fields: Sequence[str] = (
        *DatabaseRestoreInstanceOperator.template_fields,
        *("volume", "ha", "port", "collation", "disk_encryption_id", "tags"),
        "databases",
    )

    def __init__(
        self,
        *,
        databases: Sequence[str] | Mapping[str, str] | None = None,
        restore_all_databases: bool = False,
        volume: Mapping[str, Any] | None = None,
        ha: Mapping[str, str] | Literal[False] | None = None,
        port: int | None = None,
        collation: str | None = None,
        disk_encryption_id: str | None = None,
        tags: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.databases = databases
        self.restore_all_databases = restore_all_databases
        self.volume = volume
        self.ha = ha
        self.port = port
        self.collation = collation
        self.disk_encryption_id = disk_encryption_id
        self.tags = tags

    def service_of(self, cloud: BackupCloud) -> RdsService:
        """Return RDS."""
        return cloud.rds

    def options(self) -> dict[str, Any]:
        """Return which databases are restored, by the names of the request."""
        names = listed(self.databases)
        renamed = dict.fromkeys(names, "") if isinstance(names, list) else names
        options = {"database_name": renamed} if renamed is not None else {}
        return options if self.is_new or not self.restore_all_databases else {**options, "restore_all_database": True}


class RdsDeleteInstanceOperator(DatabaseDeleteInstanceOperator):
    """Delete an RDS instance with its data (databases section 11.1). A last backup goes to the recycle bin first.

    The arguments are those of
    :class:`~airflow_provider_backup.operators.delete_instance.DatabaseDeleteInstanceOperator`.
    """

    service_name = "rds"


class RdsPruneBackupsOperator(DatabasePruneBackupsOperator):
    """Delete the manual backups of RDS instances that no rule keeps (databases section 5).

    RDS lists the backups of one instance only: each instance takes a request, or more. Backups of SQL Server are
    deleted 50 with one request, others one by one. The arguments are those of
    :class:`~airflow_provider_backup.operators.databases.DatabasePruneBackupsOperator`.
    """

    service_name = "rds"
