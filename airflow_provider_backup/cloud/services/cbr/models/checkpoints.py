"""Checkpoints: backups of a vault that are taken together (CBR section 6)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseModel
from airflow_provider_backup.cloud.schema.constraints import (
    Identifier,
    without_angle_brackets,
)
from airflow_provider_backup.cloud.schema.fields import AsObject, JsonObject, Timestamp, WholeNumber
from airflow_provider_backup.cloud.services.cbr.models.fields import AsItems, Name, Text, Uuid, unlimited_or_from_one_to
from airflow_provider_backup.cloud.services.cbr.models.vault_resources import MOST_RESOURCES, VaultResourceCreate


class CheckpointParameters(RequestModel):
    """How a vault is backed up (CBR section 6.1).

    :param name: name of the backups, 1 to 64 letters, digits, ``_`` or ``-``. With several resources ``-0001``,
        ``-0002`` ... follow it.
    :param description: 0 to 255 characters without ``<`` and ``>``.
    :param auto_trigger: whether the backups count as automatic ones (then a policy's retention removes them).
    :param incremental: false for full backups; the service takes true when not given.
    :param resources: ids of resources of the vault, 1 or more; all without it.
    :param resource_details: the same with more detail, 0 to 256.
    :param policy_id: policy that the backups count for. Vendor SDK only.
    :param retention_duration_days: days to keep the backups, 1 to 36,500; -1 for no limit; not with ``auto_trigger``.
        Vendor SDK only.
    """

    name: Name | None = None
    description: Annotated[str, without_angle_brackets(255)] | None = None
    auto_trigger: bool | None = None
    incremental: bool | None = None
    resources: Annotated[list[Uuid], Field(min_length=1)] | None = None
    resource_details: Annotated[list[VaultResourceCreate], Field(max_length=MOST_RESOURCES)] | None = None
    policy_id: Identifier | None = None
    retention_duration_days: Annotated[int, unlimited_or_from_one_to(36500)] | None = None

    @field_validator("retention_duration_days")
    @classmethod
    def _manual_backups_only(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and info.data.get("auto_trigger"):
            raise ValueError("is not possible with auto_trigger")
        return value


class CheckpointCreate(RequestModel):
    """Backing up a vault now: ``POST /checkpoints`` (CBR section 6.1).

    :param vault_id: the vault.
    :param parameters: how; all resources, incremental, with the service's own name without them.
    """

    vault_id: Uuid
    parameters: CheckpointParameters | None = None

    @property
    def resource_ids(self) -> list[str]:
        """Ids of the resources that are asked for; nothing for all of the vault's."""
        parameters = self.parameters or CheckpointParameters()
        named = [*(parameters.resources or ()), *(each.id for each in parameters.resource_details or ())]
        return list(dict.fromkeys(named))


class CheckpointResource(ResponseModel):
    """A resource that a checkpoint backs up (CBR section 6.1); sizes come as numbers or as text."""

    id: str
    name: str | None = None
    type: str | None = None
    protect_status: str | None = None
    resource_size: WholeNumber = None
    backup_size: WholeNumber = None
    backup_count: WholeNumber = None
    extra_info: JsonObject = Field(default_factory=dict)


class CheckpointSkippedResource(ResponseModel):
    """A resource that a checkpoint leaves out, and why."""

    id: str
    type: str | None = None
    name: str | None = None
    code: Text = None
    reason: Text = None


class CheckpointVault(ResponseModel):
    """The vault of a checkpoint."""

    id: str | None = None
    name: str | None = None
    provider_id: str | None = None
    resources: Annotated[list[CheckpointResource], AsItems] = Field(default_factory=list)
    skipped_resources: Annotated[list[CheckpointSkippedResource], AsItems] = Field(default_factory=list)


class CheckpointExtraInfo(ResponseModel):
    """Name and description of the backups; may be missing when a checkpoint is read again."""

    name: str | None = None
    description: str | None = None
    retention_duration: WholeNumber = None


class Checkpoint(ResponseModel):
    """Backups taken together (CBR section 6.1); its single backups are found by ``backups.list(checkpoint_id=...)``."""

    id: Identifier
    status: str | None = None
    project_id: str | None = None
    created_at: Timestamp = None
    vault: Annotated[CheckpointVault, AsObject] = Field(default_factory=CheckpointVault)
    extra_info: Annotated[CheckpointExtraInfo, AsObject] = Field(default_factory=CheckpointExtraInfo)
