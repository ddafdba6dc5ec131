"""The long-running operations that RDS, GaussDB and TaurusDB share."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.operation import Capabilities
from airflow_provider_backup.cloud.operations.status import LIVE, Phase
from airflow_provider_backup.cloud.services.databases.conflicts import what_runs
from airflow_provider_backup.cloud.services.databases.models import DatabaseBackupCreate

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.databases.service import DatabaseService


class DatabaseBackupOperation:
    """Take a manual backup of an instance (databases sections 3.1 and 3.2).

    :param service: the open client of the service.
    """

    name: ClassVar[str] = "backup"
    capabilities: ClassVar[Capabilities] = Capabilities(names_are_unique=True)

    def __init__(self, service: DatabaseService) -> None:
        self._service = service

    def subject(self, request: DatabaseBackupCreate) -> str:
        """Return the instance."""
        return f"instance_id {request.instance_id}"

    def name_in(self, request: DatabaseBackupCreate) -> str | None:
        """Return the backup's name."""
        return request.name

    async def prepare(self, request: DatabaseBackupCreate) -> None:
        """Nothing has to be known."""

    async def submit(self, request: DatabaseBackupCreate) -> OperationReference:
        """Submit the backup."""
        return self._service.reference_to(await self._service.backups.create(request))

    async def find(
        self,
        request: DatabaseBackupCreate,
        *,
        since: datetime,
        phases: Collection[Phase] = LIVE,
        by_anyone: bool = False,
    ) -> OperationReference | None:
        """Look for a backup of the instance with the name of the request, however old it is."""
        return await self._service.find_backup(instance_id=request.instance_id, name=request.name, phases=phases)

    async def find_running(self, request: DatabaseBackupCreate) -> OperationReference | None:
        """Look for a backup of the instance that is being made, a manual or an automatic one."""
        return await self._service.find_running(instance_id=request.instance_id, databases=request.database_names)

    async def find_conflict(self, request: DatabaseBackupCreate) -> OperationReference | None:
        """Look for a backup of the instance that is being made, of whatever type, or a restore to it."""
        return await what_runs(self._service, request.instance_id)

    async def observe(self, reference: OperationReference) -> OperationState:
        """Read the backup."""
        return await self._service.observe(reference)
