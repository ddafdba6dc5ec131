"""The clock of the local cloud may be ahead of this machine's; data have the times of the machine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow_provider_backup.emulator.core.state import CloudState

NOON = datetime(2026, 5, 2, 12, tzinfo=UTC)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def advanced_state() -> CloudState:
    """A state whose clock was set forward at noon by 600 seconds, and by 60 when the machine's showed 10 more."""
    time = NOON
    state = CloudState(now=lambda: time)
    state.advance_clock(600)
    time += seconds(10)
    state.advance_clock(60)
    time += seconds(10)
    assert state.now() == NOON + seconds(680)
    return state


def test_both_clocks_agree_until_one_is_set_forward() -> None:
    state = advanced_state()

    assert state.machine_time(NOON - seconds(5)) == NOON - seconds(5)
    assert state.machine_time(NOON) == NOON


def test_a_moment_that_was_left_out_is_that_of_the_setting() -> None:
    state = advanced_state()

    assert state.machine_time(NOON + seconds(300)) == NOON
    assert state.machine_time(NOON + seconds(640)) == NOON + seconds(10)


def test_a_moment_after_it_is_earlier_on_the_clock_of_the_machine() -> None:
    state = advanced_state()

    assert state.machine_time(NOON + seconds(605)) == NOON + seconds(5)
    assert state.machine_time(NOON + seconds(675)) == NOON + seconds(15)


def test_a_state_that_knows_no_settings_has_one_clock() -> None:
    assert CloudState(now=lambda: NOON).machine_time(NOON) == NOON
