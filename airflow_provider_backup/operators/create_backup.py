"""Taking a backup, the same for every service: one per task instance; retries adopt it."""

from __future__ import annotations

from typing import Any, get_args

from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.operators.base import check_choice
from airflow_provider_backup.operators.operation import OperationOperator
from airflow_provider_backup.tasks.submission_policy import IfExists, OnClear

PLACEHOLDER_NAME = "airflow-backup"
"""Used for checks while a DAG is parsed, in place of the name that is generated at run time."""


class CreateBackupOperator(OperationOperator):
    """Take a backup and wait for it.

    Before it submits a backup, it searches for one that this task instance submitted already (before a retry, a crash
    or a lost answer), and adopts it. A failed backup is never adopted. A cleared task takes a new backup.

    :param wait_for_completion: whether the task waits until the backup has succeeded; otherwise it ends after the
        submission.
    :param deferrable: whether to wait in the triggerer, also for a busy resource; ``None`` follows
        ``[operators] default_deferrable``.
    :param poll_interval: poll interval in seconds, or a ``timedelta``, above 0.
    :param timeout: timeout in seconds, or a ``timedelta``, above 0. It counts from the start of the task, includes
        search, submission and the wait for a busy resource, and continues in retries that adopt the backup. The backup
        is left alone after it.
    :param tolerance: seconds of consecutive transient errors, or a ``timedelta``, above 0, after which the task fails
        with the last error; ``None`` waits until ``timeout``.
    :param on_conflict: what to do while another operation keeps the resource busy:

        * ``wait``: submit again when the resource may be free, at the latest after ``poll_interval``, until
          ``timeout``. With ``deferrable`` this occupies no worker slot. The cloud decides which of several tasks is
          next.
        * ``adopt``: use the backup already running on the resource if it covers everything that this task would back
          up, no matter who started it; otherwise behave like ``wait``.
        * ``fail``: fail the task (retryable).
    :param if_exists: what to do with a running or successful backup of the resource that has the ``name`` already.
        Other values than ``new`` require ``name``. A retry always adopts the backup that its own task submitted.

        * ``new``: take another backup of that name, which the database services reject.
        * ``adopt``: use that backup, no matter who took it and when, also after a clear.
        * ``fail``: fail the task before a backup is submitted.
    :param on_clear: what a cleared task does:

        * ``fresh``: take a new backup.
        * ``adopt``: use the backup of before the clear, unless it failed. Mutually exclusive with ``name``.
    :param delete_on_kill: whether the backup is deleted if a user ends the task that waits for it (marks it or its DAG
        run as failed, or the DAG run times out). The backup is left alone after a clear, a mark as success, a shutdown,
        a crash, a timeout of the task, and whenever the cause is uncertain; likewise a backup that this task did not
        submit, or that it found by an author's ``name``.
    :param retry_failed: whether the task may be retried, if it has ``retries``, after its backup failed or was deleted;
        the next try logs that backup and takes a new one. Otherwise such a task fails without a retry.
    """

    def __init__(
        self,
        *,
        if_exists: IfExists = "new",
        on_clear: OnClear = "fresh",
        delete_on_kill: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_choice(self.task_id, "if_exists", if_exists, get_args(IfExists))
        check_choice(self.task_id, "on_clear", on_clear, get_args(OnClear))
        self.if_exists = if_exists
        self.on_clear = on_clear
        self.delete_on_kill = delete_on_kill

    def check_arguments(self) -> None:
        """Reject wrong literals once the operator is built.

        :raises InvalidRequestError: a documented rule is broken, whatever the templates become.
        """
        super().check_arguments()
        violations = []
        carries_name = self.operation.capabilities.carries_name
        if self.on_clear == "adopt" and not (carries_name and self.own_name() is None):
            rule = "a cleared task finds its earlier backup only by a generated name"
            violations.append(Violation("on_clear", rule, self.on_clear))
        if self.if_exists != "new" and self.own_name() is None:
            rule = "requires name" if carries_name else "not available, as the request carries no name"
            violations.append(Violation("if_exists", rule, self.if_exists))
        if violations:
            raise InvalidRequestError(f"Task {self.task_id!r}", violations)
        self.check_while_parsing(lambda: self.request(self.own_name() or PLACEHOLDER_NAME))
