"""Which question is the cheapest that answers for all: counted in requests, without I/O."""

from __future__ import annotations

from enum import StrEnum


class QueryStrategy(StrEnum):
    """What may be asked in one round."""

    SINGLE = "single reads"
    RUNNING = "the list of what is in progress"
    RECENT = "the list of what began lately"
    OVER = "the list of what began lately and is over"


def pages_of(rows: int, page_size: int) -> int:
    """Return how many requests a list of so many rows takes; an empty one takes one, too."""
    return max(1, -(-rows // page_size))


def confirmation_cost(missing_reads: int, recent: int | None) -> int:
    """Return the requests that tell what became of backups that left the list of what is in progress.

    :param missing_reads: requests to look at each by itself.
    :param recent: pages of the list of what began lately; none when there is no such list.
    """
    return missing_reads if recent is None else min(missing_reads, recent)


def cheapest_question(
    *,
    single_reads: int,
    running: int | None,
    recent: int | None,
    over: int | None = None,
    missing_reads: int = 0,
    ended_reads: int = 0,
    unlisted_reads: int = 0,
    undated_reads: int = 0,
    unseen_reads: int = 0,
) -> QueryStrategy:
    """Choose what to ask.

    A tie goes to single reads, whose answers are small, then to what is in progress; but where both lists have several
    pages, they hold nearly the same, and what began lately needs no confirmation. What is over comes last, as it tells
    nothing of those who go on.

    :param single_reads: requests to look at everybody's backup by itself.
    :param running: pages of the list of what is in progress; none when there is no such list, or it does not work.
    :param recent: pages of the list of what began lately; none likewise.
    :param over: pages of the list of what began lately and is over; none likewise.
    :param missing_reads: single reads of backups that lists did not show the last time.
    :param ended_reads: single reads of as many backups as ended the last time: so many may leave the list of what is in
        progress now.
    :param unlisted_reads: single reads of backups that no list shows.
    :param undated_reads: single reads of listed backups whose beginning is unknown, so that ``recent`` misses them.
    :param unseen_reads: single reads of backups that nobody started lately and that were not seen for long: that
        ``over`` does not show them proves nothing.
    """
    costs = {QueryStrategy.SINGLE: single_reads}
    if running is not None:
        costs[QueryStrategy.RUNNING] = running + confirmation_cost(missing_reads + ended_reads, recent) + unlisted_reads
    if recent is not None:
        costs[QueryStrategy.RECENT] = recent + missing_reads + unlisted_reads + undated_reads
    if over is not None:
        costs[QueryStrategy.OVER] = over + missing_reads + unlisted_reads + undated_reads + unseen_reads
    cheapest = min(costs, key=costs.__getitem__)
    is_tie = costs[cheapest] == costs.get(QueryStrategy.RECENT)
    return QueryStrategy.RECENT if cheapest is QueryStrategy.RUNNING and is_tie and (recent or 0) > 1 else cheapest
