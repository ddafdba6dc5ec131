"""The period of a policy: when it runs, and how long backups are kept (CSBS section 3.1)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from airflow_provider_backup.cloud.operations.policy import RetentionView
from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseModel
from airflow_provider_backup.cloud.schema.constraints import Identifier, TimeZone
from airflow_provider_backup.cloud.schema.fields import Flag, Timestamp
from airflow_provider_backup.cloud.services.csbs.models.fields import Description, Name
from airflow_provider_backup.cloud.services.csbs.pattern import rule_in

Retention = Annotated[int, Field(ge=-1, le=99999)]
LongTermRetention = Annotated[int, Field(ge=0, le=100)]


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
    timezone: TimeZone | None = None
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
    rule_in(text)
    return text


class TriggerProperties(RequestModel):
    """When a policy runs.

    :param pattern: iCalendar text with one RRULE in UTC, 10,240 characters at most, as
        :func:`airflow_provider_backup.cloud.services.csbs.schedule.icalendar_text` writes it.
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


class OperationDefinitionView(RetentionView):
    """How long automatic backups are kept, as read."""

    permanent: Flag = None
    plan_id: str | None = None
    provider_id: str | None = None


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
