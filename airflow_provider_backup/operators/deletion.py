"""Deleting something and waiting until it is gone, the same for backups and for instances."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, get_args

from airflow_provider_backup.cloud.clock import current_clock
from airflow_provider_backup.cloud.errors import BackupError, NotFoundError, OutOfTimeError, ResourceBusyError
from airflow_provider_backup.cloud.http.time_limit import time_limit
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.deletion import DeletionOperation, target_of
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.exceptions import BackupFailedError, BackupMissingError, BackupTimeoutError, MissingError
from airflow_provider_backup.operators.base import check_choice
from airflow_provider_backup.operators.waiting import WaitingOperator
from airflow_provider_backup.tasks.conflict import Conflict, ConflictDeferral, ConflictWait
from airflow_provider_backup.tasks.deferral import wait_plan
from airflow_provider_backup.tasks.deferred_wait import WAIT_XCOM
from airflow_provider_backup.tasks.idempotency import EVERY_GENERATION
from airflow_provider_backup.tasks.submission_record import SubmissionRecord, SubmissionRecordStore
from airflow_provider_backup.version_compat import own_xcom

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud

IfMissing = Literal["fail", "ignore"]


class _Started(NamedTuple):
    """A deletion; without a state there is nothing to wait for."""

    target: OperationReference
    names: tuple[str, ...] = ()
    state: OperationState | None = None


class DeletionOperator(WaitingOperator):
    """Delete something and wait until it is gone.

    It is read before the deletion is requested; a deletion that is known to run already is adopted. If the task ends
    early, the deletion continues in the cloud. The other arguments are those of
    :class:`~airflow_provider_backup.operators.waiting.WaitingOperator`; ``timeout`` counts from the start of each try.

    :param if_missing: what to do if the service does not have it: ``fail`` or ``ignore``.
    """

    missing_error: ClassVar[type[MissingError]] = BackupMissingError
    """The error if it does not exist and ``if_missing`` is ``fail``."""
    records_submission: ClassVar[bool] = False
    """Whether the answer to the request tells more than what was read before it."""
    next_step_after_timeout = "Give it more time (timeout); the deletion continues in the cloud, and a retry adopts it."

    def __init__(
        self,
        *,
        poll_interval: float | timedelta = 10.0,
        timeout: float | timedelta = 60 * 60,
        if_missing: IfMissing = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(poll_interval=poll_interval, timeout=timeout, **kwargs)
        check_choice(self.task_id, "if_missing", if_missing, get_args(IfMissing))
        self.if_missing = if_missing

    @abstractmethod
    def target(self) -> OperationReference:
        """Return what is deleted, as the arguments name it."""

    @abstractmethod
    def request(self) -> Any:
        """Build the request of the deletion from the arguments.

        :raises InvalidRequestError: a documented rule is broken.
        """

    @abstractmethod
    def operation_of(self, cloud: BackupCloud) -> DeletionOperation:
        """Return the deletion, bound to a client.

        :param cloud: the open client.
        """

    @abstractmethod
    def names_of(self, before: OperationState) -> tuple[str, ...]:
        """Return the names of all that is deleted, for the log; nothing if there is nothing left to delete.

        :param before: how it stood before its deletion.
        """

    def result_of(self, target: OperationReference) -> dict[str, Any]:
        """Return the result of the task.

        :param target: what was deleted.
        """
        return target.to_dict()

    def perform(self, context: Any) -> dict[str, Any]:
        """Delete it, or adopt its deletion, and wait until it is gone.

        :return: what was deleted.
        :raises BackupFailedError: the deletion failed.
        :raises BackupTimeoutError: it still exists after ``timeout``.
        :raises ApiError: the service rejected the request.
        """
        return self.submit_and_wait(context, None)

    def submit_and_wait(self, context: Any, conflict: Conflict | None) -> dict[str, Any]:
        """Submit or adopt the deletion, and wait for it.

        :param context: the context of the task.
        :param conflict: the state of the wait from before the last deferral for a busy resource; ``None`` without one.
        """
        target, request = self.target(), self.built(self.request)
        deadline = conflict.deadline if conflict else current_clock().time() + self.timeout
        # One record for all generations: what a task deleted before it was cleared stays deleted.
        records = SubmissionRecordStore(context, EVERY_GENERATION, {"deletion": target.to_dict()}, self.log)
        text = "Deleting %s (%s)." if conflict is None else "%s may be free now (%s)."
        self.log.info(text, target, self.connection_text)
        attempt = _Attempt(
            self, target, request, records, conflict, deadline, is_first_try=context["ti"].try_number == 1
        )
        try:
            started = self.act(attempt.start_in_time)
        except ConflictDeferral as deferral:
            self.defer_conflict(context, deferral.conflict)
        if started.state is None:
            return self.result_of(started.target)
        plan = wait_plan(started.state.reference, self.poll_interval, deadline, tolerance=self.tolerance)
        # For the log after a deferral; not for the trigger.
        plan["backups"] = list(started.names)
        result: dict[str, Any] = self.wait(context, plan, started.state)
        return result

    def succeeded(self, context: Any, result: dict[str, Any]) -> dict[str, Any]:
        """Return what was deleted, after the trigger reported that the deletion has finished.

        :param context: the context of the task.
        :param result: how the deletion was last observed.
        """
        plan = own_xcom(context["ti"], WAIT_XCOM)
        # The event is enough; the plan has the names for the log.
        return self._deleted(plan if isinstance(plan, dict) else {"reference": result})

    def finish(self, plan: dict[str, Any], observation: OperationState) -> dict[str, Any]:
        """Return what was deleted.

        :param plan: the wait, from ``wait_plan``.
        :param observation: the terminal state of the deletion.
        :raises BackupFailedError: the deletion failed.
        """
        if observation.phase is not Phase.SUCCEEDED:
            raise BackupFailedError(
                observation,
                next_step="Check it in the cloud; a retry, or clearing the task, requests its deletion again.",
            )
        return self._deleted(plan)

    def _deleted(self, plan: dict[str, Any]) -> dict[str, Any]:
        target = target_of(OperationReference.from_dict(plan["reference"]))
        for name in plan.get("backups") or [str(target)]:
            self.log.info("Deleted: %s.", name)
        return self.result_of(target)


class _Attempt:
    """One attempt of a task to submit or adopt its deletion.

    :param task: the operator.
    :param target: what is deleted, as the arguments name it.
    :param request: the request of the deletion.
    :param records: what tries of the task saw.
    :param conflict: the state of the wait from before the last deferral for a busy resource; ``None`` without one.
    :param deadline: when to give up, seconds since the epoch.
    :param is_first_try: whether there was no earlier try.
    """

    def __init__(
        self,
        task: DeletionOperator,
        target: OperationReference,
        request: Any,
        records: SubmissionRecordStore,
        conflict: Conflict | None,
        deadline: float,
        *,
        is_first_try: bool,
    ) -> None:
        self._task = task
        self._target = target
        self._request = request
        self._records = records
        self._record = records.read()
        self._would_know = records.are_kept or is_first_try
        self._deadline = deadline
        self._busy = ConflictWait(
            str(target),
            noun="deletion",
            policy=task.submission_policy(conflict),
            deadline=deadline,
            clock=current_clock(),
            log=task.log,
            earlier=conflict,
            may_adopt=False,
        )

    async def start_in_time(self, cloud: BackupCloud) -> _Started:
        """Submit or adopt the deletion before the deadline.

        :param cloud: the open client.
        :raises BackupTimeoutError: the deadline has passed.
        :raises ConflictDeferral: the resource is busy, and the task is deferrable.
        """
        self._busy.check_deadline()
        try:
            with time_limit(self._deadline - current_clock().time(), tolerance=self._task.tolerance):
                return await self._start_when_free(cloud)
        except OutOfTimeError as error:
            if not error.is_deadline:
                raise
            raise BackupTimeoutError(
                f"Timed out (timeout={self._task.timeout:g} s), and it is not certain that the deletion of "
                f"{self._target} was submitted. {error.message}",
                next_step="Check that the service can be reached, or give it more time (timeout).",
            ) from error

    async def _start_when_free(self, cloud: BackupCloud) -> _Started:
        while True:
            operation = self._task.operation_of(cloud)
            try:
                return await self._start(cloud, operation)
            except ResourceBusyError as refusal:
                if self._task.on_conflict == "fail":
                    raise
                watched = await self._busy.to_watch(partial(operation.find_conflict, self._request))
                await self._busy.pause(refusal, watched=watched)
            except BackupError as error:
                if not self._busy.has_begun or not self._busy.may_pass(error):
                    raise
                await self._busy.pause(error)

    async def _start(self, cloud: BackupCloud, operation: DeletionOperation) -> _Started:
        log = self._task.log
        before: OperationState | None = None
        names: tuple[str, ...] = ()
        try:
            await operation.prepare(self._request)
            before = operation.before
            if before.phase is Phase.DELETED:
                log.info("%s; there is nothing left to delete.", before)
                return _Started(target_of(before.reference))
            if names := self._task.names_of(before):
                if self._record is None:
                    self._note(before.reference)
                self._log_each("To be deleted: %s.", names)
            if running := await self._running(operation):
                log.info("The %s is running already; adopting it.", running)
            else:
                running = await operation.submit(self._request)
                if self._task.records_submission:
                    self._note(running)
        except NotFoundError as absence:
            if before is None or not names:
                return _Started(await self._missing(cloud, absence))
            if before.phase is Phase.IN_PROGRESS:
                # It is too new to be known by all parts of the service.
                raise
            running = operation.reference_to(before)
        if not names:
            log.info("%s and has no backup; there is nothing left to delete.", before)
            return _Started(target_of(before.reference))
        if not self._task.wait_for_completion:
            self._log_each("Requested the deletion of: %s.", names)
            return _Started(target_of(running))
        return _Started(target_of(running), names, await self._task.look(cloud, running, is_new=True))

    async def _running(self, operation: DeletionOperation) -> OperationReference | None:
        recorded = self._record.reference if self._record else None
        if recorded and recorded.operation == operation.name and await operation.is_running(recorded):
            return recorded
        return await operation.find_running(self._request)

    def _note(self, reference: OperationReference) -> None:
        self._record = SubmissionRecord(current_clock().time(), reference)
        self._records.write(self._record)

    def _log_each(self, text: str, names: Sequence[str]) -> None:
        for name in names:
            self._task.log.info(text, name)

    async def _missing(self, cloud: BackupCloud, absence: NotFoundError) -> OperationReference:
        """Return what was not found but counts as deleted."""
        log = self._task.log
        if self._record is not None and self._record.reference is not None:
            seen = target_of(self._record.reference)
            log.info("There is nothing left to delete: an earlier try of this task saw %s.", seen)
            return seen
        if self._busy.has_begun:
            log.info("There is nothing left to delete: %s was busy before.", self._target)
            return self._target
        if self._task.if_missing == "ignore":
            log.info("There is nothing left to delete (if_missing is 'ignore'): %s", absence.message)
            return self._target
        place = f"region {cloud.settings.region}, project {await cloud.project_id()}"
        raise self._task.missing_error(self._target, place, absence, would_know=self._would_know) from absence
