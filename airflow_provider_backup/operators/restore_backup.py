"""Restoring a backup, the same for every service: submitted once per task instance, never twice by accident."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.cloud.operations.backup import BackupResult
from airflow_provider_backup.exceptions import InvalidArgumentError
from airflow_provider_backup.operators.operation import OperationOperator
from airflow_provider_backup.operators.restore_outcome import EndsWithRestore
from airflow_provider_backup.tasks.conflict import Conflict
from airflow_provider_backup.tasks.reference_arguments import BackupReferenceMixin


class RestoreBackupOperator(EndsWithRestore, BackupReferenceMixin, OperationOperator):
    """Overwrite a resource with a backup, and wait until the restore has finished.

    A restore can neither be stopped nor undone. The submission is recorded before it is sent (Airflow 3.3 and later).
    A retry adopts the restore that this task instance submitted; without a record, one of the same backup to the same
    resource that started since the DAG run did. If an earlier try may have submitted one and its outcome cannot be
    proved, the task fails with the next step and sends nothing. If the task ends early, the restore continues in the
    cloud.

    :param backup: the result of a create operator or a sensor (templated). Mutually exclusive with the ids.
    :param backup_id: id of the backup (templated).
    :param overwrite: must be ``True``: the present content of the resource is lost.
    :param wait_for_completion: whether the task waits until the restore has succeeded; otherwise it ends after the
        submission.
    :param deferrable: whether to wait in the triggerer, also for a busy resource; ``None`` follows
        ``[operators] default_deferrable``.
    :param poll_interval: poll interval in seconds, or a ``timedelta``, above 0.
    :param timeout: timeout in seconds, or a ``timedelta``, above 0. It counts from the start of the task, includes the
        wait for a busy resource, and continues in retries that adopt the restore. The restore continues in the cloud
        after it.
    :param tolerance: seconds of consecutive transient errors, or a ``timedelta``, above 0, after which the task fails
        with the last error; ``None`` waits until ``timeout``.
    :param on_conflict: what to do while another operation keeps the resource busy:

        * ``wait``: submit the restore again when the resource may be free, until ``timeout``.
        * ``adopt``: use a restore of the same backup to the same resource that is running already, no matter who
          started it; otherwise behave like ``wait``.
        * ``fail``: fail the task (retryable).
    :param retry_failed: whether the task may be retried, if it has ``retries``, after its restore failed; the next try
        submits another one.
    """

    template_fields: Sequence[str] = (*OperationOperator.template_fields, "backup", "backup_id")
    target_fields: ClassVar[tuple[str, ...]]
    """The arguments of :meth:`target`; ``None`` has a meaning, which no template may take on by accident."""

    def __init__(
        self,
        *,
        backup: dict[str, Any] | None = None,
        backup_id: str | None = None,
        overwrite: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.backup = backup
        self.backup_id = backup_id
        self.overwrite = overwrite

    @abstractmethod
    def target(self) -> Any:
        """Build the target of the restore from the arguments.

        :raises InvalidRequestError: a documented rule is broken.
        """

    def own_name(self) -> str | None:
        """Return ``None``: a restore carries no name."""
        return None

    def check_arguments(self) -> None:
        """Reject wrong literals once the operator is built.

        :raises InvalidRequestError: ``overwrite`` is not ``True``, or a documented rule is broken, whatever the
            templates become.
        :raises InvalidArgumentError: no backup is named, or several are.
        """
        super().check_arguments()
        if self.overwrite is not True:
            rule = "must be True: a restore overwrites the resource and cannot be undone"
            raise InvalidRequestError(f"Task {self.task_id!r}", [Violation("overwrite", rule, self.overwrite)])
        self.check_while_parsing(self.target)
        self._given_fields = [name for name in self.target_fields if getattr(self, name) is not None]

    def compared_arguments(self) -> dict[str, Any]:
        """Return what is the same in all tries of one restore: of the backup only which one it is."""
        arguments = super().compared_arguments()
        for name in ("backup", *(f"{kind}_id" for kind in self.ids())):
            arguments.pop(name, None)
        reference = self.reference()
        return {**arguments, "backup": [reference.kind, reference.backup_id]}

    def submit_and_wait(self, context: Any, conflict: Conflict | None) -> BackupResult:
        """Submit or adopt the restore, and wait for it.

        :param context: the context of the task.
        :param conflict: the state of the wait from before the last deferral for a busy resource; ``None`` without one.
        :raises InvalidArgumentError: an argument that says what is overwritten has no value.
        """
        for name in self._given_fields:
            if getattr(self, name) is None:
                raise InvalidArgumentError(
                    f"Nothing was sent: {name} is given, but its template or XCom has no value.",
                    next_step=f"Check its source. Without {name} the restore may overwrite what was backed up.",
                )
        return super().submit_and_wait(context, conflict)
