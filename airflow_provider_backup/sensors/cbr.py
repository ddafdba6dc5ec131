"""Waiting for backups of vaults."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_backup.sensors.checkpoints import CheckpointBackupSensor
from airflow_provider_backup.sensors.fresh_backup import FreshBackupSensor


class CbrBackupSensor(CheckpointBackupSensor):
    """Wait until a checkpoint, or one backup in it, is available.

    The arguments are those of :class:`~airflow_provider_backup.sensors.checkpoints.CheckpointBackupSensor`.
    """

    service_name = "cbr"


class CbrFreshBackupSensor(FreshBackupSensor):
    """Wait until a server, disk or file system, or each of several, has a fresh backup (CBR section 7.2).

    Give exactly one of ``resource_id``, ``resource_ids`` and ``vault_id``. The other arguments are those of
    :class:`~airflow_provider_backup.sensors.fresh_backup.FreshBackupSensor`.

    :param resource_id: id of the server, disk or file system (templated).
    :param resource_ids: ids of several of them (templated).
    :param vault_id: id of a vault: each of its resources, and only backups in it (templated).
    """

    template_fields: Sequence[str] = (*FreshBackupSensor.template_fields, "resource_id", "resource_ids", "vault_id")
    service_name = "cbr"
    one = "resource_id"
    several = "resource_ids"
    groups = ("vault_id",)

    def __init__(
        self,
        *,
        resource_id: str | None = None,
        resource_ids: Sequence[str] | None = None,
        vault_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.resource_id = resource_id
        self.resource_ids = resource_ids
        self.vault_id = vault_id
