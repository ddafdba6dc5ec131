"""What a checkpoint or a backup of CBR says about itself, in the shape common to all services; without I/O.

Source: CBR sections 3 (statuses), 6.1 (skipped resources), 8 (reasons) and 15 (recipes).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from airflow_provider_backup.cloud.backup import BackupObservation, BackupReference, SkippedResource
from airflow_provider_backup.cloud.cbr.models import Backup, Checkpoint, OperationLog
from airflow_provider_backup.cloud.life_cycle import Phase, combined_phase, phase_of


def uncovered_resources(checkpoint: Checkpoint, backups: Iterable[Backup]) -> set[str]:
    """Return ids of resources that a checkpoint names, but that have neither a backup nor a reason to have none."""
    covered = {backup.resource_id for backup in backups}
    skipped = {resource.id for resource in checkpoint.vault.skipped_resources}
    return {resource.id for resource in checkpoint.vault.resources} - covered - skipped


def observe_checkpoint(
    reference: BackupReference, checkpoint: Checkpoint, backups: Sequence[Backup], logs: Sequence[OperationLog] = ()
) -> BackupObservation:
    """Put a checkpoint, its backups and its logs together: good only when every part is.

    :param reference: the checkpoint.
    :param checkpoint: as it was read.
    :param backups: the backups with its id; those of single disks inside a server's backup do not count.
    :param logs: the logs with its id, when they are known: they give reasons, and tell of backups that are missing.
    """
    whole = sorted((backup for backup in backups if backup.parent_id is None), key=lambda backup: backup.name or "")
    uncovered = uncovered_resources(checkpoint, whole)
    parts = [(backup.status, phase_of(backup.status)) for backup in whole]
    parts += [
        _missing_backup(log) for log in logs if log.extra_info.resource.id in uncovered and log.status != "skipped"
    ]
    skipped = _skipped(checkpoint, logs)
    status, phase = checkpoint.status, phase_of(checkpoint.status)
    if phase is Phase.GOOD and not parts:
        # Skipping everything is not an error for the service. Nothing at all: the list of backups lags behind.
        phase = Phase.FAILED if skipped else Phase.IN_PROGRESS
    elif (combined := combined_phase([phase, *(part for _, part in parts)])) is not phase:
        status, phase = next(part for part in parts if part[1] is combined)
    return BackupObservation(
        reference=reference,
        status=status or "",
        phase=phase,
        name=checkpoint.extra_info.name or next((backup.name for backup in whole), None),
        reason=_reason(phase, logs, skipped),
        progress=_progress(whole),
        backup_ids=tuple(backup.id for backup in whole),
        resource_ids=tuple(backup.resource_id for backup in whole if backup.resource_id),
        skipped=tuple(skipped),
        created_at=checkpoint.created_at,
        finished_at=_latest(whole) if phase.is_terminal else None,
    )


def observe_backup(reference: BackupReference, backup: Backup, logs: Sequence[OperationLog] = ()) -> BackupObservation:
    """Describe one backup.

    :param reference: the backup.
    :param backup: as it was read.
    :param logs: the logs about making it, when they are known: they give the reason of a failure.
    """
    phase = phase_of(backup.status)
    return BackupObservation(
        reference=reference,
        status=backup.status or "",
        phase=phase,
        name=backup.name,
        reason=_reason(phase, logs, ()),
        progress=backup.extend_info.progress,
        backup_ids=(backup.id,),
        resource_ids=(backup.resource_id,) if backup.resource_id else (),
        created_at=backup.created_at,
        finished_at=backup.updated_at if phase.is_terminal else None,
    )


def observe_covering_backups(reference: BackupReference, backups: Sequence[Backup]) -> BackupObservation | None:
    """Describe a checkpoint by its good backups alone; none unless every resource that was asked for has one.

    :param reference: the checkpoint, with the ids of all its resources.
    :param backups: good backups with its id; those of single disks inside a server's backup do not count.
    """
    whole = sorted((backup for backup in backups if backup.parent_id is None), key=lambda backup: backup.name or "")
    resource_ids = [backup.resource_id for backup in whole if backup.resource_id]
    if not reference.expected_ids or set(reference.expected_ids) - set(resource_ids):
        return None
    return BackupObservation(
        reference=reference,
        status=whole[0].status or "",
        phase=Phase.GOOD,
        name=whole[0].name,
        backup_ids=tuple(backup.id for backup in whole),
        resource_ids=tuple(resource_ids),
        created_at=min((backup.created_at for backup in whole if backup.created_at is not None), default=None),
        finished_at=_latest(whole),
    )


def _missing_backup(log: OperationLog) -> tuple[str | None, Phase]:
    # A backup that is said to be made but is not listed may not be relied on.
    phase = phase_of(log.status)
    return log.status, Phase.IN_PROGRESS if phase is Phase.GOOD else phase


def _skipped(checkpoint: Checkpoint, logs: Iterable[OperationLog]) -> list[SkippedResource]:
    found = {
        resource.id: _words(resource.code, resource.reason) or "the service gave no reason"
        for resource in checkpoint.vault.skipped_resources
    }
    for log in logs:
        resource_id = log.extra_info.resource.id
        if log.status == "skipped" and resource_id and resource_id not in found:
            words = _words(log.error_info.code, log.error_info.message)
            found[resource_id] = words or "the service gave no reason"
    return [SkippedResource(resource_id=resource_id, reason=reason) for resource_id, reason in found.items()]


def _reason(phase: Phase, logs: Iterable[OperationLog], skipped: Sequence[SkippedResource]) -> str | None:
    if phase is not Phase.FAILED:
        return None
    reasons = []
    for log in logs:
        words = _words(log.error_info.code, log.error_info.message)
        if words and log.status != "skipped" and phase_of(log.status) is Phase.FAILED:
            resource = log.extra_info.resource.name or log.extra_info.resource.id
            reasons.append(f"{resource}: {words}" if resource else words)
    if not reasons and skipped:
        reasons = [
            "every resource was skipped: " + ", ".join(f"{one['resource_id']}: {one['reason']}" for one in skipped)
        ]
    return "; ".join(reasons) or None


def _words(code: str | None, message: str | None) -> str:
    if code and message:
        return f"{message} ({code})"
    return message or code or ""


def _progress(backups: Sequence[Backup]) -> int | None:
    known = [backup.extend_info.progress for backup in backups if backup.extend_info.progress is not None]
    return sum(known) // len(known) if known else None


def _latest(backups: Iterable[Backup]) -> datetime | None:
    return max((backup.updated_at for backup in backups if backup.updated_at is not None), default=None)
