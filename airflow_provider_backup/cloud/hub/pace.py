"""When to ask next: jitter, backoff, and a look ahead when a backup is about to end; without I/O."""

from __future__ import annotations

import random
from collections import deque
from datetime import datetime
from statistics import median

LONGEST_BACKOFF = 60.0
"""Seconds: the longest pause after failed rounds, unless the one who waits asked for longer ones."""

SHORTEST_SHARE = 0.25
"""Of the interval: how soon an expected end may be looked for."""

_DURATIONS_KEPT = 100
_DURATIONS_NEEDED = 3


class Durations:
    """How long backups took that ended while somebody waited for them."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=_DURATIONS_KEPT)

    def add(self, seconds: float) -> None:
        """Remember one."""
        self._seconds.append(seconds)

    @property
    def typical(self) -> float | None:
        """Their median in seconds; none while too few are known."""
        return median(self._seconds) if len(self._seconds) >= _DURATIONS_NEEDED else None


def expected_end_in(
    begun_at: datetime | None, progress: int | None, typical: float | None, now: datetime
) -> float | None:
    """Estimate in how many seconds a backup ends; none when nothing is known, or it should be over already.

    :param begun_at: when it began.
    :param progress: 0 to 100, when the service reports it: says more than what is typical.
    :param typical: seconds that backups of the service take.
    :param now: the present.
    """
    if begun_at is None:
        return None
    age = (now - begun_at).total_seconds()
    if progress and progress < 100:
        typical = age * 100 / progress
    return typical - age if typical is not None and typical > age else None


def pause_until_next_round(interval: float, *, failures: int = 0, expected_end: float | None = None) -> float:
    """Return the seconds until the next round: never longer than the interval, unless rounds fail.

    :param interval: the shortest that anybody who waits asked for, in seconds.
    :param failures: rounds that failed one after the other; each doubles the pause.
    :param expected_end: seconds until a backup is expected to end; given only when asking once more is cheap.
    """
    pause = interval * random.uniform(0.9, 1.0)
    if failures:
        return max(pause, min(LONGEST_BACKOFF, pause * 2.0 ** min(failures, 16)))
    if expected_end is not None and interval * SHORTEST_SHARE <= expected_end < pause:
        return expected_end
    return pause
