"""What a checkpoint or a backup of CBR says about itself, in the shape common to all services; without I/O.

Source: CBR sections 3 (statuses), 6.1 (skipped resources), 8 (reasons) and 15 (recipes).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from airflow_provider_backup.cloud.operations.backup import (
    OperationReference,
    OperationState,
    SingleBackup,
    SkippedResource,
    earliest_end,
)
from airflow_provider_backup.cloud.operations.missing_backups import INCOMPLETE, NOT_LISTED
from airflow_provider_backup.cloud.operations.status import Phase, combined_phase
from airflow_provider_backup.cloud.services.cbr.manifest import phase_of
from airflow_provider_backup.cloud.services.cbr.models import Backup, Checkpoint, OperationLog


def resources_of(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Return the ids of all resources that a checkpoint is to back up, those that it skipped included."""
    vault = checkpoint.vault
    ids = [resource.id for resource in vault.resources] + [resource.id for resource in vault.skipped_resources]
    return tuple(dict.fromkeys(ids))


def uncovered_resources(
    reference: OperationReference, checkpoint: Checkpoint, backups: Iterable[Backup]
) -> tuple[str, ...]:
    """Return ids of resources that were asked for, but that have neither a backup nor a reason to have none.

    :param reference: names what was asked for; when it does not, that is what the checkpoint names.
    :param checkpoint: as it was read.
    :param backups: the backups with its id.
    """
    covered = {backup.resource_id for backup in backups if backup.parent_id is None}
    covered |= {resource.id for resource in checkpoint.vault.skipped_resources}
    expected = reference.expected_ids or resources_of(checkpoint)
    return tuple(resource_id for resource_id in expected if resource_id not in covered)


def checkpoint_to_state(
    reference: OperationReference,
    checkpoint: Checkpoint,
    backups: Sequence[Backup],
    logs: Sequence[OperationLog] = (),
    *,
    more_may_show_up: bool = True,
) -> OperationState:
    """Put a checkpoint, its backups and its logs together: good only when every part is.

    :param reference: the checkpoint; what it is expected to back up is added when it does not name that.
    :param checkpoint: as it was read.
    :param backups: the backups with its id; those of single disks inside a server's backup do not count.
    :param logs: the logs with its id, when they are known: they give reasons, and tell of backups that are missing.
    :param more_may_show_up: whether backups that are missing are waited for; otherwise their resources count as
        skipped, unless a log says that they are still worked on, or failed.
    """
    whole = sorted((backup for backup in backups if backup.parent_id is None), key=lambda backup: backup.name or "")
    uncovered = uncovered_resources(reference, checkpoint, whole)
    about_uncovered = [log for log in logs if log.extra_info.resource.id in uncovered and log.status != "skipped"]
    parts = [(backup.status, phase_of(backup.status)) for backup in whole]
    parts += [part for part in map(_missing_backup, about_uncovered) if part[1] is not Phase.SUCCEEDED]
    skipped = _skipped(checkpoint, logs)
    status, phase = checkpoint.status, phase_of(checkpoint.status)
    if phase is Phase.SUCCEEDED:
        missing = _unexplained(uncovered, logs)
        if missing and more_may_show_up:
            parts.append((INCOMPLETE, Phase.IN_PROGRESS))
        else:
            skipped += missing
    if phase is Phase.SUCCEEDED and not parts:
        # Skipping everything is not an error for the service. Nothing at all: the list of backups lags behind.
        phase = Phase.FAILED if skipped or not more_may_show_up else Phase.IN_PROGRESS
    elif (combined := combined_phase([phase, *(part for _, part in parts)])) is not phase:
        status, phase = next(part for part in parts if part[1] is combined)
    return OperationState(
        reference=replace(reference, expected_ids=reference.expected_ids or resources_of(checkpoint)),
        status=status or "",
        phase=phase,
        name=checkpoint.extra_info.name or next((backup.name for backup in whole), None),
        reason=_reason(phase, logs, skipped, is_empty=not parts),
        progress=_progress(whole),
        backup_ids=tuple(backup.id for backup in whole),
        resource_ids=tuple(backup.resource_id for backup in whole if backup.resource_id),
        skipped=tuple(skipped),
        created_at=checkpoint.created_at,
        finished_at=latest_change(whole) if phase.is_terminal else None,
        expires_at=earliest_end(backup.expired_at for backup in whole),
        parts=_parts(whole),
    )


def to_state(reference: OperationReference, backup: Backup, logs: Sequence[OperationLog] = ()) -> OperationState:
    """Describe one backup.

    :param reference: the backup.
    :param backup: as it was read.
    :param logs: the logs about making it, when they are known: they give the reason of a failure.
    """
    phase = phase_of(backup.status)
    return OperationState(
        reference=reference,
        status=backup.status or "",
        phase=phase,
        name=backup.name,
        reason=_reason(phase, logs, (), is_empty=False),
        progress=backup.extend_info.progress,
        backup_ids=(backup.id,),
        resource_ids=(backup.resource_id,) if backup.resource_id else (),
        created_at=backup.created_at,
        finished_at=backup.updated_at if phase.is_terminal else None,
        expires_at=backup.expired_at,
        parts=_parts([backup]),
    )


def covering_backups_to_state(reference: OperationReference, backups: Sequence[Backup]) -> OperationState | None:
    """Describe a checkpoint by its good backups alone; ``None`` unless every resource that was asked for has one.

    :param reference: the checkpoint, with the ids of all its resources.
    :param backups: good backups with its id; those of single disks inside a server's backup do not count.
    """
    whole = sorted((backup for backup in backups if backup.parent_id is None), key=lambda backup: backup.name or "")
    resource_ids = [backup.resource_id for backup in whole if backup.resource_id]
    if not reference.expected_ids or set(reference.expected_ids) - set(resource_ids):
        return None
    return OperationState(
        reference=reference,
        status=whole[0].status or "",
        phase=Phase.SUCCEEDED,
        name=whole[0].name,
        backup_ids=tuple(backup.id for backup in whole),
        resource_ids=tuple(resource_ids),
        created_at=min((backup.created_at for backup in whole if backup.created_at is not None), default=None),
        finished_at=latest_change(whole),
        expires_at=earliest_end(backup.expired_at for backup in whole),
        parts=_parts(whole),
    )


def reason_in(log: OperationLog) -> str:
    """Return why an operation failed, in the words of its log; empty when it gives no reason."""
    return _words(log.error_info.code, log.error_info.message)


def latest_change(backups: Iterable[Backup]) -> datetime | None:
    """Return when the last of some backups changed, by the service's clock; ``None`` when it does not tell."""
    return max((backup.updated_at for backup in backups if backup.updated_at is not None), default=None)


def _parts(backups: Iterable[Backup]) -> tuple[SingleBackup, ...]:
    return tuple(SingleBackup(backup.id, backup.name, backup.resource_id, backup.resource_name) for backup in backups)


def _missing_backup(log: OperationLog) -> tuple[str | None, Phase]:
    return log.status, phase_of(log.status)


def _unexplained(uncovered: Iterable[str], logs: Sequence[OperationLog]) -> list[SkippedResource]:
    # A backup that is said to be made but is not listed may not be relied on.
    statuses = {log.extra_info.resource.id: log.status for log in logs}
    return [
        SkippedResource(
            resource_id=resource_id,
            reason=f"{NOT_LISTED}, and the operation log "
            + (f"says {statuses[resource_id]}" if resource_id in statuses else "gives no reason"),
        )
        for resource_id in uncovered
        if resource_id not in statuses or phase_of(statuses[resource_id]) is Phase.SUCCEEDED
    ]


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


def _reason(
    phase: Phase, logs: Iterable[OperationLog], skipped: Sequence[SkippedResource], *, is_empty: bool
) -> str | None:
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
    return "; ".join(reasons) or ("no backup in it is listed" if is_empty else None)


def _words(code: str | None, message: str | None) -> str:
    if code and message:
        return f"{message} ({code})"
    return message or code or ""


def _progress(backups: Sequence[Backup]) -> int | None:
    known = [backup.extend_info.progress for backup in backups if backup.extend_info.progress is not None]
    return sum(known) // len(known) if known else None
