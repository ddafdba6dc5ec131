"""CSBS's long-running operations."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.operation import Capabilities
from airflow_provider_backup.cloud.operations.row_checks import spelled_as_listed
from airflow_provider_backup.cloud.operations.status import LIVE, Phase
from airflow_provider_backup.cloud.services.csbs.conflicts import backup_in_progress
from airflow_provider_backup.cloud.services.csbs.models import CheckpointCreate, Protection

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.csbs.service import CsbsService


@dataclass(frozen=True, slots=True)
class ServerBackup:
    """A backup of one server without a policy.

    :param server_id: the server.
    :param protection: name and kind of the backup.
    """

    server_id: str
    protection: Protection


class CsbsBackupOperation:
    """Execute a backup policy now (CSBS section 4.2); the request carries no name.

    :param service: the open client of the service.
    """

    name: ClassVar[str] = "backup"
    capabilities: ClassVar[Capabilities] = Capabilities(carries_name=False)

    def __init__(self, service: CsbsService) -> None:
        self._service = service
        self._policy_server_ids: Sequence[str] | None = None

    def subject(self, request: CheckpointCreate) -> str:
        """Return the policy."""
        return f"policy_id {request.plan_id}"

    def name_in(self, request: CheckpointCreate) -> str | None:
        """Return ``None``: the request carries no name."""
        return None

    async def prepare(self, request: CheckpointCreate) -> None:
        """Read which servers are to be backed up."""
        await self._server_ids(request)

    async def submit(self, request: CheckpointCreate) -> OperationReference:
        """Execute the policy."""
        expected = await self._server_ids(request)
        checkpoint = await self._service.checkpoints.execute_policy(
            request.plan_id,
            server_ids=request.parameters.resources,
            auto_trigger=bool(request.parameters.auto_trigger),
        )
        named = [server.id for server in checkpoint.protection_plan.resources]
        return OperationReference("csbs", checkpoint.id, "checkpoint", expected_ids=spelled_as_listed(expected, named))

    async def find(
        self,
        request: CheckpointCreate,
        *,
        since: datetime,
        phases: Collection[Phase] = LIVE,
        by_anyone: bool = False,
    ) -> OperationReference | None:
        """Look for a checkpoint of the policy that began since."""
        return await self._service.find_checkpoint(
            policy_id=request.plan_id,
            started_after=since,
            server_ids=request.parameters.resources,
            policy_server_ids=await self._server_ids(request),
            auto_trigger=bool(request.parameters.auto_trigger),
            phases=phases,
        )

    async def find_running(self, request: CheckpointCreate) -> OperationReference | None:
        """Look for a checkpoint that is being made of all the servers."""
        server_ids = await self._server_ids(request)
        return await self._service.find_running(server_ids=server_ids) if server_ids else None

    async def find_conflict(self, request: CheckpointCreate) -> OperationReference | None:
        """Look for a backup of any of the servers that is being made, or a restore from one."""
        server_ids = {server_id.lower() for server_id in await self._server_ids(request)}
        running = await backup_in_progress(self._service.checkpoint_items, server_ids)
        return running or await self._service.restores.running_on(server_ids)

    async def observe(self, reference: OperationReference) -> OperationState:
        """Read the checkpoint with all its backups."""
        return await self._service.observe(reference)

    async def _server_ids(self, request: CheckpointCreate) -> Sequence[str]:
        if request.parameters.resources:
            return request.parameters.resources
        if self._policy_server_ids is None:
            self._policy_server_ids = (await self._service.policies.get(request.plan_id)).server_ids
        return self._policy_server_ids


class CsbsServerBackupOperation:
    """Back up one server without a policy (CSBS section 4.1).

    :param service: the open client of the service.
    """

    name: ClassVar[str] = "backup"
    capabilities: ClassVar[Capabilities] = Capabilities()

    def __init__(self, service: CsbsService) -> None:
        self._service = service

    def subject(self, request: ServerBackup) -> str:
        """Return the server."""
        return f"server_id {request.server_id}"

    def name_in(self, request: ServerBackup) -> str | None:
        """Return the backup's name."""
        return request.protection.backup_name

    async def prepare(self, request: ServerBackup) -> None:
        """Nothing has to be known."""

    async def submit(self, request: ServerBackup) -> OperationReference:
        """Back up the server."""
        checkpoint = await self._service.checkpoints.protect(request.server_id, request.protection)
        named = [server.id for server in checkpoint.protection_plan.resources]
        expected = spelled_as_listed([request.server_id], named)
        return OperationReference("csbs", checkpoint.id, "checkpoint", expected_ids=expected)

    async def find(
        self,
        request: ServerBackup,
        *,
        since: datetime,
        phases: Collection[Phase] = LIVE,
        by_anyone: bool = False,
    ) -> OperationReference | None:
        """Look for a backup of the server with the name of the request, however old it is."""
        name = self.name_in(request) or ""
        return await self._service.find_backup(server_id=request.server_id, name=name, phases=phases)

    async def find_running(self, request: ServerBackup) -> OperationReference | None:
        """Look for a checkpoint that is being made of the server, and maybe of others with it."""
        return await self._service.find_running(server_ids=[request.server_id])

    async def find_conflict(self, request: ServerBackup) -> OperationReference | None:
        """Look for a backup of the server that is being made, or a restore from one."""
        running = await backup_in_progress(self._service.checkpoint_items, [request.server_id])
        return running or await self._service.restores.running_on([request.server_id])

    async def observe(self, reference: OperationReference) -> OperationState:
        """Read the checkpoint with its backup."""
        return await self._service.observe(reference)
