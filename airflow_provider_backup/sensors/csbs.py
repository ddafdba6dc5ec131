"""Waiting for backups of servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_backup.sensors.checkpoints import CheckpointBackupSensor
from airflow_provider_backup.sensors.fresh_backup import FreshBackupSensor


class CsbsBackupSensor(CheckpointBackupSensor):
    """Wait until a checkpoint, or one backup in it, is available.

    CSBS does not report which servers a checkpoint should contain: a missing one is noticed only with ``backup``, the
    result of the task that took it.

    The arguments are those of :class:`~airflow_provider_backup.sensors.checkpoints.CheckpointBackupSensor`.
    """

    service_name = "csbs"


class CsbsFreshBackupSensor(FreshBackupSensor):
    """Wait until a server, or each of several, has a fresh backup (CSBS section 5).

    Give exactly one of ``server_id``, ``server_ids`` and ``policy_id``. The other arguments are those of
    :class:`~airflow_provider_backup.sensors.fresh_backup.FreshBackupSensor`.

    :param server_id: id of the server (templated).
    :param server_ids: ids of several servers (templated).
    :param policy_id: id of a policy: each of its servers, and only backups that it took (templated).
    """

    template_fields: Sequence[str] = (*FreshBackupSensor.template_fields, "server_id", "server_ids", "policy_id")
    service_name = "csbs"
    one = "server_id"
    several = "server_ids"
    groups = ("policy_id",)

    def __init__(
        self,
        *,
        server_id: str | None = None,
        server_ids: Sequence[str] | None = None,
        policy_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.server_id = server_id
        self.server_ids = server_ids
        self.policy_id = policy_id
