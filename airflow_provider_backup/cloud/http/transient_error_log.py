"""Log transient errors that last: one line when they begin, one every few minutes, and one when they end."""

from __future__ import annotations

import time
from typing import Any

SECONDS_BETWEEN_LINES = 300.0
"""How often the log repeats that the same transient error lasts, or has come back."""


class TransientErrorLog:
    """Limits what a caller that retries logs about its failures.

    :param log: the logger; failures between two lines go to its debug level.
    :param end: the text to log when the errors end, such as ``cbr answers again``.
    """

    __slots__ = ("_began", "_end", "_failures", "_is_reported", "_log", "_next_line")

    def __init__(self, log: Any, end: str) -> None:
        self._log = log
        self._end = end
        self._began: float | None = None
        self._failures = 0
        self._is_reported = False
        self._next_line = 0.0

    def failed(self, message: str, *arguments: object) -> None:
        """Record a failure, and log it if the last line is long enough ago.

        :param message: what to log, in the format of ``logging``.
        :param arguments: the values for ``message``.
        """
        now = time.monotonic()
        self._failures += 1
        if self._began is None:
            self._began = now
        if now < self._next_line:
            self._log.debug(message, *arguments)
            return
        self._next_line = now + SECONDS_BETWEEN_LINES
        self._is_reported = True
        if self._failures > 1:
            message += " (failure %d in %.0f s)"
            arguments = (*arguments, self._failures, now - self._began)
        self._log.warning(message, *arguments)

    def recovered(self) -> None:
        """Record a success; it is logged only if a failure before it was."""
        if self._began is None:
            return
        if self._is_reported:
            self._log.info("%s after %.0f s; failures: %d.", self._end, time.monotonic() - self._began, self._failures)
        self._began = None
        self._failures = 0
        self._is_reported = False
