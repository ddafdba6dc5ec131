"""Waiting for backups of TaurusDB instances."""

from __future__ import annotations

from airflow_provider_backup.sensors.databases import DatabaseBackupSensor, DatabaseFreshBackupSensor


class TaurusDbBackupSensor(DatabaseBackupSensor):
    """Wait until a backup of a TaurusDB instance is COMPLETED.

    The arguments are those of :class:`~airflow_provider_backup.sensors.databases.DatabaseBackupSensor`.
    """

    service_name = "taurusdb"


class TaurusDbFreshBackupSensor(DatabaseFreshBackupSensor):
    """Wait until a TaurusDB instance, or each of several, has a fresh backup (databases section 4).

    The arguments are those of :class:`~airflow_provider_backup.sensors.databases.DatabaseFreshBackupSensor`.
    """

    service_name = "taurusdb"
