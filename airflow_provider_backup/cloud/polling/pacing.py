"""When to poll next: jitter, backoff, and an early poll when a backup is about to end; pure decisions, no I/O."""

from __future__ import annotations

import math
import random
from collections import deque
from datetime import datetime
from statistics import median

SHORTEST_SHARE = 0.25
"""Shortest pause between two polls, as a share of the poll interval."""

READING_TIME = 1.0
"""Seconds in which all single reads of a poll cycle should be done."""

FEWEST_READERS = 2
"""Concurrent single reads when the service answers quickly."""

MOST_READERS = 20
"""Concurrent single reads at most."""

_DURATIONS_KEPT = 100
_DURATIONS_NEEDED = 3


class Durations:
    """How long the backups took that ended while they were waited for."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=_DURATIONS_KEPT)

    def add(self, seconds: float) -> None:
        """Record the duration of one backup."""
        self._seconds.append(seconds)

    @property
    def typical(self) -> float | None:
        """Their median in seconds; ``None`` while too few are known."""
        return median(self._seconds) if len(self._seconds) >= _DURATIONS_NEEDED else None


def expected_end_in(
    created_at: datetime | None, progress: int | None, typical: float | None, now: datetime
) -> float | None:
    """Estimate in how many seconds a backup ends; ``None`` when nothing is known, or it should have ended already.

    :param created_at: when the backup started.
    :param progress: 0 to 100, if the service reports it; it is a better estimate than ``typical``.
    :param typical: seconds that backups of the service usually take.
    :param now: the current time.
    """
    if created_at is None:
        return None
    age = (now - created_at).total_seconds()
    if progress and progress < 100:
        typical = age * 100 / progress
    return typical - age if typical is not None and typical > age else None


def pause_until_next_cycle(
    interval: float,
    *,
    longest_backoff: float,
    failures: int = 0,
    expected_end: float | None = None,
    reading_time: float = 0.0,
) -> float:
    """Return the seconds until the next poll cycle: at most the interval, unless cycles fail.

    :param interval: the shortest poll interval of all waiters, in seconds.
    :param longest_backoff: the longest pause after failures, in seconds, unless the interval is longer.
    :param failures: failed cycles in a row; each doubles the pause.
    :param expected_end: seconds until a backup is expected to end; given only when one more poll is cheap.
    :param reading_time: seconds that the single reads of the last cycle took. The cycle starts earlier by that much, so
        that a waiter that is read last still gets its update within its interval.
    """
    pause = interval * random.uniform(0.9, 1.0)
    if failures:
        return max(pause, min(longest_backoff, pause * 2.0 ** min(failures, 16)))
    pause = max(pause - reading_time, interval / 2)
    if expected_end is not None and interval * SHORTEST_SHARE <= expected_end < pause:
        return expected_end
    return pause


def readers_needed(readers: int, *, queued: int, answered: int, seconds: float) -> int:
    """Return how many single reads should run concurrently, so that all are done within :data:`READING_TIME`.

    Each reader has a connection of its own, and a service that answers quickly needs few of them.

    :param readers: how many run now.
    :param queued: backups that no reader has taken yet.
    :param answered: reads that were answered since the start.
    :param seconds: time since the start.
    """
    needed = FEWEST_READERS
    if seconds > 0:
        time_left = max(READING_TIME - seconds, READING_TIME / 4)
        answers_in_time = answered / seconds * time_left
        needed = math.ceil(readers * queued / answers_in_time) if answers_in_time else readers * 2
    return max(readers, min(max(needed, FEWEST_READERS), MOST_READERS, readers + queued))
