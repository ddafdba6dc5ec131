"""The wire contract of CSBS v1: every request with its rules, every answer with its mixed forms.

Source: CSBS sections 3 (policies), 4 (taking backups), 5 (reading backups), 7.2 (tags) and 11 (mixed forms).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    PlainSerializer,
    StringConstraints,
    model_validator,
)

from airflow_provider_backup.cloud.csbs.pattern import SchedulePattern
from airflow_provider_backup.cloud.wire import (
    Flag,
    JsonObject,
    Number,
    RequestModel,
    ResponseModel,
    Timestamp,
    WholeNumber,
    format_utc,
)

ProviderId = Literal["fc4d5750-22e7-4798-8a46-f48f62c4c1da"]
PROVIDER_ID: ProviderId = "fc4d5750-22e7-4798-8a46-f48f62c4c1da"
"""The one backup provider: always sent; received values are opaque (CSBS section 1)."""

MOST_SERVERS = 64
"""Servers in one policy (CSBS section 3.1, limits)."""

ServerType = Literal["OS::Nova::Server"]
AnyServerType = Literal["OS::Nova::Server", "OS::Ironic::BareMetalServer"]
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

# ---------------------------------------------------------------------------------------------------------- requests

Name = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9_-]+$")]
Description = Annotated[str, StringConstraints(max_length=255, pattern=r"^[^<>]*$")]
Identifier = Annotated[str, StringConstraints(min_length=1)]
Retention = Annotated[int, Field(ge=-1, le=99999)]
LongTermRetention = Annotated[int, Field(ge=0, le=100)]
SortKeys = Annotated[str, StringConstraints(min_length=1, max_length=255)]
PositiveNumber = Annotated[int, Field(gt=0)]
QueryTime = Annotated[
    AwareDatetime, PlainSerializer(lambda moment: format_utc(moment, suffix="", timespec="microseconds"))
]


class Tag(RequestModel):
    """A label of a policy or a backup (CSBS sections 3.1 and 7.2).

    :param key: 1 to 36 letters, digits, ``_`` or ``-``; blanks around it are cut.
    :param value: 0 to 43 of the same.
    """

    key: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=36, pattern=r"^[A-Za-z0-9_-]+$")
    ]
    value: Annotated[str, StringConstraints(strip_whitespace=True, max_length=43, pattern=r"^[A-Za-z0-9_-]*$")]


def _with_unique_keys(tags: list[Tag]) -> list[Tag]:
    if len({tag.key for tag in tags}) < len(tags):
        raise ValueError("tag keys must be unique")
    return tags


Tags = Annotated[list[Tag], Field(min_length=1, max_length=10), AfterValidator(_with_unique_keys)]


class PolicyServer(RequestModel):
    """A server that a policy backs up.

    :param id: id of the server.
    :param name: name of the server; must be given.
    :param type: fixed.
    :param extra_info: Huawei Cloud only: ``{"exclude_volumes": [disk ids]}``.
    """

    id: Identifier
    name: Identifier
    type: ServerType = "OS::Nova::Server"
    extra_info: dict[str, Any] | None = None


class OperationDefinition(RequestModel):
    """How long automatic backups are kept; with nothing given, for ever.

    :param max_backups: backups kept for each server: -1 for no limit, or 0 to 99999.
    :param retention_duration_days: days that a backup is kept: -1 for no limit, or 0 to 99999.
    :param permanent: keep all, whatever the other two say.
    :param day_backups: days of which the newest backup is kept as well, 0 to 100; likewise the next three.
    :param week_backups: weeks.
    :param month_backups: months.
    :param year_backups: years.
    :param timezone: zone that these four count in, such as ``UTC+08:00``; needed with them, refused without.
    :param plan_id: id of the policy; the service fills it in.
    :param provider_id: id of the provider; the service fills it in.
    :param destination_region: replication policies of Huawei Cloud only; likewise the next two.
    :param destination_project_id: project to replicate to.
    :param enable_acceleration: whether replication is accelerated.
    """

    max_backups: Retention | None = None
    retention_duration_days: Retention | None = None
    permanent: bool | None = None
    day_backups: LongTermRetention | None = None
    week_backups: LongTermRetention | None = None
    month_backups: LongTermRetention | None = None
    year_backups: LongTermRetention | None = None
    timezone: Annotated[str, StringConstraints(pattern=r"^UTC[+-](0\d|1[0-4]):[0-5]\d$")] | None = None
    plan_id: Identifier | None = None
    provider_id: Identifier | None = None
    destination_region: Identifier | None = None
    destination_project_id: Identifier | None = None
    enable_acceleration: bool | None = None

    @model_validator(mode="after")
    def _zone_goes_with_long_term_retention(self) -> OperationDefinition:
        long_term = (self.day_backups, self.week_backups, self.month_backups, self.year_backups)
        counted = any(number is not None for number in long_term)
        if counted and self.timezone is None:
            raise ValueError("timezone is needed with day_backups, week_backups, month_backups and year_backups")
        if self.timezone is not None and not counted:
            raise ValueError("timezone is only possible with day_backups, week_backups, month_backups or year_backups")
        return self


def _readable_pattern(text: str) -> str:
    SchedulePattern.parse(text)
    return text


class TriggerProperties(RequestModel):
    """When a policy runs.

    :param pattern: iCalendar text with one RRULE in UTC, 10,240 characters at most, as
        :func:`airflow_provider_backup.cloud.csbs.schedule.icalendar_text` writes it.
    """

    pattern: Annotated[str, StringConstraints(max_length=10240), AfterValidator(_readable_pattern)]


class Trigger(RequestModel):
    """What starts a policy: the time."""

    properties: TriggerProperties


class ScheduledOperationCreate(RequestModel):
    """The period of a new policy.

    :param enabled: whether the schedule runs; without it, only manual execution is possible.
    :param operation_definition: how long backups are kept.
    :param trigger: when it runs.
    :param operation_type: ``backup``; ``replication`` on Huawei Cloud only.
    :param name: 1 to 255 letters, digits, ``_`` or ``-``.
    :param description: 0 to 255 characters without ``<`` and ``>``.
    """

    enabled: bool
    operation_definition: OperationDefinition
    trigger: Trigger
    operation_type: Literal["backup", "replication"] = "backup"
    name: Name | None = None
    description: Description | None = None


class ScheduledOperationUpdate(RequestModel):
    """A change of a policy's period; what is not given stays.

    :param id: id of the period, from the policy as it was read.
    :param enabled: as in :class:`ScheduledOperationCreate`, like the rest.
    """

    id: Identifier
    name: Name | None = None
    description: Description | None = None
    enabled: bool | None = None
    operation_definition: OperationDefinition | None = None
    trigger: Trigger | None = None


class PolicyParameters(RequestModel):
    """Parameters of a policy.

    :param common: a free map, usually empty.
    """

    common: dict[str, Any] = Field(default_factory=dict)


class PolicyCreate(RequestModel):
    """A new policy: ``POST /policies``.

    :param name: 1 to 255 letters, digits, ``_`` or ``-``; unique in the project.
    :param scheduled_operations: exactly one period.
    :param resources: the servers, 64 at most; may be empty. A server belongs to one policy only.
    :param parameters: usually empty.
    :param provider_id: fixed.
    :param description: 0 to 255 characters without ``<`` and ``>``.
    :param tags: 1 to 10 labels with unique keys.
    """

    name: Name
    scheduled_operations: Annotated[list[ScheduledOperationCreate], Field(min_length=1, max_length=1)]
    resources: Annotated[list[PolicyServer], Field(max_length=MOST_SERVERS)] = Field(default_factory=list)
    parameters: PolicyParameters = Field(default_factory=PolicyParameters)
    provider_id: ProviderId = PROVIDER_ID
    description: Description | None = None
    tags: Tags | None = None


class PolicyUpdate(RequestModel):
    """A change of a policy: ``PUT /policies/{policy_id}``; what is not given stays.

    :param name: as in :class:`PolicyCreate`, like the rest.
    :param resources: replaces the whole list.
    :param scheduled_operations: exactly one period, with its id.
    :param parameters: gone from the page since 2021, still sent by some clients; likewise ``provider_id``.
    """

    name: Name | None = None
    description: Description | None = None
    resources: Annotated[list[PolicyServer], Field(max_length=MOST_SERVERS)] | None = None
    scheduled_operations: Annotated[list[ScheduledOperationUpdate], Field(min_length=1, max_length=1)] | None = None
    parameters: PolicyParameters | None = None
    provider_id: ProviderId | None = None


class PolicyQuery(RequestModel):
    """What a list of policies is asked for (CSBS section 3.3).

    :param name: the exact name.
    :param sort: ``key[:asc|desc],key...``, 255 characters at most; newest first without it.
    :param limit: policies in one page, 1 or more.
    :param marker: id of the last policy of the page before.
    :param offset: policies to skip, 1 or more.
    :param all_tenants: all projects; administrators only.
    """

    name: str | None = None
    sort: SortKeys | None = None
    limit: PositiveNumber | None = None
    marker: Identifier | None = None
    offset: PositiveNumber | None = None
    all_tenants: bool | None = None


class CheckpointParameters(RequestModel):
    """How a policy is executed.

    :param auto_trigger: whether the backup counts as a scheduled one (then the policy's retention removes it).
    :param resources: ids of the servers, each of the policy's; none for all.
    """

    auto_trigger: bool | None = None
    resources: Annotated[list[Identifier], Field(min_length=1)] | None = None


class CheckpointCreate(RequestModel):
    """Executing a policy now: ``POST /providers/{provider_id}/checkpoints`` (CSBS section 4.2).

    :param plan_id: id of the policy.
    :param parameters: must be given.
    """

    plan_id: Identifier
    parameters: CheckpointParameters


class Protection(RequestModel):
    """Backing up one server: the member ``protect`` (CSBS section 4.1); all members are optional.

    :param backup_name: 1 to 255 letters, digits, ``_`` or ``-``; the service makes ``manualbk_xxxx`` without it.
    :param description: 0 to 255 characters without ``<`` and ``>``.
    :param incremental: false for a full backup; the first one of a server is always full.
    :param resource_type: type of the server.
    :param tags: 1 to 10 labels with unique keys.
    :param extra_info: Huawei Cloud only: ``{"exclude_volumes": [disk ids]}``.
    """

    backup_name: Name | None = None
    description: Description | None = None
    incremental: bool | None = None
    resource_type: AnyServerType | None = None
    tags: Tags | None = None
    extra_info: dict[str, Any] | None = None


class ProtectableQuestion(RequestModel):
    """One server in the member ``check_protectable`` (CSBS section 4.4); both members must be given.

    :param resource_id: id of the server.
    :param resource_type: its type.
    """

    resource_id: Identifier
    resource_type: AnyServerType


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


# ----------------------------------------------------------------------------------------------------------- answers


def _text_or_none(value: Any) -> str | None:
    return None if value is None else str(value)


def _object_or_empty(value: Any) -> Any:
    return value if isinstance(value, Mapping | ResponseModel) else {}


Text = Annotated[str | None, BeforeValidator(_text_or_none)]


class TagView(ResponseModel):
    """A label, as read."""

    key: str = ""
    value: str = ""


class PolicyServerView(ResponseModel):
    """A server of a policy or a checkpoint, as read."""

    id: str
    name: str | None = None
    type: str | None = None
    extra_info: JsonObject = Field(default_factory=dict)


class OperationDefinitionView(ResponseModel):
    """How long automatic backups are kept, as read; numbers may have come as text."""

    max_backups: WholeNumber = None
    retention_duration_days: WholeNumber = None
    permanent: Flag = None
    day_backups: WholeNumber = None
    week_backups: WholeNumber = None
    month_backups: WholeNumber = None
    year_backups: WholeNumber = None
    timezone: str | None = None
    plan_id: str | None = None
    provider_id: str | None = None
    destination_region: str | None = None
    destination_project_id: str | None = None
    enable_acceleration: Flag = None


class TriggerPropertiesView(ResponseModel):
    """When a policy runs, as read."""

    pattern: str | None = None
    start_time: Timestamp = None
    format: str | None = None


class TriggerView(ResponseModel):
    """What starts a policy, as read; after an update only ``properties`` is there."""

    id: str | None = None
    name: str | None = None
    type: str | None = None
    properties: TriggerPropertiesView = Field(default_factory=TriggerPropertiesView)


class ScheduledOperation(ResponseModel):
    """The period of a policy, as read."""

    id: str | None = None
    name: str | None = None
    description: str | None = None
    enabled: Flag = None
    operation_type: str | None = None
    operation_definition: OperationDefinitionView = Field(default_factory=OperationDefinitionView)
    trigger: TriggerView = Field(default_factory=TriggerView)
    trigger_id: str | None = None


class Policy(ResponseModel):
    """A policy, as read (CSBS section 3.2).

    ``status`` says nothing about the schedule (it is ``suspended`` right after creation): ask :attr:`enabled`.
    """

    id: str
    name: str
    description: str | None = None
    project_id: str | None = None
    provider_id: str | None = None
    status: str | None = None
    created_at: Timestamp = None
    parameters: JsonObject = Field(default_factory=dict)
    resources: list[PolicyServerView] = Field(default_factory=list)
    scheduled_operations: list[ScheduledOperation] = Field(default_factory=list)
    tags: list[TagView] = Field(default_factory=list)
    user_id: str | None = None

    @property
    def operation(self) -> ScheduledOperation | None:
        """The one period of the policy; none when the answer holds none."""
        return self.scheduled_operations[0] if self.scheduled_operations else None

    @property
    def enabled(self) -> bool:
        """Whether the schedule runs."""
        return self.operation is not None and self.operation.enabled is True

    @property
    def schedule_text(self) -> str | None:
        """The iCalendar text of the schedule, as it came."""
        return self.operation.trigger.properties.pattern if self.operation is not None else None

    @property
    def schedule_pattern(self) -> SchedulePattern | None:
        """The schedule; none when the text is missing or holds more than the documented parts."""
        try:
            return SchedulePattern.parse(self.schedule_text or "")
        except ValueError:
            return None

    @property
    def server_ids(self) -> list[str]:
        """Ids of the servers that the policy backs up."""
        return [server.id for server in self.resources]


class ProtectionPlan(ResponseModel):
    """What a checkpoint was made by: a policy, or ``fake_...`` for the backup of one server."""

    id: str | None = None
    name: str | None = None
    resources: list[PolicyServerView] = Field(default_factory=list)


class Checkpoint(ResponseModel):
    """What starting a backup answers (CSBS section 4.3); its backups are found by its id."""

    id: str
    status: str | None = None
    created_at: Timestamp = None
    project_id: str | None = None
    resource_graph: Any = None
    protection_plan: ProtectionPlan = Field(default_factory=ProtectionPlan)
    extra_info: JsonObject = Field(default_factory=dict)


class Protectability(ResponseModel):
    """Whether a server can be backed up, and if not, why (CSBS section 4.4)."""

    resource_id: str | None = None
    resource_type: str | None = None
    result: Flag = None
    error_code: Text = None
    error_msg: Text = None


class ProtectableAnswer(ResponseModel):
    """The answer to ``check_protectable``."""

    protectable: list[Protectability]


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
    fail_code: Annotated[FailCode, BeforeValidator(_object_or_empty)] = Field(default_factory=FailCode)
    copy_status: str | None = None
    copy_from: str | None = None
    os_images_data: list[dict[str, Any]] = Field(default_factory=list)
    volume_backups: list[VolumeBackup] = Field(default_factory=list)
    dec: Flag = None
    dec_size: WholeNumber = None
    retention_duration: WholeNumber = None


class CheckpointItem(ResponseModel):
    """The backup of one server (CSBS section 5)."""

    id: str
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
    backup_data: Annotated[BackupData, BeforeValidator(_object_or_empty)] = Field(default_factory=BackupData)
    extend_info: Annotated[ExtendInfo, BeforeValidator(_object_or_empty)] = Field(default_factory=ExtendInfo)
    tags: list[TagView] = Field(default_factory=list)
    replication_records: list[Any] = Field(default_factory=list)
    periodic_type: str | None = None
    progress: WholeNumber = None

    @property
    def failure(self) -> str | None:
        """The service's words on a failure, in one line; none when it gave none."""
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
