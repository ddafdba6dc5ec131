"""Copies of backups in other regions (CBR sections 6.3, 7.1, 7.5 and 12)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseModel
from airflow_provider_backup.cloud.schema.constraints import Identifier, matching, without_angle_brackets
from airflow_provider_backup.cloud.schema.fields import AsObject, Flag, Timestamp, WholeNumber
from airflow_provider_backup.cloud.services.cbr.models.fields import AsItems, Name, Text

RegionName = Annotated[
    str, matching(r"[a-zA-Z0-9._-]{1,255}", "must be the name of a region: 1 to 255 letters, digits, '.', '_' or '-'")
]


class Destination(RequestModel):
    """Where a copy goes.

    :param destination_region: the region, 1 to 255 letters, digits, ``.``, ``_`` or ``-``.
    :param destination_project_id: id of the project there.
    :param destination_vault_id: id of a vault there with the ``protect_type`` ``replication``.
    :param enable_acceleration: whether it is copied over the accelerated network; OTC has none.
    """

    destination_region: RegionName
    destination_project_id: Identifier
    destination_vault_id: Identifier
    enable_acceleration: bool | None = None


class BackupReplication(Destination):
    """The copy of one backup (CBR section 7.5).

    :param name: name of the copy, 1 to 64 letters, digits, ``_`` or ``-``; ``None`` leaves it to the service.
    :param description: at most 255 characters without ``<`` and ``>``.
    """

    name: Name | None = None
    description: Annotated[str, without_angle_brackets(255)] | None = None


class VaultReplication(Destination):
    """The copy of all backups of a vault that are not copied yet (CBR section 6.3).

    :param vault_id: id of the vault.
    :param auto_trigger: whether it counts as one by a policy.
    """

    vault_id: Identifier
    auto_trigger: bool | None = None


class ReplicationExtraInfo(ResponseModel):
    """How far a copy is, and why it failed."""

    progress: WholeNumber = None
    fail_code: Text = None
    fail_reason: Text = None
    auto_trigger: Flag = None


class ReplicationRecord(ResponseModel):
    """A copy of a backup in another region, or the attempt to make one (CBR section 7.5)."""

    id: str | None = None
    status: str | None = None
    created_at: Timestamp = None
    vault_id: str | None = None
    source_backup_id: str | None = None
    source_project_id: str | None = None
    source_region: str | None = None
    destination_backup_id: str | None = None
    destination_checkpoint_id: str | None = None
    destination_project_id: str | None = None
    destination_region: str | None = None
    destination_vault_id: str | None = None
    extra_info: Annotated[ReplicationExtraInfo, AsObject] = Field(default_factory=ReplicationExtraInfo)


class StartedBackupReplication(ResponseModel):
    """A copy of one backup that has begun (CBR section 7.5)."""

    backup_id: str | None = None
    replication_record_id: str | None = None
    provider_id: str | None = None
    project_id: str | None = None
    source_region: str | None = None
    destination_region: str | None = None
    destination_project_id: str | None = None
    destination_vault_id: str | None = None


class StartedReplication(ResponseModel):
    """One backup of a vault whose copy has begun."""

    backup_id: str | None = None
    replication_record_id: str | None = None


class StartedVaultReplication(ResponseModel):
    """A copy of a vault that has begun (CBR section 6.3)."""

    backups: Annotated[list[StartedReplication], AsItems] = Field(default_factory=list)
    vault_id: str | None = None
    provider_id: str | None = None
    project_id: str | None = None
    source_region: str | None = None
    destination_region: str | None = None
    destination_project_id: str | None = None
    destination_vault_id: str | None = None


class ReplicationCapability(ResponseModel):
    """A region, and the regions that its backups can be copied to (CBR section 12)."""

    name: str | None = None
    replication_destinations: Annotated[list[str], AsItems] = Field(default_factory=list)
