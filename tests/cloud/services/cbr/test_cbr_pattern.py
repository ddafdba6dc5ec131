"""How the rules of one CBR policy stand to each other: points of time on a day, and distances."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import lcm

import pytest
from dateutil.rrule import rrulestr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from airflow_provider_backup.cloud.operations.recurrence import LONGEST_INTERVAL, RecurrenceRule
from airflow_provider_backup.cloud.operations.schedules import Weekday
from airflow_provider_backup.cloud.services.cbr.pattern import check_patterns


def at(hour: int, minute: int = 0, start: str = "FREQ=DAILY") -> str:
    return f"{start};BYHOUR={hour};BYMINUTE={minute:02}"


def test_24_points_on_every_hour_of_the_day_are_possible() -> None:
    check_patterns([at(hour) for hour in range(24)])


def test_24_points_may_stand_in_one_rule() -> None:
    check_patterns(["FREQ=DAILY;BYHOUR=" + ",".join(map(str, range(24))) + ";BYMINUTE=30"])


def test_more_than_24_points_on_a_day_are_refused() -> None:
    every_hour = "BYHOUR=" + ",".join(map(str, range(24)))
    with pytest.raises(ValueError, match="at most 24 points of time are possible on one day, not 25"):
        check_patterns([f"FREQ=DAILY;{every_hour};BYMINUTE=00", at(12, 30, "FREQ=WEEKLY;BYDAY=MO")])


def test_24_points_on_each_day_of_the_week_are_possible() -> None:
    every_hour = "BYHOUR=" + ",".join(map(str, range(24)))
    check_patterns([f"FREQ=WEEKLY;BYDAY={day.icalendar};{every_hour};BYMINUTE=00" for day in Weekday])


@pytest.mark.parametrize(
    ("one", "other", "text"),
    [
        (at(1), at(1, 59), "01:00 and 01:59 UTC are 59 minutes apart"),
        (at(1), at(1), "01:00 and 01:00 UTC are 0 minutes apart"),
        (at(0), at(23, 30), "00:00 and 23:30 UTC are 30 minutes apart"),
        (at(23, 30), at(0), "23:30 and 00:00 UTC are 30 minutes apart"),
        (at(23, 30, "FREQ=WEEKLY;BYDAY=SU"), at(0, 0, "FREQ=WEEKLY;BYDAY=MO"), "30 minutes apart"),
        (at(23, 30, "FREQ=WEEKLY;BYDAY=SU"), at(0), "30 minutes apart"),
        (at(23, 30, "FREQ=DAILY;INTERVAL=2"), at(0, 0, "FREQ=DAILY;INTERVAL=3"), "30 minutes apart"),
        (at(5, 0, "FREQ=DAILY;INTERVAL=2"), at(5, 30, "FREQ=DAILY;INTERVAL=4"), "30 minutes apart"),
        (at(5, 0, "FREQ=DAILY;INTERVAL=3"), at(5, 30, "FREQ=WEEKLY;BYDAY=MO"), "30 minutes apart"),
    ],
)
def test_points_less_than_an_hour_apart_are_refused(one: str, other: str, text: str) -> None:
    with pytest.raises(ValueError, match="at least 1 hour apart") as refused:
        check_patterns([one, other])
    assert text in str(refused.value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (at(1), at(2)),
        (at(0), at(23)),
        (at(1, 0, "FREQ=WEEKLY;BYDAY=MO"), at(1, 30, "FREQ=WEEKLY;BYDAY=TU")),
        (at(23, 30, "FREQ=WEEKLY;BYDAY=MO"), at(0, 0, "FREQ=WEEKLY;BYDAY=MO")),
        (at(23, 30, "FREQ=DAILY;INTERVAL=2"), at(0, 0, "FREQ=DAILY;INTERVAL=4")),
    ],
)
def test_points_that_never_come_close_are_possible(one: str, other: str) -> None:
    check_patterns([one, other])


@pytest.mark.parametrize(
    "text", ["FREQ=DAILY", "FREQ=DAILY;BYHOUR=1", "FREQ=DAILY;BYMINUTE=0", "FREQ=WEEKLY;BYHOUR=1;BYMINUTE=00"]
)
def test_what_a_rule_leaves_to_the_service_is_not_judged(text: str) -> None:
    check_patterns([text, at(1, 10)])


@given(st.lists(st.tuples(st.integers(0, 23), st.integers(0, 59)), min_size=1, max_size=24))
def test_daily_points_are_accepted_exactly_when_they_lie_an_hour_apart(points: list[tuple[int, int]]) -> None:
    minutes = sorted(hour * 60 + minute for hour, minute in points)
    gaps = [later - earlier for earlier, later in zip(minutes, [*minutes[1:], minutes[0] + 1440], strict=True)]
    fits = len(points) == 1 or min(gaps) >= 60
    try:
        check_patterns([at(hour, minute) for hour, minute in points])
    except ValueError:
        assert not fits
    else:
        assert fits


START = datetime(2031, 4, 7, tzinfo=UTC)
"""A Monday: the day from which all rules of a policy count."""
points_of_a_day = st.lists(st.integers(0, 23), min_size=1, max_size=3, unique=True).map(tuple)
minutes = st.sampled_from((0, 1, 29, 30, 59))
rules = st.builds(
    RecurrenceRule, st.just("DAILY"), interval=st.integers(1, LONGEST_INTERVAL), hours=points_of_a_day, minute=minutes
) | st.builds(
    RecurrenceRule,
    st.just("WEEKLY"),
    weekdays=st.sets(st.sampled_from(Weekday), min_size=1).map(lambda days: tuple(sorted(days))),
    hours=points_of_a_day,
    minute=minutes,
)


@settings(deadline=None)
@given(st.lists(rules, min_size=1, max_size=2))
def test_rules_are_refused_exactly_when_two_runs_lie_less_than_an_hour_apart(policy: list[RecurrenceRule]) -> None:
    whole_weeks = any(rule.interval is not None and rule.interval % 7 == 0 for rule in policy)
    # On which day of the week such a rule runs is the service's to choose.
    assume(not (whole_weeks and any(rule.weekdays for rule in policy)))
    end = START + timedelta(days=lcm(7, *(rule.interval or 1 for rule in policy)) + 2)
    runs = sorted(
        run
        for rule in policy
        for run in rrulestr(f"{rule.to_text()};BYSECOND=0", dtstart=START).between(START, end, inc=True)
    )
    is_close = any(later - earlier < timedelta(hours=1) for earlier, later in pairwise(runs))
    try:
        check_patterns([rule.to_text() for rule in policy])
    except ValueError:
        assert is_close
    else:
        assert not is_close
