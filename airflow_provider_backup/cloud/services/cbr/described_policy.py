"""A CBR policy by the arguments that describe it, in one form for what is described and what the service has; no I/O.

Numbers that came as text are numbers, -1 and no limit are the same, and so are the ways to write offsets and recurrence
rules (CBR sections 4.2, 4.3 and 17).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.cloud.operations.described_state import described_ids
from airflow_provider_backup.cloud.operations.policy_forms import (
    UNLIMITED,
    WITHOUT_RETENTION,
    normal_offset,
    normal_rules,
)
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.services.cbr.models import Policy, PolicyUpdate
from airflow_provider_backup.cloud.services.cbr.policy_values import definition_of

VaultIds = list[str] | dict[str, str | None]
"""Vaults of a backup policy; or those of a replication policy, each with the vault that receives its copies."""

_DEFINITION = (
    *WITHOUT_RETENTION,
    "full_backup_interval",
    "destination_region",
    "destination_project_id",
)
"""Fields of ``operation_definition`` that have the same name as the arguments."""

_NOTHING_DEFINED = {
    **WITHOUT_RETENTION,
    # The first backup is full, and no later one unless a number says so.
    "full_backup_interval": UNLIMITED,
    "destination_region": "",
    "destination_project_id": "",
}


def policy_fields(policy: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a policy by the names of the arguments, without those that it leaves out.

    :param policy: a policy in the form of requests and answers.
    """
    definition = policy.get("operation_definition") or {}
    patterns = policy.get("trigger", {}).get("properties", {}).get("pattern")
    fields = {
        **{name: policy.get(name) for name in ("name", "enabled", "operation_type")},
        "patterns": normal_rules(patterns) if patterns else None,
        **{name: definition.get(name) for name in _DEFINITION},
        "time_zone": normal_offset(definition["timezone"]) if definition.get("timezone") else None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def held_fields(policy: Policy) -> dict[str, Any]:
    """Return the state of a policy, with what is not set in the form of the arguments.

    :param policy: as it was read.
    """
    fields = policy_fields(policy.model_dump(mode="json", by_alias=True, exclude_none=True))
    return {**_NOTHING_DEFINED, **fields, "vault_ids": bound_vaults(policy)}


def bound_vaults(policy: Policy) -> VaultIds:
    """Return the vaults that a policy is bound to, in order.

    :param policy: as it was read.
    """
    bindings = {each.vault_id: each.destination_vault_id for each in policy.associated_vaults if each.vault_id}
    if policy.operation_type == "replication":
        return {vault: bindings[vault] for vault in sorted(bindings)}
    return sorted(bindings)


def described_vaults(vault_ids: Any, held: Mapping[str, Any], *, operation_type: str, only: bool) -> VaultIds:
    """Return the vaults that a policy shall be bound to.

    :param vault_ids: ids of vaults; for a replication policy a mapping to the vaults that receive the copies.
    :param held: what the service has, as :func:`held_fields` returns it.
    :param operation_type: of the policy.
    :param only: whether it shall be bound to no other vault.
    :raises InvalidRequestError: the form does not fit the type, or an id is no text or empty.
    """
    if operation_type == "replication":
        rule = "must map each vault of a replication policy to the vault that receives its copies"
        if not isinstance(vault_ids, Mapping):
            raise _refused(rule, vault_ids)
        _check_ids([*vault_ids, *vault_ids.values()], vault_ids)
        bound = {} if only else held.get("vault_ids", {})
        return dict(sorted({**bound, **vault_ids}.items()))
    if isinstance(vault_ids, str | Mapping) or not isinstance(vault_ids, Sequence):
        raise _refused("must be a list of the vaults of a backup policy", vault_ids)
    _check_ids(vault_ids, vault_ids)
    return described_ids(held.get("vault_ids", []), vault_ids, only=only)


def policy_update(policy: Policy, changes: Mapping[str, Any]) -> PolicyUpdate | None:
    """Return the request that changes a policy; ``None`` if only its vaults differ.

    The service replaces retention, zone and destination as one whole, so what is not changed is repeated.

    :param policy: as it was read.
    :param changes: the new values, by argument.
    :raises InvalidRequestError: a documented rule is broken.
    """
    values = {name: changes[name] for name in ("name", "enabled") if name in changes}
    if "patterns" in changes:
        window = policy.trigger.properties.start_window_minutes
        properties = {"pattern": changes["patterns"], "start_window_minutes": window}
        values["trigger"] = {"properties": {key: value for key, value in properties.items() if value is not None}}
    definition = {name: changes[name] for name in _DEFINITION if name in changes}
    if "time_zone" in changes:
        definition["timezone"] = changes["time_zone"]
    if definition:
        values["operation_definition"] = {**definition_of(policy), **definition}
    return validated(PolicyUpdate, "CBR policy", values) if values else None


def _check_ids(ids: Iterable[Any], given: Any) -> None:
    if not all(isinstance(each, str) and each.strip() for each in ids):
        raise _refused("must be ids and not empty", given)


def _refused(rule: str, value: Any) -> InvalidRequestError:
    return InvalidRequestError("CBR policy", [Violation("vault_ids", rule, value)])
