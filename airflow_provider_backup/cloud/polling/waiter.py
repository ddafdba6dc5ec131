"""One who waits: what is known of the backup so far, and the promise to tell its end."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import math
import time
from datetime import UTC, datetime

from airflow_provider_backup.cloud.errors import BackupError, NotFoundError
from airflow_provider_backup.cloud.http.clock_skew import CloudClock
from airflow_provider_backup.cloud.http.retry_policy import is_passing
from airflow_provider_backup.cloud.http.transient_error_log import TroubleLog
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.polling.pacing import SHORTEST_SHARE
from airflow_provider_backup.cloud.polling.wait_errors import WaitTroubleError, no_answer_within
from airflow_provider_backup.cloud.text import one_line

log = logging.getLogger(__name__)

NEW_BACKUP_GRACE = 60.0
"""Seconds in which a backup that was just started may be unknown yet (databases section 10)."""

SHORTEST_SHARE_AFTER_TROUBLE = 0.75
"""Of the interval: how soon after a failed look the next one may come."""

SILENCE_GRACE = 5.0
"""Seconds beyond the tolerance in which a question that is under way may still tell what is wrong."""

MISSING_FOR = 60.0
"""Seconds for which a backup that a list does not show is not expected there; lists may be late."""


class TimeIsOverError(Exception):
    """The deadline of a wait is there; whoever waits looks once more."""


class Waiter:
    """A place in the hub, for one wait.

    :param reference: which backup.
    :param poll_interval: seconds between two questions at the most.
    :param started_at: when the backup was started, seconds since the epoch; none for one that must be known already.
    :param tolerance: seconds of unbroken trouble after which to give up; none never gives up.
    :param deadline: when to give up, on the monotonic clock.
    :param not_before: when whoever waits may tell others of the end at the soonest, on the monotonic clock.
    """

    __slots__ = (
        "_context",
        "_trouble",
        "answered_at",
        "begun_at",
        "deadline",
        "end",
        "heard_at",
        "last_error",
        "last_status",
        "looked_at",
        "missed_at",
        "not_before",
        "outcome",
        "parts_in_progress",
        "poll_interval",
        "progress",
        "reference",
        "seen_at",
        "started_at",
        "tolerance",
        "trouble_since",
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
    ) -> None:
        self.reference = reference
        self.poll_interval = poll_interval
        self.started_at = started_at
        self.tolerance = tolerance
        self.deadline = deadline
        self.not_before = not_before
        self.end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.outcome: OperationState | Exception | None = None
        # By the cloud's clock, as soon as it has told it.
        self.begun_at: datetime | None = None
        self.looked_at = self.seen_at = self.answered_at = time.monotonic()
        self.heard_at = -math.inf
        self.parts_in_progress = len(reference.expected_ids)
        self.progress: int | None = None
        self.last_status: str | None = None
        self.last_error: BackupError | None = None
        self.trouble_since = 0.0
        self.missed_at = -math.inf
        self._trouble: TroubleLog | None = None
        # The hub belongs to nobody: what it has to say to one who waits goes to that one's log.
        self._context = contextvars.copy_context()

    def result(self) -> OperationState:
        """Return how the backup ended, as soon as ``end`` is done.

        :raises TimeIsOverError: the deadline is there.
        :raises WaitTroubleError: the trouble lasts longer than the tolerance.
        :raises ApiError: the service refuses the question for good.
        """
        if isinstance(self.outcome, OperationState):
            return self.outcome
        raise self.outcome or RuntimeError("The end was not told yet.")

    def begun(self, clock: CloudClock) -> datetime | None:
        """Return when the backup began by the cloud's clock; none when nobody has told.

        :param clock: the cloud's clock.
        """
        if self.begun_at is None and self.started_at is not None:
            return clock.there(datetime.fromtimestamp(self.started_at, UTC))
        return self.begun_at

    @property
    def was_missing(self) -> bool:
        """Whether a list that should show the backup lately did not."""
        return time.monotonic() < self.missed_at + MISSING_FOR

    @property
    def is_over(self) -> bool:
        """Whether the end was told; a wait that was given up hears of none."""
        return self.end.done() and not self.end.cancelled()

    def is_due(self, until: float) -> bool:
        """Whether it has to be looked at now, because it cannot wait until then.

        :param until: when it can be looked at again, on the monotonic clock.
        """
        since_look = time.monotonic() - self.looked_at
        # An answer that took long, or a failure, is followed by a pause, too.
        shortest = SHORTEST_SHARE if self.last_error is None else SHORTEST_SHARE_AFTER_TROUBLE
        return since_look >= self.poll_interval * shortest and self.looked_at + self.poll_interval <= until

    def was_listed(self, *, is_listed: bool) -> None:
        """Take note whether a list that should show the backup does.

        :param is_listed: whether it does.
        """
        self.missed_at = -math.inf if is_listed else time.monotonic()

    def goes_on(self, status: str | None, *, was_seen: bool) -> None:
        """Take note that the backup is still in progress.

        :param status: the service's own text; none when it was not told.
        :param was_seen: whether the backup itself was seen; otherwise something else tells that it is not over.
        """
        self.looked_at = self.answered_at = self.heard_at = time.monotonic()
        if was_seen:
            self.seen_at = self.looked_at
        self._is_well()
        if status is not None and status != self.last_status:
            self.last_status = status
            self._context.run(log.info, "%s is %s.", self.reference, one_line(status))

    def observed(self, observation: OperationState) -> None:
        """Take note of how the backup stands, and tell when it is over.

        :param observation: how it was seen; its reference may be sharper.
        """
        self.seen_at = time.monotonic()
        self.reference = observation.reference
        self.begun_at = observation.created_at or self.begun_at
        self.progress = observation.progress
        if not observation.phase.is_terminal:
            self.goes_on(observation.status, was_seen=True)
        else:
            self._is_well()
            self._tell(observation)

    def met(self, error: BackupError) -> None:
        """Take note that the backup could not be seen, and tell when that is final.

        :param error: what the question met.
        """
        self.looked_at = time.monotonic()
        if not is_passing(error) and not self._is_too_new_for(error):
            self.give_up(error)
            return
        if self.last_error is None:
            self.trouble_since = time.time()
        if self._trouble is None:
            self._trouble = TroubleLog(log, f"{self.reference} is seen again")
        self._context.run(self._trouble.met, "%s could not be seen, asking again: %s", self.reference, error)
        self.last_error = error
        if self.tolerance is not None and time.time() - self.trouble_since >= self.tolerance:
            self.give_up(WaitTroubleError(self.reference, self.trouble_since, error))

    def next_end(self, heard_at: float) -> float:
        """Return when waiting ends unless an answer comes, on the monotonic clock.

        :param heard_at: when anybody who waits was last answered, on the same clock: to wait for one's turn is no
            silence of the service.
        """
        if self.tolerance is None:
            return self.deadline
        silent_since = max(self.answered_at, heard_at)
        return min(self.deadline, silent_since + self.poll_interval + self.tolerance + SILENCE_GRACE)

    def time_is_over(self) -> None:
        """Tell that the deadline is there, or that no answer came for longer than tolerated."""
        if self.tolerance is None or time.monotonic() >= self.deadline:
            self.give_up(TimeIsOverError())
            return
        since = time.time() - (time.monotonic() - self.answered_at)
        silence = self.last_error or no_answer_within(time.monotonic() - self.answered_at, self.reference.service)
        self.give_up(WaitTroubleError(self.reference, since, silence))

    def give_up(self, error: Exception) -> None:
        """Tell that waiting ends without the backup's end.

        :param error: what is raised where it is waited for.
        """
        self._tell(error)

    def _tell(self, outcome: OperationState | Exception) -> None:
        if not self.end.done():
            self.outcome = outcome
            self.end.set_result(None)

    def _is_well(self) -> None:
        self.last_error = None
        if self._trouble is not None:
            self._context.run(self._trouble.over)

    def _is_too_new_for(self, error: BackupError) -> bool:
        started_at = self.started_at
        is_new = started_at is not None and time.time() < started_at + NEW_BACKUP_GRACE
        return is_new and isinstance(error, NotFoundError)
