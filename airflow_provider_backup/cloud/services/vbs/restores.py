"""The restore of a VBS backup as a long-running operation (VBS sections 4.2, 4.4 and 4.5).

Its job tells how it goes. The service lists no jobs: a restore whose answer got lost cannot be found again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from airflow_provider_backup.cloud.errors import InvalidRequestError, NotFoundError, ResourceBusyError, Violation
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState, SingleBackup
from airflow_provider_backup.cloud.operations.listing import BackupLists
from airflow_provider_backup.cloud.operations.operation import Capabilities
from airflow_provider_backup.cloud.operations.status import LIVE, Phase
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.services.vbs.conflicts import RESTORING, backup_in_progress, backup_in_restore
from airflow_provider_backup.cloud.services.vbs.manifest import phase_of
from airflow_provider_backup.cloud.services.vbs.models import Backup, RestoreCreate

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.vbs.backups import Backups
    from airflow_provider_backup.cloud.services.vbs.jobs import Jobs

_FAILED = "error_restoring"


@dataclass(frozen=True, slots=True)
class VbsRestoreRequest:
    """What is restored, and which disk is overwritten with it.

    :param backup: the backup, or the job that took it.
    :param target: the disk that is overwritten; ``None`` for the one that was backed up.
    """

    backup: OperationReference
    target: RestoreCreate | None = None


class VbsRestoreOperation:
    """Overwrite a disk with a backup (VBS section 4.2).

    :param backups: the backups of the project.
    :param jobs: the jobs of the project.
    :param lists: the lists that answer for many restores.
    """

    name: ClassVar[str] = "restore"
    capabilities: ClassVar[Capabilities] = Capabilities(carries_name=False, is_destructive=True)

    def __init__(self, backups: Backups, jobs: Jobs, lists: BackupLists) -> None:
        self._backups = backups
        self._jobs = jobs
        self._resolved: tuple[VbsRestoreRequest, str, RestoreCreate] | None = None
        self._refusal: ResourceBusyError | None = None
        self.lists = lists

    def subject(self, request: VbsRestoreRequest) -> str:
        """Return the disk and the backup."""
        return f"{request.target.volume_id if request.target else 'what was backed up'} from {request.backup}"

    def name_in(self, request: VbsRestoreRequest) -> str | None:
        """Return ``None``: a restore carries no name."""
        return None

    async def prepare(self, request: VbsRestoreRequest) -> None:
        """Read the backup, settle which disk is overwritten, and look for a restore that keeps either busy.

        :raises NotFoundError: there is no such backup or job.
        :raises InvalidRequestError: the job took no backup.
        """
        backup_id, restore = await self._resolve(request)
        # The service refuses these with codes that also mean what does not pass, such as an attached disk.
        busy = await backup_in_restore(self._backups, backup_id, restore.volume_id)
        self._refusal = None
        if busy is not None:
            self._refusal = ResourceBusyError(
                f"The vbs backup {busy.id} of the disk {busy.volume_id} is {busy.status}.",
                next_step="Wait until the running task on the resource has ended, then repeat.",
            )

    async def submit(self, request: VbsRestoreRequest) -> OperationReference:
        """Submit the restore, unless another one from the backup or of the disk was seen running before.

        :raises ResourceBusyError: the disk is being backed up, or a restore is running.
        """
        backup_id, restore = await self._resolve(request)
        if self._refusal is not None:
            raise self._refusal
        job_id = await self._backups.restore(backup_id, restore)
        return OperationReference(
            "vbs", backup_id, job_id=job_id, expected_ids=(restore.volume_id,), operation=self.name
        )

    async def find(
        self,
        request: VbsRestoreRequest,
        *,
        since: datetime,
        phases: Collection[Phase] = LIVE,
        by_anyone: bool = False,
    ) -> OperationReference | None:
        """Return ``None``: nothing in the service says which disk a backup is restored to."""
        return None

    async def find_running(self, request: VbsRestoreRequest) -> OperationReference | None:
        """Return ``None``, as :meth:`find`."""
        return None

    async def find_conflict(self, request: VbsRestoreRequest) -> OperationReference | None:
        """Look for a backup of the disk that is being made."""
        _, restore = await self._resolve(request)
        return await backup_in_progress(self._backups, restore.volume_id)

    async def observe(self, reference: OperationReference) -> OperationState:
        """Read the job of a restore, and its backup once the job has succeeded.

        :param reference: of a restore, with its job.
        :raises NotFoundError: there is no such job.
        """
        job = await self._jobs.get(reference.job_id or "")
        status, phase = job.status, phase_of(job.status)
        reason = job.reason if phase is Phase.FAILED else None
        backup = await self._backup(reference.backup_id) if phase is Phase.SUCCEEDED else None
        if backup is not None and backup.status == RESTORING:
            status, phase = backup.status, Phase.IN_PROGRESS
        elif backup is not None and backup.status == _FAILED:
            phase, reason = Phase.FAILED, f"the job says {job.status}, but the backup is {backup.status}"
        name = backup.name if backup is not None else None
        (target_id,) = reference.expected_ids or ("",)
        return OperationState(
            reference,
            status,
            phase,
            name=name,
            reason=reason,
            backup_ids=(reference.backup_id,),
            resource_ids=(target_id,),
            created_at=job.begin_time,
            finished_at=job.end_time if phase.is_terminal else None,
            parts=(SingleBackup(reference.backup_id, name, target_id),),
        )

    async def _backup(self, backup_id: str) -> Backup | None:
        try:
            return await self._backups.get(backup_id)
        except NotFoundError:
            # A backup that is restored from cannot be deleted: this one was deleted afterwards.
            return None

    async def _resolve(self, request: VbsRestoreRequest) -> tuple[str, RestoreCreate]:
        if self._resolved is None or self._resolved[0] is not request:
            backup_id: str | None = request.backup.backup_id
            if request.backup.kind == "job":
                backup_id = (await self._jobs.get(request.backup.backup_id)).backup_id
            if backup_id is None:
                rule = "must be a job that took a backup; this one names none"
                raise InvalidRequestError("VBS restore", [Violation("backup", rule, request.backup.backup_id)])
            backup = await self._backups.get(backup_id)
            own = {"volume_id": backup.volume_id}
            self._resolved = request, backup_id, request.target or validated(RestoreCreate, "VBS restore", own)
        return self._resolved[1:]
