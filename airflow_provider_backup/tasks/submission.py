"""Exactly one operation per task instance: adopted, or submitted once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from airflow_provider_backup.cloud.errors import DuplicateNameError, OutOfTimeError
from airflow_provider_backup.cloud.http.clock_skew import CloudClock
from airflow_provider_backup.cloud.http.time_limit import pause
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.operation import AnyOperation
from airflow_provider_backup.cloud.text import one_line
from airflow_provider_backup.exceptions import BackupTimeoutError, UnprovenSubmissionError
from airflow_provider_backup.limits import task_limits
from airflow_provider_backup.tasks import submission_texts as texts
from airflow_provider_backup.tasks.conflict import Conflict
from airflow_provider_backup.tasks.identity import TaskIdentity
from airflow_provider_backup.tasks.observing import began_at, here
from airflow_provider_backup.tasks.operation_search import OperationSearch, OwnedOperation
from airflow_provider_backup.tasks.submission_policy import SubmissionPolicy
from airflow_provider_backup.tasks.submission_record import SubmissionRecordStore
from airflow_provider_backup.tasks.submitter import Submitter


class IdempotentSubmission:
    """The one operation of a task instance.

    :param operation: the operation of the service, bound to the open client.
    :param requests: one request per name to use, 1 or more; a failed operation keeps its name.
    :param former_requests: the same with the names of the previous release; they are only searched.
    :param identity: key and names of the task instance.
    :param policy: the arguments of the task.
    :param records: where the task instance records its submissions.
    :param clock: the cloud's clock.
    :param log: logger of the task.
    :param place: the connection that is used, for the log.
    :param conflict: the state of the wait from before the last deferral for a busy resource; ``None`` without one.
    """

    def __init__(
        self,
        operation: AnyOperation,
        requests: Sequence[Any],
        former_requests: Sequence[Any] = (),
        *,
        identity: TaskIdentity,
        policy: SubmissionPolicy,
        records: SubmissionRecordStore,
        clock: CloudClock,
        log: logging.Logger,
        place: str,
        conflict: Conflict | None = None,
    ) -> None:
        self._operation = operation
        self._machine_clock = clock.machine
        self._requests = requests
        self._identity = identity
        self._policy = policy
        self._records = records
        self._log = log
        self._place = place
        self._subject = one_line(operation.subject(requests[0]))
        timeout = min(task_limits().longest_wait, policy.timeout)
        self._deadline = conflict.deadline if conflict else clock.machine.time() + timeout
        self._conflict = conflict
        self._search = OperationSearch(
            operation,
            requests,
            former_requests,
            identity=identity,
            policy=policy,
            records=records,
            clock=clock,
            log=log,
        )
        self._submitter = Submitter(
            operation,
            subject=self._subject,
            search=self._search,
            identity=identity,
            policy=policy,
            records=records,
            deadline=self._deadline,
            clock=clock.machine,
            log=log,
            place=place,
            conflict=conflict,
        )
        if conflict and conflict.unclear_since is not None:
            self._search.may_be_there = True
            self._search.ownership.asks(datetime.fromtimestamp(conflict.unclear_since, UTC))

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline of the task; below 0 afterwards."""
        return self._deadline - self._machine_clock.time()

    @property
    def has_key(self) -> bool:
        """Whether the name of the operation holds the key of the task instance."""
        return self._identity.has_key

    def timed_out(self, error: OutOfTimeError) -> BackupTimeoutError:
        """Return the error that reports the progress of the task at its deadline.

        :param error: the error of the request that timed out.
        """
        return BackupTimeoutError(
            f"Timed out (timeout={self._policy.timeout:g} s); {self._submitter.progress}. {error.message}",
            next_step="Check that the service can be reached, or give the task more time (timeout). "
            f"A retry searches for a {self._operation.name} first.",
        )

    async def take(self) -> OwnedOperation:
        """Adopt the operation, or submit it.

        :raises BackupExistsError: the requested name is in use and ``if_exists`` is ``fail``.
        :raises BackupTimeoutError: the resource was busy until the deadline.
        :raises OutOfTimeError: the service could not be reached in time; see :meth:`timed_out`.
        :raises ConflictDeferral: the resource is busy, and the task is deferrable.
        :raises UnprovenSubmissionError: a destructive operation may have been submitted before.
        :raises ApiError: the service rejected the request.
        """
        if self._conflict is None:
            self._log.info("%s %s (%s).", texts.beginning(self._operation.name), self._subject, self._place)
            owned = await self._existing()
        else:
            self._submitter.check_deadline()
            self._log.info("%s may be free now (%s).", self._subject, self._place)
            owned = await self._submitter.patiently(self._existing)
        if owned:
            return owned
        search = self._search
        for request in self._requests:
            is_last = request is self._requests[-1]
            if not search.was_searched(request) and (owned := await search.found(request)):
                return owned
            if search.is_name_of_another(request) and not is_last:
                continue
            try:
                return await self._submitter.submit(request)
            except DuplicateNameError as error:
                # A failed operation keeps its name; but it may be this task's own running one that no list shows yet.
                if search.may_be_there and (owned := await search.looked_up([request])):
                    return owned
                # If a request of this try got no clear answer, it has the name; another name would start a second one.
                if is_last or self._submitter.unclear_since is not None:
                    if is_last and self._identity.has_key:
                        error.next_step = texts.NAMES_ARE_USED_UP
                    raise
        raise AssertionError("there is at least one name")

    async def find_again(self, operation: AnyOperation, clock: CloudClock) -> OperationReference | None:
        """Search for the operation by all its names; ``None`` if it is not found.

        :param operation: the same operation, bound to a client that may be another one.
        :param clock: the cloud's clock.
        """
        ownership = self._search.ownership
        for seconds in task_limits().lost_answer_searches:
            await pause(seconds)
            for request in self._requests[::-1]:
                by_anyone = self._policy.if_exists == "adopt"
                reference = await operation.find(request, since=ownership.since, by_anyone=by_anyone)
                if reference and ownership.is_certainly_own(clock, await began_at(operation, reference)):
                    return reference
        return None

    def times(self, clock: CloudClock, owned: OwnedOperation, state: OperationState) -> tuple[float, float]:
        """Return start and deadline of the operation, in seconds since the epoch.

        The timeout of an adopted operation counts from its own start, so that a retry does not extend it. For an
        operation that others submitted it counts from the start of this task's work at the earliest.

        :param clock: the cloud's clock, in which the service reports the start.
        :param owned: from :meth:`take`.
        :param state: its state just now.
        """
        now = self._machine_clock.time()
        if owned.is_new:
            return now, self._deadline
        # The last observation may have failed with a transient error; that does not extend the timeout of a retry.
        began = min(now, here(clock, state.created_at) or owned.began or now)
        if not owned.is_own:
            began = max(began, self._search.ownership.since.timestamp())
        return began, began + self._policy.timeout

    async def _existing(self) -> OwnedOperation | None:
        search = self._search
        if search.has_open_submission:
            self._submitter.progress = f"an earlier try requested a {self._operation.name} and got no answer"
        if owned := await search.recorded():
            return owned
        await self._operation.prepare(self._requests[0])
        if owned := await search.named():
            return owned
        await search.pass_over_failed(is_logged=self._conflict is None)
        if not self._operation.capabilities.may_be_repeated and self._may_have_been_submitted:
            if self._policy.on_uncertain == "fail":
                raise UnprovenSubmissionError(self._operation.name, self._subject, next_step=texts.NOT_PROVED)
            self._log.warning(texts.REPEATED, self._operation.name, self._subject)
        return None

    @property
    def _may_have_been_submitted(self) -> bool:
        if self._records.was_read:
            return self._search.has_open_submission
        return not self._search.ownership.is_first_since_a_clear
