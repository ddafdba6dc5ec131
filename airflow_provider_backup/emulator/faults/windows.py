"""How many requests were let through in the present window of time, by route."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Hashable


class Windows:
    """Windows of time that follow each other; all begin anew at the same moment, as those of the gateway do.

    :param limit: how many requests are let through per window and route; ``None`` lets none through.
    :param seconds: how long a window is; ``None`` when there is no limit.
    """

    def __init__(self, limit: int | None, seconds: float | None) -> None:
        self._limit = limit
        self._seconds = seconds
        self._began = time.monotonic()
        self._let_through: Counter[Hashable] = Counter()

    def let_through(self, route: Hashable) -> bool:
        """Return whether there is room for one more request to a route in this window, and take it."""
        if self._limit is None or self._seconds is None:
            return False
        windows = (time.monotonic() - self._began) // self._seconds
        if windows:
            self._began += windows * self._seconds
            self._let_through.clear()
        if self._let_through[route] >= self._limit:
            return False
        self._let_through[route] += 1
        return True
