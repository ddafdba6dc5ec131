"""VBS as one object: its resources, one look at a backup, and the finding of a backup by name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from airflow_provider_backup.cloud.errors import (
    BadRequestError,
    NotFoundError,
    ResourceBusyError,
    UnexpectedResponseError,
)
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.freshness import Freshness, FreshnessRule, ListedBackup, read_freshness
from airflow_provider_backup.cloud.operations.listing import lists_of_restores
from airflow_provider_backup.cloud.operations.other_kinds import check_kind, otherwise
from airflow_provider_backup.cloud.operations.status import LIVE, Phase
from airflow_provider_backup.cloud.schema.answers import parsed
from airflow_provider_backup.cloud.schema.fields import EARLIEST
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.vbs.backup_lists import backup_lists
from airflow_provider_backup.cloud.services.vbs.backups import Backups
from airflow_provider_backup.cloud.services.vbs.conflicts import RESTORING
from airflow_provider_backup.cloud.services.vbs.jobs import Jobs
from airflow_provider_backup.cloud.services.vbs.manifest import phase_of
from airflow_provider_backup.cloud.services.vbs.models import Backup, Job
from airflow_provider_backup.cloud.services.vbs.paging import BACKUP_PAGES
from airflow_provider_backup.cloud.services.vbs.policies import Policies
from airflow_provider_backup.cloud.services.vbs.protection import VbsProtection
from airflow_provider_backup.cloud.services.vbs.restores import VbsRestoreOperation
from airflow_provider_backup.cloud.services.vbs.shares import Shares
from airflow_provider_backup.cloud.services.vbs.states import is_automatic, job_to_state, to_state
from airflow_provider_backup.cloud.services.vbs.stored_backups import VbsStoredBackups

TAKING_A_BACKUP = "bksCreateBackup"
"""The type of the jobs that take backups (VBS section 4.4)."""


class VbsService:
    """Volume Backup Service.

    :param api: requests to VBS.
    """

    name = "vbs"

    def __init__(self, api: ServiceApi) -> None:
        self._clock = api.cloud_clock
        self.policies = Policies(api)
        self.backups = Backups(api)
        self.jobs = Jobs(api)
        self.shares = Shares(api)
        self.stored_backups = VbsStoredBackups(self.backups, self.shares, self.delete_backup)
        self.lists = backup_lists(self.backups)
        self.protection = VbsProtection(self.policies, self.backups, _to_backup, api.cloud_clock)

    @property
    def restores(self) -> VbsRestoreOperation:
        """The restore of a backup, as a long-running operation."""
        lists = lists_of_restores(
            "VBS",
            lambda: self.backups.pages(status=RESTORING),
            (RESTORING,),
            phase_of,
            page_size=BACKUP_PAGES.page_size,
            reads=2,
        )
        return VbsRestoreOperation(self.backups, self.jobs, lists)

    async def observe(self, reference: OperationReference) -> OperationState:
        """Read a backup, or the job that takes it, once.

        As soon as the job names its backup, the backup is looked at and the reference names the backup. A failed job
        stays the reference, as its failure stands whatever became of the backup. The id of a job that takes a backup
        is understood as a backup's, too.

        :param reference: of kind ``backup`` or ``job``.
        :raises NotFoundError: there is no such backup or job.
        :raises UnexpectedResponseError: the job ended well and names no backup.
        :raises InvalidRequestError: the reference is of another kind.
        """
        check_kind(reference, "backup", "job")
        if reference.kind == "job":
            return await self._observe_job(reference, await self.jobs.get(reference.backup_id))
        try:
            return await self.observe_single(reference)
        except NotFoundError as absence:
            return await otherwise(self._observe_as_job(reference), absence)

    async def observe_single(self, reference: OperationReference) -> OperationState:
        """Read a single backup once, by no other id than its own.

        :param reference: of the kind ``backup``.
        :raises NotFoundError: there is none with this id.
        """
        return to_state(await self.backups.get(reference.backup_id))

    async def latest_backups(self, rule: FreshnessRule, *, resource_ids: Sequence[str]) -> list[Freshness]:
        """Judge whether disks have good backups that are fresh enough (VBS section 4.5).

        :param rule: which backups are fresh enough.
        :param resource_ids: ids of disks, one or more.
        :return: each disk.
        """
        only = resource_ids[0] if len(resource_ids) == 1 else None
        pages = self.backups.pages(volume_id=only, sort_key="created_at", sort_dir="desc")
        return await read_freshness(pages, _to_backup, resource_ids, rule, self._clock.now)

    async def delete_backup(self, reference: OperationReference) -> None:
        """Start the deletion of a backup; one that is being deleted already counts as done.

        :param reference: of kind ``backup`` or ``job``; there is nothing to do for a job that failed without a backup.
        :raises NotFoundError: there is no such backup or job (any more).
        :raises ResourceBusyError: the backup is still being taken; its job may not name it yet.
        :raises InvalidRequestError: the reference is of another kind.
        """
        check_kind(reference, "backup", "job")
        backup_id: str | None = reference.backup_id
        if reference.kind == "job":
            job = await self.jobs.get(reference.backup_id)
            if job.backup_id is None and phase_of(job.status) is Phase.IN_PROGRESS:
                raise ResourceBusyError(
                    f"The {reference} does not name its backup yet, so there is nothing to delete.",
                    next_step="Wait until the job is running, then delete again.",
                )
            backup_id = job.backup_id
        if backup_id is None:
            return
        try:
            await self.backups.delete(backup_id)
        except BadRequestError as refusal:
            # A deletion that is under way refuses the next one, also when it is the repetition of a lost answer.
            status = (await self.backups.get(backup_id)).status
            if status == RESTORING or phase_of(status) is Phase.IN_PROGRESS:
                raise ResourceBusyError(
                    f"vbs backup {backup_id} is {status}: {refusal.message}", next_step="Delete it when that is over."
                ) from refusal
            if phase_of(status) not in (Phase.DELETING, Phase.DELETED):
                raise

    async def _observe_as_job(self, reference: OperationReference) -> OperationState:
        job = await self.jobs.get(reference.backup_id)
        if job.job_type not in (None, TAKING_A_BACKUP):
            # One that deletes or restores names a backup, too, but not one that this reference means.
            raise UnexpectedResponseError(f"The job {job.job_id} takes no backup, it is a {job.job_type}")
        return await self._observe_job(reference, job)

    async def _observe_job(self, reference: OperationReference, job: Job) -> OperationState:
        job_phase = phase_of(job.status)
        if job.backup_id is None and job_phase is Phase.SUCCEEDED:
            raise UnexpectedResponseError(f"The {reference} ended with {job.status} and names no backup")
        if job.backup_id is None or job_phase is Phase.FAILED:
            return job_to_state(job)
        try:
            backup = await self.backups.get(job.backup_id)
        except NotFoundError:
            # A job may name its backup a moment before the backup can be read.
            if job_phase is Phase.IN_PROGRESS:
                return job_to_state(job)
            raise
        return to_state(backup)

    async def find_backup(
        self, *, volume_id: str, name: str, phases: Collection[Phase] = LIVE
    ) -> OperationReference | None:
        """Return the newest backup of a disk with exactly this name that is in one of these phases, or ``None``.

        :param volume_id: id of the disk.
        :param name: the whole name.
        :param phases: in progress or good, unless said otherwise.
        """
        found = [
            backup
            async for backup in self.backups.list(name=name, volume_id=volume_id)
            if phase_of(backup.status) in phases
        ]
        return _newest(found)

    async def find_running(self, *, volume_id: str, snapshot_id: str | None = None) -> OperationReference | None:
        """Return the newest backup of a disk that is being made now, or ``None``.

        :param volume_id: id of the disk.
        :param snapshot_id: the snapshot that must be backed up; ``None`` for any state of the disk.
        """
        return _newest(
            [
                backup
                async for backup in self.backups.list(volume_id=volume_id)
                if phase_of(backup.status) is Phase.IN_PROGRESS and snapshot_id in (None, backup.snapshot_id)
            ]
        )


def _newest(backups: Sequence[Backup]) -> OperationReference | None:
    newest = max(backups, key=lambda backup: backup.created_at or EARLIEST, default=None)
    return OperationReference("vbs", newest.id) if newest else None


def _to_backup(row: Any) -> ListedBackup | None:
    backup = parsed(Backup, row)
    if backup.volume_id is None:
        return None
    return ListedBackup(backup.volume_id, to_state(backup), is_automatic(backup))
