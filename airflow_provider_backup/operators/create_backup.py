"""Taking a backup, the same for every service: exactly one per task instance, found again instead of taken twice."""

from __future__ import annotations

from typing import Any, get_args

from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.operators.base import check_choice
from airflow_provider_backup.operators.operation import OperationOperator
from airflow_provider_backup.tasks.submission_policy import IfExists, OnClear

PLACEHOLDER_NAME = "airflow-backup"
"""Stands for the name that is made at run time while a DAG is parsed."""


class CreateBackupOperator(OperationOperator):
    """Take a backup and wait for it.

    Before it submits a backup, it looks for one that this task instance already started (a retry, a crash, a lost
    answer) and adopts that. A failed backup is never taken for a good one. A cleared task takes a fresh backup.

    :param wait_for_completion: whether the task succeeds only when the backup is good.
    :param deferrable: whether to wait in the triggerer, for a busy resource, too; ``None`` follows
        ``[operators] default_deferrable``.
    :param poll_interval: seconds between two polls, or a ``timedelta``, above 0.
    :param timeout: seconds in all, or a ``timedelta``, above 0, counted from the start of the task, search, submission
        and the wait for a busy resource included, through retries that find its backup again; the backup is left alone
        afterwards.
    :param tolerance: seconds of unbroken transient errors or silence, or a ``timedelta``, above 0, after which the task
        fails with the last error; ``None`` waits until ``timeout``.
    :param on_conflict: what to do while something keeps the resource busy: ``wait`` submits again when it may be free,
        within ``poll_interval``, until ``timeout``; with ``deferrable`` it holds no worker meanwhile, and which of
        several tasks is next is decided by the cloud. ``adopt`` adopts the backup that is being made there of all that
        this task would back up, whoever began it and whenever, and waits when there is none, as for a restore;
        ``fail`` fails the task, which a retry repeats.
    :param if_exists: what to do with a running or good backup of the resource that has the ``name`` already: ``new``
        takes another one of that name, which the database services refuse; ``adopt`` adopts it, whoever took it and
        whenever, also after a clear; ``fail`` fails the task before anything is sent. In each case a retry adopts what
        the task itself began. Only with a ``name`` of one's own.
    :param on_clear: what a cleared task does: ``fresh`` takes a fresh backup, ``adopt`` adopts the one that it had,
        unless that failed; only where the task makes the backup's name itself.
    :param delete_on_kill: whether the backup is deleted when a user ends the task that waits for it (marks it or its
        DAG run as failed, or the DAG run times out). A clear, a mark as success, a shutdown, a crash and a timeout of
        the task leave it alone, as does everything that is not certain; so is a backup that this task did not make or
        found again without a name of its own.
    :param retry_failed: whether the task, as far as it has ``retries``, is tried again after its backup failed or was
        deleted; the next try names that backup in its log and takes a fresh one. Without it such a task fails at once.
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
            rule = "a cleared task finds its backup again only by the name that it makes itself"
            violations.append(Violation("on_clear", rule, self.on_clear))
        if self.if_exists != "new" and self.own_name() is None:
            rule = "needs a name of your own" if carries_name else "the request carries no name to look for"
            violations.append(Violation("if_exists", rule, self.if_exists))
        if violations:
            raise InvalidRequestError(f"Task {self.task_id!r}", violations)
        self.check_while_parsing(lambda: self.request(self.own_name() or PLACEHOLDER_NAME))
