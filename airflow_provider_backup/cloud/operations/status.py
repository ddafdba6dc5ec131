"""One life cycle for the backups, checkpoints, jobs and logs of all services.

Everybody above asks :func:`phase_of` and never compares status texts. Sources: the status tables of the API pages
(CBR section 3, databases section 2, CSBS section 6.1, VBS sections 3.5, 4.4 and 4.6).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from enum import StrEnum

log = logging.getLogger(__name__)


class Phase(StrEnum):
    """Where a backup stands, whatever its service calls that."""

    IN_PROGRESS = "in progress"
    SUCCEEDED = "good"
    FAILED = "failed"
    DELETING = "going"
    DELETED = "gone"

    @property
    def is_terminal(self) -> bool:
        """Whether waiting for a good backup is over."""
        return self is not Phase.IN_PROGRESS


LIVE = (Phase.IN_PROGRESS, Phase.SUCCEEDED)
"""Phases of a backup that may be gone on with."""

LOST = (Phase.FAILED, Phase.DELETING)
"""Phases of a backup that is still there and cannot become good any more."""

_STATUSES: dict[Phase, tuple[str, ...]] = {
    Phase.IN_PROGRESS: (
        "building",
        "creating",
        "init",
        "pending",
        "protecting",
        "running",
        "waiting",
        "waiting_protect",
    ),
    # What is restored from is a good backup; how the restore itself stands is read from its log or job.
    Phase.SUCCEEDED: ("available", "completed", "execute_success", "restoring", "success", "waiting_restore"),
    Phase.FAILED: (
        "error",
        "error-deleting",
        "error_deleting",
        "error_restoring",
        "execute_fail",
        "execute_timeout",
        "fail",
        "failed",
        "skip",
        "skipped",
        "timeout",
    ),
    Phase.DELETING: ("deleting", "waiting_delete"),
    Phase.DELETED: ("deleted",),
}
_PHASES = {status: phase for phase, statuses in _STATUSES.items() for status in statuses}
_unknown_seen: set[str] = set()
_LONGEST_STATUS = 100


def phase_of(status: str | None) -> Phase:
    """Tell the phase of a status text of any service; unknown texts count as in progress and are logged once.

    :param status: the text as the service sent it, in any case; none counts as in progress.
    """
    key = (status or "")[:_LONGEST_STATUS].strip().lower()
    phase = _PHASES.get(key)
    if phase is None:
        if key and key not in _unknown_seen:
            _unknown_seen.add(key)
            log.warning("Unknown backup status %r: treated as in progress.", key)
        return Phase.IN_PROGRESS
    return phase


def is_being_made(status: str | None) -> bool:
    """Tell whether a backup with this status is still being made, and not, for instance, restored from.

    :param status: the text as the service sent it, in any case.
    """
    return phase_of(status) is Phase.IN_PROGRESS


def combined_phase(phases: Iterable[Phase]) -> Phase:
    """Tell the phase of a whole from its parts: good only when every part is, failed as soon as one is.

    :param phases: the phases of the parts; no part at all counts as in progress.
    """
    found = set(phases)
    for phase in (Phase.FAILED, Phase.DELETED, Phase.DELETING, Phase.IN_PROGRESS):
        if phase in found:
            return phase
    return Phase.SUCCEEDED if found else Phase.IN_PROGRESS
