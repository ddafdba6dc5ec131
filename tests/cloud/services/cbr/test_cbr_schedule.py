"""A schedule that a human can read becomes the rules of a CBR policy."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.errors import InvalidRequestError
from airflow_provider_backup.cloud.operations.recurrence import RecurrenceRule
from airflow_provider_backup.cloud.operations.schedules import Schedule, Weekday
from airflow_provider_backup.cloud.services.cbr.pattern import check_patterns
from airflow_provider_backup.cloud.services.cbr.policy_values import policy_values
from airflow_provider_backup.cloud.services.cbr.schedule import trigger_patterns


@pytest.mark.parametrize(
    ("text", "time_zone", "patterns"),
    [
        ("daily at 14:00", "UTC+08:00", ["FREQ=DAILY;INTERVAL=1;BYHOUR=6;BYMINUTE=00"]),
        ("daily at 06:05", "UTC+08:00", ["FREQ=DAILY;INTERVAL=1;BYHOUR=22;BYMINUTE=05"]),
        ("every 30 days at 09:15", "UTC", ["FREQ=DAILY;INTERVAL=30;BYHOUR=9;BYMINUTE=15"]),
        ("Mon,Wed 02:30", "UTC", ["FREQ=WEEKLY;BYDAY=MO,WE;BYHOUR=2;BYMINUTE=30"]),
        ("Mon,Wed 02:30", "UTC+05:30", ["FREQ=WEEKLY;BYDAY=TU,SU;BYHOUR=21;BYMINUTE=00"]),
        ("Sun 23:00", "UTC-03:00", ["FREQ=WEEKLY;BYDAY=MO;BYHOUR=2;BYMINUTE=00"]),
        (
            "Mon at 01:00, 13:00",
            "UTC+02:00",
            ["FREQ=WEEKLY;BYDAY=SU;BYHOUR=23;BYMINUTE=00", "FREQ=WEEKLY;BYDAY=MO;BYHOUR=11;BYMINUTE=00"],
        ),
        (
            "daily at 00:00, 01:00",
            "UTC",
            ["FREQ=DAILY;INTERVAL=1;BYHOUR=0;BYMINUTE=00", "FREQ=DAILY;INTERVAL=1;BYHOUR=1;BYMINUTE=00"],
        ),
    ],
)
def test_each_time_becomes_one_rule_in_utc(text: str, time_zone: str, patterns: list[str]) -> None:
    assert trigger_patterns(Schedule.parse(text, time_zone)) == patterns


@pytest.mark.parametrize(
    ("text", "time_zone", "rule"),
    [
        ("every 31 days at 01:00", "UTC", "repeats after 1 to 30 days (given: 31)"),
        ("daily at 01:00, 01:30", "UTC", "at least 1 hour apart: 01:00 and 01:30 UTC are 30 minutes apart"),
        ("daily at 00:00, 23:30", "UTC+02:00", "at least 1 hour apart"),
        ("every 2 days at 01:00, 13:00", "UTC+02:00", "must fall on one day in UTC"),
    ],
)
def test_a_schedule_that_a_policy_cannot_hold_is_refused(text: str, time_zone: str, rule: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        trigger_patterns(Schedule.parse(text, time_zone))
    assert rule in str(refused.value)
    assert refused.value.violations[0].field == "schedule"


def test_a_schedule_without_times_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="has 1 to 24 times"):
        trigger_patterns(Schedule(times=()))


def test_a_schedule_with_more_than_24_times_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="has 1 to 24 times"):
        trigger_patterns(Schedule(times=tuple(time(hour, minute) for hour in range(24) for minute in (0, 30))))


def test_seconds_are_refused() -> None:
    with pytest.raises(InvalidRequestError, match="whole minutes only"):
        trigger_patterns(Schedule(times=(time(1, 0, 30),)))


@given(
    hours=st.sets(st.integers(0, 23), min_size=1),
    minute=st.integers(0, 59),
    weekdays=st.sets(st.sampled_from(Weekday)),
    quarters=st.integers(-48, 56),
)
def test_every_hourly_schedule_becomes_rules_that_the_contract_accepts(
    hours: set[int], minute: int, weekdays: set[Weekday], quarters: int
) -> None:
    offset = timedelta(minutes=15 * quarters)
    times = tuple(time(hour, minute) for hour in sorted(hours))
    patterns = trigger_patterns(Schedule(times, tuple(sorted(weekdays)), utc_offset=offset))
    check_patterns(patterns)
    local = set()
    for pattern in map(RecurrenceRule.parse, patterns):
        for day in pattern.weekdays or Weekday:
            assert pattern.minute is not None
            utc = timedelta(days=int(day), hours=pattern.hours[0], minutes=pattern.minute)
            local.add((utc + offset) % timedelta(days=7))
    expected = {timedelta(days=int(day), hours=hour, minutes=minute) for day in weekdays or Weekday for hour in hours}
    assert local == expected


def test_plain_arguments_are_nested() -> None:
    values = policy_values(
        name="nightly",
        enabled=True,
        operation_type="backup",
        schedule=Schedule.parse("daily at 02:00"),
        start_window_minutes=60,
        max_backups=7,
        timezone=None,
    )
    assert values == {
        "name": "nightly",
        "enabled": True,
        "operation_type": "backup",
        "operation_definition": {"max_backups": 7},
        "trigger": {
            "properties": {"pattern": ["FREQ=DAILY;INTERVAL=1;BYHOUR=2;BYMINUTE=00"], "start_window_minutes": 60}
        },
    }


def test_arguments_that_are_not_given_are_left_out() -> None:
    assert policy_values(enabled=False) == {"enabled": False}


def test_rules_can_be_given_in_the_form_of_the_service() -> None:
    patterns = ["FREQ=DAILY;BYHOUR=1;BYMINUTE=00"]
    assert policy_values(patterns=patterns) == {"trigger": {"properties": {"pattern": patterns}}}


def test_a_schedule_and_rules_together_are_refused() -> None:
    with pytest.raises(InvalidRequestError, match="give a schedule or patterns, not both"):
        policy_values(schedule=Schedule.parse("daily at 02:00"), patterns=["FREQ=DAILY"])
