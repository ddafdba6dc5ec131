"""The rules of a policy's trigger: every part of the grammar, and how rules stand to each other."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.operations.schedules import Weekday
from airflow_provider_backup.cloud.services.cbr.pattern import LONGEST_INTERVAL, SchedulePattern, check_patterns

daily = st.builds(
    SchedulePattern,
    frequency=st.just("DAILY"),
    interval=st.none() | st.integers(1, LONGEST_INTERVAL),
    hours=st.lists(st.integers(0, 23), unique=True).map(tuple),
    minute=st.none() | st.integers(0, 59),
)
weekly = st.builds(
    SchedulePattern,
    frequency=st.just("WEEKLY"),
    weekdays=st.lists(st.sampled_from(Weekday), unique=True).map(tuple),
    hours=st.lists(st.integers(0, 23), unique=True).map(tuple),
    minute=st.none() | st.integers(0, 59),
)


def at(hour: int, minute: int = 0, start: str = "FREQ=DAILY") -> str:
    return f"{start};BYHOUR={hour};BYMINUTE={minute:02}"


@given(daily | weekly)
def test_what_is_written_reads_the_same(pattern: SchedulePattern) -> None:
    assert SchedulePattern.parse(pattern.to_text()) == pattern


def test_a_daily_rule_is_written_as_other_clients_write_it() -> None:
    pattern = SchedulePattern("DAILY", interval=1, hours=(6,), minute=0)
    assert pattern.to_text() == "FREQ=DAILY;INTERVAL=1;BYHOUR=6;BYMINUTE=00"


def test_a_weekly_rule_is_written_as_other_clients_write_it() -> None:
    pattern = SchedulePattern("WEEKLY", weekdays=(Weekday.MON, Weekday.SUN), hours=(14,), minute=5)
    assert pattern.to_text() == "FREQ=WEEKLY;BYDAY=MO,SU;BYHOUR=14;BYMINUTE=05"


def test_the_parts_may_stand_in_any_order() -> None:
    expected = SchedulePattern("WEEKLY", weekdays=(Weekday.TUE,), hours=(3,), minute=4)
    assert SchedulePattern.parse("BYMINUTE=4;BYHOUR=3;BYDAY=TU;FREQ=WEEKLY") == expected


def test_several_hours_may_stand_in_one_rule() -> None:
    assert SchedulePattern.parse("FREQ=DAILY;BYHOUR=0,12,23;BYMINUTE=30").hours == (0, 12, 23)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "FREQ, BYDAY, INTERVAL, BYHOUR, BYMINUTE only, as KEY=VALUE joined by ';', not ''"),
        ("FREQ=DAILY;", "not ''"),
        ("FREQ=DAILY; BYHOUR=1", "not ' BYHOUR=1'"),
        ("freq=daily", "not 'freq=daily'"),
        ("FREQ=DAILY;COUNT=3", "not 'COUNT=3'"),
        ("FREQ=DAILY;UNTIL=20310101T000000Z", "not 'UNTIL=20310101T000000Z'"),
        ("FREQ=DAILY;BYMONTH=1", "not 'BYMONTH=1'"),
        ("FREQ=DAILY;BYSECOND=1", "not 'BYSECOND=1'"),
        ("FREQ=DAILY;BYHOUR", "not 'BYHOUR'"),
        ("BYHOUR=1;BYMINUTE=0", "FREQ must be given, as DAILY or WEEKLY"),
        ("FREQ=MONTHLY", "FREQ must be given, as DAILY or WEEKLY"),
        ("FREQ=SECONDLY", "FREQ must be given, as DAILY or WEEKLY"),
        ("FREQ=DAILY;FREQ=DAILY", "FREQ stands twice"),
        ("FREQ=DAILY;BYDAY=MO", "BYDAY is only possible with FREQ=WEEKLY"),
        ("FREQ=WEEKLY;INTERVAL=1", "INTERVAL is only possible with FREQ=DAILY"),
        ("FREQ=WEEKLY;BYDAY=MON", "BYDAY must be a list of MO, TU, WE, TH, FR, SA, SU, not 'MON'"),
        ("FREQ=WEEKLY;BYDAY=", "BYDAY must be a list of MO, TU, WE, TH, FR, SA, SU, not ''"),
        ("FREQ=WEEKLY;BYDAY=MO,MO", "BYDAY names a value twice"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL must be 1 to 30, not '0'"),
        ("FREQ=DAILY;INTERVAL=31", "INTERVAL must be 1 to 30, not '31'"),
        ("FREQ=DAILY;INTERVAL=1,2", "INTERVAL must be one number"),
        ("FREQ=DAILY;BYHOUR=24", "BYHOUR must be 0 to 23, not '24'"),
        ("FREQ=DAILY;BYHOUR=-1", "BYHOUR must be 0 to 23, not '-1'"),
        ("FREQ=DAILY;BYHOUR=1,1", "BYHOUR names a value twice"),
        ("FREQ=DAILY;BYHOUR=²", "BYHOUR must be 0 to 23, not '²'"),
        ("FREQ=DAILY;BYMINUTE=60", "BYMINUTE must be 0 to 59, not '60'"),
        ("FREQ=DAILY;BYMINUTE=0,30", "BYMINUTE must be one number"),
        ("FREQ=DAILY;BYMINUTE=000", "BYMINUTE must be 0 to 59, not '000'"),
    ],
)
def test_a_rule_that_breaks_the_grammar_is_refused(text: str, rule: str) -> None:
    with pytest.raises(ValueError, match=re.escape(rule) + "$"):
        SchedulePattern.parse(text)


@given(st.text())
def test_any_other_text_is_refused_in_words(text: str) -> None:
    if "FREQ=" not in text:
        with pytest.raises(ValueError, match=r"may hold FREQ|FREQ must be given|stands twice"):
            SchedulePattern.parse(text)


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
