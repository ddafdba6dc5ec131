"""CBR's long-running operations."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.operation import Capabilities
from airflow_provider_backup.cloud.operations.row_checks import spelled_as_listed
from airflow_provider_backup.cloud.operations.status import LIVE, Phase
from airflow_provider_backup.cloud.services.cbr.conflicts import backup_in_progress
from airflow_provider_backup.cloud.services.cbr.models import CheckpointCreate

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.cbr.service import CbrService


class CbrBackupOperation:
    """Back up the resources of a vault in one checkpoint (CBR section 6.1).

    :param service: the open client of the service.
    """

    name: ClassVar[str] = "backup"
    capabilities: ClassVar[Capabilities] = Capabilities()

    def __init__(self, service: CbrService) -> None:
        self._service = service

    def subject(self, request: CheckpointCreate) -> str:
        """Return the vault."""
        return f"vault_id {request.vault_id}"

    def name_in(self, request: CheckpointCreate) -> str | None:
        """Return the backups' name."""
        return request.parameters.name if request.parameters else None

    async def prepare(self, request: CheckpointCreate) -> None:
        """Nothing has to be known."""

    async def submit(self, request: CheckpointCreate) -> OperationReference:
        """Back up the vault."""
        checkpoint = await self._service.checkpoints.create(request)
        return self._service.reference_to(checkpoint, request.resource_ids)

    async def find(
        self,
        request: CheckpointCreate,
        *,
        since: datetime,
        phases: Collection[Phase] = LIVE,
        by_anyone: bool = False,
    ) -> OperationReference | None:
        """Look for backups of the vault with the name of the request, however old they are."""
        # What others submitted under this name may be of other resources.
        resource_ids = await self._resource_ids(request) if by_anyone else ()
        found = await self._service.find_checkpoint(
            vault_id=request.vault_id,
            name=self.name_in(request) or "",
            resource_ids=resource_ids,
            phases=phases,
        )
        if found is None or not request.resource_ids:
            return found
        return replace(found, expected_ids=spelled_as_listed(request.resource_ids, found.expected_ids))

    async def find_running(self, request: CheckpointCreate) -> OperationReference | None:
        """Look for a checkpoint that is being made of all the resources."""
        resource_ids = await self._resource_ids(request)
        return await self._service.find_running(vault_id=request.vault_id, resource_ids=resource_ids)

    async def find_conflict(self, request: CheckpointCreate) -> OperationReference | None:
        """Look for a backup in the vault that is being made, as a vault makes one at a time, or a restore."""
        running = await backup_in_progress(self._service.backups, vault_id=request.vault_id)
        return running or await self._service.restores.running_on(await self._resource_ids(request))

    async def observe(self, reference: OperationReference) -> OperationState:
        """Read the checkpoint with all its backups."""
        return await self._service.observe(reference)

    async def _resource_ids(self, request: CheckpointCreate) -> Sequence[str]:
        return request.resource_ids or await self._service.resources_of(request.vault_id)
