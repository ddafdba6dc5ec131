"""One round of questions to the lists of a service: who is still in progress, who is good, who needs a look."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Collection, Container, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from airflow_provider_backup.cloud.errors import AuthenticationError, BackupError, ConfigurationError
from airflow_provider_backup.cloud.http.clock_skew import CloudClock
from airflow_provider_backup.cloud.http.retry_policy import is_passing
from airflow_provider_backup.cloud.operations.listing import BackupList, BackupLists, Row
from airflow_provider_backup.cloud.operations.status import Phase, phase_of
from airflow_provider_backup.cloud.polling.query_planner import QueryStrategy, cheapest_question, pages_of
from airflow_provider_backup.cloud.polling.time_slice import TimeSlice
from airflow_provider_backup.cloud.polling.waiter import Waiter

log = logging.getLogger(__name__)

MEMORY = 600.0
"""Seconds after which the size of a list, or that it does not work, is forgotten."""

LONGEST_TRUST = 600.0
"""Seconds for which a backup is believed to go on that nobody sees, as long as a list does not show it as over."""

LONGEST_TRUST_IN_BUSY = 120.0
"""Seconds for which a backup is believed to go on because what it backs up is busy: the next one may have begun."""

FEW_READS = 20
"""Requests for single looks that a round may cost wherever a list shows only what is backed up, not the backups."""

EARLIER_THAN_KNOWN = timedelta(minutes=5)
"""How much earlier than we know of a backup may have begun."""

_NO_EARLIER = datetime.fromtimestamp(0, UTC)


class _LongerThanThoughtError(Exception):
    """The list has so many pages that another question is cheaper."""


class ListSnapshot:
    """What a list has told so far.

    :param asked: the list.
    """

    def __init__(self, asked: BackupList) -> None:
        self._asked = asked
        self.running: dict[str, str] = {}
        # Rows of what is in progress are not kept: there may be thousands.
        self.rows_of: defaultdict[str, list[Row]] = defaultdict(list)

    def by(self, rows: Iterable[Row], waiting: Container[str]) -> set[str]:
        """Take note of more rows, and return the keys of what they may prove to be good.

        :param waiting: keys of what is waited for.
        """
        touched: set[str] = set()
        for row in rows:
            keys = _keys(self._asked, row, waiting)
            status = self._asked.running_status(row) if keys else None
            for key in keys:
                if status is None:
                    self.rows_of[key].append(row)
                    touched.add(key)
                else:
                    self.running[key] = status
        return touched - self.running.keys()

    def is_going_well(self, key: str) -> bool:
        """Tell whether a part is in progress and none is bad already, which nobody waits out."""
        return key in self.running and not any(
            phase_of(str(row.get("status"))) in (Phase.FAILED, Phase.DELETING, Phase.DELETED)
            for row in self.rows_of.get(key, ())
        )


class ListPoller:
    """Asks the lists of one service the question that answers for all.

    :param lists: the lists of the service.
    :param clock: the cloud's clock; none takes it for the same as this machine's.
    """

    def __init__(self, lists: BackupLists, clock: CloudClock | None = None) -> None:
        self._lists = lists
        self._clock = clock or CloudClock()
        self._sizes: dict[str, tuple[float, int]] = {}
        self._put_aside: dict[str, float] = {}
        self._turn = TimeSlice()
        self._ended_reads = 0

    def cost(self, seats: Iterable[Waiter]) -> int:
        """Return the requests that it takes to look at every backup by itself."""
        return sum(self._lists.reads(seat.reference) for seat in seats)

    async def ask(self, seats: Sequence[Waiter], due: Sequence[Waiter]) -> list[Waiter]:
        """Ask the lists, tell the seats what they answer, and return those that need a look of their own.

        :param seats: everybody who waits: what a list tells of those who are not due is news for them too.
        :param due: those who have to be looked at.
        :raises BackupError: passing trouble kept the lists from answering, or credentials or settings do not work:
            looks at single backups would meet the same, and every wrong password counts.
        """
        for _ in QueryStrategy:
            question = self._cheapest_question(due)
            self._ended_reads = 0
            asked = self._list_of(question)
            if asked is None:
                break
            try:
                if question is QueryStrategy.RUNNING:
                    left = await self._ask_who_is_running(asked, seats, due)
                elif question is QueryStrategy.OVER:
                    left = await self._confirm(await self._ask_who_is_good(asked, seats, due, self.cost(due)))
                else:
                    left = await self._ask_who_is_good(asked, seats, due, self.cost(due))
            except _LongerThanThoughtError:
                continue
            except BackupError as error:
                self._not_again(asked, error)
            else:
                self._ended_reads = self.cost(seat for seat in seats if seat.is_over)
                return left
        return list(due)

    def _list_of(self, question: QueryStrategy) -> BackupList | None:
        lists = self._lists
        usable = {
            QueryStrategy.RUNNING: lists.running,
            QueryStrategy.RECENT: lists.recent,
            QueryStrategy.OVER: lists.over,
        }.get(question)
        return usable if usable is not None and self._put_aside.get(usable.title, 0.0) < time.monotonic() else None

    def _cheapest_question(self, due: Sequence[Waiter]) -> QueryStrategy:
        running, recent, over = map(self._list_of, (QueryStrategy.RUNNING, QueryStrategy.RECENT, QueryStrategy.OVER))
        listing = running or recent
        if listing is None:
            return QueryStrategy.SINGLE
        if not listing.shows_backups and self.cost(due) <= FEW_READS:
            return QueryStrategy.SINGLE
        unlisted = [seat for seat in due if listing.key_of(seat.reference) is None]
        listed = len(due) - len(unlisted)
        return cheapest_question(
            single_reads=self.cost(due),
            running=self._expected_pages(running, listed) if running else None,
            recent=self._expected_pages(recent, listed) if recent else None,
            over=self._expected_pages(over, 0) if over else None,
            missing_reads=self.cost(seat for seat in due if seat.was_missing),
            ended_reads=self._ended_reads,
            unlisted_reads=self.cost(unlisted),
            undated_reads=self.cost(seat for seat in due if seat.begun(self._clock) is None),
            unseen_reads=self.cost(seat for seat in due if _is_unseen(seat)) if over else 0,
        )

    def _expected_pages(self, asked: BackupList, least_rows: int) -> int:
        known_at, rows = self._sizes.get(asked.title, (0.0, 0))
        return pages_of(max(least_rows, rows if known_at + MEMORY > time.monotonic() else 0), asked.page_size)

    async def _ask_who_is_running(
        self, asked: BackupList, seats: Sequence[Waiter], due: Sequence[Waiter]
    ) -> list[Waiter]:
        by_key = _by_key(asked, seats)
        doubtful = set() if asked.shows_backups else self._doubtful(by_key.values())
        parts: Counter[Waiter] = Counter()
        async for rows in self._pages(asked, None, most=self.cost(due)):
            for row in rows:
                status = asked.running_status(row)
                if status is None:
                    continue
                for seat in [seat for key in _keys(asked, row, by_key) for seat in by_key[key]]:
                    if seat in doubtful:
                        continue
                    if seat not in parts:
                        # Once in a round: parts of one backup may have different statuses.
                        seat.goes_on(status if asked.shows_backups else None, was_seen=asked.shows_backups)
                    parts[seat] += 1
                    if seat.begun_at is None:
                        seat.begun_at = asked.begun_at(row)
                await self._turn.let_others_run()
        # A part that is not in progress any more may have failed, which nobody waits out.
        news = [seat for seat, number in parts.items() if number < seat.parts_in_progress]
        for seat, number in parts.items():
            seat.was_listed(is_listed=True)
            seat.parts_in_progress = number
        is_due = set(due)
        # Who was there before and is not now has news, even if nobody has to tell it yet.
        missing = [
            seat
            for group in by_key.values()
            for seat in group
            if seat not in parts and (seat in is_due or not seat.was_missing)
        ]
        for seat in missing:
            seat.was_listed(is_listed=False)
        left = [seat for seat in due if asked.key_of(seat.reference) is None]
        if not asked.shows_backups:
            left += self._long_unseen(parts, most=max(FEW_READS, self._expected_pages(asked, 0)))
        return left + await self._confirm(missing + news)

    def _doubtful(self, groups: Collection[Sequence[Waiter]]) -> set[Waiter]:
        """Return those of whose backups it says nothing that what they back up is busy.

        :param groups: those who wait for backups of the same thing. It is backed up once at a time: when a newer backup
            has begun, the others are over. One that nobody has seen or started lately may be over, too.
        """
        doubtful = {seat for group in groups for seat in group if seat.last_status is None and _is_unseen(seat)}
        for group in groups:
            if len({seat.reference.backup_id for seat in group}) > 1:
                begun = {seat: seat.begun(self._clock) for seat in group}
                latest = max((moment for moment in begun.values() if moment is not None), default=None)
                is_known = None not in begun.values()
                doubtful.update(seat for seat in group if not is_known or begun[seat] != latest)
        return doubtful

    def _long_unseen(self, seats: Iterable[Waiter], *, most: int) -> list[Waiter]:
        """Return those whose backups may be over without anybody having noticed; a few at a time."""
        trusted = time.monotonic() - LONGEST_TRUST_IN_BUSY
        return sorted((seat for seat in seats if seat.seen_at < trusted), key=lambda seat: seat.seen_at)[:most]

    async def _confirm(self, missing: list[Waiter]) -> list[Waiter]:
        """Ask what became of those who may be over; return those who need a look of their own."""
        recent = self._list_of(QueryStrategy.RECENT)
        dated = [seat for seat in missing if seat.begun(self._clock) is not None]
        reads = self.cost(dated)
        if recent is None or reads <= self._expected_pages(recent, len(dated)):
            return missing
        try:
            left = await self._ask_who_is_good(recent, dated, dated, reads)
        except _LongerThanThoughtError:
            return missing
        except BackupError as error:
            self._not_again(recent, error)
            return missing
        return left + [seat for seat in missing if seat.begun(self._clock) is None]

    async def _ask_who_is_good(
        self, asked: BackupList, seats: Sequence[Waiter], due: Sequence[Waiter], most: int
    ) -> list[Waiter]:
        begun = {seat: moment for seat in seats if (moment := seat.begun(self._clock)) is not None}
        dated = list(begun)
        waiting = _by_key(asked, dated)
        told = ListSnapshot(asked)
        async for rows in self._pages(asked, _since(begun.values(), self._clock), most=most):
            for key in told.by(rows, waiting):
                if self._are_good(asked, waiting[key], told.rows_of[key]):
                    del waiting[key], told.rows_of[key]
                await self._turn.let_others_run()
            if not waiting:
                break
        listed = {seat for seat in dated if asked.key_of(seat.reference) is not None}
        left = [seat for seat in due if seat not in listed]
        is_due = set(due)
        for key, group in waiting.items():
            is_going_well = told.is_going_well(key)
            is_silent = asked is self._lists.over and key not in told.rows_of
            for seat in group:
                if is_going_well:
                    seat.was_listed(is_listed=True)
                    seat.goes_on(told.running[key], was_seen=True)
                elif is_silent and not _is_unseen(seat):
                    seat.was_listed(is_listed=True)
                    seat.goes_on(None, was_seen=False)
                elif seat in is_due or not seat.was_missing:
                    seat.was_listed(is_listed=False)
                    left.append(seat)
            await self._turn.let_others_run()
        return left

    def _are_good(self, asked: BackupList, seats: Iterable[Waiter], rows: Sequence[Row]) -> bool:
        for seat in seats:
            try:
                observation = asked.good(seat.reference, rows)
            except BackupError as error:
                # Rows that cannot be read are this backup's own trouble: a look of its own tells it.
                log.debug("The rows of %s cannot be read: %s", seat.reference, error)
                return False
            if observation is None:
                return False
            seat.observed(observation)
        return True

    async def _pages(self, asked: BackupList, since: datetime | None, *, most: int) -> AsyncIterator[Sequence[Row]]:
        rows = 0
        async for page in asked.pages(since):
            rows += len(page.rows)
            self._sizes[asked.title] = (time.monotonic(), max(rows, page.total or 0))
            if self._expected_pages(asked, 0) > most:
                raise _LongerThanThoughtError
            self._turn = TimeSlice()
            yield [row for row in page.rows if isinstance(row, dict)]
            await asyncio.sleep(0)

    def _not_again(self, asked: BackupList, error: BackupError) -> None:
        """Do without a list that refuses for good, for a while; single reads may still be allowed."""
        if is_passing(error) or isinstance(error, AuthenticationError | ConfigurationError):
            raise error
        self._put_aside[asked.title] = time.monotonic() + MEMORY
        log.warning("%s cannot be listed, looking at each backup by itself: %s", asked.title, error)


def _keys(asked: BackupList, row: Row, waiting: Container[str]) -> set[str]:
    """Return the keys of a row that somebody waits for; a set, as a backup may have the id of its checkpoint."""
    return {key for key in asked.keys_of(row) if isinstance(key, str) and key in waiting}


def _is_unseen(seat: Waiter) -> bool:
    """Tell whether nobody knows, or not for long any more, that there is such a backup; who started it knows."""
    if seat.last_status is None:
        return seat.started_at is None or seat.started_at < time.time() - LONGEST_TRUST
    return seat.seen_at < time.monotonic() - LONGEST_TRUST


def _by_key(asked: BackupList, seats: Iterable[Waiter]) -> dict[str, list[Waiter]]:
    by_key: dict[str, list[Waiter]] = {}
    for seat in seats:
        key = asked.key_of(seat.reference)
        if key is not None:
            by_key.setdefault(key, []).append(seat)
    return by_key


def _since(begun: Iterable[datetime], clock: CloudClock) -> datetime | None:
    """Return from when on the backups are listed; what services say of the beginning may be any time at all."""
    earliest = min(begun, default=None)
    if earliest is None:
        return None
    return max(_NO_EARLIER, min(earliest, clock.now())) - EARLIER_THAN_KNOWN - clock.uncertainty
