"""Waiting for backups of servers."""

from __future__ import annotations

from airflow_provider_backup.sensors.checkpoints import CheckpointBackupSensor


class CsbsBackupSensor(CheckpointBackupSensor):
    """Wait until a checkpoint, or one backup in it, is available.

    CSBS does not report which servers a checkpoint should contain: a missing one is noticed only with ``backup``, the
    result of the task that took it.

    The arguments are those of :class:`~airflow_provider_backup.sensors.checkpoints.CheckpointBackupSensor`.
    """

    service_name = "csbs"
