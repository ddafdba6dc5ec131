"""Waiting for backups of RDS instances."""

from __future__ import annotations

from airflow_provider_backup.sensors.databases import DatabaseBackupSensor


class RdsBackupSensor(DatabaseBackupSensor):
    """Wait until a backup of an RDS instance is COMPLETED.

    The arguments are those of :class:`~airflow_provider_backup.sensors.databases.DatabaseBackupSensor`.
    """

    service_name = "rds"
    needs_instance = True
