"""Taking a backup, the same for every service: exactly one per task instance, found again instead of taken twice."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow.providers.common.compat.sdk import conf

from airflow_provider_backup.cloud.errors import InvalidRequestError, OutOfTimeError, Violation
from airflow_provider_backup.cloud.http.time_limit import time_limit
from airflow_provider_backup.cloud.operations.backup import BackupResult, OperationReference, OperationState
from airflow_provider_backup.cloud.operations.operation import AnyOperation
from airflow_provider_backup.cloud.schema.base import RequestModel
from airflow_provider_backup.exceptions import BackupTimeoutError
from airflow_provider_backup.operators.base import BackupCloudOperator, check_choice, in_seconds, listed
from airflow_provider_backup.tasks.deferral import OperatorWaitMixin, wait_plan
from airflow_provider_backup.tasks.identity import TaskIdentity
from airflow_provider_backup.tasks.on_kill import KillHandler
from airflow_provider_backup.tasks.submission import IdempotentSubmission
from airflow_provider_backup.tasks.submission_policy import IfExists, OnClear, OnConflict, SubmissionPolicy

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud

PLACEHOLDER_NAME = "airflow-backup"
"""Stands for the name that is made at run time while a DAG is parsed."""

_NOT_WHAT_IS_BACKED_UP = frozenset({"name", "description"})
"""Templated arguments that may differ from try to try."""


class CreateBackupOperator(OperatorWaitMixin, BackupCloudOperator):
    """Take a backup and wait for it.

    Before it asks for a backup, it looks for one that this task instance already started (a retry, a crash, a lost
    answer) and goes on with that. A failed backup is never taken for a good one. A cleared task takes a fresh backup.

    :param wait_for_completion: whether the task succeeds only when the backup is good.
    :param deferrable: whether to wait in the triggerer; ``None`` follows ``[operators] default_deferrable``.
    :param poll_interval: seconds between two looks, or a ``timedelta``, above 0.
    :param timeout: seconds in all, or a ``timedelta``, above 0, counted from the start of the task, search and request
        included, through retries that find its backup again; the backup is left alone when they are over.
    :param tolerance: seconds of unbroken trouble or silence on the wire, or a ``timedelta``, above 0, after which the
        task ends with the last error; ``None`` waits until ``timeout``.
    :param on_conflict: what to do while something keeps the resource busy: ``wait`` asks again every ``poll_interval``
        until the time is over, and holds the worker meanwhile, also with ``deferrable``; ``adopt`` goes on with the
        backup that is being made there of all that this task would back up, whoever began it and whenever, and waits
        when there is none, as for a restore; ``fail`` fails the task, which a retry repeats.
    :param if_exists: what to do with a running or good backup of the resource that has the ``name`` already: ``new``
        takes another one of that name, which the database services refuse; ``adopt`` goes on with it, whoever took it
        and whenever, also after a clear; ``fail`` fails the task before anything is sent. In each case a retry goes on
        with what the task itself began. Only with a ``name`` of one's own.
    :param on_clear: what a cleared task does: ``fresh`` takes a fresh backup, ``adopt`` goes on with the one that it
        had, unless that failed; only where the task makes the backup's name itself.
    :param delete_on_kill: whether the backup is deleted when a user ends the task that waits for it (marks it or its
        DAG run as failed, or the DAG run times out). A clear, a mark as success, a shutdown, a crash and a timeout of
        the task leave it alone, as does everything that is not certain; so is a backup that this task did not make or
        found again without a name of its own.
    :param retry_failed: whether the task, as far as it has ``retries``, is tried again after its backup failed or was
        deleted; the next try names that backup in its log and takes a fresh one. Without it such a task fails at once.
    """

    template_fields: Sequence[str] = BackupCloudOperator.template_fields
    timeout_error = BackupTimeoutError
    operation: ClassVar[type[AnyOperation]]
    """Takes the backup; its capabilities are known while a DAG is parsed."""

    def __init__(
        self,
        *,
        wait_for_completion: bool = True,
        deferrable: bool | None = None,
        poll_interval: float | timedelta = 30.0,
        timeout: float | timedelta = 6 * 60 * 60,
        tolerance: float | timedelta | None = None,
        on_conflict: OnConflict = "wait",
        if_exists: IfExists = "new",
        on_clear: OnClear = "fresh",
        delete_on_kill: bool = False,
        retry_failed: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_choice(self.task_id, "on_conflict", on_conflict, get_args(OnConflict))
        check_choice(self.task_id, "if_exists", if_exists, get_args(IfExists))
        check_choice(self.task_id, "on_clear", on_clear, get_args(OnClear))
        self.wait_for_completion = wait_for_completion
        self.deferrable = conf.getboolean("operators", "default_deferrable") if deferrable is None else deferrable
        self.poll_interval = in_seconds(self.task_id, "poll_interval", poll_interval)
        self.timeout = in_seconds(self.task_id, "timeout", timeout)
        self.tolerance = None if tolerance is None else in_seconds(self.task_id, "tolerance", tolerance)
        self.on_conflict = on_conflict
        self.if_exists = if_exists
        self.on_clear = on_clear
        self.delete_on_kill = delete_on_kill
        self.retry_failed = retry_failed
        self._in_hand: KillHandler | None = None

    @abstractmethod
    def request(self, name: str) -> RequestModel:
        """Build the request from the arguments.

        :param name: the backup's name, for services whose backups have one.
        """

    @abstractmethod
    def operation_of(self, cloud: BackupCloud) -> AnyOperation:
        """Return the operation that takes the backup.

        :param cloud: the open client.
        """

    def own_name(self) -> str | None:
        """Return the name that the author chose; none for one made from the key."""
        return getattr(self, "name", None)

    def check_arguments(self) -> None:
        """Reject wrong literals once the operator is built.

        :raises InvalidRequestError: a documented rule is broken, whatever the templates become.
        """
        super().check_arguments()
        violations = []
        carries_name = self.operation.capabilities.carries_name
        if self.on_clear == "adopt" and not (carries_name and self.own_name() is None):
            rule = "a cleared task finds its backup again only by the name that it makes itself"
            violations.append(Violation("on_clear", rule, self.on_clear))
        if self.if_exists != "new" and self.own_name() is None:
            rule = "needs a name of your own" if carries_name else "the request carries no name to look for"
            violations.append(Violation("if_exists", rule, self.if_exists))
        if violations:
            raise InvalidRequestError(f"Task {self.task_id!r}", violations)
        self.check_while_parsing(lambda: self.request(self.own_name() or PLACEHOLDER_NAME))

    def perform(self, context: Any) -> BackupResult:
        """Take the backup, or find it again, and wait for it.

        :return: see :class:`~airflow_provider_backup.cloud.operations.backup.BackupResult`.
        :raises BackupFailedError: the backup ended badly.
        :raises BackupExistsError: the name is taken and ``if_exists`` is ``fail``.
        :raises BackupTimeoutError: the time is over.
        :raises ApiError: the service refuses.
        """
        self._in_hand = None
        observation, (started_at, deadline), is_own = self.act(lambda cloud: self._start(cloud, context))
        if not self.wait_for_completion:
            self.log.info("%s; not waited for.", observation)
            return observation.to_result()
        plan = wait_plan(
            observation.reference,
            self.poll_interval,
            deadline,
            started_at=started_at,
            tolerance=self.tolerance,
            delete_on_kill=self.delete_on_kill and is_own,
        )
        result: BackupResult = self.wait(context, plan, observation)
        return result

    def on_kill(self) -> None:
        """Leave the backup alone, or delete it, see ``delete_on_kill``; Airflow calls this when it ends the process."""
        if self._in_hand:
            self._in_hand.let_go(self.hook, self.log, delete=self.delete_on_kill)

    def _resume(self, context: Any, plan: dict[str, Any], *, patient: bool = True) -> Any:
        self._in_hand = KillHandler(context["ti"], poll_interval=self.poll_interval, timeout=self.timeout)
        self._in_hand.learn(OperationReference.from_dict(plan["reference"]), is_own=plan.get("delete_on_kill", False))
        return super()._resume(context, plan, patient=patient)

    def _identity(self, context: Any, installation: str) -> TaskIdentity:
        return TaskIdentity(
            context,
            capabilities=self.operation.capabilities,
            # What is backed up and how: another try with other arguments is for another backup.
            arguments={
                name: listed(getattr(self, name)) for name in self.template_fields if name not in _NOT_WHAT_IS_BACKED_UP
            },
            own_name=self.own_name(),
            outlives_clears=self.on_clear == "adopt",
            installation=installation,
        )

    def _submission(self, cloud: BackupCloud, context: Any) -> IdempotentSubmission:
        identity = self._identity(context, cloud.settings.installation)
        return IdempotentSubmission(
            self.operation_of(cloud),
            [*map(self.request, identity.names())],
            [*map(self.request, identity.former_names())],
            identity=identity,
            policy=SubmissionPolicy(
                timeout=self.timeout,
                poll_interval=self.poll_interval,
                on_conflict=self.on_conflict,
                if_exists=self.if_exists,
                on_clear=self.on_clear,
                retry_failed=self.retry_failed,
            ),
            records=identity.records(self.log),
            clock=cloud.clock,
            log=self.log,
            place=self.connection_text,
        )

    def _nothing_yet(self, context: Any, submission: IdempotentSubmission) -> KillHandler:
        async def find(cloud: BackupCloud) -> OperationReference | None:
            return await submission.find_again(self.operation_of(cloud), cloud.clock)

        # After a clear with "adopt" the backup that is found may be the good one of before.
        is_certain = submission.has_key and self.on_clear == "fresh"
        return KillHandler(
            context["ti"],
            poll_interval=self.poll_interval,
            timeout=self.timeout,
            find=find if is_certain else None,
        )

    async def _start(self, cloud: BackupCloud, context: Any) -> tuple[OperationState, tuple[float, float], bool]:
        submission = self._submission(cloud, context)
        self._in_hand = self._nothing_yet(context, submission)
        with time_limit(submission.seconds_left, tolerance=self.tolerance):
            try:
                owned = await submission.take()
            except OutOfTimeError as error:
                if not error.is_deadline:
                    raise
                raise submission.timed_out(error) from error
            self._in_hand.learn(owned.reference, is_own=owned.is_own)
            # Before anything else can go wrong: the id must be known to everything that looks for it.
            context["ti"].xcom_push(key="backup_reference", value=owned.reference.to_dict())
            observation = await self.look(cloud, owned.reference, is_new=True)
        return observation, submission.times(cloud.clock, owned, observation), owned.is_own
