"""What a benchmark's client counts."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.client.tally import Tally, percentile
from benchmarks.schedule import FIRST_FINISH, LAST_FINISH, finish_offsets


def test_events_are_counted_by_what_is_wrong_with_them() -> None:
    tally = Tally(time.time() - 10, [8.0, 8.0, 12.0, 8.0])

    tally.news(0, True)
    tally.news(0, True)
    tally.news(1, False)
    tally.news(2, True)
    told = tally.told()

    assert (told["events"], told["lost"], told["doubled"], told["bad"], told["early"]) == (3, 1, 1, 1, 1)
    assert 2.0 <= told["latency_p50"] < 3.0


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_the_least_value_that_enough_values_do_not_exceed(values: list[float], share: float) -> None:
    values.sort()

    found = percentile(values, share)

    assert sum(value <= found for value in values) >= share * len(values)
    assert sum(value < found for value in values) < share * len(values)


@given(st.integers(1, 300))
def test_jobs_finish_evenly_spread_and_the_same_for_all(count: int) -> None:
    offsets = finish_offsets(count)

    assert offsets == finish_offsets(count)
    assert all(FIRST_FINISH < offset < LAST_FINISH for offset in offsets)
    assert len({int((offset - FIRST_FINISH) / (LAST_FINISH - FIRST_FINISH) * count) for offset in offsets}) == count
