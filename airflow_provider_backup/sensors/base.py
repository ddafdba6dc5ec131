"""Waiting for a backup that another task or user started, in poke, reschedule and deferrable mode alike."""

from __future__ import annotations

import math
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
from airflow_provider_backup.tasks.deferral import DeferrableWaitMixin, wait_plan
from airflow_provider_backup.tasks.reference_arguments import BackupReferenceMixin

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud
    from airflow_provider_backup.cloud.operations.backup import OperationState


class BackupSensor(DeferrableWaitMixin, BackupReferenceMixin, BaseSensorOperator):
    """Wait until a backup has succeeded; a failed one fails the task at once.

    ``poke_interval``, ``timeout``, ``soft_fail`` and ``never_fail`` mean the same in every mode, deferrable included:
    with ``soft_fail`` a failed backup and a timeout skip the task, all other errors fail it. ``silent_fail`` and
    ``exponential_backoff`` apply on the worker only.

    :param backup: the result of a create operator (templated). Mutually exclusive with the ids.
    :param backup_id: id of the backup (templated).
    :param huaweicloud_conn_id: id of the connection (templated).
    :param region: overrides the connection's region (templated).
    :param project_id: overrides the connection's project (templated).
    :param deferrable: whether to wait in the triggerer; ``None`` follows ``[operators] default_deferrable``.
    :param fail_on_skipped: whether a backup that omitted resources counts as failed.
    """

    template_fields: Sequence[str] = ("huaweicloud_conn_id", "region", "project_id", "backup", "backup_id")
    ui_color = "#d8ecd8"
    timeout_error = BackupSensorTimeoutError

    def __init__(
        self,
        *,
        backup: dict[str, Any] | None = None,
        backup_id: str | None = None,
        huaweicloud_conn_id: str = DEFAULT_CONNECTION,
        region: str | None = None,
        project_id: str | None = None,
        deferrable: bool | None = None,
        fail_on_skipped: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.backup = backup
        self.backup_id = backup_id
        self.huaweicloud_conn_id = huaweicloud_conn_id
        self.region = region
        self.project_id = project_id
        self.deferrable = conf.getboolean("operators", "default_deferrable") if deferrable is None else deferrable
        self.fail_on_skipped = fail_on_skipped
        self._trouble: TransientErrorLog | None = None
        self._ends = math.inf

    def poke(self, context: Any) -> PokeReturnValue | bool:
        """Read the state of the backup once.

        :return: the result if the backup has succeeded, see
            :class:`~airflow_provider_backup.cloud.operations.backup.BackupResult`.
        :raises BackupFailedError: it failed or was deleted.
        """
        reference = self.reference()

        async def look(cloud: BackupCloud) -> OperationState:
            with time_limit(self._ends - current_clock().monotonic()):
                return await self.look(cloud, reference)

        try:
            observation = self.hook.run_in_cloud(look)
        except OutOfTimeError as error:
            raise BackupSensorTimeoutError(
                f"Timed out reading {reference} (timeout={self.timeout:g} s). {error.message}",
                next_step="Check that the service can be reached, or raise the timeout.",
            ) from error
        except BackupError as error:
            if not is_passing(error):
                raise
            self._trouble = self._trouble or TransientErrorLog(self.log, f"{reference} can be read again")
            self._trouble.failed("%s could not be read, retrying: %s", reference, error)
            return False
        if self._trouble is not None:
            self._trouble.recovered()
        if observation.phase.is_terminal:
            return PokeReturnValue(is_done=True, xcom_value=self.end(observation))
        self.log.info("%s", observation)
        return False

    def execute(self, context: Any) -> Any:
        """Wait in the chosen mode.

        :return: see :class:`~airflow_provider_backup.cloud.operations.backup.BackupResult`.
        """
        return self.report(context, lambda: self._wait_in_its_mode(context))

    def _wait_in_its_mode(self, context: Any) -> Any:
        self._ends = current_clock().monotonic() + self.timeout
        reference = self.reference()  # outside of what soft_fail covers: a wrong argument is not a failed backup
        self.log.info("Waiting for %s (%s).", reference, self.connection_text)
        if not self.deferrable:
            return super().execute(context)
        with self._skipping_as_poke_mode_does():
            deadline = current_clock().time() + self.timeout
            seen = self.poke(context)
            if isinstance(seen, PokeReturnValue):
                return seen.xcom_value
            self.defer_wait(
                context, wait_plan(reference, max(task_limits().shortest_poke, self.poke_interval), deadline)
            )

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
