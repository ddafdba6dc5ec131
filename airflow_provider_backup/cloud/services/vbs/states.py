"""What a backup or a job of VBS says, in the shape common to all services; without I/O (VBS sections 4.4 to 4.6)."""

from __future__ import annotations

from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState, SingleBackup
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.schema.answers import row_id
from airflow_provider_backup.cloud.schema.fields import whole_number_of
from airflow_provider_backup.cloud.services.vbs.manifest import phase_of
from airflow_provider_backup.cloud.services.vbs.models import Backup, Job

AUTOMATIC_PREFIX = "autobk"
"""What the names of automatic backups begin with, and those of no others (VBS sections 3.5 and 4.1)."""


def is_automatic(backup: Backup) -> bool:
    """Return whether a policy took a backup; its name is all that tells."""
    return (backup.name or "").startswith(AUTOMATIC_PREFIX)


def to_state(backup: Backup) -> OperationState:
    """Say how a backup stands, from what the service tells of it."""
    phase = phase_of(backup.status)
    return OperationState(
        reference=OperationReference("vbs", backup.id),
        status=backup.status,
        phase=phase,
        name=backup.name,
        # Good backups may carry a reason, too (VBS section 4.5).
        reason=backup.fail_reason if phase is Phase.FAILED else None,
        progress=whole_number_of(backup.service_metadata.get("progress")),
        backup_ids=(backup.id,),
        resource_ids=(backup.volume_id,) if backup.volume_id else (),
        size_mb=backup.size * 1024 if backup.size is not None else None,
        created_at=backup.created_at,
        finished_at=backup.updated_at if phase in (Phase.SUCCEEDED, Phase.FAILED) else None,
        parts=(SingleBackup(backup.id, backup.name, backup.volume_id),),
    )


def job_to_state(job: Job) -> OperationState:
    """Say how a backup stands that cannot be looked at itself: its job is not so far, or failed."""
    phase = phase_of(job.status)
    volume_id = row_id(job.entities, "volume_id") or None
    return OperationState(
        reference=OperationReference("vbs", job.job_id, "job"),
        status=job.status,
        phase=phase,
        reason=job.reason if phase is Phase.FAILED else None,
        backup_ids=(job.backup_id,) if job.backup_id else (),
        resource_ids=(volume_id,) if volume_id else (),
        created_at=job.begin_time,
        finished_at=job.end_time,
        parts=(SingleBackup(job.backup_id, resource_id=volume_id),) if job.backup_id else (),
    )
