"""Waiting for backups of disks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_backup.sensors.base import BackupSensor
from airflow_provider_backup.sensors.fresh_backup import FreshBackupSensor


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


class VbsFreshBackupSensor(FreshBackupSensor):
    """Wait until a disk, or each of several, has a fresh backup (VBS section 4.5).

    Give exactly one of ``volume_id`` and ``volume_ids``. The other arguments are those of
    :class:`~airflow_provider_backup.sensors.fresh_backup.FreshBackupSensor`.

    :param volume_id: id of the disk (templated).
    :param volume_ids: ids of several disks (templated).
    """

    template_fields: Sequence[str] = (*FreshBackupSensor.template_fields, "volume_id", "volume_ids")
    service_name = "vbs"
    one = "volume_id"
    several = "volume_ids"

    def __init__(
        self,
        *,
        volume_id: str | None = None,
        volume_ids: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.volume_id = volume_id
        self.volume_ids = volume_ids
