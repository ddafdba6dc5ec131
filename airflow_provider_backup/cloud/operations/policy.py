"""What operators return of a backup policy, the same for every service."""

from __future__ import annotations

from typing import Any, TypedDict


class PolicyResult(TypedDict):
    """A backup policy.

    :param service: ``vbs``, ``csbs`` or ``cbr``.
    :param policy_id: its id.
    :param name: its name.
    :param enabled: whether its schedule runs; none when unknown.
    :param resource_ids: servers, disks or vaults that it backs up, as far as the answer tells.
    :param created: whether this task made it; false for one that was there already, none when it was only read.
    :param policy: the whole policy as JSON, with the service's own names.
    """

    service: str
    policy_id: str
    name: str
    enabled: bool | None
    resource_ids: list[str]
    created: bool | None
    policy: dict[str, Any]
