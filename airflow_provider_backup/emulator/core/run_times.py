"""When policies run. Pure: no clock, no tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Self

from airflow_provider_backup.cloud.operations.recurrence import RecurrenceRule

_LONGEST_GAP = timedelta(days=62)
"""Days in which every schedule has a run: intervals are 30 days at most, and begin anew each month at the latest."""


@dataclass(frozen=True, slots=True)
class RunTimes:
    """Times of day on days of the week, or on every so many days.

    :param times: the times, in UTC.
    :param weekdays: the days of the week, 0 is Monday; empty for all.
    :param interval: days between two days with runs, 1 or more.
    :param counts_from: a day that the interval counts from; ``None`` counts from the first day of each month.
    :param zone: the one whose days are meant.
    """

    times: tuple[time, ...]
    weekdays: frozenset[int] = frozenset()
    interval: int = 1
    counts_from: date | None = None
    zone: tzinfo = UTC

    @classmethod
    def of_rule(cls, rule: RecurrenceRule, begin: datetime) -> Self:
        """Return the times of a recurrence rule; what it leaves out is as in its first moment, as in iCalendar.

        :param rule: in UTC.
        :param begin: when the policy was made: days are counted from there.
        """
        hours, minute = rule.hours or (begin.hour,), begin.minute if rule.minute is None else rule.minute
        weekdays = rule.weekdays or ((begin.weekday(),) if rule.frequency == "WEEKLY" else ())
        return cls(
            times=tuple(time(hour, minute) for hour in hours),
            weekdays=frozenset(map(int, weekdays)),
            interval=rule.interval or 1,
            counts_from=begin.date(),
        )

    def between(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """Yield the moments of runs, the earliest first.

        :param after: those after this moment.
        :param until: those at this moment or before.
        """
        day = after.astimezone(UTC).date()
        while day <= until.astimezone(UTC).date():
            for each in sorted(self.times):
                moment = datetime.combine(day, each, UTC)
                if after < moment <= until and self._is_on(moment.astimezone(self.zone).date()):
                    yield moment
            day += timedelta(days=1)

    def next(self, after: datetime) -> datetime | None:
        """Return the moment of the first run after another one; ``None`` when there is none.

        :param after: the other one.
        """
        return next(self.between(after, after + _LONGEST_GAP), None)

    def _is_on(self, day: date) -> bool:
        if self.weekdays and day.weekday() not in self.weekdays:
            return False
        return (day - (self.counts_from or day.replace(day=1))).days % self.interval == 0
