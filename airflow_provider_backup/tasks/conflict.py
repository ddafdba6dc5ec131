"""Waiting until a busy resource is free: in the triggerer if the task is deferrable, otherwise on the worker."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from airflow_provider_backup.cloud.clock import Clock
from airflow_provider_backup.cloud.errors import BackupError, OutOfTimeError, ResourceBusyError
from airflow_provider_backup.cloud.http.retry_policy import is_passing
from airflow_provider_backup.cloud.http.transient_error_log import TransientErrorLog
from airflow_provider_backup.cloud.limits import current_limits
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.exceptions import BackupTimeoutError
from airflow_provider_backup.limits import task_limits
from airflow_provider_backup.tasks.deferred_wait import MOST_TRIGGER_FAILURES
from airflow_provider_backup.tasks.submission_policy import SubmissionPolicy


@dataclass(frozen=True, slots=True)
class Conflict:
    """The state of a wait for a busy resource, as plain JSON, so that it survives a deferral.

    :param deadline: when to give up, seconds since the epoch.
    :param busy_since: when the service first reported the resource as busy, likewise.
    :param refusal: the last error: of the service, or a transient one.
    :param failing_since: when the consecutive transient errors began, likewise; ``None`` after an answer.
    :param unclear_since: when a request without a clear answer was sent, likewise; ``None`` without one.
    :param work_since: when the work of the task started, likewise, as known before the deferral.
    :param watched: the operation that keeps the resource busy, from ``OperationReference.to_dict()``; ``None`` if it is
        unknown.
    :param trigger_failures: number of failed triggers of this wait.
    """

    deadline: float
    busy_since: float
    refusal: str
    failing_since: float | None = None
    unclear_since: float | None = None
    work_since: float | None = None
    watched: dict[str, Any] | None = None
    trigger_failures: int = 0

    @property
    def may_be_deferred(self) -> bool:
        """Whether to wait in the triggerer again; after too many failed triggers the task waits on the worker."""
        return self.trigger_failures < MOST_TRIGGER_FAILURES

    def to_dict(self) -> dict[str, Any]:
        """Return it as a dict of JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build it from :meth:`to_dict` of this or a later version: unknown members are ignored."""
        return cls(**{key: value for key, value in values.items() if key in cls.__slots__})


class ConflictDeferral(Exception):  # noqa: N818 (not an error: it ends an attempt that continues later)
    """The task is to be deferred until its resource may be free.

    :param conflict: the state of its wait.
    """

    def __init__(self, conflict: Conflict) -> None:
        super().__init__(conflict.refusal)
        self.conflict = conflict


class ConflictWait:
    """The wait of one task for its resource.

    :param subject: the resource, for log and error.
    :param noun: the kind of operation, for the error: ``backup``, ``restore``.
    :param policy: the arguments of the task.
    :param deadline: when to give up, seconds since the epoch.
    :param clock: this machine's clock.
    :param log: logger of the task.
    :param earlier: the state from before the last deferral; ``None`` without one.
    :param may_adopt: whether ``on_conflict="adopt"`` makes a difference, for the error.
    """

    def __init__(
        self,
        subject: str,
        *,
        noun: str,
        policy: SubmissionPolicy,
        deadline: float,
        clock: Clock,
        log: logging.Logger,
        earlier: Conflict | None = None,
        may_adopt: bool = True,
    ) -> None:
        self._subject = subject
        self._noun = noun
        self._may_adopt = may_adopt
        self._policy = policy
        self._deadline = deadline
        self._clock = clock
        self._log = log
        self._conflict = earlier
        self._next_line = 0.0
        self._failures = TransientErrorLog(log, f"The state of {subject} can be read again", clock=clock)

    @property
    def is_deferrable(self) -> bool:
        """Whether the task is deferred instead of waiting on the worker."""
        return self._policy.is_deferrable

    @property
    def has_begun(self) -> bool:
        """Whether the resource was reported as busy, in this attempt or before a deferral."""
        return self._conflict is not None

    async def to_watch(self, find: Callable[[], Awaitable[OperationReference | None]]) -> OperationReference | None:
        """Return the operation to wait for in the triggerer; ``None`` if the task has to submit again instead.

        :param find: reads what keeps the resource busy.
        """
        if not self.is_deferrable:
            return None
        try:
            reference = await find()
        except BackupError as error:
            # Also one that lasts, such as a missing permission: the wait continues without this knowledge.
            self._log.info("Could not read what keeps %s busy: %s", self._subject, error)
            return None
        last = self._conflict.watched if self._conflict else None
        # An operation that was waited for already and is still listed does not show when the resource becomes free.
        return None if reference is None or reference.to_dict() == last else reference

    def may_pass(self, error: BackupError) -> bool:
        """Return whether an error while the resource is busy is worth another look.

        :param error: the error of a look.
        """
        is_final = isinstance(error, OutOfTimeError) and not error.is_deadline
        return self._policy.on_conflict != "fail" and not is_final and is_passing(error)

    def check_deadline(self) -> None:
        """Give up if the deadline of an earlier wait has passed.

        :raises BackupTimeoutError: no time is left for a request.
        """
        if self._conflict and self._deadline - self._clock.time() <= task_limits().shortest_request:
            raise self._timeout(self._conflict)

    async def pause(
        self,
        refusal: BackupError,
        *,
        watched: OperationReference | None = None,
        unclear_since: float | None = None,
        work_since: float | None = None,
    ) -> None:
        """Sleep until the next attempt, at most until the deadline.

        :param refusal: the service's error, or a transient error.
        :param watched: the operation that keeps the resource busy; ``None`` if it is unknown.
        :param unclear_since: when a request without a clear answer was sent; ``None`` without one.
        :param work_since: when the work of the task started.
        :raises BackupTimeoutError: the deadline has passed.
        :raises ConflictDeferral: the task is deferrable.
        :raises BackupError: transient errors have lasted longer than the tolerance.
        """
        now = self._clock.time()
        conflict = self._conflict = replace(self._after(refusal, now), unclear_since=unclear_since)
        if now >= self._deadline:
            raise self._timeout(conflict) from refusal
        self._tell(refusal, conflict, now)
        if self.is_deferrable:
            seen = watched.to_dict() if watched else None
            raise ConflictDeferral(replace(conflict, watched=seen, work_since=work_since)) from refusal
        left = self._deadline - now
        if self._policy.poll_interval + task_limits().shortest_request < left:
            await self._clock.sleep(self._policy.poll_interval)
            return
        await self._clock.sleep(left)
        raise self._timeout(conflict) from refusal

    def _after(self, refusal: BackupError, now: float) -> Conflict:
        earlier = self._conflict or Conflict(self._deadline, now, refusal.message)
        if isinstance(refusal, ResourceBusyError):
            return replace(earlier, refusal=refusal.message, failing_since=None)
        failing_since = earlier.failing_since or now
        tolerance = self._policy.tolerance
        if self.is_deferrable and tolerance is not None and now - failing_since >= tolerance:
            # Within one attempt the surrounding time limit applies the tolerance.
            raise refusal
        # A request that the deadline cut off says nothing of its own.
        last = refusal.last_error if isinstance(refusal, OutOfTimeError) else refusal
        return replace(earlier, refusal=last.message if last else earlier.refusal, failing_since=failing_since)

    def _tell(self, refusal: BackupError, conflict: Conflict, now: float) -> None:
        if not isinstance(refusal, ResourceBusyError):
            self._failures.failed("Could not read what is running on %s, retrying: %s", self._subject, refusal)
            return
        self._failures.recovered()
        if now < self._next_line:
            return
        self._next_line = now + current_limits().log_interval
        self._log.info(
            "%s is busy (for %.0f s so far); retrying every %s s until %s: %s",
            self._subject,
            now - conflict.busy_since,
            self._policy.poll_interval,
            time.strftime("%F %T UTC", time.gmtime(self._deadline)),
            refusal,
        )

    def _timeout(self, conflict: Conflict) -> BackupTimeoutError:
        seconds = self._clock.time() - conflict.busy_since
        started = f"no {self._noun} was started"
        if conflict.unclear_since is not None:
            started = f"a {self._noun} may have been started, as a request got no answer; a retry searches for it"
        adoption = f", or let it adopt a running {self._noun} with on_conflict='adopt'" if self._may_adopt else ""
        return BackupTimeoutError(
            f"Timed out: {self._subject} was busy for {seconds:.0f} s; {started}. Last error: {conflict.refusal}",
            next_step=f"Check what is running there. Give the task more time (timeout){adoption}.",
        )
