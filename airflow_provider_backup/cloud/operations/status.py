"""One life cycle for the backups, checkpoints, jobs and logs of all services.

Each service has its statuses in its manifest; :func:`phase_reader` makes a function of them, and nothing else compares
texts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from enum import StrEnum

from airflow_provider_backup.cloud.manifest import StatusWords

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
"""Phases of a backup that may be adopted."""

LOST = (Phase.FAILED, Phase.DELETING)
"""Phases of a backup that is still there and cannot become good any more."""

_COMMON = StatusWords(
    in_progress="running waiting",
    succeeded="available completed success",
    failed="error error-deleting error_deleting fail failed timeout",
    deleting="deleting",
    deleted="deleted",
)
"""What means the same wherever it is said."""
_unknown_seen: set[str] = set()
_LONGEST_STATUS = 100


def phase_reader(words: StatusWords) -> Callable[[str | None], Phase]:
    """Return a function that takes a status as the service sent it, in any case, and returns its phase.

    Unknown statuses, and ``None``, count as in progress; unknown ones are logged once.

    :param words: the statuses of the service.
    """
    phases = {
        word: phase
        for each in (_COMMON, words)
        for phase, several in (
            (Phase.IN_PROGRESS, each.in_progress),
            (Phase.SUCCEEDED, each.succeeded),
            (Phase.FAILED, each.failed),
            (Phase.DELETING, each.deleting),
            (Phase.DELETED, each.deleted),
        )
        for word in several.split()
    }

    def phase_of(status: str | None) -> Phase:
        key = (status or "")[:_LONGEST_STATUS].strip().lower()
        phase = phases.get(key)
        if phase is None:
            if key and key not in _unknown_seen:
                _unknown_seen.add(key)
                log.warning("Unknown backup status %r: treated as in progress.", key)
            return Phase.IN_PROGRESS
        return phase

    return phase_of


def combined_phase(phases: Iterable[Phase]) -> Phase:
    """Tell the phase of a whole from its parts: good only when every part is, failed as soon as one is.

    :param phases: the phases of the parts; no part at all counts as in progress.
    """
    found = set(phases)
    for phase in (Phase.FAILED, Phase.DELETED, Phase.DELETING, Phase.IN_PROGRESS):
        if phase in found:
            return phase
    return Phase.SUCCEEDED if found else Phase.IN_PROGRESS
