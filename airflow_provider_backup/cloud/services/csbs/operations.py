"""CSBS's long-running operations."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Final, Literal

from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.operation import Capabilities
from airflow_provider_backup.cloud.operations.row_checks import spelled_as_listed
from airflow_provider_backup.cloud.operations.status import LIVE, Phase
from airflow_provider_backup.cloud.schema.fields import EARLIEST
from airflow_provider_backup.cloud.services.csbs.models import CheckpointCreate

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.csbs.service import CsbsService

RUNNING_STATUSES: Final[tuple[Literal["waiting_protect", "protecting"], ...]] = ("waiting_protect", "protecting")
"""What a backup is called until it is made (CSBS section 6.1)."""


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
            name=None,
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
        running = [
            item
            for status in RUNNING_STATUSES
            async for item in self._service.checkpoint_items.list(status=status)
            if item.resource_id and item.resource_id.lower() in server_ids
        ]
        newest = max(running, key=lambda item: item.begun_at or EARLIEST, default=None)
        return OperationReference("csbs", newest.id) if newest else await self._service.restores.running_on(server_ids)

    async def observe(self, reference: OperationReference) -> OperationState:
        """Read the checkpoint with all its backups."""
        return await self._service.observe(reference)

    async def _server_ids(self, request: CheckpointCreate) -> Sequence[str]:
        if request.parameters.resources:
            return request.parameters.resources
        if self._policy_server_ids is None:
            self._policy_server_ids = (await self._service.policies.get(request.plan_id)).server_ids
        return self._policy_server_ids
