"""One poll cycle over the listings of a service: which backups are running, which succeeded, which need a read."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Collection, Container, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from airflow_provider_backup.cloud.clock import SYSTEM_CLOCK, Clock
from airflow_provider_backup.cloud.errors import AuthenticationError, BackupError, ConfigurationError
from airflow_provider_backup.cloud.http.clock_skew import CloudClock
from airflow_provider_backup.cloud.http.retry_policy import is_passing
from airflow_provider_backup.cloud.limits import Limits, current_limits
from airflow_provider_backup.cloud.operations.listing import BackupList, BackupLists, Row
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.polling.query_planner import QueryCosts, QueryStrategy, cheapest_query, pages_of
from airflow_provider_backup.cloud.polling.time_slice import TimeSlice
from airflow_provider_backup.cloud.polling.waiter import Waiter

log = logging.getLogger(__name__)

FEW_READS = 20
"""Single reads that one poll cycle may cost where a listing shows busy resources instead of backups."""

CREATION_MARGIN = timedelta(minutes=5)
"""How much earlier than known a backup may have been created."""

_EPOCH = datetime.fromtimestamp(0, UTC)


class _LongerThanExpectedError(Exception):
    """The listing has so many pages that another query is cheaper."""


class ListSnapshot:
    """What the pages of a listing have shown so far.

    :param listing: the listing.
    """

    def __init__(self, listing: BackupList) -> None:
        self._listing = listing
        self.running: dict[str, str] = {}
        # Rows of running backups are not kept: there may be thousands.
        self.rows_of: defaultdict[str, list[Row]] = defaultdict(list)

    def add(self, rows: Iterable[Row], wanted: Container[str]) -> set[str]:
        """Add the rows of a page, and return the keys of backups that they may prove to have succeeded.

        :param wanted: keys of the backups that are waited for.
        """
        touched: set[str] = set()
        for row in rows:
            keys = _keys(self._listing, row, wanted)
            status = self._listing.running_status(row) if keys else None
            for key in keys:
                if status is None:
                    self.rows_of[key].append(row)
                    touched.add(key)
                else:
                    self.running[key] = status
        return touched - self.running.keys()

    def is_running_well(self, key: str) -> bool:
        """Return whether a part is running and none has failed already: a failure is reported without waiting."""
        return key in self.running and not any(
            self._listing.phase_of(row) in (Phase.FAILED, Phase.DELETING, Phase.DELETED)
            for row in self.rows_of.get(key, ())
        )


class ListPoller:
    """Polls the listings of one service with the query that answers for most waiters at the lowest cost.

    :param lists: the listings of the service.
    :param cloud_clock: the cloud's clock; ``None`` assumes that it agrees with this machine's.
    :param clock: this machine's clock.
    :param limits: how long answers are trusted; ``None`` uses :func:`current_limits`.
    """

    def __init__(
        self,
        lists: BackupLists,
        cloud_clock: CloudClock | None = None,
        *,
        clock: Clock = SYSTEM_CLOCK,
        limits: Limits | None = None,
    ) -> None:
        self._lists = lists
        self._limits = limits or current_limits()
        self._clock = clock
        self._cloud_clock = cloud_clock or CloudClock(clock, self._limits)
        # By title: when the size was read (monotonic), and the number of rows.
        self._sizes: dict[str, tuple[float, int]] = {}
        # By title: until when the listing is not used (monotonic).
        self._disabled_until: dict[str, float] = {}
        self._time_slice = TimeSlice(self._limits.longest_time_slice)
        self._ended_reads = 0

    def cost(self, waiters: Iterable[Waiter]) -> int:
        """Return the requests that it takes to read the backup of each waiter."""
        return sum(self._lists.reads(waiter.reference) for waiter in waiters)

    async def poll(self, waiters: Sequence[Waiter], due: Sequence[Waiter]) -> list[Waiter]:
        """Poll the listings, update the waiters, and return those whose backup needs a single read.

        :param waiters: all waiters: an answer updates those that are not due as well.
        :param due: the waiters that have to be updated in this poll cycle.
        :raises BackupError: a transient error, or invalid credentials or settings: single reads would fail in the same
            way, and each failed login may count against the account.
        """
        for _ in QueryStrategy:
            query = self._cheapest_query(due)
            self._ended_reads = 0
            listing = self._listing_for(query)
            if listing is None:
                break
            try:
                if query is QueryStrategy.RUNNING:
                    left = await self._poll_running(listing, waiters, due)
                elif query is QueryStrategy.TERMINAL:
                    left = await self._confirm(await self._poll_succeeded(listing, waiters, due, self.cost(due)))
                else:
                    left = await self._poll_succeeded(listing, waiters, due, self.cost(due))
            except _LongerThanExpectedError:
                continue
            except BackupError as error:
                self._disable(listing, error)
            else:
                self._ended_reads = self.cost(waiter for waiter in waiters if waiter.is_finished)
                return left
        return list(due)

    def _listing_for(self, query: QueryStrategy) -> BackupList | None:
        lists = self._lists
        listing = {
            QueryStrategy.RUNNING: lists.running,
            QueryStrategy.RECENT: lists.recent,
            QueryStrategy.TERMINAL: lists.terminal,
        }.get(query)
        if listing is None or self._disabled_until.get(listing.title, 0.0) >= self._clock.monotonic():
            return None
        return listing

    def _cheapest_query(self, due: Sequence[Waiter]) -> QueryStrategy:
        running, recent, terminal = map(
            self._listing_for, (QueryStrategy.RUNNING, QueryStrategy.RECENT, QueryStrategy.TERMINAL)
        )
        listing = running or recent
        if listing is None:
            return QueryStrategy.SINGLE
        if not listing.shows_backups and self.cost(due) <= FEW_READS:
            return QueryStrategy.SINGLE
        unlisted = [waiter for waiter in due if listing.key_of(waiter.reference) is None]
        listed = len(due) - len(unlisted)
        costs = QueryCosts(
            single_reads=self.cost(due),
            running=self._expected_pages(running, listed) if running else None,
            recent=self._expected_pages(recent, listed) if recent else None,
            terminal=self._expected_pages(terminal, 0) if terminal else None,
            missing_reads=self.cost(waiter for waiter in due if waiter.was_missing),
            ended_reads=self._ended_reads,
            unlisted_reads=self.cost(unlisted),
            undated_reads=self.cost(waiter for waiter in due if not waiter.is_dated),
            unseen_reads=self.cost(waiter for waiter in due if self._is_unconfirmed(waiter)) if terminal else 0,
        )
        return cheapest_query(costs)

    def _expected_pages(self, listing: BackupList, least_rows: int) -> int:
        read_at, rows = self._sizes.get(listing.title, (0.0, 0))
        is_known = read_at + self._limits.listing_memory > self._clock.monotonic()
        return pages_of(max(least_rows, rows if is_known else 0), listing.page_size)

    async def _poll_running(
        self, listing: BackupList, waiters: Sequence[Waiter], due: Sequence[Waiter]
    ) -> list[Waiter]:
        """Poll the listing of running backups, update the waiters, and return those that need a single read."""
        by_key = _by_key(listing, waiters)
        doubtful = set() if listing.shows_backups else self._doubtful(by_key.values())
        parts: Counter[Waiter] = Counter()
        async for rows in self._pages(listing, None, most=self.cost(due)):
            for row in rows:
                status = listing.running_status(row)
                if status is None:
                    continue
                for waiter in [waiter for key in _keys(listing, row, by_key) for waiter in by_key[key]]:
                    if waiter in doubtful:
                        continue
                    if waiter not in parts:
                        # Once in a poll cycle: parts of one backup may have different statuses.
                        waiter.on_running(status if listing.shows_backups else None, was_seen=listing.shows_backups)
                    parts[waiter] += 1
                    if waiter.created_at is None:
                        waiter.created_at = listing.started_at(row)
                await self._time_slice.yield_if_used_up()
        # A part that is not running any more may have failed, which is reported without waiting for the others.
        fewer_parts = [waiter for waiter, number in parts.items() if number < waiter.parts_in_progress]
        for waiter, number in parts.items():
            waiter.on_listed(is_listed=True)
            waiter.parts_in_progress = number
        is_due = set(due)
        # A backup that was listed before and is not now has changed: it is read even if its waiter is not due yet.
        missing = [
            waiter
            for group in by_key.values()
            for waiter in group
            if waiter not in parts and (waiter in is_due or not waiter.was_missing)
        ]
        for waiter in missing:
            waiter.on_listed(is_listed=False)
        left = [waiter for waiter in due if listing.key_of(waiter.reference) is None]
        if not listing.shows_backups:
            left += self._long_unseen(parts, most=max(FEW_READS, self._expected_pages(listing, 0)))
        return left + await self._confirm(missing + fewer_parts)

    def _doubtful(self, groups: Collection[Sequence[Waiter]]) -> set[Waiter]:
        """Return the waiters whose backup need not be the one that keeps its resource busy.

        :param groups: waiters by resource. A resource is backed up once at a time: when a newer backup has started, the
            older ones are terminal. A backup that was neither seen nor started recently may be terminal as well.
        """
        doubtful = {
            waiter
            for group in groups
            for waiter in group
            if waiter.last_status is None and self._is_unconfirmed(waiter)
        }
        for group in groups:
            if len({waiter.reference.backup_id for waiter in group}) > 1:
                created = {waiter: waiter.creation_time(self._cloud_clock) for waiter in group}
                latest = max((moment for moment in created.values() if moment is not None), default=None)
                is_known = None not in created.values()
                doubtful.update(waiter for waiter in group if not is_known or created[waiter] != latest)
        return doubtful

    def _long_unseen(self, waiters: Iterable[Waiter], *, most: int) -> list[Waiter]:
        """Return waiters whose backup may have become terminal unnoticed, the longest unseen first.

        :param most: how many to return; the others follow in later poll cycles.
        """
        trusted = self._clock.monotonic() - self._limits.longest_unseen_while_busy
        return sorted((waiter for waiter in waiters if waiter.seen_at < trusted), key=lambda waiter: waiter.seen_at)[
            :most
        ]

    async def _confirm(self, missing: list[Waiter]) -> list[Waiter]:
        """Look for the outcome of backups that may be terminal; return the waiters that need a single read."""
        recent = self._listing_for(QueryStrategy.RECENT)
        dated = [waiter for waiter in missing if waiter.is_dated]
        reads = self.cost(dated)
        if recent is None or reads <= self._expected_pages(recent, len(dated)):
            return missing
        try:
            left = await self._poll_succeeded(recent, dated, dated, reads)
        except _LongerThanExpectedError:
            return missing
        except BackupError as error:
            self._disable(recent, error)
            return missing
        return left + [waiter for waiter in missing if not waiter.is_dated]

    async def _poll_succeeded(
        self, listing: BackupList, waiters: Sequence[Waiter], due: Sequence[Waiter], most: int
    ) -> list[Waiter]:
        """Poll a listing of recent backups, update the waiters, and return those that need a single read.

        :param most: pages to read at most; more than that, and single reads are cheaper.
        """
        dated = [waiter for waiter in waiters if waiter.is_dated]
        pending = _by_key(listing, dated)
        snapshot = ListSnapshot(listing)
        async for rows in self._pages(listing, _since(dated, self._cloud_clock), most=most):
            for key in snapshot.add(rows, pending):
                if self._succeeded(listing, pending[key], snapshot.rows_of[key]):
                    del pending[key], snapshot.rows_of[key]
                await self._time_slice.yield_if_used_up()
            if not pending:
                break
        listed = {waiter for waiter in dated if listing.key_of(waiter.reference) is not None}
        left = [waiter for waiter in due if waiter not in listed]
        is_due = set(due)
        for key, group in pending.items():
            is_running_well = snapshot.is_running_well(key)
            # Not among the terminal backups: it is running, if there is such a backup at all.
            is_not_terminal = listing is self._lists.terminal and key not in snapshot.rows_of
            for waiter in group:
                if is_running_well:
                    waiter.on_listed(is_listed=True)
                    waiter.on_running(snapshot.running[key], was_seen=True)
                elif is_not_terminal and not self._is_unconfirmed(waiter):
                    waiter.on_listed(is_listed=True)
                    waiter.on_running(None, was_seen=False)
                elif waiter in is_due or not waiter.was_missing:
                    waiter.on_listed(is_listed=False)
                    left.append(waiter)
            await self._time_slice.yield_if_used_up()
        return left

    def _succeeded(self, listing: BackupList, waiters: Iterable[Waiter], rows: Sequence[Row]) -> bool:
        """End the waits for a backup that these rows prove to have succeeded, and return whether they do."""
        for waiter in waiters:
            try:
                state = listing.succeeded_state(waiter.reference, rows)
            except BackupError as error:
                # Rows that cannot be parsed concern this backup only: a single read reports the error.
                log.debug("The rows of %s cannot be parsed: %s", waiter.reference, error)
                return False
            if state is None:
                return False
            waiter.on_observed(state)
        return True

    def _is_unconfirmed(self, waiter: Waiter) -> bool:
        """Return whether the backup's existence is unconfirmed: neither started by the caller nor seen recently."""
        longest = self._limits.longest_unseen
        if waiter.last_status is None:
            return waiter.started_at is None or waiter.started_at < self._clock.time() - longest
        return waiter.seen_at < self._clock.monotonic() - longest

    async def _pages(self, listing: BackupList, since: datetime | None, *, most: int) -> AsyncIterator[Sequence[Row]]:
        rows = 0
        async for page in listing.pages(since):
            rows += len(page.rows)
            self._sizes[listing.title] = (self._clock.monotonic(), max(rows, page.total or 0))
            if self._expected_pages(listing, 0) > most:
                raise _LongerThanExpectedError
            self._time_slice = TimeSlice(self._limits.longest_time_slice)
            yield [row for row in page.rows if isinstance(row, dict)]
            await asyncio.sleep(0)

    def _disable(self, listing: BackupList, error: BackupError) -> None:
        """Stop using a listing for a while after a permanent error; single reads may still be allowed.

        :raises BackupError: the error is transient, or concerns credentials or settings.
        """
        if is_passing(error) or isinstance(error, AuthenticationError | ConfigurationError):
            raise error
        self._disabled_until[listing.title] = self._clock.monotonic() + self._limits.listing_memory
        log.warning("%s cannot be listed, reading each backup instead: %s", listing.title, error)


def _keys(listing: BackupList, row: Row, wanted: Container[str]) -> set[str]:
    """Return the keys of a row that are waited for; a set, as a backup may have the id of its checkpoint."""
    return {key for key in listing.keys_of(row) if isinstance(key, str) and key in wanted}


def _by_key(listing: BackupList, waiters: Iterable[Waiter]) -> dict[str, list[Waiter]]:
    by_key: dict[str, list[Waiter]] = {}
    for waiter in waiters:
        key = listing.key_of(waiter.reference)
        if key is not None:
            by_key.setdefault(key, []).append(waiter)
    return by_key


def _since(waiters: Sequence[Waiter], clock: CloudClock) -> datetime | None:
    """Return the start of the time window to list; the creation times that services report may be implausible."""
    created = [waiter.created_at for waiter in waiters if waiter.created_at is not None]
    # The others know when their backup was started: only the first of these moments has to be converted.
    started = [waiter.started_at for waiter in waiters if waiter.created_at is None and waiter.started_at is not None]
    if started:
        created.append(clock.there(datetime.fromtimestamp(min(started), UTC)))
    earliest = min(created, default=None)
    if earliest is None:
        return None
    return max(_EPOCH, min(earliest, clock.now())) - CREATION_MARGIN - clock.uncertainty
