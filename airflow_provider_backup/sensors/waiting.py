"""Waiting in poke, reschedule and deferrable mode alike: what all sensors share."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    PokeReturnValue,
    conf,
)

from airflow_provider_backup.cloud.clock import current_clock
from airflow_provider_backup.cloud.errors import BackupError, OutOfTimeError
from airflow_provider_backup.cloud.http.retry_policy import is_passing
from airflow_provider_backup.cloud.http.time_limit import time_limit
from airflow_provider_backup.cloud.http.transient_error_log import TransientErrorLog
from airflow_provider_backup.exceptions import BackupSensorTimeoutError
from airflow_provider_backup.hooks.base import DEFAULT_CONNECTION
from airflow_provider_backup.limits import task_limits
from airflow_provider_backup.tasks.deferred_wait import DeferredWait

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud


class WaitingSensor(DeferredWait, BaseSensorOperator):
    """Look at the cloud at intervals until what is seen ends the wait.

    ``poke_interval``, ``timeout``, ``soft_fail`` and ``never_fail`` mean the same in every mode, deferrable included:
    with ``soft_fail`` a timeout and a failed backup skip the task, all other errors fail it. ``silent_fail`` and
    ``exponential_backoff`` apply on the worker only. Transient errors are retried with the next look.

    :param huaweicloud_conn_id: id of the connection (templated).
    :param region: overrides the connection's region (templated).
    :param project_id: overrides the connection's project (templated).
    :param deferrable: whether to wait in the triggerer; ``None`` follows ``[operators] default_deferrable``.
    """

    template_fields: Sequence[str] = ("huaweicloud_conn_id", "region", "project_id")
    ui_color = "#d8ecd8"
    timeout_error = BackupSensorTimeoutError

    def __init__(
        self,
        *,
        huaweicloud_conn_id: str = DEFAULT_CONNECTION,
        region: str | None = None,
        project_id: str | None = None,
        deferrable: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.huaweicloud_conn_id = huaweicloud_conn_id
        self.region = region
        self.project_id = project_id
        self.deferrable = conf.getboolean("operators", "default_deferrable") if deferrable is None else deferrable
        self._trouble: TransientErrorLog | None = None
        self._ends = math.inf

    @abstractmethod
    def subject(self) -> Any:
        """Return what is waited for, from the arguments; as text it stands in logs and errors.

        :raises InvalidArgumentError: an argument is wrong.
        """

    @abstractmethod
    def plan(self, subject: Any, poll_interval: float, deadline: float) -> dict[str, Any]:
        """Return what the wait needs to know while it is deferred, as plain JSON.

        :param subject: what is waited for.
        :param poll_interval: seconds between two looks, above 0.
        :param deadline: when to give up, seconds since the epoch.
        """

    @abstractmethod
    def end(self, seen: Any) -> Any:
        """Return the result of the task, or raise the error of a bad outcome.

        :param seen: what ended the wait.
        """

    @abstractmethod
    def text_while_waiting(self, seen: Any) -> str:
        """Return what each look logs that does not end the wait."""

    def finish(self, plan: dict[str, Any], seen: Any) -> Any:
        """Return the result of the task, or raise the error of a bad outcome."""
        return self.end(seen)

    def poke(self, context: Any) -> PokeReturnValue | bool:
        """Look once.

        :return: the result if the wait is over.
        :raises BackupSensorTimeoutError: timed out during the look.
        :raises BackupError: what is waited for has failed, or cannot be read.
        """
        subject = self.subject()

        async def look(cloud: BackupCloud) -> Any:
            with time_limit(self._ends - current_clock().monotonic()):
                return await self.look_at(cloud, subject)

        try:
            seen = self.hook.run_in_cloud(look)
        except OutOfTimeError as error:
            raise BackupSensorTimeoutError(
                f"Timed out reading {subject} (timeout={self.timeout:g} s). {error.message}",
                next_step="Check that the service can be reached, or raise the timeout.",
            ) from error
        except BackupError as error:
            if not is_passing(error):
                raise
            self._trouble = self._trouble or TransientErrorLog(self.log, f"{subject} can be read again")
            self._trouble.failed("%s could not be read, retrying: %s", subject, error)
            return False
        if self._trouble is not None:
            self._trouble.recovered()
        if self.is_over(seen):
            return PokeReturnValue(is_done=True, xcom_value=self.end(seen))
        self.log.info("%s", self.text_while_waiting(seen))
        return False

    def execute(self, context: Any) -> Any:
        """Wait in the chosen mode.

        :return: the result of the task; it is the same in every mode.
        """
        return self.report(context, lambda: self._wait_in_its_mode(context))

    def _wait_in_its_mode(self, context: Any) -> Any:
        self._ends = current_clock().monotonic() + self.timeout
        subject = self.subject()  # outside of what soft_fail covers: a wrong argument is not a failed backup
        self.log.info("Waiting for %s (%s).", subject, self.connection_text)
        if not self.deferrable:
            return super().execute(context)
        with self._skipping_as_poke_mode_does():
            deadline = current_clock().time() + self.timeout
            seen = self.poke(context)
            if isinstance(seen, PokeReturnValue):
                return seen.xcom_value
            interval = max(task_limits().shortest_poke, self.poke_interval)
            self.defer_wait(context, self.plan(subject, interval, deadline))

    def resume(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any) -> Any:
        """Continue after a deferral, with the same outcomes as in the other modes."""
        # Not the resume_execution of BaseSensorOperator, which skips on errors that fail the task in poke mode.
        with self._skipping_as_poke_mode_does():
            return super().resume(next_method, next_kwargs, context)

    @contextmanager
    def _skipping_as_poke_mode_does(self) -> Iterator[None]:
        try:
            yield
        except (AirflowSensorTimeout, AirflowFailException) as error:
            if self.soft_fail or self.never_fail:
                raise AirflowSkipException(f"Skipped (soft_fail or never_fail): {error}") from error
            raise
        except AirflowSkipException:
            raise
        except Exception as error:
            if self.never_fail:
                raise AirflowSkipException(f"Skipped (never_fail): {error}") from error
            raise
