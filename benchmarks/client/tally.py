"""Who has heard of what, and how late."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import TypedDict


class Told(TypedDict):
    """What a tally says in the end; latencies in seconds from the finish of a job to the event."""

    events: int
    lost: int
    doubled: int
    bad: int
    early: int
    latency_p50: float
    latency_p99: float
    latency_max: float


class Tally:
    """Counts events.

    :param start: when the time began, seconds since the epoch.
    :param offsets: when each job finishes, seconds after the start.
    """

    def __init__(self, start: float, offsets: Sequence[float]) -> None:
        self._finished_at = [start + offset for offset in offsets]
        self._latencies: list[float | None] = [None] * len(offsets)
        self._doubled = self._bad = 0

    def news(self, job: int, is_good: bool) -> None:
        """Take note of an event."""
        if self._latencies[job] is not None:
            self._doubled += 1
            return
        self._latencies[job] = time.time() - self._finished_at[job]
        self._bad += not is_good

    def told(self) -> Told:
        """Return the counts; ``early`` is an event before its time, ``bad`` one that calls a good job bad."""
        latencies = sorted(latency for latency in self._latencies if latency is not None)
        return Told(
            events=len(latencies),
            lost=len(self._latencies) - len(latencies),
            doubled=self._doubled,
            bad=self._bad,
            early=sum(latency < 0 for latency in latencies),
            latency_p50=percentile(latencies, 0.50),
            latency_p99=percentile(latencies, 0.99),
            latency_max=latencies[-1] if latencies else 0.0,
        )


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that is not below a share of all values; 0 without any.

    :param ordered: the values, ascending.
    :param share: above 0, up to 1.
    """
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else 0.0
