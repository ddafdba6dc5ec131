"""The wire contract of VBS v2: every request with its rules, every answer with its mixed forms.

Source: VBS sections 3 (policies), 4 (backups and jobs) and 7 (mixed forms). The misspelled names on the wire
(``rentention_num``) are the service's own; the fields here are spelled right.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Annotated, Any, Literal, NoReturn

from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from airflow_provider_backup.cloud.wire import (
    Flag,
    JsonObject,
    RequestModel,
    ResponseModel,
    Timestamp,
    WholeNumber,
)

MOST_TAGS = 10
"""Tags that one policy or one backup can have (VBS sections 3.1 and 4.1)."""

LONGEST_INTERVAL = 30
"""Days between two runs of a policy: 14 in older editions of the service, 30 in the newest (VBS section 3.1)."""

# ------------------------------------------------------------------------------------------------------ request rules


def _matches(pattern: str, rule: str) -> Callable[[str], str]:
    """Return a check that states its rule in words, not as a regular expression."""
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if compiled.fullmatch(text) is None:
            raise ValueError(rule)
        return text

    return check


def _rounded_down(value: Any) -> Any:
    # The service rounds fractions of days down (VBS section 3.1); the range counts after that.
    return int(value // 1) if isinstance(value, float) and abs(value) < 1e9 else value


def _switch(on: str, off: str) -> tuple[BeforeValidator, PlainSerializer]:
    """Return how a truth value is read from and written as two words of the service."""

    def read(value: Any) -> bool:
        if isinstance(value, bool):
            return value
        # Templates make text of truth values: "True".
        words = {on: True, off: False, "true": True, "false": False}
        known = words.get(value, words.get(value.lower())) if isinstance(value, str) else None
        if known is None:
            raise ValueError(f"must be {on} or {off}, or a truth value")
        return known

    return BeforeValidator(read), PlainSerializer(lambda value: on if value else off, when_used="unless-none")


_READ_YES_NO, _WRITE_YES_NO = _switch("Y", "N")
_READ_ON_OFF, _WRITE_ON_OFF = _switch("ON", "OFF")
_READ_TRUE_FALSE, _WRITE_TRUE_FALSE = _switch("true", "false")

YesNo = Annotated[bool, _READ_YES_NO, _WRITE_YES_NO]
OnOff = Annotated[bool, _READ_ON_OFF, _WRITE_ON_OFF]
TrueFalse = Annotated[bool, _READ_TRUE_FALSE, _WRITE_TRUE_FALSE]

Identifier = Annotated[str, StringConstraints(min_length=1)]
Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=64),
    AfterValidator(_matches(r"[A-Za-z0-9_-]+", "must be letters, digits, '_' and '-' only")),
]
BackupName = Annotated[
    Name,
    AfterValidator(_matches(r"(?!autobk).*", "must not start with 'autobk', which automatic backups are named with")),
]
Description = Annotated[
    str,
    StringConstraints(max_length=64),
    AfterValidator(_matches(r"[^<>]*", "must not contain '<' or '>'")),
]
StartTime = Annotated[
    str,
    AfterValidator(
        _matches(
            r"([01]\d|2[0-3]):00(,([01]\d|2[0-3]):00)*",
            "must be full hours in UTC, written HH:00 and separated by commas",
        )
    ),
]
TimeZone = Annotated[
    str,
    AfterValidator(
        _matches(r"UTC[+-](0\d|1[0-4]):[0-5]\d", "must be an offset from UTC, such as UTC+02:00 or UTC-05:30")
    ),
]
Weekday = Literal["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]


def _unique(days: list[Weekday]) -> list[Weekday]:
    if len(set(days)) < len(days):
        raise ValueError("must name each day once")
    return days


WeekFrequency = Annotated[list[Weekday], Field(min_length=1, max_length=7), AfterValidator(_unique)]
RetentionNumber = Annotated[int, Field(ge=2)]
RetentionDays = Annotated[int, BeforeValidator(_rounded_down), Field(ge=2, le=99999)]


def _refuse(subject: str, field: tuple[str, ...], rule: str, value: Any) -> NoReturn:
    """Refuse one field from a check of the whole model, so that the error names the field."""
    broken = PydanticCustomError("documented_rule", "{rule}", {"rule": rule})
    details = InitErrorDetails(type=broken, loc=field, input=value)
    raise ValidationError.from_exception_data(subject, [details])


def _hours_of(start_time: str) -> list[int]:
    return [int(text[:2]) for text in start_time.split(",")]


def _minutes_of(time_zone: str) -> int:
    minutes = int(time_zone[4:6]) * 60 + int(time_zone[7:9])
    return -minutes if time_zone[3] == "-" else minutes


def _ascends(numbers: list[int]) -> bool:
    return all(first < second for first, second in pairwise(numbers))


def _ascends_in_some_zone(hours: list[int]) -> bool:
    turn = hours.index(min(hours))
    return _ascends(hours[turn:] + hours[:turn])


# ----------------------------------------------------------------------------------------------------------- requests


class PolicyTag(RequestModel):
    """A label of a policy (VBS section 3.1).

    :param key: 1 to 36 letters, digits, ``_`` or ``-``.
    :param value: 0 to 43 of the same.
    """

    key: Annotated[
        str,
        StringConstraints(min_length=1, max_length=36),
        AfterValidator(_matches(r"[A-Za-z0-9_-]+", "must be letters, digits, '_' and '-' only")),
    ]
    value: Annotated[
        str,
        StringConstraints(max_length=43),
        AfterValidator(_matches(r"[A-Za-z0-9_-]*", "must be letters, digits, '_' and '-' only")),
    ]


class ScheduledPolicyUpdate(RequestModel):
    """A change of when a policy runs and what it keeps; what is not given stays (VBS sections 3.1 and 3.2).

    :param start_time: full hours in UTC, ``HH:00``, several separated by commas and ordered by *local* time:
        ``22:00,00:00,02:00`` is 00:00, 02:00 and 04:00 in ``UTC+02:00``.
    :param frequency: days between two runs, 1 to 30; counted anew from the first day of each month.
    :param week_frequency: days of the week, local; in place of ``frequency``.
    :param retention_num: backups kept for each disk, 2 or more.
    :param retention_day: days that a backup is kept, 2 to 99999, fractions rounded down; in place of ``retention_num``.
    :param keep_first_backup_of_month: whether the first backup of the current month stays beyond that.
    :param enabled: whether the schedule runs.
    """

    model_config = ConfigDict(loc_by_alias=False)

    start_time: StartTime | None = None
    frequency: Annotated[int, Field(ge=1, le=LONGEST_INTERVAL)] | None = None
    week_frequency: WeekFrequency | None = None
    retention_num: RetentionNumber | None = Field(
        default=None, validation_alias="rentention_num", serialization_alias="rentention_num"
    )
    retention_day: RetentionDays | None = Field(
        default=None, validation_alias="rentention_day", serialization_alias="rentention_day"
    )
    keep_first_backup_of_month: YesNo | None = Field(
        default=None,
        validation_alias="remain_first_backup_of_curMonth",
        serialization_alias="remain_first_backup_of_curMonth",
    )
    enabled: OnOff | None = Field(default=None, validation_alias="status", serialization_alias="status")

    @model_validator(mode="after")
    def _one_of_each_pair_at_most(self) -> ScheduledPolicyUpdate:
        if self.frequency is not None and self.week_frequency is not None:
            _refuse("VBS policy", ("week_frequency",), "cannot be given together with frequency", self.week_frequency)
        if self.retention_num is not None and self.retention_day is not None:
            _refuse("VBS policy", ("retention_day",), "cannot be given together with retention_num", self.retention_day)
        return self

    @model_validator(mode="after")
    def _times_in_order(self) -> ScheduledPolicyUpdate:
        if self.start_time is not None and not _ascends_in_some_zone(_hours_of(self.start_time)):
            rule = "must name each hour once, in the order of the local times"
            _refuse("VBS policy", ("start_time",), rule, self.start_time)
        return self


class ScheduledPolicy(ScheduledPolicyUpdate):
    """When a new policy runs and what it keeps: exactly one of the two frequencies and one of the two retentions.

    The fields are those of :class:`ScheduledPolicyUpdate`; ``start_time`` must be given, ``enabled`` is true unless
    said otherwise, and always sent.
    """

    start_time: StartTime
    enabled: OnOff = Field(default=True, validation_alias="status", serialization_alias="status")

    @model_validator(mode="after")
    def _one_of_each_pair_at_least(self) -> ScheduledPolicy:
        if self.frequency is None and self.week_frequency is None:
            _refuse("VBS policy", ("frequency",), "exactly one of frequency and week_frequency must be given", None)
        if self.retention_num is None and self.retention_day is None:
            _refuse(
                "VBS policy", ("retention_num",), "exactly one of retention_num and retention_day must be given", None
            )
        return self


def _check_zone(scheduled_policy: ScheduledPolicyUpdate | None, time_zone: str | None) -> None:
    """Hold the times of a schedule against its zone: their order, and whether the zone has to be told."""
    if scheduled_policy is None or scheduled_policy.start_time is None:
        return
    hours = _hours_of(scheduled_policy.start_time)
    if time_zone is None:
        if scheduled_policy.week_frequency is not None and not _ascends(hours):
            rule = "must be given with week_frequency when the times in UTC fall on different days"
            _refuse("VBS policy", ("time_zone",), rule, time_zone)
    elif not _ascends([(hour * 60 + _minutes_of(time_zone)) % 1440 for hour in hours]):
        rule = f"must be in the order of the local times of {time_zone}"
        _refuse("VBS policy", ("scheduled_policy", "start_time"), rule, scheduled_policy.start_time)


class PolicyCreate(RequestModel):
    """A new policy (VBS section 3.1).

    :param name: 1 to 64 letters, digits, ``_`` or ``-``. Some editions of the service refuse names that begin with
        ``default``.
    :param scheduled_policy: when it runs and what it keeps.
    :param time_zone: offset of the local time, such as ``UTC+02:00``; must be given with ``week_frequency`` when the
        times in UTC fall on different days.
    :param tags: up to 10 labels.
    """

    model_config = ConfigDict(loc_by_alias=False)

    name: Name = Field(validation_alias="backup_policy_name", serialization_alias="backup_policy_name")
    scheduled_policy: ScheduledPolicy
    time_zone: TimeZone | None = None
    tags: Annotated[list[PolicyTag], Field(max_length=MOST_TAGS)] | None = None

    @model_validator(mode="after")
    def _zone_fits(self) -> PolicyCreate:
        _check_zone(self.scheduled_policy, self.time_zone)
        return self


class PolicyUpdate(RequestModel):
    """A change of a policy: what is not given stays (VBS section 3.2). Tags cannot be changed with it.

    :param name: as in :class:`PolicyCreate`.
    :param scheduled_policy: what changes in schedule, retention and status.
    :param time_zone: as in :class:`PolicyCreate`.
    """

    model_config = ConfigDict(loc_by_alias=False)

    name: Name | None = Field(
        default=None, validation_alias="backup_policy_name", serialization_alias="backup_policy_name"
    )
    scheduled_policy: ScheduledPolicyUpdate | None = None
    time_zone: TimeZone | None = None

    @model_validator(mode="after")
    def _zone_fits(self) -> PolicyUpdate:
        # Without a zone here the one that the policy already has counts, and only the service knows that.
        if self.time_zone is not None:
            _check_zone(self.scheduled_policy, self.time_zone)
        return self


class BackupTag(RequestModel):
    """A label of a backup (VBS section 4.1).

    :param key: 1 to 36 characters without control characters and ``= * < > \\ , | /``.
    :param value: 0 to 43 of the same.
    """

    key: Annotated[
        str,
        StringConstraints(min_length=1, max_length=36),
        AfterValidator(_matches(r"[^\x00-\x1f=*<>\\,|/]*", "must not contain control characters or = * < > \\ , | /")),
    ]
    value: Annotated[
        str,
        StringConstraints(max_length=43),
        AfterValidator(_matches(r"[^\x00-\x1f=*<>\\,|/]*", "must not contain control characters or = * < > \\ , | /")),
    ]


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


class AssociatedVolume(RequestModel):
    """One disk to put under a policy (VBS section 3.6).

    :param resource_id: id of the disk.
    :param resource_type: fixed.
    """

    resource_id: Identifier
    resource_type: Literal["volume"] = "volume"


class Association(RequestModel):
    """Disks to put under a policy; a disk that belongs to another policy moves (VBS section 3.6).

    :param backup_policy_id: id of the policy.
    :param resources: 1 disk or more.
    """

    backup_policy_id: Identifier
    resources: Annotated[list[AssociatedVolume], Field(min_length=1)]


class DisassociatedVolume(RequestModel):
    """One disk to take from a policy (VBS section 3.6).

    :param resource_id: id of the disk.
    """

    resource_id: Identifier


class Disassociation(RequestModel):
    """Disks to take from a policy (VBS section 3.6).

    :param resources: 1 disk or more.
    """

    resources: Annotated[list[DisassociatedVolume], Field(min_length=1)]


# ------------------------------------------------------------------------------------------------------------ answers


def _plain_description(value: Any) -> Any:
    # Either plain text or a JSON document with the text as DESC (VBS section 4.5).
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            document = json.loads(value)
        except ValueError:
            return value
        return document.get("DESC", value) if isinstance(document, dict) else value
    return value


def _list_or_nothing(value: Any) -> Any:
    # "sub_jobs" may be blank text (VBS section 4.4).
    return value if isinstance(value, list) else []


class PolicyCreated(ResponseModel):
    """The answer to a new or changed policy: only its id."""

    backup_policy_id: str


class PolicySchedule(ResponseModel):
    """When a policy runs and what it keeps; fields as in :class:`ScheduledPolicyUpdate`, what is not in use is none."""

    start_time: str | None = None
    frequency: WholeNumber = None
    week_frequency: list[str] | None = None
    retention_num: WholeNumber = Field(default=None, alias="rentention_num")
    retention_day: WholeNumber = Field(default=None, alias="rentention_day")
    keep_first_backup_of_month: Annotated[Flag, _WRITE_YES_NO] = Field(
        default=None, alias="remain_first_backup_of_curMonth"
    )
    enabled: Annotated[Flag, _WRITE_ON_OFF] = Field(default=None, alias="status")


class Policy(ResponseModel):
    """A policy as the list shows it (VBS section 3.1).

    :param id: id of the policy.
    :param name: its name.
    :param scheduled_policy: when it runs and what it keeps.
    :param time_zone: offset of the local time.
    :param policy_resource_count: number of disks under it.
    """

    id: str = Field(alias="backup_policy_id")
    name: str = Field(default="", alias="backup_policy_name")
    scheduled_policy: PolicySchedule = Field(default_factory=PolicySchedule)
    time_zone: str | None = None
    policy_resource_count: WholeNumber = None


class PolicyTask(ResponseModel):
    """What a run of a policy does with one disk (VBS section 3.5).

    :param job_id: id of the task; not an id for the job query.
    :param vbs_job_id: id for the job query, when the service gives it.
    :param status: ``WAITING``, ``RUNNING``, ``EXECUTE_SUCCESS``, ``EXECUTE_FAIL``, ``EXECUTE_TIMEOUT`` or ``SKIP``.
    :param resource_id: id of the disk.
    :param backup_name: name of the backup that is taken.
    :param created_at: when it began, aware UTC.
    :param finished_at: when it ended; missing while it runs and sometimes after a failure.
    :param code: the service's code for a failure, when it gives one.
    :param message: the service's words on a failure, when it gives some.
    """

    job_id: str
    vbs_job_id: str | None = None
    status: str = ""
    resource_id: str | None = None
    resource_type: str | None = None
    backup_name: str | None = None
    created_at: Timestamp = None
    finished_at: Timestamp = None
    code: str | None = None
    message: str | None = None


class PolicyTaskPage(ResponseModel):
    """One page of a policy's tasks.

    :param tasks: the tasks of this page.
    :param count: how many there are on all pages.
    """

    tasks: list[PolicyTask]
    count: WholeNumber = None


class AssociationItem(ResponseModel):
    """One disk in the answer to an association (VBS section 3.6).

    :param resource_id: id of the disk.
    :param code: the service's code, when it was refused.
    :param message: the service's words, when it was refused.
    """

    resource_id: str | None = None
    resource_type: str | None = None
    availability_zone: str | None = None
    host: str | None = Field(default=None, alias="os_vol_host_attr")
    code: str | None = None
    message: str | None = None


class AssociationResult(ResponseModel):
    """Which disks were put under a policy or taken from it, and which were not.

    :param success_resources: disks for which it worked.
    :param fail_resources: disks for which it did not; the call itself still counts as a success.
    """

    success_resources: list[AssociationItem] = Field(default_factory=list)
    fail_resources: list[AssociationItem] = Field(default_factory=list)


class JobCreated(ResponseModel):
    """The answer to a call that starts a job."""

    job_id: str


class Job(ResponseModel):
    """A job: the taking of one backup (VBS section 4.4).

    :param job_id: its id.
    :param job_type: ``bksCreateBackup``, ``bksDeleteBackup`` or ``bksRestoreBackup``.
    :param status: ``INIT``, ``RUNNING``, ``SUCCESS`` or ``FAIL``.
    :param entities: what it works on: ``backup_id``, ``volume_id``, ``snapshot_id``, ``bks_create_volume_name``.
    :param error_code: the service's code, when it failed.
    :param fail_reason: the service's words, when it failed.
    """

    job_id: str
    job_type: str | None = None
    status: str = ""
    entities: JsonObject = Field(default_factory=dict)
    begin_time: Timestamp = None
    end_time: Timestamp = None
    error_code: str | None = None
    fail_reason: str | None = None
    sub_jobs: Annotated[list[Job], BeforeValidator(_list_or_nothing)] = Field(default_factory=list)

    @property
    def backup_id(self) -> str | None:
        """Id of the backup that the job takes, as soon as the job names it."""
        return str(self.entities.get("backup_id") or "") or None

    @property
    def reason(self) -> str | None:
        """Code and words of a failure, as far as the service gave them."""
        return ": ".join(filter(None, (self.error_code, self.fail_reason))) or None


class BackupSummary(ResponseModel):
    """A backup in the short list."""

    id: str
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
