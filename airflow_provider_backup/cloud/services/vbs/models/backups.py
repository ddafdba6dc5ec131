"""Backups of single disks (VBS sections 4.1 and 4.5)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, ConfigDict, Field, StringConstraints

from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseModel
from airflow_provider_backup.cloud.schema.constraints import (
    Identifier,
    matching,
    without_angle_brackets,
)
from airflow_provider_backup.cloud.schema.fields import Flag, JsonObject, Timestamp, WholeNumber
from airflow_provider_backup.cloud.schema.json_decoding import read_json
from airflow_provider_backup.cloud.services.vbs.models.fields import MOST_TAGS, Name, TrueFalse


def _plain_description(value: Any) -> Any:
    # Either plain text or a JSON document with the text as DESC (VBS section 4.5).
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            document = read_json(value)
        except ValueError:
            return value
        return document.get("DESC", value) if isinstance(document, dict) else value
    return value


BackupName = Annotated[
    Name,
    matching(r"(?!autobk).*", "must not start with 'autobk', which automatic backups are named with"),
]
Description = Annotated[str, without_angle_brackets(64)]
_TagText = matching(r"[^\x00-\x1f=*<>\\,|/]*", "must not contain control characters or = * < > \\ , | /")


class BackupSummaryQuery(RequestModel):
    """What ids and names of backups are listed by (VBS section 4.5).

    :param name: only backups with exactly this name.
    :param status: only backups with this status, such as ``available``.
    :param volume_id: only backups of this disk.
    """

    name: Identifier | None = None
    status: Identifier | None = None
    volume_id: Identifier | None = None


class BackupQuery(BackupSummaryQuery):
    """What backups with all their details are listed by (VBS section 4.5).

    :param sort_key: ``created_at`` (the default), ``updated_at``, ``name``, ``status``, ``size``, ``id``,
        ``container_format`` or ``disk_format``.
    :param sort_dir: ``desc`` (the default) or ``asc``.
    """

    sort_key: (
        Literal["name", "status", "container_format", "disk_format", "size", "id", "created_at", "updated_at"] | None
    ) = None
    sort_dir: Literal["asc", "desc"] | None = None


class BackupTag(RequestModel):
    """A label of a backup (VBS section 4.1).

    :param key: 1 to 36 characters without control characters and ``= * < > \\ , | /``.
    :param value: 0 to 43 of the same.
    """

    key: Annotated[str, StringConstraints(min_length=1, max_length=36), _TagText]
    value: Annotated[str, StringConstraints(max_length=43), _TagText]


class BackupOptions(RequestModel):
    """How a backup is taken (VBS section 4.1, ``extend_param``).

    :param full_backup: true for a full backup; false for an incremental one (the first of a disk is always full).
    """

    model_config = ConfigDict(loc_by_alias=False)

    full_backup: TrueFalse = Field(validation_alias="FullBackup", serialization_alias="FullBackup")


class BackupCreate(RequestModel):
    """A backup of one disk, taken now (VBS section 4.1).

    :param volume_id: id of the disk; it must be available or in use.
    :param name: 1 to 64 letters, digits, ``_`` or ``-``, not beginning with ``autobk``. Some editions of the service
        refuse every name that begins with ``auto``.
    :param snapshot_id: an existing snapshot of that disk to back up instead of its present state.
    :param description: up to 64 characters without ``<`` and ``>``.
    :param tags: up to 10 labels.
    :param extend_param: how it is taken; incremental when not given.
    """

    volume_id: Identifier
    name: BackupName
    snapshot_id: Identifier | None = None
    description: Description | None = None
    tags: Annotated[list[BackupTag], Field(max_length=MOST_TAGS)] | None = None
    extend_param: BackupOptions | None = None


class NativeBackupCreate(RequestModel):
    """A backup of a snapshot, taken by the call that OpenStack knows (VBS section 4.5).

    :param volume_id: id of the disk.
    :param snapshot_id: an existing snapshot of that disk; this call requires it.
    :param name: as in :class:`BackupCreate`.
    :param description: up to 255 characters without ``<`` and ``>``.
    :param force: passed on to the service; ``False`` when not given.
    """

    volume_id: Identifier
    snapshot_id: Identifier
    name: BackupName | None = None
    description: Annotated[str, without_angle_brackets(255)] | None = None
    force: bool | None = None


class RestoreCreate(RequestModel):
    """Which disk is overwritten with a backup (VBS section 4.2).

    :param volume_id: id of the disk; it must be detached, and not smaller than the backup.
    """

    volume_id: Identifier


class BackupSummary(ResponseModel):
    """A backup in the short list."""

    id: Identifier
    name: str | None = None
    links: list[dict[str, Any]] = Field(default_factory=list)


class Backup(BackupSummary):
    """A backup of one disk (VBS section 4.5).

    :param status: ``creating``, ``available``, ``error``, ``restoring``, ``error_restoring``, ``deleting`` or
        ``error_deleting``.
    :param size: size of the disk in GiB.
    :param description: the author's words, taken out of the JSON text that the service may put around them.
    :param fail_reason: the service's words; may be there on a good backup, too.
    :param service_metadata: what the service knows besides, such as ``progress``; only from version 2 of the call.
    :param project_id: id of the project that owns it.
    """

    status: str = ""
    size: WholeNumber = None
    volume_id: str | None = None
    snapshot_id: str | None = None
    container: str | None = None
    availability_zone: str | None = None
    object_count: WholeNumber = None
    description: Annotated[str | None, BeforeValidator(_plain_description)] = None
    created_at: Timestamp = None
    updated_at: Timestamp = None
    data_timestamp: Timestamp = None
    fail_reason: str | None = None
    has_dependent_backups: Flag = Field(
        default=None, validation_alias=AliasChoices("has_dependent_backups", "has_dependent_backup")
    )
    is_incremental: Flag = None
    service_metadata: JsonObject = Field(default_factory=dict)
    project_id: str | None = Field(
        default=None,
        validation_alias=AliasChoices(
            "os-bak-tenant-attr:tenant_id", "os-backup-project-attr:project_id", "os-backup-project-attr:tenant_id"
        ),
    )
