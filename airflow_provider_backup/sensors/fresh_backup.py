"""Waiting until resources have a good backup that is fresh enough: the base of ``<Service>FreshBackupSensor``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseSensorOperator, PokeReturnValue

from airflow_provider_backup.cloud.clock import current_clock
from airflow_provider_backup.cloud.errors import BackupError, OutOfTimeError
from airflow_provider_backup.cloud.http.retry_policy import is_passing
from airflow_provider_backup.cloud.http.time_limit import time_limit
from airflow_provider_backup.cloud.operations.freshness import BackupType
from airflow_provider_backup.exceptions import BackupSensorTimeoutError
from airflow_provider_backup.hooks.base import DEFAULT_CONNECTION, BackupCloudHook
from airflow_provider_backup.tasks.freshness_arguments import FreshnessAnswer, FreshnessArguments
from airflow_provider_backup.tasks.outcome import ReportsOutcome

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud


class FreshBackupSensor(ReportsOutcome, FreshnessArguments, BaseSensorOperator):
    """Wait until a resource, or each of several, has a good backup that is fresh enough, whatever takes it.

    It waits on the worker (``mode="poke"``) or gives it back between two looks (``mode="reschedule"``). Failed backups
    and those in progress never count; each look logs them. Transient errors are retried with the next look.

    :param max_age: the backup began at most so long ago, by the cloud's clock: a ``timedelta`` or seconds, above 0;
        ``None`` for any age (templated).
    :param after: the backup began then or later: an ISO 8601 text or a ``datetime``, with a time zone; ``None`` for any
        time (templated).
    :param backup_type: ``automatic`` or ``manual`` counts only backups of which the service tells that; ``any`` counts
        all (templated).
    :param huaweicloud_conn_id: id of the connection (templated).
    :param region: overrides the connection's region (templated).
    :param project_id: overrides the connection's project (templated).
    """

    template_fields: Sequence[str] = (
        "huaweicloud_conn_id",
        "region",
        "project_id",
        *FreshnessArguments.freshness_fields,
    )
    ui_color = "#d8ecd8"

    def __init__(
        self,
        *,
        max_age: timedelta | float | None = None,
        after: datetime | str | None = None,
        backup_type: BackupType = "any",
        huaweicloud_conn_id: str = DEFAULT_CONNECTION,
        region: str | None = None,
        project_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.max_age = max_age
        self.after = after
        self.backup_type = backup_type
        self.huaweicloud_conn_id = huaweicloud_conn_id
        self.region = region
        self.project_id = project_id
        self._ends = math.inf

    def execute(self, context: Any) -> Any:
        """Wait in the chosen mode.

        :return: a :class:`~airflow_provider_backup.cloud.operations.freshness.FreshBackupResult` for the argument of
            one resource, a list of them for all others.
        """
        return self.report(context, lambda: self._wait(context))

    def _wait(self, context: Any) -> Any:
        asked = self.built(self.question)
        self._ends = current_clock().monotonic() + self.timeout
        self.log.info("Waiting for a fresh backup: %s (%s).", asked.rule, self.connection_text)
        return super().execute(context)

    def poke(self, context: Any) -> PokeReturnValue | bool:
        """Look once.

        :return: the result if every resource has a fresh backup.
        :raises BackupSensorTimeoutError: timed out during the look.
        """

        async def look(cloud: BackupCloud) -> FreshnessAnswer:
            with time_limit(self._ends - current_clock().monotonic()):
                return await self.look(cloud)

        hook = BackupCloudHook(self.huaweicloud_conn_id, region=self.region, project_id=self.project_id)
        try:
            answer = hook.run_in_cloud(look)
        except OutOfTimeError as error:
            raise BackupSensorTimeoutError(
                f"Timed out looking for a fresh backup (timeout={self.timeout:g} s). {error.message}",
                next_step="Check that the service can be reached, or raise the timeout.",
            ) from error
        except BackupError as error:
            if not is_passing(error):
                raise
            self.log.warning("The backups could not be read, retrying: %s", error)
            return False
        if answer.is_fresh:
            self.log.info("%s", answer.fresh_text)
            return PokeReturnValue(is_done=True, xcom_value=answer.to_result())
        self.log.info("No fresh backup yet: %s.", answer)
        return False
