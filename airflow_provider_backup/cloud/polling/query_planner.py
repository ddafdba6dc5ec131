"""Choose the query that answers for all waiters with the fewest requests; pure decisions, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class QueryStrategy(StrEnum):
    """What one poll cycle may send."""

    SINGLE = "single reads"
    RUNNING = "the listing of running backups"
    RECENT = "the listing of recent backups"
    TERMINAL = "the listing of recent backups in a terminal state"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryCosts:
    """What each query would cost now, in requests.

    :param single_reads: reading the backup of every waiter.
    :param running: pages of the listing of running backups; ``None`` when there is no such listing, or it fails.
    :param recent: pages of the listing of recent backups; ``None`` likewise.
    :param terminal: pages of the listing of recent backups in a terminal state; ``None`` likewise.
    :param missing_reads: single reads of backups that the listings did not show the last time.
    :param ended_reads: single reads of as many backups as ended in the last poll cycle: about as many may leave the
        listing of running backups in this one.
    :param unlisted_reads: single reads of backups that no listing shows.
    :param undated_reads: single reads of listed backups whose creation time is unknown, so that ``recent`` may not
        include them.
    :param unseen_reads: single reads of backups that were neither started nor seen recently: their absence from
        ``terminal`` proves nothing.
    """

    single_reads: int
    running: int | None = None
    recent: int | None = None
    terminal: int | None = None
    missing_reads: int = 0
    ended_reads: int = 0
    unlisted_reads: int = 0
    undated_reads: int = 0
    unseen_reads: int = 0

    def by_strategy(self) -> dict[QueryStrategy, int]:
        """Return the requests that each usable query takes, the reads that it leaves over included."""
        costs = {QueryStrategy.SINGLE: self.single_reads}
        if self.running is not None:
            confirmation = confirmation_cost(self.missing_reads + self.ended_reads, self.recent)
            costs[QueryStrategy.RUNNING] = self.running + confirmation + self.unlisted_reads
        left_over = self.missing_reads + self.unlisted_reads + self.undated_reads
        if self.recent is not None:
            costs[QueryStrategy.RECENT] = self.recent + left_over
        if self.terminal is not None:
            costs[QueryStrategy.TERMINAL] = self.terminal + left_over + self.unseen_reads
        return costs


def pages_of(rows: int, page_size: int) -> int:
    """Return how many requests a listing of so many rows takes; an empty one takes one as well."""
    return max(1, -(-rows // page_size))


def confirmation_cost(missing_reads: int, recent: int | None) -> int:
    """Return the requests that find the outcome of backups that left the listing of running ones.

    :param missing_reads: requests to read each of them.
    :param recent: pages of the listing of recent backups; ``None`` when there is no such listing.
    """
    return missing_reads if recent is None else min(missing_reads, recent)


def cheapest_query(costs: QueryCosts) -> QueryStrategy:
    """Return the query that takes the fewest requests.

    A tie goes to single reads, whose answers are small, then to the running backups. When both listings have several
    pages, they hold nearly the same rows, and the recent backups need no confirmation. The terminal backups come last,
    as they say nothing about those that are still running.
    """
    by_strategy = costs.by_strategy()
    cheapest = min(by_strategy, key=by_strategy.__getitem__)
    is_tie = by_strategy[cheapest] == by_strategy.get(QueryStrategy.RECENT)
    if cheapest is QueryStrategy.RUNNING and is_tie and (costs.recent or 0) > 1:
        return QueryStrategy.RECENT
    return cheapest
