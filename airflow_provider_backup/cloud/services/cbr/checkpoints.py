"""Checkpoints of CBR: the act of backing up a vault, and the backups taken together (CBR section 6)."""

from __future__ import annotations

from airflow_provider_backup.cloud.operations.row_checks import read_by_id
from airflow_provider_backup.cloud.schema.answers import parsed
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.cbr.models import (
    Checkpoint,
    CheckpointCreate,
    StartedVaultReplication,
    VaultReplication,
)


class Checkpoints:
    """Take and read checkpoints; there is no list and no deletion of them.

    :param api: the service.
    """

    def __init__(self, api: ServiceApi) -> None:
        self._api = api

    async def create(self, checkpoint: CheckpointCreate) -> Checkpoint:
        """Start to back up resources of a vault (CBR section 6.1). Each call makes a new backup.

        Look at ``vault.skipped_resources`` of the answer: what was asked for may have been left out.

        :raises NotFoundError: there is no such vault.
        :raises ResourceBusyError: a backup of this vault is running.
        :raises QuotaExceededError: the vault is full.
        """
        answer = await self._api.post("checkpoints", body={"checkpoint": checkpoint.to_wire()})
        return parsed(Checkpoint, answer, "checkpoint")

    async def replicate(self, replication: VaultReplication) -> StartedVaultReplication:
        """Start to copy all backups of a vault that are not copied yet to a vault in another region (CBR section 6.3).

        A vault goes to a region once by this call or by a policy, also when the copies were deleted since.

        :param replication: which vault, and where the copies go.
        :raises NotFoundError: there is no such vault.
        :raises BadRequestError: there is nothing to copy, or the vault was copied to the region before.
        :raises QuotaExceededError: the vault there is full.
        """
        answer = await self._api.post("checkpoints", "replicate", body={"replicate": replication.to_wire()})
        return parsed(StartedVaultReplication, answer, "replication")

    async def get(self, checkpoint_id: str) -> Checkpoint:
        """Read a checkpoint.

        :raises NotFoundError: there is none with this id.
        """
        return read_by_id(Checkpoint, await self._api.get("checkpoints", checkpoint_id), "checkpoint", checkpoint_id)
