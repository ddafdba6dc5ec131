"""The figures of one client."""

from __future__ import annotations

from typing import NamedTuple


class ClientFigures(NamedTuple):
    """What it cost, and what came of it.

    :param cpu_seconds: of the process, from the start to the last event.
    :param cpu_seconds_arriving: the part of it before any job had finished.
    :param memory_mb: the most resident memory above that at the start.
    :param longest_block_ms: how long the event loop served nothing.
    :param longest_block_without_collector_ms: the same, without what Python's garbage collector took of it.
    :param collector_seconds: what the garbage collector took of the CPU.
    :param seconds: from the start to the last event.
    :param trouble: why it ended otherwise.
    :param events: jobs that were heard of.
    :param lost: jobs that were not.
    :param doubled: events beyond the first of a job.
    :param bad: events that say that a job went badly.
    :param early: events before the job had finished.
    :param latency_p50: seconds from the finish to the event.
    :param latency_p99: the same, for all but one in a hundred.
    :param latency_max: the same, for all.
    """

    cpu_seconds: float
    cpu_seconds_arriving: float
    memory_mb: float
    longest_block_ms: float
    longest_block_without_collector_ms: float
    collector_seconds: float
    seconds: float
    trouble: str | None
    events: int
    lost: int
    doubled: int
    bad: int
    early: int
    latency_p50: float
    latency_p99: float
    latency_max: float
