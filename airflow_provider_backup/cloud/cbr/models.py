"""The wire contract of CBR v3: every request with its rules, every answer with its mixed forms.

Source: CBR sections 3 (statuses), 4 (policies), 5 (vaults), 6 (checkpoints), 7 (backups), 8 (operation logs) and 17
(mixed forms).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
)

from airflow_provider_backup.cloud.cbr.pattern import MOST_PATTERNS, SchedulePattern, check_patterns
from airflow_provider_backup.cloud.wire import (
    Flag,
    JsonObject,
    RequestModel,
    ResponseModel,
    Timestamp,
    WholeNumber,
    format_utc,
)

MOST_RESOURCES = 256
"""Resources in one vault, and in one request that adds or removes some (CBR sections 5.7 and 13)."""

ResourceType = Literal[
    "OS::Nova::Server",
    "OS::Cinder::Volume",
    "OS::Ironic::BareMetalServer",
    "OS::Native::Server",
    "OS::Sfs::Turbo",
    "OS::Workspace::DesktopV2",
]
OperationType = Literal["backup", "replication"]
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
VaultStatus = Literal["available", "lock", "frozen", "deleting", "error"]
LogOperationType = Literal[
    "backup", "copy", "replication", "restore", "delete", "sync", "vault_delete", "remove_resource"
]
LogStatus = Literal["success", "skipped", "failed", "running", "timeout", "waiting"]
ConsistentLevel = Literal["crash_consistent", "app_consistent"]
ObjectType = Literal["server", "disk", "turbo", "workspace", "vmware", "rds", "file"]
CloudType = Literal["public", "hybrid"]

# ---------------------------------------------------------------------------------------------------------- requests

_NAME = re.compile(r"[\u4e00-\u9fa5\uf900-\ufa2da-zA-Z0-9_-]{1,64}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def _matching(pattern: re.Pattern[str], rule: str) -> AfterValidator:
    def check(text: str) -> str:
        if pattern.fullmatch(text) is None:
            raise ValueError(rule)
        return text

    return AfterValidator(check)


def _unlimited_or_from_one_to(most: int) -> AfterValidator:
    def check(number: int) -> int:
        if number != -1 and not 1 <= number <= most:
            raise ValueError(f"must be 1 to {most}, or -1 for no limit")
        return number

    return AfterValidator(check)


Name = Annotated[
    str,
    _matching(_NAME, "must be 1 to 64 letters, digits, '_' or '-' (Chinese characters, too, on Huawei Cloud)"),
]
Uuid = Annotated[str, _matching(_UUID, "must be an id of the form 01234567-89ab-cdef-0123-456789abcdef")]
Identifier = Annotated[str, Field(min_length=1)]
LongTermBackups = Annotated[int, Field(ge=0, le=100)]
QueryTime = Annotated[AwareDatetime, PlainSerializer(format_utc)]
PageSize = Annotated[int, Field(ge=1, le=1000)]
Offset = Annotated[int, Field(ge=0)]
TimeZoneOffset = Annotated[str, _matching(re.compile(r"UTC[+-]\d{2}:\d{2}"), "must be an offset of the form UTC+02:00")]
NonEmptyTexts = Annotated[list[Identifier], Field(min_length=1)]


def _described(most: int) -> AfterValidator:
    return _matching(re.compile(rf"[^<>]{{0,{most}}}"), f"must be 0 to {most} characters without '<' and '>'")


def _one_or_more(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _day_of_month(day: int) -> int:
    if day != -1 and not 1 <= day <= 28:
        raise ValueError("must be 1 to 28, or -1 for the last day of the month")
    return day


DaysOfMonth = Annotated[list[Annotated[int, AfterValidator(_day_of_month)]], Field(min_length=1)]


class WeeklyRetention(RequestModel):
    """Which backups of a week are kept longer; vendor SDK only (CBR section 4.2).

    :param days_of_week: days whose backups are kept.
    :param retention_duration_periods: weeks to keep them, 1 to 5,200; -1 turns the rule off.
    """

    days_of_week: NonEmptyTexts | None = None
    retention_duration_periods: Annotated[int, _unlimited_or_from_one_to(5200)] | None = None


class MonthlyRetention(RequestModel):
    """Which backups of a month are kept longer; vendor SDK only (CBR section 4.2).

    :param retention_type: ``Weekly``: by week and day of the week; ``Monthly``: by day of the month.
    :param retention_weeks: weeks of the month; only with ``Weekly`` and ``days_of_week``.
    :param days_of_week: days of these weeks; only with ``Weekly`` and ``retention_weeks``.
    :param days_of_month: 1 to 28, or -1 for the last day; only with ``Monthly``.
    :param retention_duration_periods: months to keep them, 1 to 1,200; -1 turns the rule off.
    """

    retention_type: Literal["Weekly", "Monthly"] | None = None
    retention_weeks: NonEmptyTexts | None = None
    days_of_week: NonEmptyTexts | None = Field(default=None, validate_default=True)
    days_of_month: DaysOfMonth | None = None
    retention_duration_periods: Annotated[int, _unlimited_or_from_one_to(1200)] | None = None

    @field_validator("retention_weeks", "days_of_week", "days_of_month")
    @classmethod
    def _fits_the_type(cls, value: list[Any] | None, info: ValidationInfo) -> list[Any] | None:
        needed = "Monthly" if info.field_name == "days_of_month" else "Weekly"
        if value is not None and info.data.get("retention_type") != needed:
            raise ValueError(f"is only possible with retention_type {needed}")
        return value

    @field_validator("days_of_week")
    @classmethod
    def _weeks_and_days_go_together(cls, value: list[str] | None, info: ValidationInfo) -> list[str] | None:
        if "retention_weeks" in info.data and (value is None) != (info.data["retention_weeks"] is None):
            raise ValueError("retention_weeks and days_of_week must be given together")
        return value


class YearlyRetention(MonthlyRetention):
    """Which backups of a year are kept longer; vendor SDK only (CBR section 4.2).

    :param retention_months: the months that the days of :class:`MonthlyRetention` count in; needed with them.
    :param retention_duration_periods: years to keep them, 1 to 100; -1 turns the rule off.
    """

    retention_duration_periods: Annotated[int, _unlimited_or_from_one_to(100)] | None = None
    retention_months: NonEmptyTexts | None = Field(default=None, validate_default=True)

    @field_validator("retention_months")
    @classmethod
    def _months_and_days_go_together(cls, value: list[str] | None, info: ValidationInfo) -> list[str] | None:
        days = info.data.get("days_of_week") or info.data.get("days_of_month")
        if days is not None and value is None:
            raise ValueError("must be given with days_of_week and with days_of_month")
        return value


class AdvancedRetentionRules(RequestModel):
    """Retention by calendar; vendor SDK only (CBR section 4.2).

    :param weekly: on the wire ``weekly_retention_rules``, and so on.
    """

    weekly: WeeklyRetention | None = Field(default=None, alias="weekly_retention_rules")
    monthly: MonthlyRetention | None = Field(default=None, alias="monthly_retention_rules")
    yearly: YearlyRetention | None = Field(default=None, alias="yearly_retention_rules")


class OperationDefinition(RequestModel):
    """How long automatic backups are kept, and where they are replicated to (CBR section 4.2); empty: for ever.

    The sources disagree whether days and counts may be combined, so every combination is let through.

    :param retention_duration_days: days that a backup is kept, 1 to 99,999; -1 for no limit.
    :param max_backups: automatic backups kept for each resource, 0 to 99,999; -1 for no limit.
    :param day_backups: days of which the newest backup is kept as well, 0 to 100; likewise the next three.
    :param week_backups: weeks.
    :param month_backups: months.
    :param year_backups: years.
    :param timezone: offset that these four count in, such as ``UTC+02:00``; needed when one of them is above 0.
    :param full_backup_interval: incremental backups between two full ones, 0 to 100; -1 for no further full ones.
        Huawei Cloud only.
    :param destination_region: region that a replication policy copies to, 0 to 255 letters, digits, ``.``, ``_`` or
        ``-``; together with ``destination_project_id``.
    :param destination_project_id: project that a replication policy copies to; together with ``destination_region``.
    :param enable_acceleration: whether replication uses the accelerated network.
    :param cross_account_urn: vendor SDK only.
    :param advanced_retention_rules: vendor SDK only.
    """

    retention_duration_days: Annotated[int, _unlimited_or_from_one_to(99999)] | None = None
    max_backups: Annotated[int, Field(ge=-1, le=99999)] | None = None
    day_backups: LongTermBackups | None = None
    week_backups: LongTermBackups | None = None
    month_backups: LongTermBackups | None = None
    year_backups: LongTermBackups | None = None
    timezone: TimeZoneOffset | None = Field(default=None, validate_default=True)
    full_backup_interval: Annotated[int, Field(ge=-1, le=100)] | None = None
    destination_region: (
        Annotated[
            str,
            _matching(re.compile(r"[a-zA-Z0-9._-]{0,255}"), "must be 0 to 255 letters, digits, '.', '_' or '-'"),
        ]
        | None
    ) = None
    destination_project_id: Identifier | None = Field(default=None, validate_default=True)
    enable_acceleration: bool | None = None
    cross_account_urn: Identifier | None = None
    advanced_retention_rules: AdvancedRetentionRules | None = None

    @field_validator("timezone")
    @classmethod
    def _zone_goes_with_long_term_backups(cls, value: str | None, info: ValidationInfo) -> str | None:
        used = [name for name in ("day", "week", "month", "year") if info.data.get(f"{name}_backups")]
        if used and value is None:
            raise ValueError(f"must be given with {', '.join(f'{name}_backups' for name in used)}")
        return value

    @field_validator("destination_project_id")
    @classmethod
    def _region_and_project_go_together(cls, value: str | None, info: ValidationInfo) -> str | None:
        if "destination_region" in info.data and bool(value) != bool(info.data["destination_region"]):
            raise ValueError("destination_region and destination_project_id must be given together")
        return value


def _readable_pattern(text: str) -> str:
    SchedulePattern.parse(text)
    return text


def _fitting_patterns(patterns: list[str]) -> list[str]:
    check_patterns(patterns)
    return patterns


Patterns = Annotated[
    list[Annotated[str, AfterValidator(_readable_pattern)]],
    Field(min_length=1, max_length=MOST_PATTERNS),
    AfterValidator(_fitting_patterns),
]


class TriggerPropertiesChange(RequestModel):
    """A change of when a policy runs; what is not given stays.

    :param pattern: 1 to 24 rules in UTC (CBR section 4.3); ``cloud/cbr/schedule.py`` writes them.
    :param start_window_minutes: minutes within which a run may start, 60 to 480; none, when given as such, takes it
        off. Vendor SDK only.
    """

    pattern: Patterns | None = None
    start_window_minutes: Annotated[int, Field(ge=60, le=480)] | None = None

    @model_serializer(mode="wrap")
    def _keep_the_null(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Null means "no window any more" here; anywhere else it would mean "not given".
        content: dict[str, Any] = write(self)
        if "start_window_minutes" in self.model_fields_set:
            content["start_window_minutes"] = self.start_window_minutes
        return content


class TriggerProperties(TriggerPropertiesChange):
    """When a policy runs: as in :class:`TriggerPropertiesChange`, but the rules must be given."""

    pattern: Patterns


class TriggerChange(RequestModel):
    """A change of what starts a policy."""

    properties: TriggerPropertiesChange


class Trigger(TriggerChange):
    """What starts a policy: the time."""

    properties: TriggerProperties


class PolicyCreate(RequestModel):
    """A new policy: ``POST /policies`` (CBR section 4.1).

    :param name: 1 to 64 letters, digits, ``_`` or ``-``; Chinese characters, too, on Huawei Cloud. Need not be unique.
    :param operation_type: ``backup`` or ``replication``; cannot be changed later.
    :param operation_definition: how long backups are kept; empty keeps them for ever.
    :param trigger: when the policy runs.
    :param enabled: whether it runs at all; the service takes true when not given.
    """

    name: Name
    operation_type: OperationType
    operation_definition: OperationDefinition
    trigger: Trigger
    enabled: bool | None = None


class PolicyUpdate(RequestModel):
    """A change of a policy: ``PUT /policies/{policy_id}`` (CBR section 4.4); what is not given stays.

    :param name: as in :class:`PolicyCreate`, like the rest.
    :param operation_definition: replaces the whole definition.
    :param enabled: false pauses the policy.
    """

    name: Name | None = None
    operation_definition: OperationDefinition | None = None
    trigger: TriggerChange | None = None
    enabled: bool | None = None


class PolicyQuery(RequestModel):
    """What policies are listed by (CBR section 4.5); the list has no pages.

    :param operation_type: ``backup`` or ``replication``.
    :param vault_id: policies that are bound to this vault.
    """

    operation_type: OperationType | None = None
    vault_id: Identifier | None = None


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


class Tag(RequestModel):
    """A label of a vault (CBR sections 5.1 and 11).

    :param key: 1 to 36 characters.
    :param value: 0 to 43 characters.
    """

    key: Annotated[str, Field(min_length=1, max_length=36)]
    value: Annotated[str, Field(max_length=43)]


def _with_unique_keys(tags: list[Tag]) -> list[Tag]:
    if len({tag.key for tag in tags}) < len(tags):
        raise ValueError("keys of tags must be unique")
    return tags


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
    description: Annotated[str, _described(64)] | None = None
    tags: Annotated[list[Tag], Field(min_length=1, max_length=20), AfterValidator(_with_unique_keys)] | None = None
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


class VaultQuery(RequestModel):
    """What vaults are listed by (CBR section 5.3).

    :param limit: vaults in one page, 1 to 1,000.
    :param offset: vaults to skip, 0 or more.
    :param id: one or more ids.
    :param name: the exact name.
    :param cloud_type: ``public`` or ``hybrid``.
    :param protect_type: ``backup``, ``replication`` or ``hybrid``.
    :param object_type: what the vaults hold.
    :param status: ``available``, ``lock``, ``frozen``, ``deleting`` or ``error``.
    :param policy_id: vaults that this policy is bound to.
    :param resource_ids: ids of resources in the vaults, joined by commas.
    :param enterprise_project_id: an id, or ``all_granted_eps``.
    """

    limit: PageSize | None = None
    offset: Offset | None = None
    id: Annotated[list[Identifier], BeforeValidator(_one_or_more)] | None = None
    name: str | None = None
    cloud_type: CloudType | None = None
    protect_type: Literal["backup", "replication", "hybrid"] | None = None
    object_type: ObjectType | None = None
    status: VaultStatus | None = None
    policy_id: Identifier | None = None
    resource_ids: Identifier | None = None
    enterprise_project_id: str | None = None


class PolicyAssociation(RequestModel):
    """Binding policies to a vault (CBR section 5.6).

    :param policy_id: the policy; or
    :param add_policy_ids: several of them, where the service knows that: exactly one of the two.
    :param destination_vault_id: vault that receives the copies; only, and always, for replication policies.
    """

    policy_id: Identifier | None = None
    add_policy_ids: NonEmptyTexts | None = Field(default=None, validate_default=True)
    destination_vault_id: Identifier | None = None

    @field_validator("add_policy_ids")
    @classmethod
    def _one_form_only(cls, value: list[str] | None, info: ValidationInfo) -> list[str] | None:
        if "policy_id" in info.data and (value is None) == (info.data["policy_id"] is None):
            raise ValueError("give exactly one of policy_id and add_policy_ids")
        return value


class PolicyDissociation(RequestModel):
    """Taking a policy off a vault (CBR section 5.6).

    :param policy_id: the policy.
    """

    policy_id: Identifier


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
    description: Annotated[str, _described(255)] | None = None
    auto_trigger: bool | None = None
    incremental: bool | None = None
    resources: Annotated[list[Uuid], Field(min_length=1)] | None = None
    resource_details: Annotated[list[VaultResourceCreate], Field(max_length=MOST_RESOURCES)] | None = None
    policy_id: Identifier | None = None
    retention_duration_days: Annotated[int, _unlimited_or_from_one_to(36500)] | None = None

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


class BackupQuery(RequestModel):
    """What backups are listed by (CBR section 7.2).

    :param checkpoint_id: backups taken together.
    :param vault_id: backups in this vault.
    :param resource_id: backups of this resource.
    :param resource_name: the resource's name.
    :param resource_az: the resource's availability zone.
    :param resource_type: the resource's type.
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
    resource_type: ResourceType | None = None
    name: str | None = None
    parent_id: Identifier | None = None
    image_type: OperationType | None = None
    status: Annotated[list[BackupStatus], BeforeValidator(_one_or_more)] | None = None
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


# ----------------------------------------------------------------------------------------------------------- answers


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) else value


def _items(value: Any) -> Any:
    return [item for item in value if item is not None] if isinstance(value, list) else []


def _object(value: Any) -> Any:
    return value if isinstance(value, Mapping | ResponseModel) else {}


Text = Annotated[str | None, BeforeValidator(_text)]
AsItems = BeforeValidator(_items)
AsObject = BeforeValidator(_object)


class OperationDefinitionView(ResponseModel):
    """How long automatic backups are kept, as read."""

    retention_duration_days: WholeNumber = None
    max_backups: WholeNumber = None
    day_backups: WholeNumber = None
    week_backups: WholeNumber = None
    month_backups: WholeNumber = None
    year_backups: WholeNumber = None
    timezone: str | None = None
    full_backup_interval: WholeNumber = None
    destination_region: str | None = None
    destination_project_id: str | None = None
    enable_acceleration: Flag = None


class TriggerPropertiesView(ResponseModel):
    """When a policy runs, as read."""

    pattern: Annotated[list[str], AsItems] = Field(default_factory=list)
    start_time: Timestamp = None
    start_window_minutes: WholeNumber = None


class TriggerView(ResponseModel):
    """What starts a policy, as read."""

    id: str | None = None
    name: str | None = None
    type: str | None = None
    properties: Annotated[TriggerPropertiesView, AsObject] = Field(default_factory=TriggerPropertiesView)


class AssociatedVault(ResponseModel):
    """A vault that a policy is bound to."""

    vault_id: str | None = None
    destination_vault_id: str | None = None


class Policy(ResponseModel):
    """A policy, as read (CBR section 4.5)."""

    id: str
    name: str
    enabled: Flag = None
    operation_type: str | None = None
    operation_definition: Annotated[OperationDefinitionView, AsObject] = Field(default_factory=OperationDefinitionView)
    trigger: Annotated[TriggerView, AsObject] = Field(default_factory=TriggerView)
    associated_vaults: Annotated[list[AssociatedVault], AsItems] = Field(default_factory=list)
    policy_type: str | None = None


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

    id: str
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


class PolicyBinding(ResponseModel):
    """What binding or taking off a policy answers (CBR section 5.6)."""

    vault_id: str | None = None
    policy_id: str | None = None
    destination_vault_id: str | None = None


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

    id: str
    status: str | None = None
    project_id: str | None = None
    created_at: Timestamp = None
    vault: Annotated[CheckpointVault, AsObject] = Field(default_factory=CheckpointVault)
    extra_info: Annotated[CheckpointExtraInfo, AsObject] = Field(default_factory=CheckpointExtraInfo)


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


class Backup(ResponseModel):
    """The backup of one resource (CBR section 7.1)."""

    id: str
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
    extend_info: Annotated[BackupExtendInfo, AsObject] = Field(default_factory=BackupExtendInfo)

    @property
    def is_incremental(self) -> bool | None:
        """Whether it holds only what changed, wherever the service says so; none when it does not say."""
        return self.incremental if self.incremental is not None else self.extend_info.incremental


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


class LogExtraInfo(ResponseModel):
    """Details of an operation (CBR section 8); the parts of other operations are kept as they came."""

    common: Annotated[LogCommon, AsObject] = Field(default_factory=LogCommon)
    resource: Annotated[LogResource, AsObject] = Field(default_factory=LogResource)
    backup: Annotated[LogBackup, AsObject] = Field(default_factory=LogBackup)
    delete: Annotated[LogBackup, AsObject] = Field(default_factory=LogBackup)


class OperationLog(ResponseModel):
    """What the service did for one resource (CBR section 8)."""

    id: str
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
