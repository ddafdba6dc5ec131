"""Jobs: the taking of backups as the service works on it (VBS section 4.4)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from airflow_provider_backup.cloud.schema.answers import row_id
from airflow_provider_backup.cloud.schema.base import ResponseModel
from airflow_provider_backup.cloud.schema.constraints import Identifier
from airflow_provider_backup.cloud.schema.fields import JsonObject, Timestamp


def _list_or_nothing(value: Any) -> Any:
    # "sub_jobs" may be blank text (VBS section 4.4).
    return value if isinstance(value, list) else []


class JobCreated(ResponseModel):
    """The answer to a call that starts a job."""

    job_id: Identifier


class Job(ResponseModel):
    """A job: the taking of one backup (VBS section 4.4).

    :param job_id: its id.
    :param job_type: ``bksCreateBackup``, ``bksDeleteBackup`` or ``bksRestoreBackup``.
    :param status: ``INIT``, ``RUNNING``, ``SUCCESS`` or ``FAIL``.
    :param entities: what it works on: ``backup_id``, ``volume_id``, ``snapshot_id``, ``bks_create_volume_name``.
    :param error_code: the service's code, when it failed.
    :param fail_reason: the service's words, when it failed.
    """

    job_id: Identifier
    job_type: str | None = None
    status: str = ""
    entities: JsonObject = Field(default_factory=dict)
    begin_time: Timestamp = None
    end_time: Timestamp = None
    error_code: str | None = None
    fail_reason: str | None = None
    sub_jobs: Annotated[list[Job], BeforeValidator(_list_or_nothing)] = Field(default_factory=list)

    @property
    def backup_id(self) -> str | None:
        """Id of the backup that the job takes, as soon as the job names it."""
        return row_id(self.entities, "backup_id") or None

    @property
    def reason(self) -> str | None:
        """Code and words of a failure, as far as the service gave them."""
        return ": ".join(filter(None, (self.error_code, self.fail_reason))) or None
