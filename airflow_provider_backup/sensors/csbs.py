"""Waiting for backups of servers."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_backup.sensors.checkpoints import CheckpointBackupSensor
from airflow_provider_backup.sensors.fresh_backup import FreshBackupSensor
from airflow_provider_backup.tasks.freshness_targets import ServerFreshness


class CsbsBackupSensor(CheckpointBackupSensor):
    """Wait until a checkpoint, or one backup in it, is available.

    CSBS does not report which servers a checkpoint should contain: a missing one is noticed only with ``backup``, the
    result of the task that took it.

    The arguments are those of :class:`~airflow_provider_backup.sensors.checkpoints.CheckpointBackupSensor`.
    """

    service_name = "csbs"


class CsbsFreshBackupSensor(ServerFreshness, FreshBackupSensor):
    """Wait until a server, or each of several, has a fresh backup (CSBS section 5).

    The arguments are those of :class:`~airflow_provider_backup.tasks.freshness_targets.ServerFreshness` and
    :class:`~airflow_provider_backup.sensors.fresh_backup.FreshBackupSensor`.
    """

    template_fields: Sequence[str] = (*FreshBackupSensor.template_fields, *ServerFreshness.target_fields)
    service_name = "csbs"
