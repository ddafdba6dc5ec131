"""Waiting for backups of database instances: what RDS, GaussDB and TaurusDB share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_backup.sensors.base import BackupSensor
from airflow_provider_backup.sensors.fresh_backup import FreshBackupSensor


class DatabaseBackupSensor(BackupSensor):
    """Wait until a backup of a database instance is COMPLETED.

    The other arguments are those of :class:`~airflow_provider_backup.sensors.base.BackupSensor`.

    :param instance_id: id of the instance; RDS needs it with ``backup_id`` (templated).
    """

    template_fields: Sequence[str] = (*BackupSensor.template_fields, "instance_id")

    def __init__(self, *, instance_id: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.instance_id = instance_id


class DatabaseFreshBackupSensor(FreshBackupSensor):
    """Wait until a database instance, or each of several, has a fresh backup (databases section 4).

    Give exactly one of ``instance_id`` and ``instance_ids``. The other arguments are those of
    :class:`~airflow_provider_backup.sensors.fresh_backup.FreshBackupSensor`.

    :param instance_id: id of the instance (templated).
    :param instance_ids: ids of several instances; RDS has one list for each (templated).
    """

    template_fields: Sequence[str] = (*FreshBackupSensor.template_fields, "instance_id", "instance_ids")
    one = "instance_id"
    several = "instance_ids"

    def __init__(
        self,
        *,
        instance_id: str | None = None,
        instance_ids: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.instance_id = instance_id
        self.instance_ids = instance_ids
