"""How tasks of operators and sensors end in Airflow: ids as separate XComs, expected errors without a traceback."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.providers.common.compat.sdk import AirflowSensorTimeout

from airflow_provider_backup.cloud.errors import BackupError

T = TypeVar("T")

RESULT_IDS = (
    "backup_id",
    "backup_ids",
    "instance_id",
    "job_id",
    "policy_id",
    "resource_ids",
    "host",
    "port",
    "id",
    "changed",
)
"""Members of results that are separate XComs too, so that ``task.output["backup_id"]`` can be an argument."""

EXPECTED = (BackupError, AirflowSensorTimeout)
"""Answers of the cloud, wrong arguments, a missing connection, ends of a wait: their text is enough, so the
traceback is omitted. Any other error is a bug and keeps its traceback."""


class ReportsOutcome:
    """For operators and sensors."""

    huaweicloud_conn_id: str
    region: str | None
    project_id: str | None

    if TYPE_CHECKING:
        log: Any

    @property
    def connection_text(self) -> str:
        """The connection that is used, for the log, with the region and project that override its own."""
        given = {"connection": self.huaweicloud_conn_id, "region": self.region, "project": self.project_id}
        return ", ".join(f"{name} {value!r}" for name, value in given.items() if value)

    def report(self, context: Any, work: Callable[[], T]) -> T:
        """Do the work of a task, and pass its result or its error to Airflow.

        :param context: the context of the task.
        :param work: what the task does; a deferral or a skip that it raises passes through.
        :return: what the work returns.
        :raises BackupError: without its traceback, which is logged at debug level.
        """
        try:
            result = work()
        except EXPECTED as error:
            self.log.debug("Where the error arose:", exc_info=error)
            self.log.error("%s", error)
            raise error.with_traceback(None) from None
        if isinstance(result, Mapping):
            for key in RESULT_IDS:
                if result.get(key) is not None:
                    context["ti"].xcom_push(key=key, value=result[key])
        return result
