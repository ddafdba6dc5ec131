"""The arguments of every operator that submits a long-running operation and waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, get_args

from airflow.providers.common.compat.sdk import conf

from airflow_provider_backup.exceptions import BackupTimeoutError
from airflow_provider_backup.operators.base import BackupCloudOperator, check_choice, in_seconds
from airflow_provider_backup.tasks.conflict import Conflict
from airflow_provider_backup.tasks.conflict_deferral import DeferrableConflictMixin
from airflow_provider_backup.tasks.submission_policy import OnConflict, SubmissionPolicy


class WaitingOperator(DeferrableConflictMixin, BackupCloudOperator):
    """Submit an operation, or adopt it, and wait for it.

    :param wait_for_completion: whether the task waits until the operation has succeeded; otherwise it ends after the
        submission.
    :param deferrable: whether to wait in the triggerer, also for a busy resource; ``None`` follows
        ``[operators] default_deferrable``.
    :param poll_interval: poll interval in seconds, or a ``timedelta``, above 0.
    :param timeout: timeout in seconds, or a ``timedelta``, above 0, counted from the start of the task. It includes
        search, submission and the wait for a busy resource. The operation is left alone after it.
    :param tolerance: seconds of consecutive transient errors, or a ``timedelta``, above 0, after which the task fails
        with the last error; ``None`` waits until ``timeout``.
    :param on_conflict: what to do while another operation keeps the resource busy:

        * ``wait``: submit again when the resource may be free.
        * ``adopt``: wait for the operation of the same kind that is running on all the resources, no matter who
          submitted it; otherwise behave like ``wait``.
        * ``fail``: fail the task (retryable).
    """

    template_fields: Sequence[str] = BackupCloudOperator.template_fields
    timeout_error = BackupTimeoutError

    def __init__(
        self,
        *,
        wait_for_completion: bool = True,
        deferrable: bool | None = None,
        poll_interval: float | timedelta = 30.0,
        timeout: float | timedelta = 6 * 60 * 60,
        tolerance: float | timedelta | None = None,
        on_conflict: OnConflict = "wait",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_choice(self.task_id, "on_conflict", on_conflict, get_args(OnConflict))
        self.wait_for_completion = wait_for_completion
        self.deferrable = conf.getboolean("operators", "default_deferrable") if deferrable is None else deferrable
        self.poll_interval = in_seconds(self.task_id, "poll_interval", poll_interval)
        self.timeout = in_seconds(self.task_id, "timeout", timeout)
        self.tolerance = None if tolerance is None else in_seconds(self.task_id, "tolerance", tolerance)
        self.on_conflict = on_conflict

    def submission_policy(self, conflict: Conflict | None, **more: Any) -> SubmissionPolicy:
        """Return the arguments that control how the operation is submitted.

        :param conflict: the state of the wait from before the last deferral for a busy resource; ``None`` without one.
        :param more: further arguments of :class:`~airflow_provider_backup.tasks.submission_policy.SubmissionPolicy`.
        """
        return SubmissionPolicy(
            timeout=self.timeout,
            poll_interval=self.poll_interval,
            is_deferrable=self.deferrable and (conflict is None or conflict.may_be_deferred),
            tolerance=self.tolerance,
            on_conflict=self.on_conflict,
            **more,
        )
