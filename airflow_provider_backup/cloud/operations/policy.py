"""What operators return of a backup policy, the same for every service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypedDict


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
