"""When the next poll cycle starts: by example, and for all numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.polling.pacing import (
    FEWEST_READERS,
    MOST_READERS,
    SHORTEST_SHARE,
    Durations,
    expected_end_in,
    pause_until_next_cycle,
    readers_needed,
)

LONGEST_BACKOFF = 60.0
NOW = datetime(2031, 4, 2, 9, 15, 7, tzinfo=UTC)
intervals = st.floats(0.01, 86_400)
ends = st.none() | st.floats(-1e9, 1e9)


def pause_after(interval: float, **arguments: Any) -> float:
    """Return the seconds until the next poll cycle, with the usual longest backoff."""
    return pause_until_next_cycle(interval, longest_backoff=LONGEST_BACKOFF, **arguments)


@given(intervals, ends)
def test_a_poll_cycle_is_never_later_than_the_interval(interval: float, expected_end: float | None) -> None:
    assert pause_after(interval, expected_end=expected_end) <= interval


@given(intervals, ends)
def test_a_poll_cycle_is_never_much_sooner_than_the_interval(interval: float, expected_end: float | None) -> None:
    assert pause_after(interval, expected_end=expected_end) >= interval * SHORTEST_SHARE


@given(intervals)
def test_without_a_reason_a_poll_cycle_is_at_most_a_tenth_early(interval: float) -> None:
    assert pause_after(interval) >= interval * 0.9


@given(intervals, st.integers(1, 10_000), ends)
def test_after_failures_a_poll_cycle_is_never_sooner_than_without(
    interval: float, failures: int, expected_end: float | None
) -> None:
    pause = pause_after(interval, failures=failures, expected_end=expected_end)
    assert interval * 0.9 <= pause <= max(interval, LONGEST_BACKOFF)


def test_each_failure_doubles_the_pause_up_to_a_minute() -> None:
    pauses = [pause_after(1.0, failures=failures) for failures in range(1, 8)]
    for failures, pause in enumerate(pauses[:5], start=1):
        assert 0.9 * 2**failures <= pause <= 2**failures
    assert pauses[6] == LONGEST_BACKOFF


def test_an_interval_above_the_longest_backoff_stays_as_it_is_after_failures() -> None:
    assert 270 <= pause_after(300.0, failures=3) <= 300


def test_poll_cycles_have_jitter() -> None:
    assert len({pause_after(10.0) for _ in range(20)}) > 10


def test_an_expected_end_is_polled_when_it_comes_sooner() -> None:
    assert pause_after(10.0, expected_end=4.0) == 4.0


@pytest.mark.parametrize("expected_end", [2.4, 10.1, -1.0, 0.0])
def test_an_expected_end_that_is_too_near_or_too_far_changes_nothing(expected_end: float) -> None:
    assert pause_after(10.0, expected_end=expected_end) >= 9.0


def test_the_time_of_single_reads_shortens_the_pause() -> None:
    assert 7.0 <= pause_after(10.0, reading_time=2.0) <= 8.0


@given(intervals, st.floats(0, 1e6))
def test_slow_reads_never_double_the_poll_cycles(interval: float, reading_time: float) -> None:
    assert pause_after(interval, reading_time=reading_time) >= interval / 2


@given(intervals, st.integers(1, 100), st.floats(0, 1e6))
def test_slow_reads_do_not_shorten_the_pause_after_failures(
    interval: float, failures: int, reading_time: float
) -> None:
    assert pause_after(interval, failures=failures, reading_time=reading_time) >= interval * 0.9


@pytest.mark.parametrize("readers", [0, 1])
def test_reading_starts_with_few_readers(readers: int) -> None:
    assert readers_needed(readers, queued=1000, answered=0, seconds=0.0) == FEWEST_READERS


def test_no_reader_is_added_while_the_reads_are_on_time() -> None:
    assert readers_needed(2, queued=800, answered=100, seconds=0.1) == 2


def test_as_many_readers_are_added_as_needed_to_be_on_time() -> None:
    assert readers_needed(2, queued=90, answered=4, seconds=0.1) == 5


def test_readers_double_as_long_as_nothing_was_answered() -> None:
    assert readers_needed(2, queued=90, answered=0, seconds=0.1) == 4


def test_readers_are_added_after_the_reading_time_as_well() -> None:
    assert readers_needed(4, queued=90, answered=400, seconds=2.0) == 8


@given(st.integers(0, MOST_READERS), st.integers(0, 10_000), st.integers(0, 10_000), st.floats(0, 1e6))
def test_there_are_never_more_readers_than_allowed_or_of_use(
    readers: int, queued: int, answered: int, seconds: float
) -> None:
    needed = readers_needed(readers, queued=queued, answered=answered, seconds=seconds)
    assert readers <= needed <= min(MOST_READERS, readers + queued)


def created(seconds_ago: float) -> datetime:
    return NOW - timedelta(seconds=seconds_ago)


def test_the_end_is_estimated_from_progress() -> None:
    assert expected_end_in(created(80), 80, None, NOW) == pytest.approx(20)


def test_progress_takes_precedence_over_the_typical_duration() -> None:
    assert expected_end_in(created(80), 80, 1000.0, NOW) == pytest.approx(20)


def test_without_progress_the_end_is_estimated_from_the_typical_duration() -> None:
    assert expected_end_in(created(80), None, 100.0, NOW) == pytest.approx(20)


@pytest.mark.parametrize("progress", [None, 0, 100])
def test_without_any_figure_no_end_is_estimated(progress: int | None) -> None:
    assert expected_end_in(created(80), progress, None, NOW) is None


def test_no_end_is_estimated_for_a_backup_that_should_have_ended() -> None:
    assert expected_end_in(created(80), None, 70.0, NOW) is None


def test_no_end_is_estimated_without_a_creation_time() -> None:
    assert expected_end_in(None, 50, 100.0, NOW) is None


@given(
    st.none() | st.datetimes(timezones=st.just(UTC)),
    st.none() | st.integers(-(2**63), 2**63),
    st.none() | st.floats(-1e9, 1e9),
)
def test_an_expected_end_is_always_in_the_future(
    created_at: datetime | None, progress: int | None, typical: float | None
) -> None:
    expected = expected_end_in(created_at, progress, typical, NOW)
    assert expected is None or expected > 0


def test_the_typical_duration_needs_three_durations() -> None:
    durations = Durations()
    for seconds in (10.0, 30.0):
        durations.add(seconds)
        assert durations.typical is None
    durations.add(20.0)
    assert durations.typical == 20.0


def test_old_durations_are_forgotten() -> None:
    durations = Durations()
    for seconds in (*[1.0] * 100, *[5.0] * 100):
        durations.add(seconds)
    assert durations.typical == 5.0
