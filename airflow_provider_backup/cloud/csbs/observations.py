"""What the backups of a checkpoint of CSBS say, in the shape common to all services; without I/O (CSBS section 6.1)."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_backup.cloud.backup import BackupObservation, BackupReference, SkippedResource
from airflow_provider_backup.cloud.csbs.models import CheckpointItem
from airflow_provider_backup.cloud.life_cycle import Phase, combined_phase, phase_of


def observation_of(reference: BackupReference, items: Sequence[CheckpointItem]) -> BackupObservation:
    """Tell how the backups of a checkpoint, taken together, stand: good only when every one is.

    :param reference: what was asked for.
    :param items: its backups, one or more.
    """
    phases = [phase_of(item.status) for item in items]
    whole = combined_phase(phases)
    deciding = [item for item, phase in zip(items, phases, strict=True) if phase is whole]
    progress = [_progress(item) for item in items]
    sizes = [item.extend_info.size for item in items if item.extend_info.size is not None]
    begun = [item.begun_at for item in items if item.begun_at is not None]
    servers = tuple(item.resource_id for item in items if item.resource_id is not None)
    left_out = sorted(set(reference.expected_ids) - set(servers))
    finished = [item.extend_info.finished_at for item in items if item.extend_info.finished_at is not None]
    names = {item.name for item in items}
    return BackupObservation(
        reference=reference,
        status=deciding[0].status or "",
        phase=whole,
        name=names.pop() if len(names) == 1 else None,
        reason=_reason(deciding) if whole is Phase.FAILED else None,
        progress=sum(progress) // len(progress),
        backup_ids=tuple(item.id for item in items),
        resource_ids=servers,
        skipped=tuple(SkippedResource(resource_id=server, reason="not in the checkpoint") for server in left_out),
        size_mb=float(sum(sizes)) if sizes else None,
        created_at=min(begun) if begun else None,
        finished_at=max(finished) if finished and len(finished) == len(items) else None,
    )


def _progress(item: CheckpointItem) -> int:
    if phase_of(item.status) is Phase.GOOD:
        return 100
    told = item.extend_info.progress if item.extend_info.progress is not None else item.progress
    return told or 0


def _reason(failed: Sequence[CheckpointItem]) -> str | None:
    reasons = [
        f"{item.extend_info.resource_name or item.resource_id}: {item.failure}" for item in failed if item.failure
    ]
    return "; ".join(reasons) or None
