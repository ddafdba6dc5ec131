"""Waiting for backups of GaussDB instances."""

from __future__ import annotations

from airflow_provider_backup.sensors.databases import DatabaseBackupSensor, DatabaseFreshBackupSensor


class GaussDbBackupSensor(DatabaseBackupSensor):
    """Wait until a backup of a GaussDB instance is COMPLETED.

    The arguments are those of :class:`~airflow_provider_backup.sensors.databases.DatabaseBackupSensor`.
    """

    service_name = "gaussdb"


class GaussDbFreshBackupSensor(DatabaseFreshBackupSensor):
    """Wait until a GaussDB instance, or each of several, has a fresh backup (databases section 4).

    The arguments are those of :class:`~airflow_provider_backup.sensors.databases.DatabaseFreshBackupSensor`.
    """

    service_name = "gaussdb"
