"""Operation logs: what the service did, and why something failed (CBR section 8)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseModel
from airflow_provider_backup.cloud.schema.constraints import (
    Identifier,
)
from airflow_provider_backup.cloud.schema.fields import AsObject, Flag, Timestamp, WholeNumber
from airflow_provider_backup.cloud.services.cbr.models.fields import Offset, PageSize, QueryTime, Text

LogOperationType = Literal[
    "backup", "copy", "replication", "restore", "delete", "sync", "vault_delete", "remove_resource"
]
LogStatus = Literal["success", "skipped", "failed", "running", "timeout", "waiting"]


class OperationLogQuery(RequestModel):
    """What operation logs are listed by (CBR section 8); there is no filter by checkpoint.

    :param start_time: begun then or later; with a time zone.
    :param end_time: begun then or earlier; with a time zone.
    :param operation_type: such as ``backup`` or ``delete``.
    :param status: such as ``success`` or ``failed``.
    :param provider_id: kind of backup.
    :param resource_id: logs about this resource.
    :param resource_name: the resource's name.
    :param vault_id: logs about this vault.
    :param vault_name: the vault's name.
    :param enterprise_project_id: an id, or ``all_granted_eps``.
    :param limit: logs in one page, 1 to 1,000.
    :param offset: logs to skip, 0 or more.
    """

    start_time: QueryTime | None = None
    end_time: QueryTime | None = None
    operation_type: LogOperationType | None = None
    status: LogStatus | None = None
    provider_id: Identifier | None = None
    resource_id: Identifier | None = None
    resource_name: str | None = None
    vault_id: Identifier | None = None
    vault_name: str | None = None
    enterprise_project_id: str | None = None
    limit: PageSize | None = None
    offset: Offset | None = None


class ErrorInfo(ResponseModel):
    """Why an operation failed; empty texts when it did not."""

    code: Text = None
    message: Text = None


class LogCommon(ResponseModel):
    """How far an operation is."""

    progress: WholeNumber = None
    request_id: str | None = None
    task_id: str | None = None


class LogResource(ResponseModel):
    """The resource that an operation is about."""

    id: str | None = None
    name: str | None = None
    type: str | None = None


class LogBackup(ResponseModel):
    """The backup that an operation makes or deletes."""

    backup_id: str | None = None
    backup_name: str | None = None
    incremental: Flag = None
    app_consistency_status: Text = None
    app_consistency_error_code: Text = None
    app_consistency_error_message: Text = None


class LogRestore(ResponseModel):
    """The backup that a restore reads, and what it overwrites."""

    backup_id: str | None = None
    backup_name: str | None = None
    target_resource_id: str | None = None
    target_resource_name: str | None = None


class LogExtraInfo(ResponseModel):
    """Details of an operation (CBR section 8); the parts of other operations are kept as they came."""

    common: Annotated[LogCommon, AsObject] = Field(default_factory=LogCommon)
    resource: Annotated[LogResource, AsObject] = Field(default_factory=LogResource)
    backup: Annotated[LogBackup, AsObject] = Field(default_factory=LogBackup)
    delete: Annotated[LogBackup, AsObject] = Field(default_factory=LogBackup)
    restore: Annotated[LogRestore, AsObject] = Field(default_factory=LogRestore)


class OperationLog(ResponseModel):
    """What the service did for one resource (CBR section 8)."""

    id: Identifier
    operation_type: str | None = None
    status: str | None = None
    project_id: str | None = None
    vault_id: str | None = None
    vault_name: str | None = None
    policy_id: str | None = None
    provider_id: str | None = None
    checkpoint_id: str | None = None
    created_at: Timestamp = None
    started_at: Timestamp = None
    updated_at: Timestamp = None
    ended_at: Timestamp = None
    error_info: Annotated[ErrorInfo, AsObject] = Field(default_factory=ErrorInfo)
    extra_info: Annotated[LogExtraInfo, AsObject] = Field(default_factory=LogExtraInfo)
