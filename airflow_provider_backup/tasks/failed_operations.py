"""Operations of a task instance that failed or were deleted: they are never adopted, and a retry logs them."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from airflow_provider_backup.cloud.errors import NotFoundError
from airflow_provider_backup.cloud.http.clock_skew import CloudClock
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.operation import AnyOperation
from airflow_provider_backup.cloud.operations.status import LOST
from airflow_provider_backup.exceptions import BackupFailedError, FinalBackupFailedError
from airflow_provider_backup.tasks import submission_texts as texts
from airflow_provider_backup.tasks.observing import began_at, observe_once
from airflow_provider_backup.tasks.ownership import Ownership
from airflow_provider_backup.tasks.submission_policy import SubmissionPolicy


class FailedOperations:
    """The failed operations of a task instance.

    :param operation: the operation of the service.
    :param policy: the arguments of the task.
    :param ownership: decides which operations belong to the task instance.
    :param clock: the cloud's clock.
    :param log: logger of the task.
    """

    def __init__(
        self,
        operation: AnyOperation,
        *,
        policy: SubmissionPolicy,
        ownership: Ownership,
        clock: CloudClock,
        log: logging.Logger,
    ) -> None:
        self._operation = operation
        self._policy = policy
        self._ownership = ownership
        self._clock = clock
        self._log = log
        self._states: list[OperationState] = []

    def add(self, state: OperationState) -> None:
        """Add an operation that certainly belongs to this task instance.

        :param state: its state.
        """
        self._states.append(state)

    async def has_name_of(self, request: Any) -> bool:
        """Return whether a failed operation has the name of a request, and add it if it belongs to this DAG run.

        :param request: the request.
        """
        reference = await self._find(request)
        try:
            state = await observe_once(self._operation.observe, reference) if reference else None
        except NotFoundError:
            return False
        if state is None or state.phase not in LOST:
            return False
        if not self._is_known(state.reference) and self._ownership.is_in_time(self._clock, state.created_at):
            self._states.append(state)
        return True

    async def begun_since(self, request: Any, sent_at: float) -> tuple[OperationReference, datetime] | None:
        """Return the failed operation that a request without a clear answer started, and when it started.

        :param request: the request that was sent.
        :param sent_at: when, in seconds since the epoch.
        """
        reference = await self._find(request)
        if reference is None or self._is_known(reference):
            return None
        began = await began_at(self._operation, reference)
        if began is None or began < self._clock.earliest(datetime.fromtimestamp(sent_at, UTC)):
            return None
        return reference, began

    def pass_over(self, *, has_key: bool, is_logged: bool = True) -> None:
        """Log which operations of earlier tries cannot be used.

        :param has_key: whether the name of the operation holds the key of the task instance.
        :param is_logged: whether to log them.
        :raises FinalBackupFailedError: there is one, and ``retry_failed`` is not set.
        """
        is_certain = bool(self._states) or has_key
        # A user who clears the task wants another operation.
        is_final = is_certain and not self._policy.retry_failed and not self._ownership.is_first_since_a_clear
        for state in self._states:
            if is_final:
                raise FinalBackupFailedError(state)
            if is_logged:
                self._log.warning(texts.OF_A_FAILED_TRY, self._operation.name, BackupFailedError(state).message)

    def _is_known(self, reference: OperationReference) -> bool:
        return any(reference == state.reference for state in self._states)

    async def _find(self, request: Any) -> OperationReference | None:
        by_anyone = self._policy.if_exists == "adopt"
        return await self._operation.find(request, since=self._ownership.since, phases=LOST, by_anyone=by_anyone)
