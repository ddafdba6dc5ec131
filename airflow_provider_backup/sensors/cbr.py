"""Waiting for backups of vaults."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_backup.sensors.checkpoints import CheckpointBackupSensor
from airflow_provider_backup.sensors.fresh_backup import FreshBackupSensor
from airflow_provider_backup.tasks.freshness_targets import VaultResourceFreshness


class CbrBackupSensor(CheckpointBackupSensor):
    """Wait until a checkpoint, or one backup in it, is available.

    The arguments are those of :class:`~airflow_provider_backup.sensors.checkpoints.CheckpointBackupSensor`.
    """

    service_name = "cbr"


class CbrFreshBackupSensor(VaultResourceFreshness, FreshBackupSensor):
    """Wait until a server, disk or file system, or each of several, has a fresh backup (CBR section 7.2).

    The arguments are those of :class:`~airflow_provider_backup.tasks.freshness_targets.VaultResourceFreshness` and
    :class:`~airflow_provider_backup.sensors.fresh_backup.FreshBackupSensor`.
    """

    template_fields: Sequence[str] = (*FreshBackupSensor.template_fields, *VaultResourceFreshness.target_fields)
    service_name = "cbr"
