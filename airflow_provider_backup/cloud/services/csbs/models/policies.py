"""Backup policies (CSBS section 3)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from airflow_provider_backup.cloud.operations.recurrence import RecurrenceRule
from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseModel
from airflow_provider_backup.cloud.schema.constraints import (
    Identifier,
)
from airflow_provider_backup.cloud.schema.fields import JsonObject, Timestamp
from airflow_provider_backup.cloud.services.csbs.models.fields import (
    PROVIDER_ID,
    Description,
    Name,
    PositiveNumber,
    ProviderId,
    SortKeys,
)
from airflow_provider_backup.cloud.services.csbs.models.scheduled_operations import (
    ScheduledOperation,
    ScheduledOperationCreate,
    ScheduledOperationUpdate,
)
from airflow_provider_backup.cloud.services.csbs.models.tags import Tags, TagView
from airflow_provider_backup.cloud.services.csbs.pattern import rule_in

MOST_SERVERS = 64
"""Servers in one policy (CSBS section 3.1, limits)."""

ServerType = Literal["OS::Nova::Server"]


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


class PolicyServerView(ResponseModel):
    """A server of a policy or a checkpoint, as read."""

    id: Identifier
    name: str | None = None
    type: str | None = None
    extra_info: JsonObject = Field(default_factory=dict)


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
        """The one period of the policy; ``None`` when the answer holds none."""
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
    def schedule_pattern(self) -> RecurrenceRule | None:
        """The schedule; ``None`` when the text is missing or holds more than the documented parts."""
        try:
            return rule_in(self.schedule_text or "")
        except ValueError:
            return None

    @property
    def server_ids(self) -> list[str]:
        """Ids of the servers that the policy backs up."""
        return [server.id for server in self.resources]
