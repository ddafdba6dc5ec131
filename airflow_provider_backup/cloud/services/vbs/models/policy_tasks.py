"""Tasks: what the runs of a policy do (VBS section 3.5)."""

from __future__ import annotations

from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseModel
from airflow_provider_backup.cloud.schema.constraints import (
    Identifier,
)
from airflow_provider_backup.cloud.schema.fields import Timestamp


class PolicyTaskQuery(RequestModel):
    """What the tasks of a policy are listed by (VBS section 3.5).

    :param status: only tasks with this status, such as ``RUNNING``.
    :param job_id: only the task with this id.
    """

    status: Identifier | None = None
    job_id: Identifier | None = None


class PolicyTask(ResponseModel):
    """What a run of a policy does with one disk (VBS section 3.5).

    :param job_id: id of the task; not an id for the job query.
    :param vbs_job_id: id for the job query, when the service gives it.
    :param status: ``WAITING``, ``RUNNING``, ``EXECUTE_SUCCESS``, ``EXECUTE_FAIL``, ``EXECUTE_TIMEOUT`` or ``SKIP``.
    :param resource_id: id of the disk.
    :param backup_name: name of the backup that is taken.
    :param created_at: when it began, aware UTC.
    :param finished_at: when it ended; missing while it runs and sometimes after a failure.
    :param code: the service's code for a failure, when it gives one.
    :param message: the service's words on a failure, when it gives some.
    """

    job_id: Identifier
    vbs_job_id: str | None = None
    status: str = ""
    resource_id: str | None = None
    resource_type: str | None = None
    backup_name: str | None = None
    created_at: Timestamp = None
    finished_at: Timestamp = None
    code: str | None = None
    message: str | None = None
