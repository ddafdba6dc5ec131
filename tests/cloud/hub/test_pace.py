"""When the next round comes: by example, and for all numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.hub.pace import (
    LONGEST_BACKOFF,
    SHORTEST_SHARE,
    Durations,
    expected_end_in,
    pause_until_next_round,
)

NOW = datetime(2031, 4, 2, 9, 15, 7, tzinfo=UTC)
intervals = st.floats(0.01, 86_400)
ends = st.none() | st.floats(-1e9, 1e9)


@given(intervals, ends)
def test_a_round_is_never_later_than_the_interval(interval: float, expected_end: float | None) -> None:
    assert pause_until_next_round(interval, expected_end=expected_end) <= interval


@given(intervals, ends)
def test_a_round_is_never_much_sooner_than_the_interval(interval: float, expected_end: float | None) -> None:
    assert pause_until_next_round(interval, expected_end=expected_end) >= interval * SHORTEST_SHARE


@given(intervals)
def test_without_a_reason_for_haste_a_round_is_at_most_a_tenth_early(interval: float) -> None:
    assert pause_until_next_round(interval) >= interval * 0.9


@given(intervals, st.integers(1, 10_000), ends)
def test_after_failures_a_round_is_never_sooner_than_without(
    interval: float, failures: int, expected_end: float | None
) -> None:
    pause = pause_until_next_round(interval, failures=failures, expected_end=expected_end)
    assert interval * 0.9 <= pause <= max(interval, LONGEST_BACKOFF)


def test_each_failure_doubles_the_pause_up_to_a_minute() -> None:
    pauses = [pause_until_next_round(1.0, failures=failures) for failures in range(1, 8)]
    for failures, pause in enumerate(pauses[:5], start=1):
        assert 0.9 * 2**failures <= pause <= 2**failures
    assert pauses[6] == LONGEST_BACKOFF


def test_an_interval_above_the_longest_backoff_stays_as_it_is_after_failures() -> None:
    assert 270 <= pause_until_next_round(300.0, failures=3) <= 300


def test_rounds_do_not_come_in_step_with_others() -> None:
    assert len({pause_until_next_round(10.0) for _ in range(20)}) > 10


def test_an_expected_end_is_looked_for_when_it_comes_sooner() -> None:
    assert pause_until_next_round(10.0, expected_end=4.0) == 4.0


@pytest.mark.parametrize("expected_end", [2.4, 10.1, -1.0, 0.0])
def test_an_end_that_is_too_near_or_too_far_changes_nothing(expected_end: float) -> None:
    assert pause_until_next_round(10.0, expected_end=expected_end) >= 9.0


def begun(seconds_ago: float) -> datetime:
    return NOW - timedelta(seconds=seconds_ago)


def test_progress_tells_the_end() -> None:
    assert expected_end_in(begun(80), 80, None, NOW) == pytest.approx(20)


def test_progress_says_more_than_what_is_typical() -> None:
    assert expected_end_in(begun(80), 80, 1000.0, NOW) == pytest.approx(20)


def test_what_is_typical_tells_the_end_without_progress() -> None:
    assert expected_end_in(begun(80), None, 100.0, NOW) == pytest.approx(20)


@pytest.mark.parametrize("progress", [None, 0, 100])
def test_nothing_is_expected_of_nothing_known(progress: int | None) -> None:
    assert expected_end_in(begun(80), progress, None, NOW) is None


def test_nothing_is_expected_of_a_backup_that_should_be_over() -> None:
    assert expected_end_in(begun(80), None, 70.0, NOW) is None


def test_nothing_is_expected_of_a_backup_whose_beginning_is_unknown() -> None:
    assert expected_end_in(None, 50, 100.0, NOW) is None


@given(
    st.none() | st.datetimes(timezones=st.just(UTC)),
    st.none() | st.integers(-(2**63), 2**63),
    st.none() | st.floats(-1e9, 1e9),
)
def test_whatever_a_service_says_an_expected_end_is_ahead(
    begun_at: datetime | None, progress: int | None, typical: float | None
) -> None:
    expected = expected_end_in(begun_at, progress, typical, NOW)
    assert expected is None or expected > 0


def test_a_duration_is_typical_when_three_are_known() -> None:
    durations = Durations()
    for seconds in (10.0, 30.0):
        durations.add(seconds)
        assert durations.typical is None
    durations.add(20.0)
    assert durations.typical == 20.0


def test_durations_of_long_ago_are_forgotten() -> None:
    durations = Durations()
    for seconds in (*[1.0] * 100, *[5.0] * 100):
        durations.add(seconds)
    assert durations.typical == 5.0
