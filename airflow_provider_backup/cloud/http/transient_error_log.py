"""Trouble that lasts, in the log: a line when it begins, one now and then, and one when it is over."""

from __future__ import annotations

import time
from typing import Any

SECONDS_BETWEEN_LINES = 300.0
"""How often the log tells that the same trouble goes on, or has come back."""


class TroubleLog:
    """What one who asks again and again has to say about failures.

    :param log: where to say it; failures in between go to its debug level.
    :param end: what is said at the end, such as ``cbr answers again``.
    """

    __slots__ = ("_began", "_end", "_failures", "_is_told", "_log", "_next_line")

    def __init__(self, log: Any, end: str) -> None:
        self._log = log
        self._end = end
        self._began: float | None = None
        self._failures = 0
        self._is_told = False
        self._next_line = 0.0

    def met(self, message: str, *arguments: object) -> None:
        """Take note of a failure.

        :param message: what is said if it is time to say something, in the format of ``logging``.
        :param arguments: what is put into it.
        """
        now = time.monotonic()
        self._failures += 1
        if self._began is None:
            self._began = now
        if now < self._next_line:
            self._log.debug(message, *arguments)
            return
        self._next_line = now + SECONDS_BETWEEN_LINES
        self._is_told = True
        if self._failures > 1:
            message += " (failure %d in %.0f s)"
            arguments = (*arguments, self._failures, now - self._began)
        self._log.warning(message, *arguments)

    def over(self) -> None:
        """Take note of a success; that is said only after trouble that was told."""
        if self._began is None:
            return
        if self._is_told:
            self._log.info("%s after %.0f s; failures: %d.", self._end, time.monotonic() - self._began, self._failures)
        self._began = None
        self._failures = 0
        self._is_told = False
