"""What a backup of a database says, in the shape common to all services; without I/O (databases sections 2 and 4)."""

from __future__ import annotations

from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState, SingleBackup
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.services.databases.models import DatabaseBackup, Job

_NO_REASON = "The service gives no reason for a failed backup; its console and the instance's events may."


def to_state(reference: OperationReference, backup: DatabaseBackup, job: Job | None = None) -> OperationState:
    """Say how a backup stands.

    :param reference: what was asked for.
    :param backup: as a list shows it.
    :param job: what makes it, when it is known: it shows the progress and the reason of a failure.
    """
    phase = backup.phase
    instance_id = reference.instance_id or backup.instance_id
    return OperationState(
        reference=reference,
        status=backup.status,
        phase=phase,
        name=backup.name or None,
        reason=(job and job.fail_reason) or _NO_REASON if phase is Phase.FAILED else None,
        progress=job.progress if job and phase is Phase.IN_PROGRESS else None,
        backup_ids=(backup.id,),
        resource_ids=(instance_id,) if instance_id else (),
        size_mb=backup.size_mb if phase is Phase.SUCCEEDED else None,
        created_at=backup.begin_time,
        finished_at=backup.end_time,
        parts=(SingleBackup(backup.id, backup.name or None, backup.instance_id or instance_id),),
    )
