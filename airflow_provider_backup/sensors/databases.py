"""Waiting for backups of database instances: what RDS, GaussDB and TaurusDB share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_backup.sensors.base import BackupSensor
from airflow_provider_backup.sensors.fresh_backup import FreshBackupSensor
from airflow_provider_backup.tasks.freshness_targets import DatabaseFreshness


class DatabaseBackupSensor(BackupSensor):
    """Wait until a backup of a database instance is COMPLETED.

    The other arguments are those of :class:`~airflow_provider_backup.sensors.base.BackupSensor`.

    :param instance_id: id of the instance; RDS needs it with ``backup_id`` (templated).
    """

    template_fields: Sequence[str] = (*BackupSensor.template_fields, "instance_id")

    def __init__(self, *, instance_id: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.instance_id = instance_id


class DatabaseFreshBackupSensor(DatabaseFreshness, FreshBackupSensor):
    """Wait until a database instance, or each of several, has a fresh backup (databases section 4).

    The arguments are those of :class:`~airflow_provider_backup.tasks.freshness_targets.DatabaseFreshness` and
    :class:`~airflow_provider_backup.sensors.fresh_backup.FreshBackupSensor`.
    """

    template_fields: Sequence[str] = (*FreshBackupSensor.template_fields, *DatabaseFreshness.target_fields)
