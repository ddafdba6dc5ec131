"""Log transient errors that last: one line when they begin, one every few minutes, and one when they end."""

from __future__ import annotations

from typing import Any

from airflow_provider_backup.cloud.clock import SYSTEM_CLOCK, Clock
from airflow_provider_backup.cloud.limits import Limits, current_limits


class TransientErrorLog:
    """Limits what a caller that retries logs about its failures.

    :param log: the logger; failures between two lines go to its debug level.
    :param end: the text to log when the errors end, such as ``cbr answers again``.
    :param clock: where the time comes from.
    :param limits: how often to repeat a line; ``None`` uses :func:`current_limits`.
    """

    __slots__ = ("_began", "_clock", "_end", "_failures", "_interval", "_is_reported", "_log", "_next_line")

    def __init__(self, log: Any, end: str, *, clock: Clock = SYSTEM_CLOCK, limits: Limits | None = None) -> None:
        self._clock = clock
        self._interval = (limits or current_limits()).log_interval
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
        now = self._clock.monotonic()
        self._failures += 1
        if self._began is None:
            self._began = now
        if now < self._next_line:
            self._log.debug(message, *arguments)
            return
        self._next_line = now + self._interval
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
            lasted = self._clock.monotonic() - self._began
            self._log.info("%s after %.0f s; failures: %d.", self._end, lasted, self._failures)
        self._began = None
        self._failures = 0
        self._is_reported = False
