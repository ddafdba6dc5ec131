"""Schedules that a human can read, as the fields of a VBS policy."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.errors import InvalidRequestError
from airflow_provider_backup.cloud.operations.schedules import Schedule, Weekday
from airflow_provider_backup.cloud.services.vbs.models import PolicyCreate, ScheduledPolicy
from airflow_provider_backup.cloud.services.vbs.schedule import ScheduleFields, schedule_fields


def test_daily_at_one_time_in_utc_needs_no_time_zone() -> None:
    assert schedule_fields(Schedule.parse("daily at 14:00")) == ScheduleFields("14:00", 1, None, None)


def test_local_times_become_utc_in_the_order_of_the_local_times() -> None:
    fields = schedule_fields(Schedule.parse("every 3 days at 00:00, 02:00, 04:00", "UTC+02:00"))
    assert fields == ScheduleFields("22:00,00:00,02:00", 3, None, "UTC+02:00")


def test_days_of_the_week_stay_local_and_come_with_their_time_zone() -> None:
    fields = schedule_fields(Schedule.parse("Mon,Wed 01:00", "UTC+02:00"))
    assert fields == ScheduleFields("23:00", None, ["MON", "WED"], "UTC+02:00")


def test_half_an_hour_in_a_zone_that_is_half_an_hour_off_is_a_full_hour_in_utc() -> None:
    fields = schedule_fields(Schedule.parse("daily at 02:30", "UTC+05:30"))
    assert fields == ScheduleFields("21:00", 1, None, "UTC+05:30")


@pytest.mark.parametrize(("text", "zone"), [("daily at 14:30", "UTC"), ("Mon at 02:00", "UTC+05:30")])
def test_a_time_that_is_no_full_hour_in_utc_is_refused(text: str, zone: str) -> None:
    with pytest.raises(InvalidRequestError, match="full hours in UTC only") as caught:
        schedule_fields(Schedule.parse(text, zone))
    assert [violation.field for violation in caught.value.violations] == ["schedule"]


def test_the_refusal_reports_the_local_time_and_what_it_is_in_utc() -> None:
    with pytest.raises(InvalidRequestError, match=r"this is 20:30 in UTC \(given: '02:00 UTC\+05:30'\)"):
        schedule_fields(Schedule.parse("daily at 02:00", "UTC+05:30"))


def test_an_interval_of_more_than_30_days_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="repeats after 1 to 30 days"):
        schedule_fields(Schedule.parse("every 31 days at 02:00"))


def test_a_schedule_without_times_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="1 time or more"):
        schedule_fields(Schedule(times=()))


@given(
    hours=st.sets(st.integers(min_value=0, max_value=23), min_size=1),
    minutes=st.sampled_from([0, 30, 45]),
    offset_hours=st.integers(min_value=-12, max_value=13),
    weekdays=st.sets(st.sampled_from(list(Weekday))),
    every_days=st.integers(min_value=1, max_value=30),
)
def test_whatever_can_be_said_makes_a_valid_policy_with_the_same_local_times(
    hours: set[int], minutes: int, offset_hours: int, weekdays: set[Weekday], every_days: int
) -> None:
    offset = timedelta(hours=offset_hours, minutes=minutes)
    schedule = Schedule(
        times=tuple(time(hour, minutes) for hour in sorted(hours)),
        weekdays=tuple(sorted(weekdays)),
        every_days=every_days,
        utc_offset=offset,
    )
    fields = schedule_fields(schedule)
    policy = PolicyCreate(
        name="p",
        scheduled_policy=ScheduledPolicy(
            start_time=fields.start_time,
            frequency=fields.frequency,
            week_frequency=fields.week_frequency,
            retention_num=2,
        ),
        time_zone=fields.time_zone,
    )
    in_minutes = [int(text[:2]) * 60 for text in policy.scheduled_policy.start_time.split(",")]
    local = [(start + int(offset.total_seconds()) // 60) % 1440 for start in in_minutes]
    assert local == [moment.hour * 60 + moment.minute for moment in schedule.times]
    assert policy.scheduled_policy.week_frequency == ([day.name for day in schedule.weekdays] or None)
    assert policy.scheduled_policy.frequency == (None if weekdays else every_days)
