"""Schedules for humans as one recurrence rule in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.errors import InvalidRequestError
from airflow_provider_backup.cloud.operations.schedules import Schedule, Weekday
from airflow_provider_backup.cloud.services.csbs.pattern import rule_in
from airflow_provider_backup.cloud.services.csbs.schedule import icalendar_text


def rule_of(text: str, time_zone: str = "UTC") -> str:
    lines = icalendar_text(Schedule.parse(text, time_zone)).split("\r\n")
    assert lines[:2] == ["BEGIN:VCALENDAR", "BEGIN:VEVENT"]
    assert lines[3:] == ["END:VEVENT", "END:VCALENDAR", ""]
    return lines[2].removeprefix("RRULE:")


@pytest.mark.parametrize(
    ("text", "time_zone", "rule"),
    [
        ("daily at 14:00", "UTC", "FREQ=DAILY;BYHOUR=14;BYMINUTE=0"),
        ("Tue,Fri 03:15", "UTC", "FREQ=WEEKLY;BYDAY=TU,FR;BYHOUR=3;BYMINUTE=15"),
        ("daily at 01:30, 13:30", "UTC", "FREQ=DAILY;BYHOUR=1,13;BYMINUTE=30"),
        ("every 3 days at 02:00", "UTC", "FREQ=DAILY;INTERVAL=3;BYHOUR=2;BYMINUTE=0"),
        ("daily at 01:00, 13:00", "UTC+02:00", "FREQ=DAILY;BYHOUR=11,23;BYMINUTE=0"),
        ("Mon,Wed 01:00", "UTC+02:00", "FREQ=WEEKLY;BYDAY=TU,SU;BYHOUR=23;BYMINUTE=0"),
        ("Sun 23:00", "UTC-05:30", "FREQ=WEEKLY;BYDAY=MO;BYHOUR=4;BYMINUTE=30"),
    ],
)
def test_a_schedule_becomes_one_rule_in_utc(text: str, time_zone: str, rule: str) -> None:
    assert rule_of(text, time_zone) == rule


def test_times_with_different_minutes_are_refused() -> None:
    with pytest.raises(InvalidRequestError, match="must share their minute") as caught:
        rule_of("daily at 01:00, 13:30")

    assert caught.value.violations[0].value == "01:00, 13:30"


def test_runs_less_than_an_hour_apart_across_midnight_are_refused() -> None:
    with pytest.raises(InvalidRequestError, match="at least 1 hour apart"):
        rule_of("daily at 00:15, 23:30")


def test_weekly_times_that_fall_on_different_days_in_utc_are_refused() -> None:
    with pytest.raises(InvalidRequestError, match="same days in UTC") as caught:
        rule_of("Mon at 01:00, 13:00", "UTC+02:00")

    assert caught.value.violations[0].value == "01:00, 13:00 UTC+02:00"


def test_every_second_day_with_times_on_different_days_in_utc_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="same days in UTC"):
        rule_of("every 2 days at 01:00, 13:00", "UTC+02:00")


def test_more_than_30_days_between_two_runs_are_refused() -> None:
    with pytest.raises(InvalidRequestError, match="1 to 30 days"):
        rule_of("every 31 days at 02:00")


def test_every_broken_rule_is_named_at_once() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        rule_of("Mon at 01:00, 13:30", "UTC+02:00")

    assert len(caught.value.violations) == 2


schedules = st.builds(
    Schedule,
    times=st.sets(st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45])), min_size=1, max_size=30).map(
        lambda times: tuple(sorted(times))
    ),
    weekdays=st.sets(st.sampled_from(Weekday)).map(lambda days: tuple(sorted(days))),
    utc_offset=st.integers(-14 * 4, 14 * 4).map(lambda quarters: timedelta(minutes=15 * quarters)),
)


def runs(hours: tuple[int, ...], minute: int, weekdays: tuple[Weekday, ...]) -> set[datetime]:
    first = datetime(2031, 1, 6, tzinfo=UTC)  # a Monday
    return {
        first + timedelta(days=day, hours=hour, minutes=minute)
        for day in range(-14, 21)
        for hour in hours
        if not weekdays or (first + timedelta(days=day)).weekday() in weekdays
    }


@given(schedules)
def test_the_rule_runs_when_the_schedule_says_and_at_least_an_hour_apart(schedule: Schedule) -> None:
    try:
        pattern = rule_in(icalendar_text(schedule))
    except InvalidRequestError:
        return
    assert pattern.minute is not None
    actual = sorted(runs(pattern.hours, pattern.minute, pattern.weekdays))
    wanted = {
        moment - schedule.utc_offset
        for local in schedule.times
        for moment in runs((local.hour,), local.minute, schedule.weekdays)
    }
    begin, end = datetime(2031, 1, 6, tzinfo=UTC), datetime(2031, 1, 13, tzinfo=UTC)

    assert {moment for moment in actual if begin <= moment < end} == {m for m in wanted if begin <= m < end}
    assert all(later - earlier >= timedelta(hours=1) for earlier, later in pairwise(actual))
    assert len(pattern.hours) <= 24
