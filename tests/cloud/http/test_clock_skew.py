"""How far the cloud's clock is from ours, told by the dates of answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.http.clock_skew import CloudClock
from airflow_provider_backup.cloud.limits import Limits

NOON = datetime(2031, 4, 2, 12, tzinfo=UTC)
A_MOMENT = timedelta(milliseconds=40)

seconds = st.floats(0, 20).map(lambda value: timedelta(seconds=value))
differences = st.floats(-3600, 3600).map(lambda value: timedelta(seconds=value))


def learned(*answers: tuple[datetime, datetime, datetime]) -> CloudClock:
    """Return the clock after answers with a date, a time of sending and a time of receiving."""
    clock = CloudClock()
    for date, sent_at, received_at in answers:
        clock.learn({"Date": format_datetime(date, usegmt=True)}, sent_at, received_at)
    return clock


def test_without_an_answer_the_clocks_are_the_same() -> None:
    assert CloudClock().difference == timedelta(0)


@pytest.mark.parametrize("cloud_is_ahead", [timedelta(minutes=2), -timedelta(minutes=2)])
def test_an_answer_shows_how_far_the_clocks_are_apart(cloud_is_ahead: timedelta) -> None:
    clock = learned((NOON + cloud_is_ahead, NOON, NOON + A_MOMENT))

    assert abs(clock.difference - cloud_is_ahead) <= timedelta(seconds=1)


def test_a_moment_on_the_cloud_is_reported_rather_too_early() -> None:
    clock = learned((NOON + timedelta(minutes=2), NOON, NOON + A_MOMENT))

    assert NOON + timedelta(minutes=2) - timedelta(seconds=7) < clock.earliest(NOON) <= NOON + timedelta(minutes=2)


def test_a_date_that_fits_to_equal_clocks_changes_nothing() -> None:
    clock = learned((NOON, NOON + timedelta(seconds=0.9), NOON + timedelta(seconds=0.95)))

    assert clock.earliest(NOON) == NOON - Limits().clock_tolerance


def test_an_answer_that_took_long_does_not_hide_what_a_quick_one_showed() -> None:
    ahead = timedelta(seconds=30)
    slow = (NOON + ahead, NOON, NOON + timedelta(seconds=50))

    assert learned(slow).difference == timedelta(0)
    assert learned((NOON + ahead, NOON, NOON + A_MOMENT), slow).difference > timedelta(seconds=28)


def test_a_clock_that_was_set_is_believed_from_then_on() -> None:
    clock = learned((NOON, NOON, NOON + A_MOMENT), (NOON + timedelta(minutes=5), NOON, NOON + A_MOMENT))

    assert clock.difference > timedelta(minutes=4)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Date": ""},
        {"Date": "yesterday"},
        {"Date": "Wed, 99 Apr 2031 12:00:00 GMT"},
        {"Date": "Fri, 31 Dec 9999 23:59:59 GMT"},
        {"Date": "Thu, 01 Jan 1970 00:00:00 GMT"},
    ],
)
def test_an_answer_without_a_plausible_date_shows_nothing(headers: dict[str, str]) -> None:
    clock = CloudClock()
    clock.learn(headers, NOON, NOON + A_MOMENT)

    assert clock.difference == timedelta(0)


def test_a_date_without_a_zone_is_in_utc() -> None:
    clock = CloudClock()
    clock.learn({"Date": "Wed, 02 Apr 2031 12:05:00 -0000"}, NOON, NOON + A_MOMENT)

    assert clock.difference > timedelta(minutes=4)


@given(differences, st.lists(st.tuples(seconds, seconds), min_size=1))
def test_the_difference_is_never_exaggerated_nor_off_by_more_than_the_quickest_answer_took(
    truth: timedelta, travels: list[tuple[timedelta, timedelta]]
) -> None:
    answers = []
    now = NOON
    for there, back in travels:
        date = (now + there + truth).replace(microsecond=0)
        answers.append((date, now, now + there + back))
        now += there + back

    found = learned(*answers).difference

    quickest = min(there + back for there, back in travels)
    assert abs(found) <= abs(truth) + timedelta(microseconds=1)
    assert abs(found - truth) <= quickest + timedelta(seconds=1)
