"""Backups of single resources (CBR section 7)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseModel
from airflow_provider_backup.cloud.schema.constraints import (
    Identifier,
)
from airflow_provider_backup.cloud.schema.fields import AsObject, Flag, Timestamp, WholeNumber
from airflow_provider_backup.cloud.services.cbr.models.fields import (
    AsItems,
    BackedUpType,
    Name,
    Offset,
    OneOrMore,
    OperationType,
    PageSize,
    QueryTime,
    Text,
)
from airflow_provider_backup.cloud.services.cbr.models.replications import ReplicationRecord

BackupStatus = Literal[
    "available",
    "protecting",
    "deleting",
    "restoring",
    "error",
    "waiting_protect",
    "waiting_delete",
    "waiting_restore",
]


class BackupUpdate(RequestModel):
    """Another name of a backup: ``PUT /backups/{backup_id}`` (CBR section 7.3).

    :param name: 1 to 64 letters, digits, ``_`` or ``-``.
    """

    name: Name


class BackupMetadata(ResponseModel):
    """What a server was like when it was backed up, as read; most values are JSON texts (CBR section 7.3)."""

    backup_id: Identifier
    backups: Text = None
    flavor: Text = None
    floatingips: Annotated[list[Any], AsItems] = Field(default_factory=list)
    interface: Text = None
    ports: Annotated[list[Any], AsItems] = Field(default_factory=list)
    server: Text = None
    volumes: Annotated[list[Any], AsItems] = Field(default_factory=list)


class BackupQuery(RequestModel):
    """What backups are listed by (CBR section 7.2).

    :param checkpoint_id: backups taken together.
    :param vault_id: backups in this vault.
    :param resource_id: backups of this resource.
    :param resource_name: the resource's name.
    :param resource_az: the resource's availability zone.
    :param resource_type: the resource's type: a server, a disk or a workspace; the others cannot be asked for.
    :param name: the backup's name.
    :param parent_id: disk backups inside this server backup.
    :param image_type: ``backup``, or ``replication`` for copies.
    :param status: one or more statuses.
    :param start_time: begun then or later; with a time zone.
    :param end_time: begun then or earlier; with a time zone.
    :param incremental: only incremental, or only full backups.
    :param enterprise_project_id: an id, or ``all_granted_eps``.
    :param own_type: ``private`` (the default), ``shared`` or ``all_granted``.
    :param member_status: how far the sharing is: ``pending``, ``accepted`` or ``rejected``.
    :param used_percent: backups in vaults that are used to this percentage or more, 1 to 100.
    :param show_replication: whether records of copies are shown.
    :param dec: backups in a dedicated cloud.
    :param sort: ``key[:asc|desc],key...`` of ``created_at``, ``updated_at``, ``name``, ``status``, ``protected_at`` and
        ``id``; descending when not said; 1 to 255 characters.
    :param limit: backups in one page, 1 to 1,000.
    :param offset: backups to skip, 0 or more.
    :param marker: id of the last backup of the page before.
    """

    checkpoint_id: Identifier | None = None
    vault_id: Identifier | None = None
    resource_id: Identifier | None = None
    resource_name: str | None = None
    resource_az: str | None = None
    resource_type: BackedUpType | None = None
    name: str | None = None
    parent_id: Identifier | None = None
    image_type: OperationType | None = None
    status: Annotated[list[BackupStatus], OneOrMore] | None = None
    start_time: QueryTime | None = None
    end_time: QueryTime | None = None
    incremental: bool | None = None
    enterprise_project_id: str | None = None
    own_type: Literal["private", "shared", "all_granted"] | None = None
    member_status: Literal["pending", "accepted", "rejected"] | None = None
    used_percent: Annotated[int, Field(ge=1, le=100)] | None = None
    show_replication: bool | None = None
    dec: bool | None = None
    sort: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    limit: PageSize | None = None
    offset: Offset | None = None
    marker: Identifier | None = None


class BackupExtendInfo(ResponseModel):
    """What a backup is made of (CBR section 7.1)."""

    auto_trigger: Flag = None
    bootable: Flag = None
    contain_system_disk: Flag = None
    encrypted: Flag = None
    incremental: Flag = None
    is_multi_az: Flag = None
    progress: WholeNumber = None
    snapshot_id: str | None = None
    supports_lazy_loading: Flag = Field(default=None, alias="support_lld")
    supported_restore_mode: str | None = None
    system_disk: Flag = None
    os_images_data: Any = None


class Backup(ResponseModel):
    """The backup of one resource (CBR section 7.1)."""

    id: Identifier
    status: str | None = None
    name: str | None = None
    description: str | None = None
    checkpoint_id: str | None = None
    vault_id: str | None = None
    project_id: str | None = None
    provider_id: str | None = None
    parent_id: str | None = None
    resource_id: str | None = None
    resource_name: str | None = None
    resource_type: str | None = None
    resource_az: str | None = None
    resource_size: WholeNumber = None
    image_type: str | None = None
    created_at: Timestamp = None
    updated_at: Timestamp = None
    protected_at: Timestamp = None
    expired_at: Timestamp = None
    enterprise_project_id: Text = None
    incremental: Flag = None
    children: Annotated[list[Backup], AsItems] = Field(default_factory=list)
    replication_records: Annotated[list[ReplicationRecord], AsItems] = Field(default_factory=list)
    extend_info: Annotated[BackupExtendInfo, AsObject] = Field(default_factory=BackupExtendInfo)

    @property
    def is_incremental(self) -> bool | None:
        """Whether it holds only what changed, wherever the service says so; ``None`` when it does not say."""
        return self.incremental if self.incremental is not None else self.extend_info.incremental
