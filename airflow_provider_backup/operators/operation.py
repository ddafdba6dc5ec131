"""Submitting a long-running operation and waiting for it, the same for every verb of every service."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_backup.cloud.errors import OutOfTimeError
from airflow_provider_backup.cloud.http.time_limit import time_limit
from airflow_provider_backup.cloud.operations.backup import BackupResult, OperationReference, OperationState
from airflow_provider_backup.cloud.operations.operation import AnyOperation, Capabilities
from airflow_provider_backup.operators.base import listed
from airflow_provider_backup.operators.waiting import WaitingOperator
from airflow_provider_backup.tasks.conflict import Conflict, ConflictDeferral
from airflow_provider_backup.tasks.deferral import wait_plan
from airflow_provider_backup.tasks.identity import TaskIdentity
from airflow_provider_backup.tasks.on_kill import KillHandler
from airflow_provider_backup.tasks.submission import IdempotentSubmission
from airflow_provider_backup.tasks.submission_policy import IfExists, OnClear, OnUncertain
from airflow_provider_backup.tasks.submission_record import RECORD_KEY

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud


class OperationOperator(WaitingOperator):
    """Submit an operation once, or adopt it, and wait for it.

    The other arguments are those of :class:`~airflow_provider_backup.operators.waiting.WaitingOperator`.

    :param retry_failed: whether the task may be retried, if it has ``retries``, after its operation failed.
    """

    template_fields: Sequence[str] = WaitingOperator.template_fields
    operation: ClassVar[type[AnyOperation]]
    """What is submitted; its capabilities are known while a DAG is parsed."""
    not_compared: ClassVar[frozenset[str]] = frozenset({"name", "description"})
    """Templated arguments that may differ between tries of one operation."""
    if_exists: IfExists = "new"
    on_clear: OnClear = "fresh"
    delete_on_kill: bool = False
    on_uncertain: OnUncertain = "fail"

    def __init__(self, *, retry_failed: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.retry_failed = retry_failed
        self._kill_handler: KillHandler | None = None

    @abstractmethod
    def request(self, name: str) -> Any:
        """Build the request from the arguments.

        :param name: the operation's name, for requests that carry one.
        """

    @abstractmethod
    def operation_of(self, cloud: BackupCloud) -> AnyOperation:
        """Return the operation, bound to a client.

        :param cloud: the open client.
        """

    @property
    def capabilities(self) -> Capabilities:
        """What the service can do for the operation."""
        return self.operation.capabilities

    @property
    def record_key(self) -> str:
        """Key of the record of the submission."""
        return RECORD_KEY

    def name_prefix(self) -> str | None:
        """Return what precedes the key in a generated name; ``None`` for DAG and task."""
        return None

    def own_name(self) -> str | None:
        """Return the ``name`` argument; ``None`` if the name is generated from the key."""
        return getattr(self, "name", None)

    def compared_arguments(self) -> dict[str, Any]:
        """Return what is the same in all tries of one operation; a record with other values is ignored."""
        return {name: listed(getattr(self, name)) for name in self.template_fields if name not in self.not_compared}

    def perform(self, context: Any) -> BackupResult:
        """Submit or adopt the operation, and wait for it.

        :return: see :class:`~airflow_provider_backup.cloud.operations.backup.BackupResult`.
        :raises BackupFailedError: the operation failed.
        :raises BackupExistsError: the name is in use and ``if_exists`` is ``fail``.
        :raises BackupTimeoutError: the task timed out.
        :raises ApiError: the service rejected the request.
        """
        return self.submit_and_wait(context, None)

    def submit_and_wait(self, context: Any, conflict: Conflict | None) -> BackupResult:
        """Submit or adopt the operation, and wait for it.

        :param context: the context of the task.
        :param conflict: the state of the wait from before the last deferral for a busy resource; ``None`` without one.
        """
        state, plan = self.submitted(context, conflict)
        if not self.wait_for_completion:
            self.log.info("%s; not waiting for it (wait_for_completion is False).", state)
            return state.to_result()
        result: BackupResult = self.wait(context, plan, state)
        return result

    def submitted(self, context: Any, conflict: Conflict | None) -> tuple[OperationState, dict[str, Any]]:
        """Submit or adopt the operation; return its state, and what a wait for it needs to know.

        :param context: the context of the task.
        :param conflict: the state of the wait from before the last deferral for a busy resource; ``None`` without one.
        """
        self._kill_handler = None
        try:
            state, (started_at, deadline), is_own = self.act(lambda cloud: self._start(cloud, context, conflict))
        except ConflictDeferral as deferral:
            self.defer_conflict(context, deferral.conflict)
        plan = wait_plan(
            state.reference,
            self.poll_interval,
            deadline,
            started_at=started_at,
            tolerance=self.tolerance,
            delete_on_kill=self.delete_on_kill and is_own,
        )
        return state, plan

    def on_kill(self) -> None:
        """Keep the operation, or delete its backup, see ``delete_on_kill``; Airflow calls this to end the process."""
        if self._kill_handler:
            self._kill_handler.on_kill(self.hook, self.log, delete=self.delete_on_kill)

    def continue_wait(self, context: Any, plan: dict[str, Any], *, patient: bool = True) -> Any:
        """Look, and end the task or defer it again; from here on it may be killed with its backup."""
        self._kill_handler = KillHandler(context["ti"], poll_interval=self.poll_interval, timeout=self.timeout)
        self._kill_handler.track(
            OperationReference.from_dict(plan["reference"]), is_own=plan.get("delete_on_kill", False)
        )
        return super().continue_wait(context, plan, patient=patient)

    def _submission(self, cloud: BackupCloud, context: Any, conflict: Conflict | None = None) -> IdempotentSubmission:
        identity = TaskIdentity(
            context,
            capabilities=self.capabilities,
            arguments=self.compared_arguments(),
            own_name=self.own_name(),
            prefix=self.name_prefix(),
            outlives_clears=self.on_clear == "adopt",
            installation=cloud.settings.installation,
            began_at=conflict.work_since if conflict else None,
        )
        return IdempotentSubmission(
            self.operation_of(cloud),
            [*map(self.request, identity.names())],
            [*map(self.request, identity.former_names())],
            identity=identity,
            policy=self.submission_policy(
                conflict,
                if_exists=self.if_exists,
                on_clear=self.on_clear,
                retry_failed=self.retry_failed,
                on_uncertain=self.on_uncertain,
            ),
            records=identity.records(self.log, key=self.record_key),
            clock=cloud.cloud_clock,
            log=self.log,
            place=self.connection_text,
            conflict=conflict,
        )

    def _handler_before_submission(self, context: Any, submission: IdempotentSubmission) -> KillHandler:
        async def find(cloud: BackupCloud) -> OperationReference | None:
            return await submission.find_again(self.operation_of(cloud), cloud.cloud_clock)

        # After a clear with "adopt" the operation that is found may be the successful one of before.
        is_certain = submission.has_key and self.on_clear == "fresh"
        return KillHandler(
            context["ti"],
            poll_interval=self.poll_interval,
            timeout=self.timeout,
            find=find if is_certain else None,
        )

    async def _start(
        self, cloud: BackupCloud, context: Any, conflict: Conflict | None
    ) -> tuple[OperationState, tuple[float, float], bool]:
        submission = self._submission(cloud, context, conflict)
        self._kill_handler = self._handler_before_submission(context, submission)
        with time_limit(submission.seconds_left, tolerance=self.tolerance):
            try:
                owned = await submission.take()
            except OutOfTimeError as error:
                if not error.is_deadline:
                    raise
                raise submission.timed_out(error) from error
            self._kill_handler.track(owned.reference, is_own=owned.is_own)
            # Before anything else can fail: other code finds the operation by this XCom.
            context["ti"].xcom_push(key="backup_reference", value=owned.reference.to_dict())
            state = await self.look(cloud, owned.reference, is_new=True)
        return state, submission.times(cloud.cloud_clock, owned, state), owned.is_own
