"""Waiting for checkpoints: what CBR and CSBS share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_backup.sensors.base import BackupSensor
from airflow_provider_backup.tasks.reference_arguments import CheckpointReferenceMixin


class CheckpointBackupSensor(CheckpointReferenceMixin, BackupSensor):
    """Wait until a checkpoint with all its backups, or one backup in it, is available.

    The other arguments are those of :class:`~airflow_provider_backup.sensors.base.BackupSensor`.

    :param checkpoint_id: id of the checkpoint; mutually exclusive with ``backup_id`` (templated).
    """

    template_fields: Sequence[str] = (*BackupSensor.template_fields, "checkpoint_id")

    def __init__(self, *, checkpoint_id: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.checkpoint_id = checkpoint_id
