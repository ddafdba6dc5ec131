"""A waiter: the last known state of one backup, and a future that resolves when its wait ends."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import math
from datetime import UTC, datetime

from airflow_provider_backup.cloud.clock import SYSTEM_CLOCK, Clock
from airflow_provider_backup.cloud.errors import BackupError, NotFoundError
from airflow_provider_backup.cloud.http.clock_skew import CloudClock
from airflow_provider_backup.cloud.http.retry_policy import is_passing
from airflow_provider_backup.cloud.http.transient_error_log import TransientErrorLog
from airflow_provider_backup.cloud.limits import Limits, current_limits
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.polling.pacing import SHORTEST_SHARE
from airflow_provider_backup.cloud.polling.wait_errors import WaitTroubleError, no_answer_within
from airflow_provider_backup.cloud.text import one_line

log = logging.getLogger(__name__)

SHORTEST_SHARE_AFTER_ERROR = 0.75
"""Shortest pause between a failed poll and the next one, as a share of the poll interval."""


class DeadlineReachedError(Exception):
    """The deadline of a wait has passed; the caller reads the backup one last time."""


class Waiter:
    """One wait for one backup, as the shared poller sees it.

    :param reference: the backup.
    :param poll_interval: seconds between two polls at most.
    :param started_at: when the backup was started, seconds since the epoch; ``None`` when this process does not know,
        then the service must know the backup from the first poll on.
    :param tolerance: seconds of unbroken transient errors after which the wait fails; ``None`` tolerates them until the
        deadline.
    :param deadline: when the wait ends, on the monotonic clock.
    :param not_before: the earliest time at which the result may be returned, on the monotonic clock.
    :param clock: where the time comes from; the same as the poller's.
    :param limits: graces; ``None`` uses :func:`current_limits`.
    """

    __slots__ = (
        "_context",
        "_error_log",
        "_monotonic",
        "answered_at",
        "clock",
        "created_at",
        "deadline",
        "done",
        "errors_since",
        "last_error",
        "last_status",
        "limits",
        "missed_at",
        "not_before",
        "outcome",
        "parts_in_progress",
        "poll_interval",
        "polled_at",
        "progress",
        "reference",
        "responded_at",
        "seen_at",
        "started_at",
        "tolerance",
    )

    def __init__(
        self,
        reference: OperationReference,
        *,
        poll_interval: float,
        started_at: float | None = None,
        tolerance: float | None = None,
        deadline: float = math.inf,
        not_before: float = -math.inf,
        clock: Clock = SYSTEM_CLOCK,
        limits: Limits | None = None,
    ) -> None:
        self.clock = clock
        self.limits = limits or current_limits()
        # Asked several times in each poll cycle, for thousands of waiters.
        self._monotonic = clock.monotonic
        self.reference = reference
        self.poll_interval = poll_interval
        self.started_at = started_at
        self.tolerance = tolerance
        self.deadline = deadline
        self.not_before = not_before
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.outcome: OperationState | Exception | None = None
        # By the cloud's clock; ``None`` until the service has reported it.
        self.created_at: datetime | None = None
        # Monotonic times: of the last poll, of the last evidence that the backup exists, of the last answer.
        self.polled_at = self.seen_at = self.answered_at = self._monotonic()
        # As ``answered_at``, but only real answers count.
        self.responded_at = -math.inf
        self.parts_in_progress = len(reference.expected_ids)
        self.progress: int | None = None
        self.last_status: str | None = None
        self.last_error: BackupError | None = None
        self.errors_since = 0.0
        self.missed_at = -math.inf
        self._error_log: TransientErrorLog | None = None
        # The poller runs in a context of its own; what it logs about this waiter belongs into this waiter's task log.
        self._context = contextvars.copy_context()

    def result(self) -> OperationState:
        """Return the final state of the backup; call it when ``done`` has resolved.

        :raises DeadlineReachedError: the deadline has passed.
        :raises WaitTroubleError: transient errors lasted for longer than the tolerance.
        :raises ApiError: the service refused the query permanently.
        """
        if isinstance(self.outcome, OperationState):
            return self.outcome
        raise self.outcome or RuntimeError("The wait has not ended yet.")

    def creation_time(self, clock: CloudClock) -> datetime | None:
        """Return when the backup was created by the cloud's clock; ``None`` when that is unknown.

        :param clock: the cloud's clock.
        """
        if self.created_at is None and self.started_at is not None:
            return clock.there(datetime.fromtimestamp(self.started_at, UTC))
        return self.created_at

    @property
    def is_dated(self) -> bool:
        """Whether :meth:`creation_time` is known; asked for thousands of waiters, of which no list needs the time."""
        return self.created_at is not None or self.started_at is not None

    @property
    def was_missing(self) -> bool:
        """Whether a listing that should show the backup did not, a short time ago."""
        return self._monotonic() < self.missed_at + self.limits.missing_for

    @property
    def is_finished(self) -> bool:
        """Whether the wait has ended with an outcome; a cancelled wait has none."""
        return self.done.done() and not self.done.cancelled()

    def is_due(self, until: float) -> bool:
        """Whether the backup must be polled now, because the next opportunity would be too late.

        :param until: when it can be polled next, on the monotonic clock.
        """
        since_poll = self._monotonic() - self.polled_at
        # A slow answer or a failure is followed by a pause, too.
        shortest = SHORTEST_SHARE if self.last_error is None else SHORTEST_SHARE_AFTER_ERROR
        return since_poll >= self.poll_interval * shortest and self.polled_at + self.poll_interval <= until

    def on_listed(self, *, is_listed: bool) -> None:
        """Record whether a listing that should show the backup does.

        :param is_listed: whether it does.
        """
        self.missed_at = -math.inf if is_listed else self._monotonic()

    def on_running(self, status: str | None, *, was_seen: bool) -> None:
        """Record that the backup is still running.

        :param status: the service's own word; ``None`` when the answer did not include it.
        :param was_seen: whether the answer shows the backup itself; otherwise it was inferred from another answer.
        """
        self.polled_at = self.answered_at = self.responded_at = self._monotonic()
        if was_seen:
            self.seen_at = self.polled_at
        self._recovered()
        if status is not None and status != self.last_status:
            self.last_status = status
            self._context.run(log.info, "%s is %s.", self.reference, one_line(status))

    def on_observed(self, state: OperationState) -> None:
        """Record the state of the backup, and end the wait if it is terminal.

        :param state: what was read; its reference may be more precise than the one of this waiter.
        """
        self.seen_at = self._monotonic()
        self.reference = state.reference
        self.created_at = state.created_at or self.created_at
        self.progress = state.progress
        if not state.phase.is_terminal:
            self.on_running(state.status, was_seen=True)
        else:
            self._recovered()
            self._finish(state)

    def on_error(self, error: BackupError) -> None:
        """Record that the backup could not be read, and end the wait if the error is permanent or lasts too long.

        :param error: the error of the query.
        """
        self.polled_at = self._monotonic()
        if not is_passing(error) and not self._is_too_new_for(error):
            self.fail(error)
            return
        if self.last_error is None:
            self.errors_since = self.clock.time()
        if self._error_log is None:
            self._error_log = TransientErrorLog(
                log, f"The status of {self.reference} can be read again", clock=self.clock, limits=self.limits
            )
        message = "The status of %s could not be read, retrying: %s"
        self._context.run(self._error_log.failed, message, self.reference, error)
        self.last_error = error
        if self.tolerance is not None and self.clock.time() - self.errors_since >= self.tolerance:
            self.fail(WaitTroubleError(self.reference, self.errors_since, error))

    def next_end(self, responded_at: float) -> float:
        """Return when the wait ends unless an answer comes, on the monotonic clock.

        :param responded_at: when the service last answered any waiter, on the same clock: as long as it answers others,
            it is not silent, and this waiter is only queued.
        """
        if self.tolerance is None:
            return self.deadline
        silent_since = max(self.answered_at, responded_at)
        return min(self.deadline, silent_since + self.poll_interval + self.tolerance + self.limits.silence_grace)

    def on_deadline(self) -> None:
        """End the wait: the deadline has passed, or no answer came for longer than tolerated."""
        if self.tolerance is None or self._monotonic() >= self.deadline:
            self.fail(DeadlineReachedError())
            return
        since = self.clock.time() - (self._monotonic() - self.answered_at)
        silence = self.last_error or no_answer_within(self._monotonic() - self.answered_at, self.reference.service)
        self.fail(WaitTroubleError(self.reference, since, silence))

    def fail(self, error: Exception) -> None:
        """End the wait with an error.

        :param error: what :meth:`result` raises.
        """
        self._finish(error)

    def _finish(self, outcome: OperationState | Exception) -> None:
        if not self.done.done():
            self.outcome = outcome
            self.done.set_result(None)

    def _recovered(self) -> None:
        self.last_error = None
        if self._error_log is not None:
            self._context.run(self._error_log.recovered)

    def _is_too_new_for(self, error: BackupError) -> bool:
        started_at = self.started_at
        is_new = started_at is not None and self.clock.time() < started_at + self.limits.new_backup_grace
        return is_new and isinstance(error, NotFoundError)
