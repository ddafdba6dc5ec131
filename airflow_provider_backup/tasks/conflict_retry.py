"""Waiting until a resource is free: on the worker, until the task's time is over."""

from __future__ import annotations

import asyncio
import logging
import time

from airflow_provider_backup.cloud.errors import BackupError, ResourceBusyError
from airflow_provider_backup.cloud.http.transient_error_log import TransientErrorLog
from airflow_provider_backup.cloud.limits import current_limits
from airflow_provider_backup.exceptions import BackupTimeoutError

SHORTEST_REQUEST = 0.05
"""Seconds: with less than that left nothing is sent, as it would be cut off and nobody knew what became of it."""


class ConflictRetry:
    """One wait for a busy resource.

    :param what: the resource, for log and error.
    :param noun: what is submitted: ``backup``, ``restore``, for the error.
    :param poll_interval: seconds between two requests, above 0.
    :param deadline: when to give up, seconds since the epoch.
    :param log: where to say that the wait goes on.
    """

    def __init__(self, what: str, *, noun: str, poll_interval: float, deadline: float, log: logging.Logger) -> None:
        self._what = what
        self._noun = noun
        self._poll_interval = poll_interval
        self._deadline = deadline
        self._log = log
        self._began: float | None = None
        self._next_line = 0.0
        self._trouble = TransientErrorLog(log, f"What runs on {what} can be seen again")

    async def pause(self, refusal: BackupError) -> None:
        """Wait until it is worth to ask again.

        :param refusal: what the service says, or the trouble that kept it from answering.
        :raises BackupTimeoutError: the time is over.
        """
        now = time.time()
        self._began = self._began or now
        if now >= self._deadline:
            raise self._timeout(refusal) from refusal
        if not isinstance(refusal, ResourceBusyError):
            self._trouble.failed("It cannot be seen what runs on %s, asking again: %s", self._what, refusal)
        else:
            self._trouble.recovered()
            self._tell(refusal, now)
        left = self._deadline - now
        if self._poll_interval + SHORTEST_REQUEST < left:
            await asyncio.sleep(self._poll_interval)
            return
        await asyncio.sleep(left)
        raise self._timeout(refusal) from refusal

    def _tell(self, refusal: BackupError, now: float) -> None:
        if now < self._next_line:
            return
        self._next_line = now + current_limits().log_interval
        self._log.info(
            "%s is busy (for %.0f s so far); asking every %s s until %s: %s",
            self._what,
            now - (self._began or now),
            self._poll_interval,
            time.strftime("%F %T UTC", time.gmtime(self._deadline)),
            refusal,
        )

    def _timeout(self, refusal: BackupError) -> BackupTimeoutError:
        waited = time.time() - (self._began or time.time())
        return BackupTimeoutError(
            f"Timed out: {self._what} was busy for {waited:.0f} s; no {self._noun} was begun. "
            f"The last refusal: {refusal.message}",
            next_step=f"Look at what runs there. Give the task more time (timeout), or let it adopt a {self._noun} "
            "that runs there with on_conflict='adopt'.",
        )
