"""Submitting one request: once, whatever becomes of its answer, and again while its resource is busy."""

from __future__ import annotations

import logging
import time
from typing import Any

from airflow_provider_backup.cloud.errors import (
    BackupError,
    CloudConnectionError,
    DuplicateNameError,
    OutOfTimeError,
    ResourceBusyError,
)
from airflow_provider_backup.cloud.http.retry_policy import is_passing, may_have_taken_effect
from airflow_provider_backup.cloud.operations.operation import AnyOperation
from airflow_provider_backup.tasks import submission_texts as texts
from airflow_provider_backup.tasks.conflict_retry import ConflictRetry
from airflow_provider_backup.tasks.identity import TaskIdentity
from airflow_provider_backup.tasks.operation_search import OperationSearch, OwnedOperation
from airflow_provider_backup.tasks.submission_policy import SubmissionPolicy
from airflow_provider_backup.tasks.submission_record import SubmissionRecord, SubmissionRecordStore


class Submitter:
    """Submits the requests of one attempt of a task.

    :param operation: the verb of the service, bound to the open client.
    :param subject: what the operation acts on, in words.
    :param search: finds what the task instance already has.
    :param identity: of the task instance.
    :param policy: what the author chose.
    :param records: where the task instance records its submissions.
    :param deadline: when to give up, seconds since the epoch.
    :param log: of the task.
    :param place: which connection is used, for the log.
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
        log: logging.Logger,
        place: str,
    ) -> None:
        self._operation = operation
        self._subject = subject
        self._search = search
        self._identity = identity
        self._policy = policy
        self._records = records
        self._deadline = deadline
        self._log = log
        self._place = place
        self._announced: Any = None
        self.unclear_since: float | None = None
        """When this attempt sent a request that got no clear answer and was sent once more, seconds since the epoch."""
        self.progress = f"no {operation.name} was asked for"
        """How far the task came, for the error of a timeout."""

    async def submit(self, request: Any) -> OwnedOperation:
        """Submit a request, or find what it began.

        :param request: one of the requests.
        :raises BackupTimeoutError: the resource was busy until the deadline.
        :raises DuplicateNameError: the name is taken.
        :raises ApiError: the service refuses.
        """
        policy, search = self._policy, self._search
        busy = ConflictRetry(
            self._subject,
            noun=self._operation.name,
            poll_interval=policy.poll_interval,
            deadline=self._deadline,
            log=self._log,
        )
        while True:
            sent_at = time.time()
            try:
                return await self._send(request, sent_at)
            except ResourceBusyError as refusal:
                if owned := await self._what_runs(request, busy):
                    return owned
                if policy.on_conflict == "fail":
                    raise
                await busy.pause(refusal)
            except BackupError as error:
                if not may_have_taken_effect(error) or isinstance(error, OutOfTimeError):
                    # What was cut off is searched by the next try.
                    raise
                self._log.warning(texts.UNCLEAR, self._operation.name, error)
                if owned := await search.looked_up([request]) or await search.failed_at_once(request, sent_at):
                    return owned
                is_repeatable = _never_arrived(error) and self._operation.capabilities.may_be_repeated
                if self.unclear_since is not None or not is_repeatable:
                    raise
                # If it did arrive, and the lists are far behind, the service refuses a second one: the resource is
                # busy, or the name is taken.
                self._log.warning(texts.SENT_ONCE_MORE, self._operation.name)
                self.unclear_since = sent_at

    async def _what_runs(self, request: Any, busy: ConflictRetry) -> OwnedOperation | None:
        while True:
            try:
                # What keeps the resource busy may be this task's own operation, which the list did not show yet.
                return await self._search.found(request) or await self._search.running(request)
            except BackupError as error:
                # Not submitted again before that is known.
                is_final = isinstance(error, OutOfTimeError) and not error.is_deadline
                if self._policy.on_conflict == "fail" or is_final or not is_passing(error):
                    raise
                await busy.pause(error)

    async def _send(self, request: Any, sent_at: float) -> OwnedOperation:
        self._announce(request)
        # First the record: a process that dies before the answer leaves word that the operation may have begun.
        record = SubmissionRecord(self.unclear_since or sent_at)
        self._records.write(record)
        self._search.ownership.asks()
        try:
            reference = await self._operation.submit(request)
        except BackupError as error:
            if may_have_taken_effect(error):
                self.progress = f"a {self._operation.name} was asked for and may have begun: the service did not answer"
            elif self.unclear_since is None:
                self._records.erase()
                self._search.ownership.is_refused()
            if isinstance(error, DuplicateNameError) and self._identity.own_name is not None:
                is_lost = self._policy.if_exists == "adopt" or self._search.has_foreign_name(request)
                error.next_step = texts.NAME_IS_LOST if is_lost else texts.NAME_IS_TAKEN
            raise
        self._records.write(SubmissionRecord(record.noted_at, reference))
        self.progress = f"{reference} was never seen"
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
