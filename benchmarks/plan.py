"""Which runs of waiting there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.contenders.registry import PEERS
from benchmarks.server.backups import SERVICES
from benchmarks.waiting_run import Run

COUNTS = (100, 1_000, 5_000, 10_000)
MEASURE = 5_000
"""The number of jobs that the criteria speak of."""

_MAIN_SERVICE = "cbr"


def planned_runs(counts: Sequence[int] = COUNTS, services: Sequence[str] = SERVICES) -> list[Run]:
    """Return all runs, those side by side that are compared.

    :param counts: numbers of jobs for the growth.
    :param services: which of our services are measured; the first one takes part in everything.
    """
    return list(dict.fromkeys(_runs(counts, services)))


def _runs(counts: Sequence[int], services: Sequence[str]) -> Iterator[Run]:
    main = _MAIN_SERVICE if _MAIN_SERVICE in services else services[0]
    for count in counts:
        yield Run("bare list", count, main, tls=False)
        yield Run("ours", count, main, tls=False)
        for peer in PEERS:
            yield Run(peer, count, None, tls=False)
    if MEASURE in counts:
        yield Run("triggers alone", MEASURE, None, tls=False)
        yield Run("bare list, tasks", MEASURE, main, tls=False)
        yield Run("single reads", MEASURE, main, tls=False)
        for service in services:
            yield Run("bare list", MEASURE, service, tls=False)
            yield Run("ours", MEASURE, service, tls=False)
        yield Run("bare list", MEASURE, main, tls=True)
        yield Run("ours", MEASURE, main, tls=True)
        for peer in PEERS:
            yield Run(peer, MEASURE, None, tls=True)
