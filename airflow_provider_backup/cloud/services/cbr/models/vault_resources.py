"""The servers, disks and file systems in a vault (CBR sections 5.1, 5.2 and 5.7)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseModel
from airflow_provider_backup.cloud.schema.constraints import Identifier
from airflow_provider_backup.cloud.schema.fields import Flag, JsonObject, WholeNumber
from airflow_provider_backup.cloud.services.cbr.models.fields import ResourceType

MOST_RESOURCES = 256
"""Resources in one vault, and in one request that adds or removes some (CBR sections 5.7 and 13)."""


class IncludedVolume(RequestModel):
    """A disk of a server that is backed up.

    :param id: id of the disk.
    :param os_version: its operating system.
    """

    id: Identifier
    os_version: str | None = None


class ResourceExtraInfo(RequestModel):
    """Which disks of a server are backed up.

    :param exclude_volumes: ids of disks that are left out.
    :param include_volumes: the disks that are backed up; all without it.
    """

    exclude_volumes: list[Identifier] | None = None
    include_volumes: list[IncludedVolume] | None = None


class VaultResourceCreate(RequestModel):
    """A resource that goes into a vault, or into one backup (CBR sections 5.1, 5.7 and 6.1).

    :param id: id of the server, disk or file system.
    :param type: what it is.
    :param name: 0 to 255 characters.
    :param extra_info: which disks of a server.
    """

    id: Identifier
    type: ResourceType
    name: Annotated[str, Field(max_length=255)] | None = None
    extra_info: ResourceExtraInfo | None = None


class ResourceAddition(RequestModel):
    """Resources that go into a vault (CBR section 5.7).

    :param resources: 1 to 256 resources.
    """

    resources: Annotated[list[VaultResourceCreate], Field(min_length=1, max_length=MOST_RESOURCES)]


class ResourceRemoval(RequestModel):
    """Resources that leave a vault, with all their backups in it (CBR section 5.7).

    :param resource_ids: 1 to 256 ids.
    """

    resource_ids: Annotated[list[Identifier], Field(min_length=1, max_length=MOST_RESOURCES)]


class ResourceMigration(RequestModel):
    """Resources that move to another vault, with all their backups (CBR section 5.7).

    :param resource_ids: 1 to 256 ids.
    :param destination_vault_id: the vault that takes them.
    """

    resource_ids: Annotated[list[Identifier], Field(min_length=1, max_length=MOST_RESOURCES)]
    destination_vault_id: Identifier


class ResourceSetting(RequestModel):
    """Resources whose automatic backups are paused, or continued (CBR section 5.7).

    :param resource_ids: 1 to 256 ids.
    :param action: ``suspend`` or ``unsuspend``.
    """

    resource_ids: Annotated[list[Identifier], Field(min_length=1, max_length=MOST_RESOURCES)]
    action: Literal["suspend", "unsuspend"]


class VaultResourceView(ResponseModel):
    """A resource of a vault, as read (CBR section 5.2)."""

    id: str
    name: str | None = None
    type: str | None = None
    size: WholeNumber = None
    protect_status: str | None = None
    backup_count: WholeNumber = None
    backup_size: WholeNumber = None
    extra_info: JsonObject = Field(default_factory=dict)
    auto_protect: Flag = None
