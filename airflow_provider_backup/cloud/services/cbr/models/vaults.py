"""Vaults, which hold backups (CBR section 5)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseModel
from airflow_provider_backup.cloud.schema.constraints import (
    Identifier,
    UniqueKeys,
    without_angle_brackets,
)
from airflow_provider_backup.cloud.schema.fields import AsObject, Flag, JsonObject, Timestamp, WholeNumber
from airflow_provider_backup.cloud.services.cbr.models.fields import (
    AsItems,
    Name,
    Offset,
    OneOrMore,
    OperationType,
    PageSize,
    Text,
    Uuid,
)
from airflow_provider_backup.cloud.services.cbr.models.vault_resources import VaultResourceCreate, VaultResourceView

VaultStatus = Literal["available", "lock", "frozen", "deleting", "error"]
ConsistentLevel = Literal["crash_consistent", "app_consistent"]
ObjectType = Literal["server", "disk", "turbo", "workspace", "vmware", "rds", "file"]
CloudType = Literal["public", "hybrid"]


class Tag(RequestModel):
    """A label of a vault (CBR sections 5.1 and 11).

    :param key: 1 to 36 characters.
    :param value: 0 to 43 characters.
    """

    key: Annotated[str, Field(min_length=1, max_length=36)]
    value: Annotated[str, Field(max_length=43)]


class BindRules(RequestModel):
    """Which resources a vault takes in by itself.

    :param tags: 1 to 5 labels.
    """

    tags: Annotated[list[Tag], Field(min_length=1, max_length=5)] | None = None


class BillingCreate(RequestModel):
    """Kind, size and price of a new vault (CBR section 5.1).

    :param consistent_level: ``crash_consistent`` or ``app_consistent``.
    :param object_type: what the vault holds, such as ``server`` or ``disk``.
    :param protect_type: ``backup``, or ``replication`` for a vault that receives copies.
    :param size: GB, 10 to 10,485,760.
    :param charging_mode: ``post_paid`` (the default) or ``pre_paid``.
    :param cloud_type: ``public`` or ``hybrid``.
    :param period_type: ``year`` or ``month``; needed with ``pre_paid``.
    :param period_num: number of these; needed with ``pre_paid``.
    :param is_auto_renew: whether the subscription is renewed by itself.
    :param is_auto_pay: whether the order is paid by itself.
    :param is_multi_az: whether backups are kept in several availability zones.
    :param console_url: where the console goes after the order, 1 to 255 characters.
    """

    consistent_level: ConsistentLevel
    object_type: ObjectType
    protect_type: OperationType
    size: Annotated[int, Field(ge=10, le=10485760)]
    charging_mode: Literal["post_paid", "pre_paid"] | None = None
    cloud_type: CloudType | None = None
    period_type: Literal["year", "month"] | None = Field(default=None, validate_default=True)
    period_num: Annotated[int, Field(ge=1)] | None = Field(default=None, validate_default=True)
    is_auto_renew: bool | None = None
    is_auto_pay: bool | None = None
    is_multi_az: bool | None = None
    console_url: Annotated[str, Field(min_length=1, max_length=255)] | None = None

    @field_validator("period_type", "period_num")
    @classmethod
    def _subscriptions_have_a_period(cls, value: str | int | None, info: ValidationInfo) -> str | int | None:
        if value is None and info.data.get("charging_mode") == "pre_paid":
            raise ValueError("must be given with charging_mode pre_paid")
        return value


class VaultCreate(RequestModel):
    """A new vault: ``POST /vaults`` (CBR section 5.1).

    :param name: as in :class:`PolicyCreate`.
    :param billing: kind and size.
    :param resources: 0 to 255 resources.
    :param backup_policy_id: policy to bind at once.
    :param description: 0 to 64 characters without ``<`` and ``>``.
    :param tags: 1 to 20 labels with unique keys (10 on Huawei Cloud).
    :param enterprise_project_id: ``0`` for the default one.
    :param auto_bind: whether the vault takes in resources by itself.
    :param bind_rules: which ones.
    :param auto_expand: whether the vault grows when it is full; not with ``pre_paid``.
    :param smn_notify: whether a message is sent when the threshold is reached.
    :param threshold: used part in per cent, 1 to 100.
    :param backup_name_prefix: 0 to 32 characters.
    :param demand_billing: whether more than the size may be used; only with ``pre_paid``.
    :param sys_lock_source_service: ``SMB`` or empty.
    :param locked: whether automatic backups are protected from deletion; this cannot be undone.
    :param availability_zone: 1 to 32 characters.
    """

    name: Name
    billing: BillingCreate
    resources: Annotated[list[VaultResourceCreate], Field(max_length=255)] = Field(default_factory=list)
    backup_policy_id: Uuid | None = None
    description: Annotated[str, without_angle_brackets(64)] | None = None
    tags: Annotated[list[Tag], Field(min_length=1, max_length=20), UniqueKeys] | None = None
    enterprise_project_id: str | None = None
    auto_bind: bool | None = None
    bind_rules: BindRules | None = None
    auto_expand: bool | None = None
    smn_notify: bool | None = None
    threshold: Annotated[int, Field(ge=1, le=100)] | None = None
    backup_name_prefix: Annotated[str, Field(max_length=32)] | None = None
    demand_billing: bool | None = None
    sys_lock_source_service: Literal["SMB", ""] | None = None
    locked: bool | None = None
    availability_zone: Annotated[str, Field(min_length=1, max_length=32)] | None = None

    @field_validator("auto_expand", "demand_billing")
    @classmethod
    def _fits_the_charging_mode(cls, value: bool | None, info: ValidationInfo) -> bool | None:
        billing = info.data.get("billing")
        pre_paid = isinstance(billing, BillingCreate) and billing.charging_mode == "pre_paid"
        if value and pre_paid != (info.field_name == "demand_billing"):
            raise ValueError(f"is only possible with charging_mode {'post_paid' if pre_paid else 'pre_paid'}")
        return value


class BillingUpdate(RequestModel):
    """A change of a vault's size or level (CBR section 5.4).

    :param size: GB, 1 to 10,485,760.
    :param consistent_level: as in :class:`BillingCreate`.
    """

    size: Annotated[int, Field(ge=1, le=10485760)] | None = None
    consistent_level: ConsistentLevel | None = None


class VaultUpdate(RequestModel):
    """A change of a vault: ``PUT /vaults/{vault_id}`` (CBR section 5.4); what is not given stays.

    :param name: as in :class:`VaultCreate`, like the rest.
    """

    name: Name | None = None
    billing: BillingUpdate | None = None
    auto_bind: bool | None = None
    bind_rules: BindRules | None = None
    auto_expand: bool | None = None
    smn_notify: bool | None = None
    threshold: Annotated[int, Field(ge=1, le=100)] | None = None
    locked: bool | None = None


class VaultBatchUpdate(RequestModel):
    """A change of all vaults of the project: ``PUT /vaults/batch-update`` (CBR section 5.4).

    :param smn_notify: whether a message is sent when the threshold is reached.
    :param threshold: used part in per cent, 1 to 100.
    """

    smn_notify: bool | None = None
    threshold: Annotated[int, Field(ge=1, le=100)] | None = None


class VaultQuery(RequestModel):
    """What vaults are listed by (CBR section 5.3).

    :param limit: vaults in one page, 1 to 1,000.
    :param offset: vaults to skip, 0 or more.
    :param id: one or more ids.
    :param name: the exact name.
    :param cloud_type: ``public`` or ``hybrid``.
    :param protect_type: ``backup`` or ``replication``; the third value of answers, ``hybrid``, cannot be asked for.
    :param object_type: what the vaults hold.
    :param status: ``available``, ``lock``, ``frozen``, ``deleting`` or ``error``.
    :param policy_id: vaults that this policy is bound to.
    :param resource_ids: ids of resources in the vaults, joined by commas.
    :param enterprise_project_id: an id, or ``all_granted_eps``.
    """

    limit: PageSize | None = None
    offset: Offset | None = None
    id: Annotated[list[Identifier], OneOrMore] | None = None
    name: str | None = None
    cloud_type: CloudType | None = None
    protect_type: OperationType | None = None
    object_type: ObjectType | None = None
    status: VaultStatus | None = None
    policy_id: Identifier | None = None
    resource_ids: Identifier | None = None
    enterprise_project_id: str | None = None


class BillingView(ResponseModel):
    """Kind, size in GB, and use of a vault, as read; ``used`` in MB, ``allocated`` in GB (some clients say MB)."""

    status: str | None = None
    size: WholeNumber = None
    used: WholeNumber = None
    allocated: WholeNumber = None
    charging_mode: str | None = None
    cloud_type: str | None = None
    consistent_level: str | None = None
    object_type: str | None = None
    protect_type: str | None = None
    spec_code: str | None = None
    is_multi_az: Flag = None


class TagView(ResponseModel):
    """A label, as read."""

    key: str = ""
    value: Text = None


class Vault(ResponseModel):
    """A vault, as read (CBR section 5.2). Its policies are found by ``policies.list(vault_id=...)``."""

    id: Identifier
    name: str
    description: str | None = None
    project_id: str | None = None
    provider_id: str | None = None
    user_id: str | None = None
    created_at: Timestamp = None
    enterprise_project_id: Text = None
    tags: Annotated[list[TagView], AsItems] = Field(default_factory=list)
    resources: Annotated[list[VaultResourceView], AsItems] = Field(default_factory=list)
    billing: Annotated[BillingView, AsObject] = Field(default_factory=BillingView)
    auto_bind: Flag = None
    bind_rules: JsonObject = Field(default_factory=dict)
    auto_expand: Flag = None
    smn_notify: Flag = None
    threshold: WholeNumber = None
    locked: Flag = None
    frozen: Flag = None
    availability_zone: str | None = None
    backup_name_prefix: str | None = None
