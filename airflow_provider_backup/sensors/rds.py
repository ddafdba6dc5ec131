"""Waiting for backups of RDS instances."""

from __future__ import annotations

from airflow_provider_backup.sensors.databases import DatabaseBackupSensor, DatabaseFreshBackupSensor


class RdsBackupSensor(DatabaseBackupSensor):
    """Wait until a backup of an RDS instance is COMPLETED.

    The arguments are those of :class:`~airflow_provider_backup.sensors.databases.DatabaseBackupSensor`.
    """

    service_name = "rds"
    needs_instance = True


class RdsFreshBackupSensor(DatabaseFreshBackupSensor):
    """Wait until an RDS instance, or each of several, has a fresh backup (databases section 4).

    The arguments are those of :class:`~airflow_provider_backup.sensors.databases.DatabaseFreshBackupSensor`.
    """

    service_name = "rds"
