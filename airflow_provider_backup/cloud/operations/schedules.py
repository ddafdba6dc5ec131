"""Schedules that a human can read: ``daily at 14:00``, ``Mon,Wed 02:30``, ``every 3 days at 01:00, 13:00``.

The services know only UTC or fixed offsets. A named zone such as ``Europe/Berlin`` therefore counts with the offset
that it has when the schedule is read; after a change to or from summer time the policy has to be updated to keep its
local time. Each service turns a :class:`Schedule` into its own form in ``cloud/<service>/schedule.py``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import IntEnum

from airflow_provider_backup.cloud.clock import current_clock
from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.cloud.operations.time_zones import read_time_zone


class Weekday(IntEnum):
    """A day of the week; ``name`` is the form of VBS, its first two letters are that of iCalendar."""

    MON = 0
    TUE = 1
    WED = 2
    THU = 3
    FRI = 4
    SAT = 5
    SUN = 6

    @property
    def icalendar(self) -> str:
        """The two letters of iCalendar, such as ``MO``."""
        return self.name[:2]

    def shifted(self, days: int) -> Weekday:
        """Return the weekday some days later (or earlier, when negative)."""
        return Weekday((self + days) % 7)


_FULL_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SOME_DAY = date(2000, 1, 2)
_GROUPS = {"weekdays": "mon-fri", "weekends": "sat,sun"}
_FORM = "'daily at 14:00', 'Mon,Wed 02:30', 'Mon-Fri at 01:00, 13:00' or 'every 3 days at 02:00'"
_TEXT = re.compile(r"^(?P<days>every\s+\d{1,4}\s+days?|[a-z][a-z,\s-]*?)\s+(?:at\s+)?(?P<times>\d.*)$")


@dataclass(frozen=True, slots=True)
class UtcTime:
    """One time of a schedule in UTC.

    :param time: the time in UTC.
    :param day_shift: -1, 0 or 1: how many days the UTC date is away from the local one.
    :param weekdays: the UTC weekdays; empty when the schedule counts days.
    """

    time: time
    day_shift: int
    weekdays: tuple[Weekday, ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a policy runs.

    :param times: local times, ascending, each once.
    :param weekdays: the days of the week; empty for "every ``every_days`` days".
    :param every_days: days between two runs, 1 or more; only without weekdays.
    :param utc_offset: offset of the zone that the times are in.
    """

    times: tuple[time, ...]
    weekdays: tuple[Weekday, ...] = ()
    every_days: int = 1
    utc_offset: timedelta = timedelta()

    @classmethod
    def parse(cls, text: str, time_zone: str = "UTC") -> Schedule:
        """Read a schedule as a human writes it.

        :param text: days and times, such as ``daily at 14:00``, ``weekdays at 22:00``, ``Mon,Wed 02:30``,
            ``Mon-Fri at 01:00, 13:00`` or ``every 3 days at 02:00``.
        :param time_zone: ``UTC``, an offset such as ``UTC+02:00``, or a name such as ``Europe/Berlin``.
        :raises InvalidRequestError: the text or the zone cannot be read.
        """
        match = _TEXT.match(str(text).strip().lower())
        if match is None:
            raise _refused("schedule", f"must be days and times, such as {_FORM}", text)
        weekdays, every_days = _parse_days(match["days"].strip(), text)
        return cls(
            times=_parse_times(match["times"], text),
            weekdays=weekdays,
            every_days=every_days,
            utc_offset=_parse_zone(time_zone),
        )

    @property
    def zone_text(self) -> str:
        """The offset as the services write it: ``UTC+02:00``."""
        return _offset_text(self.utc_offset)

    def in_utc(self) -> list[UtcTime]:
        """Return every time in UTC, with weekdays moved along where the date changes; in order of the local times."""
        result = []
        for local in self.times:
            moment = datetime.combine(_SOME_DAY, local) - self.utc_offset
            day_shift = (moment.date() - _SOME_DAY).days
            weekdays = tuple(sorted(day.shifted(day_shift) for day in self.weekdays))
            result.append(UtcTime(moment.time(), day_shift, weekdays))
        return result


def offset_text(time_zone: str) -> str:
    """Return the present offset of a zone as the services write it: ``UTC+02:00``.

    :param time_zone: ``UTC``, an offset such as ``UTC+02:00``, or a name such as ``Europe/Berlin``.
    :raises InvalidRequestError: the zone cannot be read.
    """
    return _offset_text(_parse_zone(time_zone))


def _offset_text(offset: timedelta) -> str:
    minutes = int(offset.total_seconds()) // 60
    return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _refused(field: str, rule: str, value: object) -> InvalidRequestError:
    return InvalidRequestError("Schedule", [Violation(field, rule, value)])


def _parse_days(days: str, text: str) -> tuple[tuple[Weekday, ...], int]:
    if days in ("daily", "every day"):
        return (), 1
    if counted := re.fullmatch(r"every\s+(\d+)\s+days?", days):
        if int(counted[1]) < 1:
            raise _refused("schedule", "must repeat after 1 day or more", text)
        return (), int(counted[1])
    found: set[Weekday] = set()
    for part in _GROUPS.get(days, days).replace(" and ", ",").split(","):
        first, dash, last = part.strip().partition("-")
        day, end = _parse_weekday(first, text), _parse_weekday(last if dash else first, text)
        while True:
            found.add(day)
            if day == end:
                break
            day = day.shifted(1)
    return tuple(sorted(found)), 1


def _parse_weekday(name: str, text: str) -> Weekday:
    stripped = name.strip()
    for weekday, full_name in zip(Weekday, _FULL_NAMES, strict=True):
        if len(stripped) >= 3 and full_name.startswith(stripped):
            return weekday
    raise _refused("schedule", f"{stripped!r} is not a day of the week; write {_FORM}", text)


def _parse_times(times: str, text: str) -> tuple[time, ...]:
    found = set()
    for part in times.replace(" and ", ",").split(","):
        match = re.fullmatch(r"(\d{1,2}):(\d{2})", part.strip())
        if match is None or int(match[1]) > 23 or int(match[2]) > 59:
            raise _refused("schedule", f"{part.strip()!r} is not a time from 00:00 to 23:59", text)
        found.add(time(int(match[1]), int(match[2])))
    return tuple(sorted(found))


def _parse_zone(time_zone: str) -> timedelta:
    try:
        now = datetime.fromtimestamp(current_clock().time(), read_time_zone(str(time_zone)))
        return now.utcoffset() or timedelta()
    except ValueError as error:
        raise _refused("time_zone", str(error), time_zone) from None
