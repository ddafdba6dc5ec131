"""VBS's long-running operations."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.operation import Capabilities
from airflow_provider_backup.cloud.operations.status import LIVE, Phase
from airflow_provider_backup.cloud.services.vbs.conflicts import backup_in_progress
from airflow_provider_backup.cloud.services.vbs.models import BackupCreate

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.vbs.service import VbsService


class VbsBackupOperation:
    """Take a backup of a disk (VBS section 4.1).

    :param service: the open client of the service.
    """

    name: ClassVar[str] = "backup"
    capabilities: ClassVar[Capabilities] = Capabilities()

    def __init__(self, service: VbsService) -> None:
        self._service = service

    def subject(self, request: BackupCreate) -> str:
        """Return the disk."""
        return f"volume_id {request.volume_id}"

    def name_in(self, request: BackupCreate) -> str | None:
        """Return the backup's name."""
        return request.name

    async def prepare(self, request: BackupCreate) -> None:
        """Nothing has to be known."""

    async def submit(self, request: BackupCreate) -> OperationReference:
        """Submit the backup; the service answers with a job."""
        return OperationReference("vbs", await self._service.backups.create(request), "job")

    async def find(
        self,
        request: BackupCreate,
        *,
        since: datetime,
        phases: Collection[Phase] = LIVE,
        by_anyone: bool = False,
    ) -> OperationReference | None:
        """Look for a backup of the disk with the name of the request, however old it is."""
        return await self._service.find_backup(volume_id=request.volume_id, name=request.name, phases=phases)

    async def find_running(self, request: BackupCreate) -> OperationReference | None:
        """Look for a backup of the disk that is being made."""
        return await self._service.find_running(volume_id=request.volume_id, snapshot_id=request.snapshot_id)

    async def find_conflict(self, request: BackupCreate) -> OperationReference | None:
        """Look for a backup of the disk that is being made."""
        return await backup_in_progress(self._service.backups, request.volume_id)

    async def observe(self, reference: OperationReference) -> OperationState:
        """Read the backup, or the job that takes it."""
        return await self._service.observe(reference)
