"""Waiting for backups of servers."""

from __future__ import annotations

from airflow_provider_backup.sensors.checkpoints import CheckpointBackupSensor


class CsbsBackupSensor(CheckpointBackupSensor):
    """Wait until a checkpoint, or one backup in it, is available.

    CSBS does not tell which servers a checkpoint was to hold: that it lacks one is known only with ``backup``, the
    result of a task that took it.

    The arguments are those of :class:`~airflow_provider_backup.sensors.checkpoints.CheckpointBackupSensor`.
    """

    service_name = "csbs"
