"""When the jobs of a run finish: the same moments for every contender."""

from __future__ import annotations

import random

POLL_SECONDS = 5.0
"""How often every contender asks."""

FIRST_FINISH, LAST_FINISH = 5.0, 25.0
"""Seconds after the start between which all jobs finish, evenly spread."""


def finish_offsets(count: int) -> list[float]:
    """Return for each job when it finishes, in seconds after the start; the order of the jobs says nothing.

    :param count: how many jobs, 1 or more.
    """
    step = (LAST_FINISH - FIRST_FINISH) / count
    offsets = [FIRST_FINISH + step * (number + 0.5) for number in range(count)]
    random.Random(count).shuffle(offsets)
    return offsets
