"""How the rules of one CBR policy stand to each other: points of time on a day, and distances (CBR section 4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import gcd

from airflow_provider_backup.cloud.operations.recurrence import RecurrenceRule
from airflow_provider_backup.cloud.operations.schedules import Weekday

MOST_PATTERNS = 24
"""Rules in one policy, and points of time on one day, at most."""

SHORTEST_DISTANCE = 60
"""Minutes between two points of time at least."""

_MINUTES_OF_DAY = 24 * 60


def check_patterns(texts: Sequence[str]) -> None:
    """Hold the rules of one policy against each other: how many points a day has, and how far apart they lie.

    Rules that leave hour, minute or weekday to the service are not counted.

    :param texts: the rules of the policy.
    :raises ValueError: a rule is broken, or two points are less than an hour apart; the message names it.
    """
    points = [point for text in texts for point in _points_of(RecurrenceRule.parse(text))]
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


def _points_of(pattern: RecurrenceRule) -> list[_Point]:
    if pattern.minute is None or (pattern.frequency == "WEEKLY" and not pattern.weekdays):
        return []
    return [
        _Point(hour * 60 + pattern.minute, frozenset(pattern.weekdays), pattern.interval or 1) for hour in pattern.hours
    ]


def _shortest_distance(one: _Point, other: _Point) -> int | None:
    """Return the minutes between two points on one day or neighbouring days; ``None`` when they are further apart."""
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
