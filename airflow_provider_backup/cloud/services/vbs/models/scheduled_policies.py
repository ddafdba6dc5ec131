"""When a policy runs and what it keeps (VBS section 3.1)."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseModel
from airflow_provider_backup.cloud.schema.constraints import matching
from airflow_provider_backup.cloud.schema.fields import Flag, WholeNumber
from airflow_provider_backup.cloud.services.vbs.models.fields import WRITE_ON_OFF, WRITE_YES_NO, OnOff, YesNo, refuse

LONGEST_INTERVAL = 30
"""Days between two runs of a policy: 14 in older editions of the service, 30 in the newest (VBS section 3.1)."""

Weekday = Literal["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]


def _unique(days: list[Weekday]) -> list[Weekday]:
    if len(set(days)) < len(days):
        raise ValueError("must name each day once")
    return days


def _rounded_down(value: Any) -> Any:
    # The service rounds fractions of days down (VBS section 3.1); the range counts after that.
    return int(value // 1) if isinstance(value, float) and abs(value) < 1e9 else value


StartTime = Annotated[
    str,
    matching(
        r"([01]\d|2[0-3]):00(,([01]\d|2[0-3]):00)*",
        "must be full hours in UTC, written HH:00 and separated by commas",
    ),
]
WeekFrequency = Annotated[list[Weekday], Field(min_length=1, max_length=7), AfterValidator(_unique)]
RetentionNumber = Annotated[int, Field(ge=2)]
RetentionDays = Annotated[int, BeforeValidator(_rounded_down), Field(ge=2, le=99999)]


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
            refuse("VBS policy", ("week_frequency",), "cannot be given together with frequency", self.week_frequency)
        if self.retention_num is not None and self.retention_day is not None:
            refuse("VBS policy", ("retention_day",), "cannot be given together with retention_num", self.retention_day)
        return self

    @model_validator(mode="after")
    def _times_in_order(self) -> ScheduledPolicyUpdate:
        if self.start_time is not None and not _ascends_in_some_zone(_hours_of(self.start_time)):
            rule = "must name each hour once, in the order of the local times"
            refuse("VBS policy", ("start_time",), rule, self.start_time)
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
            refuse("VBS policy", ("frequency",), "exactly one of frequency and week_frequency must be given", None)
        if self.retention_num is None and self.retention_day is None:
            refuse(
                "VBS policy", ("retention_num",), "exactly one of retention_num and retention_day must be given", None
            )
        return self


def check_zone(scheduled_policy: ScheduledPolicyUpdate | None, time_zone: str | None) -> None:
    """Hold the times of a schedule against its zone: their order, and whether the zone has to be given.

    :param scheduled_policy: the schedule; ``None`` is not checked.
    :param time_zone: the zone of its policy; ``None`` when not given.
    :raises ValidationError: they do not fit.
    """
    if scheduled_policy is None or scheduled_policy.start_time is None:
        return
    hours = _hours_of(scheduled_policy.start_time)
    if time_zone is None:
        if scheduled_policy.week_frequency is not None and not _ascends(hours):
            rule = "must be given with week_frequency when the times in UTC fall on different days"
            refuse("VBS policy", ("time_zone",), rule, time_zone)
    elif not _ascends([(hour * 60 + _minutes_of(time_zone)) % 1440 for hour in hours]):
        rule = f"must be in the order of the local times of {time_zone}"
        refuse("VBS policy", ("scheduled_policy", "start_time"), rule, scheduled_policy.start_time)


class PolicySchedule(ResponseModel):
    """When a policy runs and what it keeps; fields as in :class:`ScheduledPolicyUpdate`, what is not in use is none."""

    start_time: str | None = None
    frequency: WholeNumber = None
    week_frequency: list[str] | None = None
    retention_num: WholeNumber = Field(default=None, alias="rentention_num")
    retention_day: WholeNumber = Field(default=None, alias="rentention_day")
    keep_first_backup_of_month: Annotated[Flag, WRITE_YES_NO] = Field(
        default=None, alias="remain_first_backup_of_curMonth"
    )
    enabled: Annotated[Flag, WRITE_ON_OFF] = Field(default=None, alias="status")
