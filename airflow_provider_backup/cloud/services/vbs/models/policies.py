"""Backup policies (VBS sections 3.1 and 3.2)."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseModel
from airflow_provider_backup.cloud.schema.constraints import (
    Identifier,
    TimeZone,
    WordCharacters,
)
from airflow_provider_backup.cloud.schema.fields import WholeNumber
from airflow_provider_backup.cloud.services.vbs.models.fields import MOST_TAGS, Name
from airflow_provider_backup.cloud.services.vbs.models.scheduled_policies import (
    PolicySchedule,
    ScheduledPolicy,
    ScheduledPolicyUpdate,
    check_zone,
)


class PolicyTag(RequestModel):
    """A label of a policy (VBS section 3.1).

    :param key: 1 to 36 letters, digits, ``_`` or ``-``.
    :param value: 0 to 43 of the same.
    """

    key: Annotated[str, StringConstraints(min_length=1, max_length=36), WordCharacters]
    value: Annotated[str, StringConstraints(max_length=43), WordCharacters]


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
        check_zone(self.scheduled_policy, self.time_zone)
        return self


class PolicyQuery(RequestModel):
    """Filters of the list of policies: the service knows none (VBS section 3)."""


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
            check_zone(self.scheduled_policy, self.time_zone)
        return self


class PolicyCreated(ResponseModel):
    """The answer to a new or changed policy: only its id."""

    backup_policy_id: Identifier


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
