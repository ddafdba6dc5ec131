"""VBS as one object: its resources, one look at a backup, and the finding of a backup by name."""

from __future__ import annotations

from datetime import UTC, datetime

from airflow_provider_backup.cloud.backup import BackupObservation, BackupReference
from airflow_provider_backup.cloud.errors import BackupError, NotFoundError, UnexpectedResponseError
from airflow_provider_backup.cloud.life_cycle import Phase, phase_of
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.vbs.backups import BackupResource
from airflow_provider_backup.cloud.vbs.jobs import JobResource
from airflow_provider_backup.cloud.vbs.models import Backup, Job
from airflow_provider_backup.cloud.vbs.policies import PolicyResource

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class VbsService:
    """Volume Backup Service.

    :param api: requests to VBS.
    """

    name = "vbs"

    def __init__(self, api: ServiceApi) -> None:
        self.policies = PolicyResource(api)
        self.backups = BackupResource(api)
        self.jobs = JobResource(api)

    async def observe(self, reference: BackupReference) -> BackupObservation:
        """Look once at a backup, or at the job that takes it.

        As soon as the job names its backup, the backup is looked at and the reference names the backup. A failed job
        stays the reference, as its failure stands whatever became of the backup.

        :param reference: of kind ``backup`` or ``job``.
        :raises NotFoundError: there is no such backup or job.
        :raises UnexpectedResponseError: the job ended well and names no backup.
        """
        if reference.kind != "job":
            return observation_of_backup(await self.backups.get(reference.backup_id))
        job = await self.jobs.get(reference.backup_id)
        job_phase = phase_of(job.status)
        if job.backup_id is None and job_phase is Phase.GOOD:
            raise UnexpectedResponseError(f"The {reference} ended with {job.status} and names no backup")
        if job.backup_id is None or job_phase is Phase.FAILED:
            return observation_of_job(job)
        try:
            backup = await self.backups.get(job.backup_id)
        except NotFoundError:
            # A job may name its backup a moment before the backup can be read.
            if job_phase is Phase.IN_PROGRESS:
                return observation_of_job(job)
            raise
        return observation_of_backup(backup)

    async def delete_backup(self, reference: BackupReference) -> None:
        """Start the deletion of a backup; one that is gone already counts as deleted.

        :param reference: of kind ``backup`` or ``job``.
        :raises BackupError: the job does not name its backup yet.
        """
        try:
            backup_id = reference.backup_id
            if reference.kind == "job":
                job = await self.jobs.get(reference.backup_id)
                if job.backup_id is None and phase_of(job.status) is Phase.IN_PROGRESS:
                    raise BackupError(
                        f"The {reference} does not name its backup yet, so there is nothing to delete.",
                        next_step="Wait until the job is running, then delete again.",
                    )
                if job.backup_id is None:
                    return
                backup_id = job.backup_id
            await self.backups.delete(backup_id)
        except NotFoundError:
            return

    async def find_backup(self, *, volume_id: str, name: str) -> BackupReference | None:
        """Return the newest backup of a disk with exactly this name that is in progress or good, or none.

        :param volume_id: id of the disk.
        :param name: the whole name.
        """
        found = [
            backup
            async for backup in self.backups.list(name=name, volume_id=volume_id)
            if backup.name == name
            and backup.volume_id == volume_id
            and phase_of(backup.status) in (Phase.IN_PROGRESS, Phase.GOOD)
        ]
        if not found:
            return None
        newest = max(found, key=lambda backup: backup.created_at or _LONG_AGO)
        return BackupReference("vbs", newest.id)


def observation_of_backup(backup: Backup) -> BackupObservation:
    """Say how a backup stands, from what the service tells of it."""
    phase = phase_of(backup.status)
    progress = backup.service_metadata.get("progress")
    return BackupObservation(
        reference=BackupReference("vbs", backup.id),
        status=backup.status,
        phase=phase,
        name=backup.name,
        # Good backups may carry a reason, too (VBS section 4.5).
        reason=backup.fail_reason if phase is Phase.FAILED else None,
        progress=int(str(progress)) if str(progress).isdecimal() else None,
        backup_ids=(backup.id,),
        resource_ids=(backup.volume_id,) if backup.volume_id else (),
        size_mb=backup.size * 1024 if backup.size is not None else None,
        created_at=backup.created_at,
        finished_at=backup.updated_at if phase in (Phase.GOOD, Phase.FAILED) else None,
    )


def observation_of_job(job: Job) -> BackupObservation:
    """Say how a backup stands that cannot be looked at itself: its job is not so far, or failed."""
    phase = phase_of(job.status)
    volume_id = job.entities.get("volume_id")
    return BackupObservation(
        reference=BackupReference("vbs", job.job_id, "job"),
        status=job.status,
        phase=phase,
        reason=job.reason if phase is Phase.FAILED else None,
        backup_ids=(job.backup_id,) if job.backup_id else (),
        resource_ids=(str(volume_id),) if volume_id else (),
        created_at=job.begin_time,
        finished_at=job.end_time,
    )
