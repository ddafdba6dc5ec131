"""A CSBS policy by the arguments that describe it, in one form for what is described and what the service has; no I/O.

Numbers that came as text are numbers, -1 and no limit are the same, and so are the ways to write a rule (CSBS
sections 3.2 and 11). The service shows no long-term retention and no zone, so that they are no part of a description.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_backup.cloud.operations.described_state import described_ids
from airflow_provider_backup.cloud.operations.policy_forms import UNLIMITED, normal_rules
from airflow_provider_backup.cloud.operations.row_checks import spelled_as_listed
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.services.csbs.models import Policy, PolicyServer, PolicyUpdate
from airflow_provider_backup.cloud.services.csbs.pattern import rule_in

NUMBERS = ("max_backups", "retention_duration_days")
RETENTION = (*NUMBERS, "permanent")
"""What the service replaces as one whole."""


def held_fields(policy: Policy) -> dict[str, Any]:
    """Return the state of a policy, with what is not set in the form of the arguments.

    :param policy: as it was read.
    """
    definition = None if policy.operation is None else policy.operation.operation_definition
    numbers = {name: None if definition is None else getattr(definition, name) for name in NUMBERS}
    permanent = None if definition is None else definition.permanent
    if permanent is None:
        # All three missing means permanent (CSBS section 3.1).
        permanent = all(number is None for number in numbers.values())
    return {
        "name": policy.name,
        "description": policy.description or "",
        "enabled": policy.enabled,
        "schedule": _rules(policy.schedule_text),
        **{name: UNLIMITED if number is None else number for name, number in numbers.items()},
        "permanent": permanent,
        "servers": sorted(policy.server_ids),
    }


def described_fields(change: PolicyUpdate) -> dict[str, Any]:
    """Return what a change describes, without the servers, by the names of the arguments.

    :param change: the change.
    """
    fields: dict[str, Any] = {"name": change.name, "description": change.description}
    for operation in change.scheduled_operations or ():
        fields["enabled"] = operation.enabled
        if operation.trigger is not None:
            fields["schedule"] = _rules(operation.trigger.properties.pattern)
        if operation.operation_definition is not None:
            fields |= {name: getattr(operation.operation_definition, name) for name in RETENTION}
    given = {name: value for name, value in fields.items() if value is not None}
    if any(name in given for name in NUMBERS):
        # A policy that keeps all of them does not heed its numbers (CSBS section 3.1).
        given.setdefault("permanent", False)
    return given


def described_servers(servers: Sequence[PolicyServer], held: Mapping[str, Any], *, only: bool) -> list[str]:
    """Return ids of the servers that a policy shall have.

    :param servers: the servers that it must have.
    :param held: what the service has, as :func:`held_fields` returns it.
    :param only: whether it shall have no others.
    """
    listed = held.get("servers", [])
    return described_ids(listed, spelled_as_listed([server.id for server in servers], listed), only=only)


def policy_update(
    policy: Policy, changes: Mapping[str, Any], *, pattern: str | None, servers: Sequence[PolicyServer] = ()
) -> PolicyUpdate:
    """Return the request that changes a policy.

    The service replaces the retention and the list of servers as a whole, so what is not changed of them is repeated.

    :param policy: as it was read.
    :param changes: the new values by argument; ``servers`` are ids.
    :param pattern: the iCalendar text of the schedule, if that is changed.
    :param servers: the described servers; those that the policy has already need not be among them.
    :raises InvalidRequestError: a documented rule is broken.
    """
    values: dict[str, Any] = {name: changes[name] for name in ("name", "description") if name in changes}
    operation: dict[str, Any] = {name: changes[name] for name in ("enabled",) if name in changes}
    if any(name in changes for name in RETENTION):
        whole = {**held_fields(policy), **changes}
        operation["operation_definition"] = {name: whole[name] for name in RETENTION}
    if "schedule" in changes:
        operation["trigger"] = {"properties": {"pattern": pattern}}
    if operation:
        period = "" if policy.operation is None else policy.operation.id
        values["scheduled_operations"] = [{"id": period, **operation}]
    if "servers" in changes:
        known: dict[str, dict[str, Any]] = {
            server.id.lower(): {"id": server.id, "name": server.name or server.id, "extra_info": server.extra_info}
            for server in policy.resources
        }
        described = {server.id.lower(): server.to_wire() for server in servers}
        values["resources"] = [{**described, **known}[server_id.lower()] for server_id in changes["servers"]]
    return validated(PolicyUpdate, "CSBS policy", values)


def _rules(text: str | None) -> list[str]:
    try:
        return normal_rules([rule_in(text or "").to_text()])
    except ValueError:
        return [text] if text else []
