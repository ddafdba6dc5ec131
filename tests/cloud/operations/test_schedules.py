"""Schedules as humans write them, and the same moments in UTC."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.errors import InvalidRequestError
from airflow_provider_backup.cloud.operations.schedules import Schedule, Weekday, offset_text

MON, TUE, WED, THU, FRI, SAT, SUN = Weekday
AT_TWO = (time(2, 0),)
A_MONDAY = date(2031, 3, 31)


def hours(text: str) -> tuple[time, ...]:
    return tuple(time.fromisoformat(part) for part in text.split())


@pytest.mark.parametrize(
    ("text", "times", "weekdays", "every_days"),
    [
        ("daily at 14:00", "14:00", (), 1),
        ("every day at 14:00", "14:00", (), 1),
        ("Daily 2:30", "02:30", (), 1),
        ("Mon,Wed 02:30", "02:30", (MON, WED), 1),
        ("monday, wednesday at 02:30", "02:30", (MON, WED), 1),
        ("Mon, Wed and Fri at 02:30", "02:30", (MON, WED, FRI), 1),
        ("Mon-Fri at 01:00, 13:00", "01:00 13:00", (MON, TUE, WED, THU, FRI), 1),
        ("fri - mon 01:00", "01:00", (MON, FRI, SAT, SUN), 1),
        ("tue-tue 01:00", "01:00", (TUE,), 1),
        ("weekdays at 22:00", "22:00", (MON, TUE, WED, THU, FRI), 1),
        ("weekends at 22:00", "22:00", (SAT, SUN), 1),
        ("every 3 days at 02:00", "02:00", (), 3),
        ("every 1 day at 02:00", "02:00", (), 1),
        ("daily at 13:00, 01:00,13:00 and 02:00", "01:00 02:00 13:00", (), 1),
        ("  DAILY   AT   00:00  ", "00:00", (), 1),
        ("thurs 23:59", "23:59", (THU,), 1),
    ],
)
def test_a_schedule_is_read_as_a_human_means_it(
    text: str, times: str, weekdays: tuple[Weekday, ...], every_days: int
) -> None:
    assert Schedule.parse(text) == Schedule(hours(times), weekdays, every_days)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "must be days and times"),
        ("14:00", "must be days and times"),
        ("daily", "must be days and times"),
        ("0 2 * * *", "must be days and times"),
        ("daily at 24:00", "'24:00' is not a time from 00:00 to 23:59"),
        ("daily at 12:60", "'12:60' is not a time"),
        ("daily at 9:00 pm", "'9:00 pm' is not a time"),
        ("daily at 9:00,", "'' is not a time"),
        ("daily at 9", "'9' is not a time"),
        ("every 0 days at 02:00", "must repeat after 1 day or more"),
        ("mo 02:00", "'mo' is not a day of the week"),
        ("mon- 02:00", "'' is not a day of the week"),
        ("mon,,wed 02:00", "'' is not a day of the week"),
        ("weekdays, sat 02:00", "'weekdays' is not a day of the week"),
        ("mon,wed02:00", "must be days and times"),
        ("daily at 02:00\n03:00", "must be days and times"),
        (f"every {'9' * 5000} days at 02:00", "is not a day of the week"),
    ],
)
def test_a_schedule_that_cannot_be_read_is_refused_with_the_rule(text: str, rule: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        Schedule.parse(text)
    (violation,) = caught.value.violations
    assert violation.field == "schedule"
    assert rule in violation.rule
    assert violation.value == text


@given(st.text() | st.from_regex(r"[a-z, -]{0,12} ?[0-9:, ]{0,8}"), st.text())
def test_any_text_is_read_or_refused_by_a_typed_error(text: str, zone: str) -> None:
    for time_zone in ("UTC", zone):
        with contextlib.suppress(InvalidRequestError):
            assert Schedule.parse(text, time_zone).times


minutes = st.times().map(lambda moment: moment.replace(second=0, microsecond=0))
sorted_times = st.sets(minutes, min_size=1, max_size=24).map(sorted).map(tuple)
# In steps of 15 minutes, as zones are.
offsets = st.integers(-14 * 4, 14 * 4).map(lambda quarters: timedelta(minutes=15 * quarters))
schedules = st.builds(
    Schedule,
    times=sorted_times,
    weekdays=st.sets(st.sampled_from(Weekday)).map(sorted).map(tuple),
    utc_offset=offsets,
) | st.builds(Schedule, times=sorted_times, every_days=st.integers(1, 9999), utc_offset=offsets)


@given(schedules)
def test_a_schedule_that_is_written_out_is_read_back(schedule: Schedule) -> None:
    days = ",".join(day.name for day in schedule.weekdays) if schedule.weekdays else f"every {schedule.every_days} days"
    text = f"{days} at {', '.join(f'{moment:%H:%M}' for moment in schedule.times)}"
    assert Schedule.parse(text, schedule.zone_text) == schedule


@given(schedules)
def test_every_time_is_the_same_moment_in_utc(schedule: Schedule) -> None:
    for local, utc in zip(schedule.times, schedule.in_utc(), strict=True):
        moment = datetime.combine(A_MONDAY, local) - schedule.utc_offset
        assert utc.time == moment.time()
        assert A_MONDAY + timedelta(days=utc.day_shift) == moment.date()
        assert utc.day_shift in (-1, 0, 1)


@given(schedules)
def test_every_weekday_is_the_day_of_that_moment_in_utc(schedule: Schedule) -> None:
    for local, utc in zip(schedule.times, schedule.in_utc(), strict=True):
        days = (datetime.combine(A_MONDAY + timedelta(days=day), local) for day in schedule.weekdays)
        assert list(utc.weekdays) == sorted((day - schedule.utc_offset).weekday() for day in days)


@given(sorted_times)
def test_without_an_offset_nothing_moves(times: tuple[time, ...]) -> None:
    utc = Schedule(times, (MON,)).in_utc()
    assert [(each.time, each.day_shift, each.weekdays) for each in utc] == [(each, 0, (MON,)) for each in times]


def test_early_monday_east_of_greenwich_is_sunday_in_utc() -> None:
    (utc,) = Schedule.parse("Mon 01:00", "UTC+02:00").in_utc()
    assert (utc.time, utc.day_shift, utc.weekdays) == (time(23, 0), -1, (SUN,))


def test_late_sunday_west_of_greenwich_is_monday_in_utc() -> None:
    (utc,) = Schedule.parse("Sun 22:00", "UTC-05:00").in_utc()
    assert (utc.time, utc.day_shift, utc.weekdays) == (time(3, 0), 1, (MON,))


@given(offsets)
def test_an_offset_that_was_written_is_read_back(offset: timedelta) -> None:
    text = Schedule(AT_TWO, utc_offset=offset).zone_text
    assert Schedule.parse("daily at 02:00", text).utc_offset == offset
    assert offset_text(text) == text


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("UTC", "UTC+00:00"),
        ("UTC+02:00", "UTC+02:00"),
        ("UTC-09:30", "UTC-09:30"),
        ("UTC+14:00", "UTC+14:00"),
        ("Asia/Kathmandu", "UTC+05:45"),
        ("America/Phoenix", "UTC-07:00"),
        ("Etc/UTC", "UTC+00:00"),
    ],
)
def test_a_zone_is_written_as_its_offset(zone: str, text: str) -> None:
    assert offset_text(zone) == text


def test_a_named_zone_counts_with_its_present_offset() -> None:
    schedule = Schedule.parse("daily at 02:00", "Europe/Berlin")
    assert schedule.utc_offset == datetime.now(UTC).astimezone(ZoneInfo("Europe/Berlin")).utcoffset()


@pytest.mark.parametrize(
    "zone",
    [
        "",
        "UTC+2",
        "UTC+14:15",
        "UTC+02:60",
        "UTC\n",
        "Mars/Olympus",
        "Europe",
        "../../etc/passwd",
        "\0",
        "a" * 5000,
        "/",
    ],
)
def test_a_zone_that_cannot_be_read_is_refused(zone: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        Schedule.parse("daily at 02:00", zone)
    assert [(violation.field, violation.value) for violation in caught.value.violations] == [("time_zone", zone)]


@given(st.sampled_from(Weekday), st.integers(-1000, 1000))
def test_a_weekday_comes_back_after_being_moved_there_and_back(day: Weekday, days: int) -> None:
    assert day.shifted(days).shifted(-days) is day
    assert day.shifted(7 * days) is day


def test_weekdays_are_written_as_in_calendars() -> None:
    assert [day.icalendar for day in Weekday] == ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
