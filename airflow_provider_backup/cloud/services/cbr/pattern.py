"""The rules that say when a CBR policy runs: read and checked, without I/O (CBR section 4.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import gcd
from typing import Literal, TypeVar

from airflow_provider_backup.cloud.operations.schedules import Weekday

LONGEST_INTERVAL = 30
"""Days between two runs at most."""

MOST_PATTERNS = 24
"""Rules in one policy, and points of time on one day, at most."""

SHORTEST_DISTANCE = 60
"""Minutes between two points of time at least."""

Value = TypeVar("Value")

_KEYS = ("FREQ", "BYDAY", "INTERVAL", "BYHOUR", "BYMINUTE")
_FREQUENCIES: dict[str, Literal["DAILY", "WEEKLY"]] = {"DAILY": "DAILY", "WEEKLY": "WEEKLY"}
_WEEKDAYS = {weekday.icalendar: weekday for weekday in Weekday}
_MINUTES_OF_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class SchedulePattern:
    """One rule, times in UTC.

    A part that the rule leaves out is left to the service: nothing is assumed for it.

    :param frequency: ``DAILY`` or ``WEEKLY``.
    :param weekdays: days of the week, only with ``WEEKLY``; empty when the rule names none.
    :param interval: days between two runs, 1 to 30, only with ``DAILY``; none when the rule names none.
    :param hours: 0 to 23; empty when the rule names none.
    :param minute: 0 to 59; none when the rule names none.
    """

    frequency: Literal["DAILY", "WEEKLY"]
    weekdays: tuple[Weekday, ...] = ()
    interval: int | None = None
    hours: tuple[int, ...] = ()
    minute: int | None = None

    @classmethod
    def parse(cls, text: str) -> SchedulePattern:
        """Read one rule.

        :param text: such as ``FREQ=WEEKLY;BYDAY=MO,TH;BYHOUR=14;BYMINUTE=00``.
        :raises ValueError: the grammar is broken; the message names the rule.
        """
        parts = _parts_of(text)
        frequency = _FREQUENCIES.get(parts.get("FREQ", ""))
        if frequency is None:
            raise ValueError("FREQ must be given, as DAILY or WEEKLY")
        if "BYDAY" in parts and frequency == "DAILY":
            raise ValueError("BYDAY is only possible with FREQ=WEEKLY")
        if "INTERVAL" in parts and frequency == "WEEKLY":
            raise ValueError("INTERVAL is only possible with FREQ=DAILY")
        intervals = _numbers(parts, "INTERVAL", 1, LONGEST_INTERVAL)
        minutes = _numbers(parts, "BYMINUTE", 0, 59)
        for key, numbers in (("INTERVAL", intervals), ("BYMINUTE", minutes)):
            if len(numbers) > 1:
                raise ValueError(f"{key} must be one number")
        return cls(
            frequency=frequency,
            weekdays=_values(parts, "BYDAY", _weekday),
            interval=intervals[0] if intervals else None,
            hours=_numbers(parts, "BYHOUR", 0, 23),
            minute=minutes[0] if minutes else None,
        )

    def to_text(self) -> str:
        """Return the rule as other clients write it: FREQ, BYDAY or INTERVAL, BYHOUR, BYMINUTE with two digits."""
        parts = [f"FREQ={self.frequency}"]
        if self.weekdays:
            parts.append("BYDAY=" + ",".join(weekday.icalendar for weekday in self.weekdays))
        if self.interval is not None:
            parts.append(f"INTERVAL={self.interval}")
        if self.hours:
            parts.append("BYHOUR=" + ",".join(map(str, self.hours)))
        if self.minute is not None:
            parts.append(f"BYMINUTE={self.minute:02}")
        return ";".join(parts)


def check_patterns(texts: Sequence[str]) -> None:
    """Hold the rules of one policy against each other: how many points a day has, and how far apart they lie.

    Rules that leave hour, minute or weekday to the service are not counted.

    :param texts: the rules of the policy.
    :raises ValueError: a rule is broken, or two points are less than an hour apart; the message names it.
    """
    points = [point for text in texts for point in _points_of(SchedulePattern.parse(text))]
    most = max((sum(point.may_fall_on(weekday) for point in points) for weekday in Weekday), default=0)
    if most > MOST_PATTERNS:
        raise ValueError(f"at most {MOST_PATTERNS} points of time are possible on one day, not {most}")
    for one, other in combinations(points, 2):
        distance = _shortest_distance(one, other)
        if distance is not None and distance < SHORTEST_DISTANCE:
            raise ValueError(
                f"points of time must be at least 1 hour apart: {one} and {other} UTC are {distance} minutes apart"
            )


@dataclass(frozen=True, slots=True)
class _Point:
    minute_of_day: int
    weekdays: frozenset[Weekday]  # empty: every `interval` days
    interval: int

    def may_fall_on(self, weekday: Weekday) -> bool:
        return not self.weekdays or weekday in self.weekdays

    def __str__(self) -> str:
        return f"{self.minute_of_day // 60:02}:{self.minute_of_day % 60:02}"


def _points_of(pattern: SchedulePattern) -> list[_Point]:
    if pattern.minute is None or (pattern.frequency == "WEEKLY" and not pattern.weekdays):
        return []
    return [
        _Point(hour * 60 + pattern.minute, frozenset(pattern.weekdays), pattern.interval or 1) for hour in pattern.hours
    ]


def _shortest_distance(one: _Point, other: _Point) -> int | None:
    """Return the minutes between two points on one day or on neighbouring days; none when they never come so close."""
    distances = []
    if _may_follow(one, other, days=0):
        distances.append(abs(one.minute_of_day - other.minute_of_day))
    if _may_follow(one, other, days=1):
        distances.append(_MINUTES_OF_DAY + other.minute_of_day - one.minute_of_day)
    if _may_follow(other, one, days=1):
        distances.append(_MINUTES_OF_DAY + one.minute_of_day - other.minute_of_day)
    return min(distances, default=None)


def _may_follow(first: _Point, second: _Point, *, days: int) -> bool:
    if first.weekdays and second.weekdays:
        return any(weekday.shifted(days) in second.weekdays for weekday in first.weekdays)
    if not first.weekdays and not second.weekdays:
        # All rules of a policy count from the same day.
        return days % gcd(first.interval, second.interval) == 0
    # Whole weeks stay on one day of the week, and only the service knows which.
    return max(first.interval, second.interval) % 7 != 0


def _parts_of(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in text.split(";"):
        key, equals, value = part.partition("=")
        if not equals or key not in _KEYS:
            raise ValueError(f"may hold {', '.join(_KEYS)} only, as KEY=VALUE joined by ';', not {part!r}")
        if key in parts:
            raise ValueError(f"{key} stands twice")
        parts[key] = value
    return parts


def _values(parts: dict[str, str], key: str, read: Callable[[str], Value]) -> tuple[Value, ...]:
    values = tuple(read(piece) for piece in parts[key].split(",")) if key in parts else ()
    if len(set(values)) < len(values):
        raise ValueError(f"{key} names a value twice")
    return values


def _weekday(piece: str) -> Weekday:
    if piece not in _WEEKDAYS:
        raise ValueError(f"BYDAY must be a list of {', '.join(_WEEKDAYS)}, not {piece!r}")
    return _WEEKDAYS[piece]


def _numbers(parts: dict[str, str], key: str, least: int, most: int) -> tuple[int, ...]:
    def read(piece: str) -> int:
        if not (piece.isascii() and piece.isdecimal() and len(piece) <= 2 and least <= int(piece) <= most):
            raise ValueError(f"{key} must be {least} to {most}, not {piece!r}")
        return int(piece)

    return _values(parts, key, read)
