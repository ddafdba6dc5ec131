"""When the next round comes: by example, and for all numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.polling.pacing import (
    FEWEST_READERS,
    LONGEST_BACKOFF,
    MOST_READERS,
    SHORTEST_SHARE,
    Durations,
    expected_end_in,
    pause_until_next_round,
    readers_needed,
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


def test_the_time_that_single_looks_take_comes_off_the_pause() -> None:
    assert 7.0 <= pause_until_next_round(10.0, reading_time=2.0) <= 8.0


@given(intervals, st.floats(0, 1e6))
def test_slow_looks_never_double_the_rounds(interval: float, reading_time: float) -> None:
    assert pause_until_next_round(interval, reading_time=reading_time) >= interval / 2


@given(intervals, st.integers(1, 100), st.floats(0, 1e6))
def test_slow_looks_hurry_no_round_after_failures(interval: float, failures: int, reading_time: float) -> None:
    assert pause_until_next_round(interval, failures=failures, reading_time=reading_time) >= interval * 0.9


@pytest.mark.parametrize("readers", [0, 1])
def test_few_readers_begin(readers: int) -> None:
    assert readers_needed(readers, looks_to_come=1000, answered=0, seconds=0.0) == FEWEST_READERS


def test_readers_who_will_be_done_in_time_stay_alone() -> None:
    assert readers_needed(2, looks_to_come=800, answered=100, seconds=0.1) == 2


def test_as_many_readers_join_as_it_takes_to_be_done_in_time() -> None:
    assert readers_needed(2, looks_to_come=90, answered=4, seconds=0.1) == 5


def test_readers_double_as_long_as_nothing_was_answered() -> None:
    assert readers_needed(2, looks_to_come=90, answered=0, seconds=0.1) == 4


def test_readers_join_also_when_the_time_is_over() -> None:
    assert readers_needed(4, looks_to_come=90, answered=400, seconds=2.0) == 8


@given(st.integers(0, MOST_READERS), st.integers(0, 10_000), st.integers(0, 10_000), st.floats(0, 1e6))
def test_there_are_never_more_readers_than_allowed_or_of_use(
    readers: int, looks_to_come: int, answered: int, seconds: float
) -> None:
    needed = readers_needed(readers, looks_to_come=looks_to_come, answered=answered, seconds=seconds)
    assert readers <= needed <= min(MOST_READERS, readers + looks_to_come)


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
