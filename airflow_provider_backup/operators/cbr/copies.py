"""Copies of backups in other regions with CBR, which calls them replications."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_backup.cloud.operations.backup import OperationState
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.services.cbr.models import BackupReplication
from airflow_provider_backup.cloud.services.cbr.replications import (
    CbrReplicationOperation,
    CbrReplicationRequest,
    ReplicationResult,
    replication_result,
)
from airflow_provider_backup.exceptions import BackupFailedError, FinalBackupFailedError
from airflow_provider_backup.operators.operation import OperationOperator
from airflow_provider_backup.tasks.conflict import Conflict
from airflow_provider_backup.tasks.reference_arguments import CheckpointReferenceMixin

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud

_AFTER_A_FAILED_COPY = (
    "Check the reason, and the vault in the destination. The next try, or clearing the task, copies again what has no "
    "good copy."
)


class CbrReplicateBackupOperator(CheckpointReferenceMixin, OperationOperator):
    """Copy the backup of a server, or each backup of a checkpoint, to a vault in another region: ``POST
    /v3/{project_id}/backups/{backup_id}/replicate`` (CBR section 7.5).

    The service copies good backups of servers, each once to a region, to a vault for copies (``protect_type``
    ``replication``) there. The task has succeeded when the ``replication_records`` of each backup say so. What is
    copied already or being copied is adopted, even if another task or client began it, so that a retry, a clear and a
    second task begin no second copy; a copy in another vault of the region fails the task before anything is sent. If
    the task ends early, the copy continues in the cloud.

    :param backup: the result of a create operator or a sensor (templated). Mutually exclusive with the ids.
    :param backup_id: id of the backup (templated).
    :param checkpoint_id: id of a checkpoint, each of whose backups is copied (templated).
    :param destination_region: name of the region that the copy goes to, 1 to 255 letters, digits, ``.``, ``_`` or ``-``
        (templated).
    :param destination_project_id: id of the project there (templated).
    :param destination_vault_id: id of a vault for copies there (templated).
    :param name: name of the copy, 1 to 64 letters, digits, ``_`` or ``-``; of several copies with a number after it,
        such as ``-0001``; ``None`` leaves it to the service (templated).
    :param description: at most 255 characters without ``<`` and ``>`` (templated).
    :param wait_for_completion: whether the task waits until the copies are good; otherwise it ends after the
        submission.
    :param deferrable: whether to wait in the triggerer, also for a busy backup; ``None`` follows ``[operators]
        default_deferrable``.
    :param poll_interval: poll interval in seconds, or a ``timedelta``, above 0.
    :param timeout: timeout in seconds, or a ``timedelta``, above 0. It counts from the start of the task, includes the
        wait for a busy backup, and continues in retries that adopt the copy. The copy continues in the cloud after it.
    :param tolerance: seconds of consecutive transient errors, or a ``timedelta``, above 0, after which the task fails
        with the last error; ``None`` waits until ``timeout``.
    :param on_conflict: what to do while the backup is still being made or restored from:

        * ``wait``: submit again when it may be free, until ``timeout``.
        * ``adopt``: the same, as a copy that is being made is always adopted.
        * ``fail``: fail the task (retryable).
    :param retry_failed: whether the task may be retried, if it has ``retries``, after a copy failed; the next try
        copies again what has no good copy.
    """

    destination_fields = ("destination_region", "destination_project_id", "destination_vault_id")
    template_fields: Sequence[str] = (
        *OperationOperator.template_fields,
        "backup",
        "backup_id",
        "checkpoint_id",
        *destination_fields,
        "name",
        "description",
    )
    service_name = "cbr"
    operation = CbrReplicationOperation
    waits_for = "replication"
    next_step_after_timeout = "Give it more time (timeout); the copy continues in the cloud, and a retry adopts it."

    def __init__(
        self,
        *,
        destination_region: str,
        destination_project_id: str,
        destination_vault_id: str,
        backup: dict[str, Any] | None = None,
        backup_id: str | None = None,
        checkpoint_id: str | None = None,
        name: str | None = None,
        description: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.destination_region = destination_region
        self.destination_project_id = destination_project_id
        self.destination_vault_id = destination_vault_id
        self.backup = backup
        self.backup_id = backup_id
        self.checkpoint_id = checkpoint_id
        self.name = name
        self.description = description

    def check_arguments(self) -> None:
        """Reject wrong literals once the operator is built.

        :raises InvalidRequestError: a documented rule is broken, whatever the templates become.
        :raises InvalidArgumentError: no backup is named, or several are.
        """
        super().check_arguments()
        self.check_while_parsing(self._copy)

    def own_name(self) -> str | None:
        """Return ``None``: no copy is found by its name."""
        return None

    def compared_arguments(self) -> dict[str, Any]:
        """Return what is the same in all tries of one copy: of the backup only which one it is."""
        arguments = super().compared_arguments()
        for name in ("backup", *(f"{kind}_id" for kind in self.ids())):
            arguments.pop(name, None)
        reference = self.reference()
        return {**arguments, "backup": [reference.kind, reference.backup_id]}

    def request(self, name: str) -> CbrReplicationRequest:
        """Build the request."""
        return CbrReplicationRequest(self.reference(), self._copy())

    def operation_of(self, cloud: BackupCloud) -> CbrReplicationOperation:
        """Return the copy of backups."""
        return cloud.cbr.replications

    def submit_and_wait(self, context: Any, conflict: Conflict | None) -> Any:
        """Begin or adopt the copies, and wait for them.

        :param context: the context of the task.
        :param conflict: the state of the wait from before the last deferral for a busy backup; ``None`` without one.
        """
        state, plan = self.submitted(context, conflict)
        if self.wait_for_completion:
            return self.wait(context, plan, state)
        self.log.info("%s; not waiting for it (wait_for_completion is False).", state)
        return replication_result(state, self._copy())

    def succeeded(self, context: Any, result: dict[str, Any]) -> Any:
        """Read the copies once more: the event of the trigger does not name them.

        :param context: the context of the task.
        :param result: how the copies were last observed, from the event.
        """
        return self.continue_wait(context, self.plan_of(context))

    def finish(self, plan: dict[str, Any], observation: OperationState) -> ReplicationResult:
        """Return the result of copies that are all good.

        :param plan: the wait, from ``wait_plan``.
        :param observation: the terminal state of the copies.
        :raises BackupFailedError: a copy failed.
        """
        if observation.phase is not Phase.SUCCEEDED:
            error = BackupFailedError if self.retry_failed else FinalBackupFailedError
            raise error(observation, next_step=_AFTER_A_FAILED_COPY)
        self.log.info("%s", observation)
        return replication_result(observation, self._copy())

    def _copy(self) -> BackupReplication:
        values = {name: getattr(self, name) for name in (*self.destination_fields, "name", "description")}
        given = {name: value for name, value in values.items() if value is not None}
        return validated(BackupReplication, "CBR replication", given)
