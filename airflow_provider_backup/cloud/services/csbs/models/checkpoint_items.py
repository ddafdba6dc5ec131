"""Reading backups: a checkpoint item is the backup of one server (CSBS section 5)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, PlainSerializer

from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseModel
from airflow_provider_backup.cloud.schema.constraints import (
    Identifier,
)
from airflow_provider_backup.cloud.schema.fields import AsObject, Flag, Number, Timestamp, WholeNumber, format_utc
from airflow_provider_backup.cloud.services.csbs.models.fields import PositiveNumber, SortKeys, Text
from airflow_provider_backup.cloud.services.csbs.models.tags import TagView

ItemStatus = Literal[
    "waiting_protect",
    "protecting",
    "available",
    "waiting_restore",
    "restoring",
    "error",
    "waiting_delete",
    "deleting",
    "deleted",
]
QueryTime = Annotated[
    AwareDatetime, PlainSerializer(lambda moment: format_utc(moment, suffix="", timespec="microseconds"))
]


class CheckpointItemFilter(RequestModel):
    """What backups are counted by, and listed by (CSBS section 5).

    :param status: the exact status.
    :param name: part of the backup's name.
    :param resource_id: id of the server.
    :param resource_name: part of the server's name.
    :param resource_type: one or more types of servers.
    :param checkpoint_id: id of the checkpoint that holds the backup.
    :param policy_id: id of the policy that made the backup.
    :param az: availability zone.
    :param start_time: begun then or later.
    :param end_time: begun then or earlier.
    :param image_type: such as ``backup``.
    :param ip: address of the server.
    :param all_tenants: all projects; administrators only.
    :param dec: backups in a dedicated cloud; Huawei Cloud only.
    """

    status: ItemStatus | None = None
    name: str | None = None
    resource_id: Identifier | None = None
    resource_name: str | None = None
    resource_type: list[str] | None = None
    checkpoint_id: Identifier | None = None
    policy_id: Identifier | None = None
    az: str | None = None
    start_time: QueryTime | None = None
    end_time: QueryTime | None = None
    image_type: str | None = None
    ip: str | None = None
    all_tenants: bool | None = None
    dec: bool | None = None


class CheckpointItemQuery(CheckpointItemFilter):
    """What a list of backups is asked for: the filters and the page (CSBS section 5).

    :param sort: ``key[:asc|desc],key...`` of ``created_at``, ``updated_at``, ``name``, ``status``, ``protected_at``
        and ``id``, 255 characters at most.
    :param limit: backups in one page, 1 or more.
    :param marker: id of the last backup of the page before.
    :param offset: backups to skip, 1 or more.
    """

    sort: SortKeys | None = None
    limit: PositiveNumber | None = None
    marker: Identifier | None = None
    offset: PositiveNumber | None = None


class FailCode(ResponseModel):
    """Why a backup failed, as a code; empty when it did not."""

    code: Text = Field(default=None, alias="Code")
    description: Text = Field(default=None, alias="Description")


class VolumeBackup(ResponseModel):
    """The backup of one disk in the backup of a server; its id is the one that VBS lists it under."""

    id: str | None = None
    name: str | None = None
    status: str | None = None
    image_type: str | None = None
    source_volume_id: str | None = None
    source_volume_name: str | None = None
    source_volume_size: WholeNumber = None
    snapshot_id: str | None = None
    bootable: Flag = None
    incremental: Flag = None
    size: WholeNumber = None
    average_speed: Number = None
    space_saving_ratio: Number = None


class BackupData(ResponseModel):
    """The server as it was when it was backed up."""

    region_name: str | None = Field(default=None, alias="__openstack_region_name")
    cloud_service_type: str | None = Field(default=None, alias="cloudservicetype")
    disk: WholeNumber = None
    ram: WholeNumber = None
    vcpus: WholeNumber = None
    image_type: str | None = Field(default=None, alias="imagetype")
    eip: str | None = None
    private_ip: str | None = None


class ExtendInfo(ResponseModel):
    """How a backup went: progress, sizes in MB, speed, and the reason of a failure."""

    auto_trigger: Flag = None
    progress: WholeNumber = None
    average_speed: Number = None
    space_saving_ratio: Number = None
    size: WholeNumber = None
    resource_name: str | None = None
    resource_az: str | None = None
    resource_type: str | None = None
    incremental: Flag = None
    image_type: str | None = None
    supported_restore_mode: str | None = None
    supports_lazy_loading: Flag = Field(default=None, alias="support_lld")
    hypervisor_type: str | None = None
    finished_at: Timestamp = None
    task_id: str | None = Field(default=None, alias="taskid")
    fail_op: str | None = None
    fail_reason: Text = None
    fail_code: Annotated[FailCode, AsObject] = Field(default_factory=FailCode)
    copy_status: str | None = None
    copy_from: str | None = None
    os_images_data: list[dict[str, Any]] = Field(default_factory=list)
    volume_backups: list[VolumeBackup] = Field(default_factory=list)
    dec: Flag = None
    dec_size: WholeNumber = None
    retention_duration: WholeNumber = None


class CheckpointItem(ResponseModel):
    """The backup of one server (CSBS section 5)."""

    id: Identifier
    checkpoint_id: str | None = None
    name: str | None = None
    description: str | None = None
    status: str | None = None
    resource_id: str | None = None
    resource_type: str | None = None
    created_at: Timestamp = None
    updated_at: Timestamp = None
    protected_at: Timestamp = None
    expired_at: Timestamp = None
    backup_data: Annotated[BackupData, AsObject] = Field(default_factory=BackupData)
    extend_info: Annotated[ExtendInfo, AsObject] = Field(default_factory=ExtendInfo)
    tags: list[TagView] = Field(default_factory=list)
    replication_records: list[Any] = Field(default_factory=list)
    periodic_type: str | None = None
    progress: WholeNumber = None

    @property
    def failure(self) -> str | None:
        """The service's words on a failure, in one line; ``None`` when it gave none."""
        info = self.extend_info
        words = [info.fail_reason or info.fail_code.description]
        if info.fail_code.code:
            words.append(f"(code {info.fail_code.code})")
        if info.fail_op:
            words.append(f"during {info.fail_op}")
        return " ".join(word for word in words if word) or None

    @property
    def begun_at(self) -> datetime | None:
        """When the backup began."""
        return self.created_at or self.protected_at
