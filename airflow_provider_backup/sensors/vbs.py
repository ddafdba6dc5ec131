"""Waiting for backups of disks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_backup.sensors.base import BackupSensor
from airflow_provider_backup.sensors.fresh_backup import FreshBackupSensor
from airflow_provider_backup.tasks.freshness_targets import VolumeFreshness


class VbsBackupSensor(BackupSensor):
    """Wait until a backup of a disk is available.

    The other arguments are those of :class:`~airflow_provider_backup.sensors.base.BackupSensor`.

    :param job_id: id of the job that takes the backup; mutually exclusive with ``backup_id`` (templated).
    """

    template_fields: Sequence[str] = (*BackupSensor.template_fields, "job_id")
    service_name = "vbs"

    def __init__(self, *, job_id: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job_id = job_id

    def ids(self) -> dict[str, str | None]:
        """Return the ids that name the backup, by kind."""
        return {"backup": self.backup_id, "job": self.job_id}


class VbsFreshBackupSensor(VolumeFreshness, FreshBackupSensor):
    """Wait until a disk, or each of several, has a fresh backup (VBS section 4.5).

    The arguments are those of :class:`~airflow_provider_backup.tasks.freshness_targets.VolumeFreshness` and
    :class:`~airflow_provider_backup.sensors.fresh_backup.FreshBackupSensor`.
    """

    template_fields: Sequence[str] = (*FreshBackupSensor.template_fields, *VolumeFreshness.target_fields)
    service_name = "vbs"
