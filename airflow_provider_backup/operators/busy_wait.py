"""Waiting until a resource is free: on the worker, until the task's time is over."""

from __future__ import annotations

import asyncio
import logging
import time

from airflow_provider_backup.cloud.errors import BackupError, ResourceBusyError
from airflow_provider_backup.cloud.trouble_log import TroubleLog
from airflow_provider_backup.exceptions import BackupTimeoutError

SECONDS_BETWEEN_LINES = 300.0
"""How often the log tells that the wait goes on."""


class BusyWait:
    """One wait for a busy resource.

    :param what: the resource, for log and error.
    :param poll_interval: seconds between two requests, above 0.
    :param deadline: when to give up, seconds since the epoch.
    :param log: where to say that the wait goes on.
    """

    def __init__(self, what: str, *, poll_interval: float, deadline: float, log: logging.Logger) -> None:
        self._what = what
        self._poll_interval = poll_interval
        self._deadline = deadline
        self._log = log
        self._began: float | None = None
        self._next_line = 0.0
        self._trouble = TroubleLog(log, f"What runs on {what} can be seen again")

    async def pause(self, refusal: BackupError) -> None:
        """Wait until it is worth to ask again; for the last time when the time is over.

        :param refusal: what the service says, or the trouble that kept it from answering.
        :raises BackupTimeoutError: the time is over.
        """
        now = time.time()
        self._began = self._began or now
        waited = now - self._began
        if now >= self._deadline:
            raise BackupTimeoutError(
                f"{self._what} was busy for {waited:.0f} s, until the time was over; no backup was begun. "
                f"The last refusal: {refusal.message}",
                next_step="Look at what runs there. Give the task more time (timeout), or let it take over a backup "
                "that runs there with on_conflict='adopt'.",
            ) from refusal
        if not isinstance(refusal, ResourceBusyError):
            self._trouble.met("It cannot be seen what runs on %s, asking again: %s", self._what, refusal)
        elif now >= self._next_line:
            self._trouble.over()
            self._next_line = now + SECONDS_BETWEEN_LINES
            self._log.info(
                "%s is busy (for %.0f s so far); asking every %s s until %s: %s",
                self._what,
                waited,
                self._poll_interval,
                time.strftime("%F %T UTC", time.gmtime(self._deadline)),
                refusal,
            )
        await asyncio.sleep(min(self._poll_interval, self._deadline - now))
