"""Search for the operation of a task instance: by its record, by its names, or by what runs on its resource."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_backup.cloud.errors import NotFoundError
from airflow_provider_backup.cloud.http.clock_skew import CloudClock
from airflow_provider_backup.cloud.http.time_limit import pause
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.operation import AnyOperation
from airflow_provider_backup.cloud.operations.status import LIVE
from airflow_provider_backup.exceptions import BackupExistsError
from airflow_provider_backup.limits import task_limits
from airflow_provider_backup.tasks import submission_texts as texts
from airflow_provider_backup.tasks.failed_operations import FailedOperations
from airflow_provider_backup.tasks.identity import TaskIdentity
from airflow_provider_backup.tasks.observing import began_at, here, observe_once
from airflow_provider_backup.tasks.ownership import Ownership
from airflow_provider_backup.tasks.submission_policy import SubmissionPolicy
from airflow_provider_backup.tasks.submission_record import SubmissionRecord, SubmissionRecordStore


@dataclass(frozen=True, slots=True)
class OwnedOperation:
    """The operation that the task waits for.

    :param reference: the operation.
    :param is_new: whether it was submitted just now.
    :param is_own: whether this task instance certainly submitted it.
    :param began: when it started, if known, in seconds since the epoch by this machine's clock.
    """

    reference: OperationReference
    is_new: bool
    is_own: bool
    began: float | None = None


class OperationSearch:
    """Finds the operation that a task instance already has, and its owner.

    :param operation: the operation of the service.
    :param requests: one request per name to use; a failed operation keeps its name.
    :param former_requests: the same with the names of the previous release.
    :param identity: key and names of the task instance.
    :param policy: the arguments of the task.
    :param records: where the task instance records its submissions.
    :param clock: the cloud's clock.
    :param log: logger of the task.
    """

    def __init__(
        self,
        operation: AnyOperation,
        requests: Sequence[Any],
        former_requests: Sequence[Any],
        *,
        identity: TaskIdentity,
        policy: SubmissionPolicy,
        records: SubmissionRecordStore,
        clock: CloudClock,
        log: logging.Logger,
    ) -> None:
        self._operation = operation
        self._requests = requests
        self._former_requests = former_requests
        self._identity = identity
        self._policy = policy
        self._records = records
        self._clock = clock
        self._log = log
        self._record = records.read()
        # Whether the service does not know what was recorded.
        self._is_gone = False
        self.ownership: Ownership = identity.ownership(self._record, records)
        self.may_be_there = self.ownership.may_be_there
        """Whether an operation of this task instance may be in the cloud."""
        self._names_of_others: list[Any] = []
        self._failed = FailedOperations(operation, policy=policy, ownership=self.ownership, clock=clock, log=log)
        # The last names first, as names are used in order.
        self._searched = [*requests[::-1], *former_requests[::-1]] if identity.may_have_used_names else requests[:1]

    @property
    def has_open_submission(self) -> bool:
        """Whether an earlier try recorded a submission of which nothing is known: no answer, or what is gone since."""
        return self._record is not None and (self._record.reference is None or self._is_gone)

    async def recorded(self) -> OwnedOperation | None:
        """Return the operation that an earlier try recorded; ``None`` if there is none, or it failed or was deleted."""
        record = self._record
        if record is None:
            return None
        if record.reference is None:
            return await self.looked_up(self._requests[::-1]) if record.is_new else None
        try:
            state = await observe_once(self._operation.observe, record.reference, is_new=record.is_new)
        except NotFoundError:
            self._is_gone = True
            return None
        if state.phase not in LIVE:
            self._failed.add(state)
            return None
        self._log.info(texts.FOUND_BY_RECORD, state.reference)
        return OwnedOperation(state.reference, is_new=False, is_own=record.is_own, began=record.recorded_at)

    async def named(self) -> OwnedOperation | None:
        """Return the operation that has one of the names that may have been used; ``None`` if there is none."""
        for request in self._searched:
            if found := await self.found(request):
                return found
        return None

    def was_searched(self, request: Any) -> bool:
        """Return whether :meth:`named` has searched for a request.

        :param request: one of the requests.
        """
        return request in self._searched

    async def found(self, request: Any) -> OwnedOperation | None:
        """Return the running or successful operation of a request; ``None`` if there is none.

        :param request: one of the requests.
        :raises BackupExistsError: the requested name is in use and ``if_exists`` is ``fail``.
        """
        identity, policy = self._identity, self._policy
        if not self.may_be_there and policy.if_exists == "new":
            return None
        by_anyone = policy.if_exists == "adopt"
        reference = await self._operation.find(request, since=self.ownership.since, by_anyone=by_anyone)
        if reference is None:
            return None
        name = identity.own_name
        if name is not None and by_anyone:
            return self.adopted(reference, f"it has the name {name!r}, and if_exists is 'adopt'")
        if not self._operation.capabilities.carries_name:
            return self._found_again(reference, is_own=False)
        if self.may_be_there:
            began = await began_at(self._operation, reference)
            # Earlier runs may have used the name: only an operation that started with this run counts.
            if self.ownership.is_in_time(self._clock, began):
                is_own = self.ownership.is_own(self._clock, began)
                return self._found_again(reference, is_own=is_own, began=here(self._clock, began))
        if name is not None and policy.if_exists == "fail":
            raise BackupExistsError(reference, name)
        if name is None and request not in self._names_of_others:
            self._log.warning(texts.OF_AN_EARLIER_RUN, reference)
            self._names_of_others.append(request)
        return None

    async def looked_up(self, requests: Sequence[Any]) -> OwnedOperation | None:
        """Search several times for an operation whose submission got no answer, as lists may be stale for a while.

        :param requests: the requests that may have been sent.
        """
        self.may_be_there = True
        for seconds in task_limits().lost_answer_searches:
            if all(map(self.is_name_of_another, requests)):
                return None
            await pause(seconds)
            for request in requests:
                if found := await self.found(request):
                    return found
        return None

    async def failed_at_once(self, request: Any, sent_at: float) -> OwnedOperation | None:
        """Return the operation of a submission without a clear answer, if it has failed already.

        :param request: the request that was sent.
        :param sent_at: when, in seconds since the epoch.
        """
        begun = await self._failed.begun_since(request, sent_at)
        if begun is None:
            return None
        reference, began = begun
        self._log.warning(texts.FAILED_AT_ONCE, reference)
        is_own = self.ownership.is_own(self._clock, began)
        began_here = here(self._clock, began)
        return self._recorded(OwnedOperation(reference, is_new=False, is_own=is_own, began=began_here))

    async def running(self, request: Any) -> OwnedOperation | None:
        """Return the operation that keeps the resource busy, if ``on_conflict`` is ``adopt``.

        :param request: the request that was rejected.
        """
        if self._policy.on_conflict != "adopt":
            return None
        reference = await self._operation.find_running(request)
        if reference is None:
            # A restore, or a backup of other resources: the task waits for it.
            return None
        return self.adopted(reference, "it keeps the resource busy, and on_conflict is 'adopt'")

    def adopted(self, reference: OperationReference, reason: str) -> OwnedOperation:
        """Return an operation that others submitted as the one to wait for.

        :param reference: the operation.
        :param reason: why, for the log.
        """
        self._log.info(texts.ADOPTED, reference, reason)
        return self._recorded(OwnedOperation(reference, is_new=False, is_own=False))

    def is_name_of_another(self, request: Any) -> bool:
        """Return whether the service rejects the name of a request, because another operation has it.

        :param request: one of the requests.
        """
        return self._operation.capabilities.names_are_unique and self.has_foreign_name(request)

    def has_foreign_name(self, request: Any) -> bool:
        """Return whether an operation that the task does not wait for has the name of a request.

        :param request: one of the requests.
        """
        return request in self._names_of_others

    async def pass_over_failed(self, *, is_logged: bool = True) -> None:
        """Log which operations of earlier tries failed or were deleted.

        :param is_logged: whether to log them; not again after a deferral.
        :raises FinalBackupFailedError: there is one, and ``retry_failed`` is not set.
        """
        if self._identity.may_have_used_names and self.may_be_there:
            for requests in (self._requests, self._former_requests):
                for request in requests:
                    if request in self._names_of_others:
                        continue
                    # Names are used in order.
                    if not await self._failed.has_name_of(request):
                        break
                    self._names_of_others.append(request)
        self._failed.pass_over(has_key=self._identity.has_key, is_logged=is_logged)

    def _found_again(
        self, reference: OperationReference, *, is_own: bool, began: float | None = None
    ) -> OwnedOperation:
        if self._identity.has_key and not is_own:
            self._log.warning(texts.OF_ANOTHER, reference)
        else:
            self._log.info(texts.FOUND_AGAIN, reference)
        return self._recorded(OwnedOperation(reference, is_new=False, is_own=is_own, began=began))

    def _recorded(self, owned: OwnedOperation) -> OwnedOperation:
        self._records.write(SubmissionRecord(self.ownership.since.timestamp(), owned.reference, owned.is_own))
        return owned
