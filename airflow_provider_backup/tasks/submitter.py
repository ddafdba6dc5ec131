"""Submitting one request: once, even if its answer is lost, and again while its resource is busy."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from airflow_provider_backup.cloud.clock import Clock
from airflow_provider_backup.cloud.errors import (
    BackupError,
    CloudConnectionError,
    DuplicateNameError,
    OutOfTimeError,
    ResourceBusyError,
)
from airflow_provider_backup.cloud.http.retry_policy import may_have_taken_effect
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.operation import AnyOperation
from airflow_provider_backup.tasks import submission_texts as texts
from airflow_provider_backup.tasks.conflict import Conflict, ConflictWait
from airflow_provider_backup.tasks.identity import TaskIdentity
from airflow_provider_backup.tasks.operation_search import OperationSearch, OwnedOperation
from airflow_provider_backup.tasks.submission_policy import SubmissionPolicy
from airflow_provider_backup.tasks.submission_record import SubmissionRecord, SubmissionRecordStore


class Submitter:
    """Submits the requests of one attempt of a task.

    :param operation: the operation of the service, bound to the open client.
    :param subject: the resource that the operation acts on, in words.
    :param search: finds the operation that the task instance already has.
    :param identity: key and names of the task instance.
    :param policy: the arguments of the task.
    :param records: where the task instance records its submissions.
    :param deadline: when to give up, seconds since the epoch.
    :param clock: this machine's clock.
    :param log: logger of the task.
    :param place: the connection that is used, for the log.
    :param conflict: the state of the wait from before the last deferral for a busy resource; ``None`` without one.
    """

    def __init__(
        self,
        operation: AnyOperation,
        *,
        subject: str,
        search: OperationSearch,
        identity: TaskIdentity,
        policy: SubmissionPolicy,
        records: SubmissionRecordStore,
        deadline: float,
        clock: Clock,
        log: logging.Logger,
        place: str,
        conflict: Conflict | None = None,
    ) -> None:
        self._operation = operation
        self._subject = subject
        self._search = search
        self._identity = identity
        self._policy = policy
        self._records = records
        self._clock = clock
        self._log = log
        self._place = place
        self._announced: Any = None
        self._busy = ConflictWait(
            subject, noun=operation.name, policy=policy, deadline=deadline, clock=clock, log=log, earlier=conflict
        )
        self.unclear_since = conflict.unclear_since if conflict else None
        """When this attempt sent a request that got no clear answer and was sent once more, seconds since the epoch."""
        self.progress = f"no {operation.name} was requested"
        """The progress of the task, for the error of a timeout."""

    def check_deadline(self) -> None:
        """Give up if the resource was busy until the deadline.

        :raises BackupTimeoutError: no time is left for a request.
        """
        self._busy.check_deadline()

    async def submit(self, request: Any) -> OwnedOperation:
        """Submit a request, or find the operation that it started.

        :param request: one of the requests.
        :raises BackupTimeoutError: the resource was busy until the deadline.
        :raises ConflictDeferral: the resource is busy, and the task is deferrable.
        :raises DuplicateNameError: the name is in use.
        :raises ApiError: the service rejected the request.
        """
        search = self._search
        while True:
            if not self._operation.capabilities.may_be_repeated:
                # Nothing is left to be read between record and submission: a failed read would leave it in doubt.
                await self._prepare(request)
            sent_at = self._clock.time()
            try:
                return await self._send(request, sent_at)
            except ResourceBusyError as refusal:
                if owned := await self.patiently(lambda: self._what_runs(request)):
                    return owned
                if self._policy.on_conflict == "fail":
                    raise
                watched = await self._busy.to_watch(lambda: self._operation.find_conflict(request))
                await self._pause(refusal, watched)
            except BackupError as error:
                if not may_have_taken_effect(error) or isinstance(error, OutOfTimeError):
                    # The next try searches for the effect of a request that timed out.
                    raise
                self._log.warning(texts.UNCLEAR, self._operation.name, error)
                if owned := await search.looked_up([request]) or await search.failed_at_once(request, sent_at):
                    return owned
                is_repeatable = _never_arrived(error) and self._operation.capabilities.may_be_repeated
                if self.unclear_since is not None or not is_repeatable:
                    raise
                # If it did arrive although stale lists do not show it, the service rejects a second one: the resource
                # is busy, or the name is in use.
                self._log.warning(texts.SENT_ONCE_MORE, self._operation.name)
                self.unclear_since = sent_at

    async def patiently(self, find: Callable[[], Awaitable[OwnedOperation | None]]) -> OwnedOperation | None:
        """Search while the resource is busy, retrying after transient errors, as nothing may be submitted before.

        :param find: the search.
        :raises BackupTimeoutError: the deadline has passed.
        :raises ConflictDeferral: the task is deferrable.
        """
        while True:
            try:
                return await find()
            except BackupError as error:
                if not self._busy.may_pass(error):
                    raise
                await self._pause(error)

    async def _pause(self, refusal: BackupError, watched: OperationReference | None = None) -> None:
        await self._busy.pause(
            refusal,
            watched=watched,
            unclear_since=self.unclear_since,
            work_since=self._search.ownership.since.timestamp(),
        )

    async def _prepare(self, request: Any) -> None:
        if self._busy.has_begun:
            await self.patiently(lambda: self._operation.prepare(request))
        else:
            await self._operation.prepare(request)

    async def _what_runs(self, request: Any) -> OwnedOperation | None:
        # The operation that keeps the resource busy may be this task's own one, which the list did not show yet.
        return await self._search.found(request) or await self._search.running(request)

    async def _send(self, request: Any, sent_at: float) -> OwnedOperation:
        self._announce(request)
        # First the record: it shows, if the process dies before the answer, that the operation may have started.
        record = SubmissionRecord(self.unclear_since or sent_at)
        is_recorded = self._records.write(record)
        if self._records.are_kept and not is_recorded and not self._operation.capabilities.may_be_repeated:
            raise BackupError(
                f"Nothing was sent: the {self._operation.name} of {self._subject} could not be recorded before.",
                next_step="Look why Airflow's task state store cannot be written (the log has the error); a retry "
                "submits it.",
            )
        self._search.ownership.asks()
        try:
            reference = await self._operation.submit(request)
        except BackupError as error:
            if may_have_taken_effect(error):
                self.progress = f"a {self._operation.name} was requested and may have started: no answer"
            elif self.unclear_since is None:
                self._records.erase()
                self._search.ownership.is_refused()
            if isinstance(error, DuplicateNameError) and self._identity.own_name is not None:
                is_lost = self._policy.if_exists == "adopt" or self._search.has_foreign_name(request)
                error.next_step = texts.NAME_IS_LOST if is_lost else texts.NAME_IS_TAKEN
            raise
        self._records.write(SubmissionRecord(record.recorded_at, reference))
        self.progress = f"{reference} was started, but its state was not read"
        self._log.info("Started %s for %s.", reference, self._subject)
        return OwnedOperation(reference, is_new=True, is_own=True)

    def _announce(self, request: Any) -> None:
        # Once for each name: a request for a busy resource is sent again and again.
        if request is not self._announced:
            self._announced = request
            name = self._operation.name_in(request)
            named = f" named {name!r}" if name else ""
            self._log.info(
                "Sending the request for a %s of %s%s (%s).", self._operation.name, self._subject, named, self._place
            )


def _never_arrived(error: BackupError) -> bool:
    """Whether a request without effect is not under way any more; one that took too long may still arrive."""
    return isinstance(error, CloudConnectionError) and error.connection_lost
