"""Waiting for backups of GaussDB instances."""

from __future__ import annotations

from airflow_provider_backup.sensors.databases import DatabaseBackupSensor


class GaussDbBackupSensor(DatabaseBackupSensor):
    """Wait until a backup of a GaussDB instance is COMPLETED.

    The arguments are those of :class:`~airflow_provider_backup.sensors.databases.DatabaseBackupSensor`.
    """

    service_name = "gaussdb"
