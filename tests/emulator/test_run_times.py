"""When policies run."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest

from airflow_provider_backup.cloud.operations.recurrence import RecurrenceRule
from airflow_provider_backup.emulator.core.run_times import RunTimes

BEGIN = datetime(2031, 1, 7, 8, 15, tzinfo=UTC)  # a Tuesday
WEEK = timedelta(days=7)


def moments(times: RunTimes, span: timedelta = WEEK) -> list[str]:
    """Return the runs after the begin, as texts."""
    return [f"{moment:%a %d %H:%M}" for moment in times.between(BEGIN, BEGIN + span)]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FREQ=DAILY;INTERVAL=3;BYHOUR=2;BYMINUTE=30", ["Fri 10 02:30", "Mon 13 02:30"]),
        (
            "FREQ=WEEKLY;BYDAY=MO,TU;BYHOUR=6,20;BYMINUTE=0",
            ["Tue 07 20:00", "Mon 13 06:00", "Mon 13 20:00", "Tue 14 06:00"],
        ),
        ("FREQ=WEEKLY", ["Tue 14 08:15"]),
        ("FREQ=DAILY;INTERVAL=5;BYHOUR=9", ["Tue 07 09:15", "Sun 12 09:15"]),
    ],
)
def test_a_rule_runs_at_its_hours_on_its_days(rule: str, expected: list[str]) -> None:
    assert moments(RunTimes.of_rule(RecurrenceRule.parse(rule), BEGIN)) == expected


def test_an_interval_without_a_first_day_begins_anew_each_month() -> None:
    times = RunTimes((time(1),), interval=10)

    assert moments(times, timedelta(days=33)) == ["Sat 11 01:00", "Tue 21 01:00", "Fri 31 01:00", "Sat 01 01:00"]


def test_days_of_the_week_are_those_of_the_zone() -> None:
    times = RunTimes((time(22),), frozenset({0}), zone=timezone(timedelta(hours=2)))

    assert moments(times) == ["Sun 12 22:00"]


def test_the_end_of_a_span_belongs_to_it_and_its_begin_does_not() -> None:
    times = RunTimes((time(8, 15),))

    assert moments(times, timedelta(days=1)) == ["Wed 08 08:15"]


def test_the_next_run_is_found_however_long_the_interval_is() -> None:
    times = RunTimes((time(1),), interval=30, counts_from=date(2031, 1, 7))

    assert times.next(BEGIN) == datetime(2031, 2, 6, 1, tzinfo=UTC)
