"""When to ask next: jitter, backoff, and a look ahead when a backup is about to end; without I/O."""

from __future__ import annotations

import math
import random
from collections import deque
from datetime import datetime
from statistics import median

LONGEST_BACKOFF = 60.0
"""Seconds: the longest pause after failed rounds, unless the one who waits asked for longer ones."""

SHORTEST_SHARE = 0.25
"""Of the interval: how soon an expected end may be looked for."""

READING_TIME = 1.0
"""Seconds in which all looks of a round at single backups should be done."""

FEWEST_READERS = 2
"""Single backups that are looked at at the same time, when that is quick enough."""

MOST_READERS = 20
"""Single backups that may be looked at at the same time."""

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


def pause_until_next_round(
    interval: float, *, failures: int = 0, expected_end: float | None = None, reading_time: float = 0.0
) -> float:
    """Return the seconds until the next round: never longer than the interval, unless rounds fail.

    :param interval: the shortest that anybody who waits asked for, in seconds.
    :param failures: rounds that failed one after the other; each doubles the pause.
    :param expected_end: seconds until a backup is expected to end; given only when asking once more is cheap.
    :param reading_time: seconds that looks at single backups took in the last round: who has to wait for them again
        would have its news so much later than the interval.
    """
    pause = interval * random.uniform(0.9, 1.0)
    if failures:
        return max(pause, min(LONGEST_BACKOFF, pause * 2.0 ** min(failures, 16)))
    pause = max(pause - reading_time, interval / 2)
    if expected_end is not None and interval * SHORTEST_SHARE <= expected_end < pause:
        return expected_end
    return pause


def readers_needed(readers: int, *, looks_to_come: int, answered: int, seconds: float) -> int:
    """Return how many should look at single backups at the same time, so that all looks are done in time.

    Each has a connection of its own, and a service that answers quickly needs few of them.

    :param readers: how many there are.
    :param looks_to_come: backups that nobody looks at yet.
    :param answered: looks that were answered since the beginning.
    :param seconds: time since the beginning.
    """
    needed = FEWEST_READERS
    if seconds > 0:
        time_left = max(READING_TIME - seconds, READING_TIME / 4)
        answers_in_time = answered / seconds * time_left
        needed = math.ceil(readers * looks_to_come / answers_in_time) if answers_in_time else readers * 2
    return max(readers, min(max(needed, FEWEST_READERS), MOST_READERS, readers + looks_to_come))
