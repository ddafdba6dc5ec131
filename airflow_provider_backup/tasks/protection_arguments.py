"""What a report on the protection of an account is asked, checked."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, model_validator

from airflow_provider_backup.cloud.operations.protection import FindingKind, ProtectableKind
from airflow_provider_backup.cloud.schema.base import RequestModel, validated
from airflow_provider_backup.cloud.services.registry import SERVICES
from airflow_provider_backup.tasks.argument_check import ChecksArguments


def _duration(value: Any) -> timedelta:
    try:
        seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
        if not isinstance(value, bool) and 0 < seconds < math.inf:
            return timedelta(seconds=seconds)
    except (TypeError, ValueError, OverflowError):
        pass
    raise ValueError("must be a timedelta or a number of seconds, above 0")


def _known_service(name: str) -> str:
    if name not in SERVICES:
        raise ValueError(f"must be one of {', '.join(SERVICES)}")
    return name


def _listed(value: Any) -> Any:
    # A set, and the output of a mapped task, are as good as a list; a text would become its letters.
    is_many = isinstance(value, Sequence | set | frozenset) and not isinstance(value, str)
    return list(value) if is_many else value


ServiceName = Annotated[str, AfterValidator(_known_service)]
ResourceId = Annotated[str, Field(pattern=r"\S")]
Duration = Annotated[timedelta, BeforeValidator(_duration)]


class ProtectionRequest(RequestModel):
    """A report without its account.

    :param services: names of services; ``None`` for all that the account has.
    :param resource_ids: ids of resources by the name of their service.
    :param protectables: types of resources of CBR of which all are judged.
    :param max_age: the last good backup of a resource began at most so long ago.
    :param max_copy_age: likewise for the last backup that was copied.
    :param max_used: how full a vault may be, in percent.
    :param since: tasks that failed then or later are findings; ``None`` for the last day.
    :param fail_on: kinds of findings that fail the task.
    """

    services: Annotated[list[ServiceName], BeforeValidator(_listed), Field(min_length=1)] | None = None
    resource_ids: dict[ServiceName, Annotated[list[ResourceId], BeforeValidator(_listed), Field(min_length=1)]] = Field(
        default_factory=dict
    )
    protectables: Annotated[list[ProtectableKind], BeforeValidator(_listed)] = Field(default_factory=list)
    max_age: Duration | None = None
    max_copy_age: Duration | None = None
    max_used: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] = 80
    since: AwareDatetime | None = None
    fail_on: Annotated[list[FindingKind], BeforeValidator(_listed)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _resources_belong_to_the_services(self) -> ProtectionRequest:
        others = sorted(set(self.resource_ids) - set(self.services or SERVICES))
        if others:
            raise ValueError(f"resource_ids has {', '.join(others)}, which services leaves out")
        if self.protectables and "cbr" not in (self.services or SERVICES):
            raise ValueError("protectables are of cbr, which services leaves out")
        return self


class ProtectionArguments(ChecksArguments):
    """The arguments of a report; they are described at
    :class:`~airflow_provider_backup.operators.protection_report.ProtectionReportOperator`.
    """

    services: Sequence[str] | None
    resource_ids: Mapping[str, Sequence[str]] | None
    protectables: Collection[str]
    max_age: timedelta | float | None
    max_copy_age: timedelta | float | None
    max_used: float
    since: datetime | str | None
    fail_on: Collection[str]

    def check_arguments(self) -> None:
        """Reject wrong literals once the operator is built.

        :raises InvalidRequestError: a rule is broken, whatever the templates become.
        """
        super().check_arguments()
        self.check_while_parsing(self.request)

    def request(self) -> ProtectionRequest:
        """Build the request from the arguments.

        :raises InvalidRequestError: an argument is wrong.
        """
        given = {name: getattr(self, name) for name in ProtectionRequest.model_fields}
        # A template of a time that is not known, such as that of a first run, becomes an empty text.
        if isinstance(self.since, str) and not self.since.strip():
            given["since"] = None
        return validated(ProtectionRequest, "The report on protection", given)
