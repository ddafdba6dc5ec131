"""What the backups of a checkpoint of CSBS say, in the shape common to all services; without I/O (CSBS section 6.1)."""

from __future__ import annotations

from collections.abc import Sequence
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
from airflow_provider_backup.cloud.services.csbs.manifest import phase_of
from airflow_provider_backup.cloud.services.csbs.models import CheckpointItem

_NO_REASON = f"{NOT_LISTED}, and the service gives no reason"


def latest_change(items: Sequence[CheckpointItem]) -> datetime | None:
    """Return when the last of some backups ended or changed, by the service's clock; ``None`` when it does not tell."""
    moments = [item.extend_info.finished_at or item.updated_at for item in items]
    return max((moment for moment in moments if moment is not None), default=None)


def to_state(
    reference: OperationReference, items: Sequence[CheckpointItem], *, more_may_show_up: bool = False
) -> OperationState:
    """Tell how the backups of a checkpoint, taken together, stand: good only when every one is.

    :param reference: what was asked for.
    :param items: its backups, one or more.
    :param more_may_show_up: whether the backups of servers that were asked for and have none are waited for; they are
        reported as skipped all the same.
    """
    phases = [phase_of(item.status) for item in items]
    whole = combined_phase(phases)
    deciding = [item for item, phase in zip(items, phases, strict=True) if phase is whole]
    progress = [_progress(item, phase) for item, phase in zip(items, phases, strict=True)]
    sizes = [item.extend_info.size for item in items if item.extend_info.size is not None]
    begun = [item.begun_at for item in items if item.begun_at is not None]
    servers = tuple(item.resource_id for item in items if item.resource_id is not None)
    expected = reference.expected_ids if reference.kind == "checkpoint" else ()
    left_out = [server for server in expected if server not in servers]
    is_waited_for = bool(left_out) and whole is Phase.SUCCEEDED and more_may_show_up
    finished = [item.extend_info.finished_at for item in items if item.extend_info.finished_at is not None]
    names = {item.name for item in items}
    return OperationState(
        reference=reference,
        status=INCOMPLETE if is_waited_for else deciding[0].status or "",
        phase=Phase.IN_PROGRESS if is_waited_for else whole,
        name=names.pop() if len(names) == 1 else None,
        reason=_reason(deciding) if whole is Phase.FAILED else None,
        progress=sum(progress) // len(progress),
        backup_ids=tuple(item.id for item in items),
        resource_ids=servers,
        skipped=tuple(SkippedResource(resource_id=server, reason=_NO_REASON) for server in left_out),
        size_mb=float(sum(sizes)) if sizes else None,
        created_at=min(begun) if begun else None,
        finished_at=max(finished) if finished and len(finished) == len(items) else None,
        expires_at=earliest_end(item.expired_at for item in items),
        parts=tuple(
            SingleBackup(item.id, item.name, item.resource_id, item.extend_info.resource_name) for item in items
        ),
    )


def _progress(item: CheckpointItem, phase: Phase) -> int:
    if phase is Phase.SUCCEEDED:
        return 100
    progress = item.extend_info.progress if item.extend_info.progress is not None else item.progress
    return progress or 0


def _reason(failed: Sequence[CheckpointItem]) -> str | None:
    reasons = [
        f"{item.extend_info.resource_name or item.resource_id}: {item.failure}" for item in failed if item.failure
    ]
    return "; ".join(reasons) or None
