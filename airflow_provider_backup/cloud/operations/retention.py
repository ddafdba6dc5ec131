"""Which backups stay and which go: one choice for all services, without I/O.

The words and their meaning are those of ``restic forget``: each rule keeps backups, and what no rule keeps goes.
"""

from __future__ import annotations

import calendar
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from airflow_provider_backup.cloud.operations.backup import OperationState
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.operations.time_zones import read_time_zone
from airflow_provider_backup.cloud.schema.base import RequestModel
from airflow_provider_backup.cloud.schema.fields import EARLIEST

UNLIMITED = -1
"""Keeps one backup of every period, however many there are."""

AUTOMATIC = "automatic"
"""Why a backup stays that a schedule took: the schedule's own retention deletes it."""

UNKNOWN_TYPE = "unknown type"
"""Why a backup stays of which the service does not tell whether a schedule took it."""

UNKNOWN_BEGIN = "unknown begin"
"""Why a backup stays of which the service does not tell when it began."""

RUNNING = "running"
"""Why a backup stays that is being taken."""

DELETING = "deleting"
"""Why there is nothing to do about a backup that is being deleted."""

FAILED = "failed"
"""Why a failed backup stays: ``failed_older_than`` is not given, or the backup is younger."""

MINIMUM = "minimum"
"""Why one of the newest good backups stays, whatever the other rules say."""

NO_KEEP_RULE = "no keep rule"
"""Why a good backup stays if only failed ones are to go."""

SHARED = "shared"
"""Why a backup stays that other projects may use."""

REPLICATED = "replicated"
"""Why a backup stays of which another region has, or is getting, a copy."""

IMAGE = "image"
"""Why a backup stays from which an image was made."""

RESTORING = "restoring"
"""Why a backup stays that is being restored from."""

SERVER_BACKUP = "part of a server's backup"
"""Why the backup of a disk stays that belongs to the backup of a server."""

OLDEST = "oldest"
"""What follows the name of a rule that kept the oldest backup because its number was not used up."""

_DURATION = re.compile(r"(?:(?P<y>\d{1,4})y)?(?:(?P<m>\d{1,5})m)?(?:(?P<d>\d{1,6})d)?(?:(?P<h>\d{1,7})h)?")
_DURATION_RULE = "must be a timedelta, a number of seconds or a text such as 1y5m7d2h, above 0"


@dataclass(frozen=True, slots=True)
class RetentionPeriod:
    """How far to look back: months and days of the calendar, then hours and parts of them.

    :param months: 0 or more.
    :param days: 0 or more.
    :param rest: 0 or more.
    """

    months: int = 0
    days: int = 0
    rest: timedelta = timedelta(0)

    @classmethod
    def read(cls, value: Any) -> Self:
        """Read a period.

        :param value: a ``timedelta``, a number of seconds, or a text in restic's form: years, months, days and hours
            in this order, such as ``1y5m7d2h`` or ``14d``.
        :raises ValueError: it is none of these, or is not above 0.
        """
        if isinstance(value, cls):
            return value
        period = None
        try:
            if isinstance(value, timedelta):
                period = cls(rest=value)
            elif isinstance(value, int | float) and not isinstance(value, bool):
                period = cls(rest=timedelta(seconds=value))
            elif isinstance(value, str) and (match := _DURATION.fullmatch(value.strip())):
                years, months, days, hours = (int(number or 0) for number in match.groups())
                period = cls(12 * years + months, days, timedelta(hours=hours))
        except (OverflowError, ValueError):
            period = None
        if period is None or not (period.months or period.days or period.rest > timedelta(0)):
            raise ValueError(_DURATION_RULE)
        return period

    def before(self, moment: datetime, zone: tzinfo) -> datetime:
        """Return the moment that lies this period before another one.

        A day that a month lacks becomes its last day. What would lie before the calendar begins is its beginning.

        :param moment: with a time zone.
        :param zone: whose calendar counts.
        :return: in UTC.
        """
        try:
            if self.months or self.days:
                local = moment.astimezone(zone)
                year, month = divmod(local.year * 12 + local.month - 1 - self.months, 12)
                day = min(local.day, calendar.monthrange(year, month + 1)[1])
                # The time of day stays the same, whatever the offset was on that day.
                moment = local.replace(year=year, month=month + 1, day=day, fold=0) - timedelta(days=self.days)
            return moment.astimezone(UTC) - self.rest
        except (OverflowError, ValueError):
            return EARLIEST


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


def _zone_name(value: Any) -> Any:
    if isinstance(value, str):
        read_time_zone(value)
    return value


Count = Annotated[int, Field(ge=UNLIMITED), BeforeValidator(_number)]
Period = Annotated[RetentionPeriod, BeforeValidator(RetentionPeriod.read)]


class RetentionRule(RequestModel):
    """Which backups of a resource are kept.

    Rules are joined by *or*: a backup stays as soon as one of them keeps it. A period is an hour, day, week (from
    Monday), month or year of the time zone; those without a good backup do not count. As long as the number of a rule
    is not used up, it keeps the oldest backup too.

    :param keep_last: the newest good backups, so many; -1 for all, 0 or ``None`` for no such rule.
    :param keep_hourly: the newest of each of the last so many hours that have one.
    :param keep_daily: likewise for days.
    :param keep_weekly: likewise for weeks.
    :param keep_monthly: likewise for months.
    :param keep_yearly: likewise for years.
    :param keep_within: all that began less than this period before the newest good one.
    :param minimum: so many of the newest good ones stay whatever the other rules say, 1 or more.
    :param failed_older_than: failed backups that began longer ago go; ``None`` keeps them all.
    :param time_zone: whose calendar counts: ``UTC``, an offset such as ``UTC+02:00``, or a name such as
        ``Europe/Berlin``.
    """

    keep_last: Count | None = None
    keep_hourly: Count | None = None
    keep_daily: Count | None = None
    keep_weekly: Count | None = None
    keep_monthly: Count | None = None
    keep_yearly: Count | None = None
    keep_within: Period | None = None
    minimum: Annotated[int, Field(ge=1), BeforeValidator(_number)] = 1
    failed_older_than: Period | None = None
    time_zone: Annotated[str, BeforeValidator(_zone_name)] = "UTC"

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.has_keep_rule and self.failed_older_than is None:
            raise ValueError("give at least one of the keep rules, above 0 or -1, or failed_older_than")
        return self

    @property
    def has_keep_rule(self) -> bool:
        """Whether good backups may go at all."""
        return bool(self.counts) or self.keep_within is not None

    @property
    def counts(self) -> dict[str, int]:
        """The numbers of the rules that have one, by the name of the rule."""
        return {name: number for name in _PERIODS if (number := getattr(self, name))}


@dataclass(frozen=True, slots=True)
class StoredBackup:
    """The backup of one resource, as a list shows it, with what speaks against its deletion.

    :param resource_id: what is backed up.
    :param state: how it stands.
    :param is_automatic: whether a schedule took it; ``None`` when the service does not tell.
    :param in_use: what depends on it, such as ``shared``, ``replicated`` or ``image``; empty when nothing does.
    :param group: which of the backups of a resource it is counted with: those in a vault, or of some databases.
    :param checkpoint_id: id of the checkpoint that holds it, for services that delete by it.
    :param engine: the database engine in lower case, for services that delete several at once of some engines only.
    :param resource_type: the service's word for what is backed up; empty when that does not matter.
    """

    resource_id: str
    state: OperationState
    is_automatic: bool | None
    in_use: tuple[str, ...] = ()
    group: str = ""
    checkpoint_id: str | None = None
    engine: str = ""
    resource_type: str = ""

    @property
    def backup_id(self) -> str:
        """Its id."""
        return self.state.reference.backup_id

    @property
    def begun(self) -> datetime:
        """When it began; the beginning of the calendar when the service does not tell."""
        return self.state.created_at or EARLIEST


@dataclass(frozen=True, slots=True)
class RetentionDecision:
    """What becomes of one backup.

    :param backup: the backup.
    :param rules: what keeps it, such as ``keep_daily`` or ``shared``; empty for one that goes.
    """

    backup: StoredBackup
    rules: tuple[str, ...] = ()

    @property
    def is_kept(self) -> bool:
        """Whether it stays."""
        return bool(self.rules)


def decide(backups: Iterable[StoredBackup], rule: RetentionRule, now: datetime) -> list[RetentionDecision]:
    """Decide which backups stay, for each group of each resource by itself.

    Only good backups that no schedule took count for the rules. One that is automatic, running, in use or of an unknown
    begin stays; so does the newest good one. One that is gone is left out.

    :param backups: of one resource or more, in any order.
    :param rule: which stay.
    :param now: what the cloud's clock shows.
    :return: newest first, resource by resource, in the order in which they first appear.
    """
    # By id: a row that moved from one page of a list to the next is read twice, and must not count twice.
    together: dict[tuple[str, str], dict[str, StoredBackup]] = defaultdict(dict)
    for backup in backups:
        if backup.state.phase is not Phase.DELETED:
            together[backup.resource_id.lower(), backup.group][backup.backup_id] = backup
    return [decision for each in together.values() for decision in _decide_one(each.values(), rule, now)]


def _decide_one(backups: Iterable[StoredBackup], rule: RetentionRule, now: datetime) -> Iterator[RetentionDecision]:
    newest_first = sorted(backups, key=lambda backup: (backup.begun, backup.backup_id), reverse=True)
    counted = [
        backup
        for backup in newest_first
        if backup.state.phase is Phase.SUCCEEDED
        and backup.is_automatic is False
        and backup.state.created_at is not None
    ]
    kept = _kept_by_rule(counted, rule, now)
    for backup in newest_first:
        rules = [*_untouchable(backup), *kept.get(backup.backup_id, ())]
        if backup.state.phase is Phase.FAILED and _is_young(backup, rule, now):
            rules.append(FAILED)
        yield RetentionDecision(backup, tuple(dict.fromkeys(rules)))


def _untouchable(backup: StoredBackup) -> Iterator[str]:
    if backup.is_automatic is not False:
        yield UNKNOWN_TYPE if backup.is_automatic is None else AUTOMATIC
    if backup.state.phase is Phase.IN_PROGRESS:
        yield RUNNING
    if backup.state.phase is Phase.DELETING:
        yield DELETING
    if backup.state.created_at is None:
        yield UNKNOWN_BEGIN
    yield from backup.in_use


def _is_young(backup: StoredBackup, rule: RetentionRule, now: datetime) -> bool:
    if rule.failed_older_than is None:
        return True
    return backup.begun >= rule.failed_older_than.before(now, read_time_zone(rule.time_zone))


def _kept_by_rule(newest_first: Sequence[StoredBackup], rule: RetentionRule, now: datetime) -> dict[str, list[str]]:
    kept: dict[str, list[str]] = defaultdict(list)

    def keep(backup: StoredBackup, why: str) -> None:
        kept[backup.backup_id].append(why)

    zone = read_time_zone(rule.time_zone)
    for name, number in rule.counts.items():
        for backup, why in _newest_of_periods(newest_first, name, number, zone):
            keep(backup, why)
    if rule.keep_within is not None and newest_first:
        # A backup from the future would let all the others look old.
        newest = next((backup for backup in newest_first if backup.begun <= now), newest_first[0])
        limit = rule.keep_within.before(newest.begun, zone)
        for backup in newest_first:
            if backup.begun > limit:
                keep(backup, "keep_within")
    for backup in newest_first[: rule.minimum]:
        keep(backup, MINIMUM)
    if not rule.has_keep_rule:
        for backup in newest_first:
            keep(backup, NO_KEEP_RULE)
    return kept


def _newest_of_periods(
    newest_first: Sequence[StoredBackup], name: str, number: int, zone: tzinfo
) -> Iterator[tuple[StoredBackup, str]]:
    period_of = _PERIODS[name]
    seen: set[Any] = set()
    for place, backup in enumerate(newest_first):
        if number != UNLIMITED and len(seen) >= number:
            return
        period = place if period_of is None else period_of(backup.begun.astimezone(zone))
        if period not in seen:
            seen.add(period)
            yield backup, name
        elif place == len(newest_first) - 1:
            yield backup, f"{name} {OLDEST}"


_PERIODS: dict[str, Callable[[datetime], Any] | None] = {
    "keep_last": None,
    "keep_hourly": lambda local: (local.date(), local.hour),
    "keep_daily": lambda local: local.date(),
    "keep_weekly": lambda local: local.isocalendar()[:2],
    "keep_monthly": lambda local: (local.year, local.month),
    "keep_yearly": lambda local: local.year,
}
"""The period that a local time lies in, by the rule that counts it; ``None`` counts each backup."""
