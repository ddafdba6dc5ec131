"""What several services say of a backup policy in one shape, and what operators return of it for every service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypedDict

from airflow_provider_backup.cloud.schema.base import ResponseModel
from airflow_provider_backup.cloud.schema.fields import Flag, WholeNumber


class RetentionView(ResponseModel):
    """How long the automatic backups of a policy are kept, as CBR and CSBS show it; numbers may have come as text."""

    max_backups: WholeNumber = None
    retention_duration_days: WholeNumber = None
    day_backups: WholeNumber = None
    week_backups: WholeNumber = None
    month_backups: WholeNumber = None
    year_backups: WholeNumber = None
    timezone: str | None = None
    destination_region: str | None = None
    destination_project_id: str | None = None
    enable_acceleration: Flag = None


class PolicyResult(TypedDict):
    """A backup policy.

    :param service: ``vbs``, ``csbs`` or ``cbr``.
    :param policy_id: its id.
    :param name: its name.
    :param enabled: whether its schedule runs; ``None`` if unknown.
    :param resource_ids: servers, disks or vaults that it backs up, as far as the answer names them.
    :param created: whether this task created it; false for one that existed already, ``None`` if it was only read.
    :param policy: the whole policy as JSON, with the service's own names.
    """

    service: str
    policy_id: str
    name: str
    enabled: bool | None
    resource_ids: list[str]
    created: bool | None
    policy: dict[str, Any]


class _ReadPolicy(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...

    def model_dump(self, *, mode: str, by_alias: bool, exclude_none: bool) -> dict[str, Any]: ...


def policy_result(
    service: str,
    policy: _ReadPolicy,
    *,
    enabled: bool | None,
    resource_ids: Sequence[str] = (),
    created: bool | None = None,
) -> PolicyResult:
    """Return what operators return of a policy that was read.

    :param service: the service that has it.
    :param policy: the service's answer.
    :param enabled: whether its schedule runs.
    :param resource_ids: what it backs up.
    :param created: whether this task created it.
    """
    return PolicyResult(
        service=service,
        policy_id=policy.id,
        name=policy.name,
        enabled=enabled,
        resource_ids=[*resource_ids],
        created=created,
        policy=policy.model_dump(mode="json", by_alias=True, exclude_none=True),
    )
