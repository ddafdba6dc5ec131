"""Taking a backup of what a restore overwrites, before it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from airflow_provider_backup.cloud.operations.backup import BackupResult, OperationReference, OperationState
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.exceptions import BackupFailedError, FinalBackupFailedError
from airflow_provider_backup.operators.operation import OperationOperator
from airflow_provider_backup.operators.restore_outcome import EndsWithRestore
from airflow_provider_backup.tasks.deferred_wait import WAIT_XCOM
from airflow_provider_backup.tasks.submission_record import RECORD_KEY
from airflow_provider_backup.version_compat import own_xcom

if TYPE_CHECKING:
    from airflow_provider_backup.tasks.conflict import Conflict

FIRST_XCOM = "backup_first"
"""Key of the XCom that holds the backup that this try took or adopted before the operation itself."""

_FIRST_RECORD = f"{RECORD_KEY}.backup_first"


class BackupFirstOperator(EndsWithRestore, OperationOperator):
    """A restore that overwrites something, with an optional backup before it.

    Both are submitted by the same engine, one after the other: :attr:`is_backup_first` tells which one the methods that
    describe an operation are asked about. The backup has the key of the task instance in its name, so that retries
    adopt it; each of both has a record of its own.

    :param backup_first: whether a backup is taken first, and waited for.
    """

    def __init__(self, *, backup_first: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.backup_first = backup_first
        self.is_backup_first = False

    @property
    def record_key(self) -> str:
        """Key of the record of the submission."""
        return _FIRST_RECORD if self.is_backup_first else super().record_key

    def submit_and_wait(self, context: Any, conflict: Conflict | None) -> Any:
        """Take or adopt the backup if there is to be one, then submit or adopt the operation, and wait for it.

        :param context: the context of the task.
        :param conflict: the state of the wait from before the last deferral for a busy resource; ``None`` without one.
        """
        if self.backup_first and self._taken(context) is None:
            self.is_backup_first = True
            try:
                state, plan = self.submitted(context, conflict)
                result = self.wait(context, plan, state)
            finally:
                self.is_backup_first = False
            self._remember(context, result)
            # It belonged to the backup.
            conflict = None
        return self._with_backup(context, super().submit_and_wait(context, conflict))

    def waited_operation(self, context: Any) -> str:
        """Return which operation is waited for."""
        return "backup" if self._waits_for_backup(own_xcom(context["ti"], WAIT_XCOM)) else self.waits_for

    def succeeded(self, context: Any, result: dict[str, Any]) -> Any:
        """Return the result of the operation; after the backup, the operation is submitted first.

        :param context: the context of the task.
        :param result: how backup or operation was last observed, from the event.
        """
        ended = super().succeeded(context, result)
        if self.waited_operation(context) != "backup":
            return self._with_backup(context, ended)
        self._remember(context, ended)
        return self.submit_and_wait(context, None)

    def finish(self, plan: dict[str, Any], observation: OperationState) -> Any:
        """Return the result of the backup or of the operation.

        :param plan: the wait, from ``wait_plan``.
        :param observation: the terminal state.
        :raises BackupFailedError: it failed.
        """
        if not self._waits_for_backup(plan):
            return super().finish(plan, observation)
        if observation.phase is not Phase.SUCCEEDED:
            error = BackupFailedError if self.retry_failed else FinalBackupFailedError
            raise error(
                observation,
                next_step="Nothing was overwritten: the backup that backup_first asks for failed. Check the resource "
                "in the cloud; a retry, or clearing the task, takes another one.",
            )
        self.log.info("%s", observation)
        return observation.to_result()

    def continue_wait(self, context: Any, plan: dict[str, Any], *, patient: bool = True) -> Any:
        """Look, and end the task or defer it again; after the backup, the operation is submitted."""
        result = super().continue_wait(context, plan, patient=patient)
        if not self._waits_for_backup(plan):
            return self._with_backup(context, result)
        self._remember(context, result)
        return self.submit_and_wait(context, None)

    def _waits_for_backup(self, plan: Any) -> bool:
        if not isinstance(plan, dict) or "reference" not in plan:
            return False
        return self.backup_first and OperationReference.from_dict(plan["reference"]).operation == "backup"

    def _remember(self, context: Any, result: Any) -> None:
        value = {"result": dict(result), "try_number": context["ti"].try_number}
        context["ti"].xcom_push(key=FIRST_XCOM, value=value)

    def _taken(self, context: Any) -> BackupResult | None:
        """Return the backup that this try took or adopted."""
        kept = own_xcom(context["ti"], FIRST_XCOM)
        if not isinstance(kept, dict) or kept.get("try_number") != context["ti"].try_number:
            return None
        return cast("BackupResult", kept["result"])

    def _with_backup(self, context: Any, result: Any) -> Any:
        return {**result, "backup_first": self._taken(context) if self.backup_first else None}
