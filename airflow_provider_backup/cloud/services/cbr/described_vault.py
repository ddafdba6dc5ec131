"""A vault as its author describes it and as the service has it, in one form; without I/O (CBR section 5).

What the service changes by itself is normalised: a vault that expands by itself may be larger than it is described, ids
are written in either case, tags and resources come in any order. A vault that takes resources in by itself may have
more of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.cloud.schema.base import RequestModel
from airflow_provider_backup.cloud.schema.constraints import Identifier, without_angle_brackets
from airflow_provider_backup.cloud.services.cbr.models import (
    MOST_RESOURCES,
    ConsistentLevel,
    ObjectType,
    OperationType,
    Policy,
    Vault,
    VaultResourceCreate,
)
from airflow_provider_backup.cloud.services.cbr.models.fields import Name

RESOURCE_TYPES = {
    "server": "OS::Nova::Server",
    "disk": "OS::Cinder::Volume",
    "turbo": "OS::Sfs::Turbo",
    "workspace": "OS::Workspace::DesktopV2",
}
"""The type of the resources in a vault, by what it holds (CBR section 3), where there is one only."""

CREATED_ONCE = ("object_type", "protect_type", "description", "backup_name_prefix", "enterprise_project_id")
"""What a request that changes a vault cannot change (CBR section 5.4)."""

_RESOURCES = ("resource_ids", "resource_details")

REMOVING = "removing"
"""The status of a resource that is leaving its vault."""

_Key = Annotated[str, Field(min_length=1, max_length=36)]
_Value = Annotated[str, Field(max_length=43)]


class VaultDescription(RequestModel):
    """What an author says of a vault; ``None`` for what stays as it is.

    :param name: 1 to 64 letters, digits, ``_`` or ``-``.
    :param size: GB, 10 to 10,485,760.
    :param object_type: what it holds.
    :param protect_type: ``backup`` or ``replication``.
    :param consistent_level: ``crash_consistent`` or ``app_consistent``.
    :param charging_mode: ``post_paid``.
    :param description: 0 to 64 characters without ``<`` and ``>``.
    :param backup_name_prefix: 0 to 32 characters.
    :param enterprise_project_id: ``0`` for the default one.
    :param tags: all its tags, at most 20.
    :param auto_bind: whether it takes in resources by itself.
    :param bind_rules: tags of the resources that it takes in, 1 to 5.
    :param auto_expand: whether it grows when it is full.
    :param smn_notify: whether a message is sent when the threshold is reached.
    :param threshold: used part in per cent, 1 to 100.
    :param locked: whether its automatic backups are protected from deletion.
    :param irreversible: confirms ``locked``.
    :param resource_ids: ids of its resources; with those of ``resource_details`` at most 256.
    :param resource_details: further resources with their types.
    :param backup_policy_id: the backup policy that it is bound to; empty for none.
    :param replication_policy_id: the replication policy that it is bound to; empty for none.
    :param destination_vault_id: the vault that receives the copies.
    :param delete_backups: whether resources that are not described are removed, with their backups.
    """

    name: Name | None = None
    size: Annotated[int, Field(ge=10, le=10485760)] | None = None
    object_type: ObjectType | None = None
    protect_type: OperationType | None = None
    consistent_level: ConsistentLevel | None = None
    charging_mode: Literal["post_paid"] | None = None
    description: Annotated[str, without_angle_brackets(64)] | None = None
    backup_name_prefix: Annotated[str, Field(max_length=32)] | None = None
    enterprise_project_id: Identifier | None = None
    tags: Annotated[dict[_Key, _Value], Field(max_length=20)] | None = None
    auto_bind: bool | None = None
    bind_rules: Annotated[dict[_Key, _Value], Field(min_length=1, max_length=5)] | None = None
    auto_expand: bool | None = None
    smn_notify: bool | None = None
    threshold: Annotated[int, Field(ge=1, le=100)] | None = None
    locked: bool | None = None
    irreversible: bool = False
    resource_ids: Annotated[list[Identifier], Field(max_length=MOST_RESOURCES)] | None = None
    resource_details: Annotated[list[VaultResourceCreate], Field(max_length=MOST_RESOURCES)] | None = None
    backup_policy_id: str | None = None
    replication_policy_id: str | None = None
    destination_vault_id: Identifier | None = None
    delete_backups: bool = False

    @property
    def described_resources(self) -> set[str] | None:
        """The ids of all described resources, in lower case; ``None`` if the resources stay as they are."""
        if self.resource_ids is None and self.resource_details is None:
            return None
        details = [each.id for each in self.resource_details or ()]
        return {each.lower() for each in (*(self.resource_ids or ()), *details)}


def conflicts(values: Mapping[str, Any]) -> list[Violation]:
    """Return which values of a description do not go together, each with its rule.

    :param values: the fields of :class:`VaultDescription`, which need not be valid by themselves.
    """
    wrong: list[tuple[str, str, Any]] = []
    if values["locked"] is True and values["irreversible"] is not True:
        rule = "needs irreversible=True: a vault can never be unlocked, and its automatic backups cannot be deleted"
        wrong.append(("locked", rule, True))
    policy_id, destination = values["replication_policy_id"], values["destination_vault_id"]
    if policy_id and destination is None:
        wrong.append(
            ("replication_policy_id", "needs destination_vault_id: the vault that receives the copies", policy_id)
        )
    if destination is not None and not policy_id:
        wrong.append(("destination_vault_id", "must be given with replication_policy_id only", destination))
    if values["protect_type"] == "replication":
        rule = "must not be given for a vault that receives copies (protect_type='replication')"
        names = ("backup_policy_id", "replication_policy_id")
        wrong += [(name, rule, values[name]) for name in names if values[name]]
    ids, details = (each if isinstance(each, list) else [] for each in map(values.get, _RESOURCES))
    objects = [each for each in details if isinstance(each, Mapping)]
    named = [each.lower() for each in (*ids, *(each.get("id") for each in objects)) if isinstance(each, str)]
    if len(set(named)) < len(named):
        wrong.append(("resource_ids", "must name each resource once, in resource_details, too", named))
    described = any(values[name] is not None for name in _RESOURCES)
    if values["delete_backups"] is True and values["auto_bind"] is True and described:
        rule = (
            "must be False with auto_bind=True: the vault would take the resources in again, and their backups would "
            "be deleted each time"
        )
        wrong.append(("delete_backups", rule, True))
    object_type = values["object_type"]
    expected = RESOURCE_TYPES.get(object_type) if isinstance(object_type, str) else None
    if expected is not None and any(each.get("type") != expected for each in objects):
        wrong.append(("resource_details", f"must be of the type {expected} in a vault for {object_type}", details))
    return [Violation(*each) for each in wrong]


def held_fields(vault: Vault, policies: Sequence[Policy]) -> dict[str, Any]:
    """Return the state that the service has, by field.

    :param vault: the vault as read.
    :param policies: the policies that are bound to it.
    """
    billing = vault.billing
    fields: dict[str, Any] = {
        "name": vault.name,
        "size": billing.size,
        "used": -(-(billing.used or 0) // 1024),
        "object_type": billing.object_type,
        "protect_type": billing.protect_type,
        "consistent_level": billing.consistent_level,
        "charging_mode": billing.charging_mode,
        "description": vault.description or "",
        "backup_name_prefix": vault.backup_name_prefix or "",
        "enterprise_project_id": vault.enterprise_project_id or "0",
        "tags": _pairs([{"key": tag.key, "value": tag.value} for tag in vault.tags]),
        "auto_bind": bool(vault.auto_bind),
        "bind_rules": _pairs(vault.bind_rules.get("tags")),
        "auto_expand": bool(vault.auto_expand),
        "smn_notify": vault.smn_notify is not False,
        "threshold": vault.threshold,
        "locked": bool(vault.locked),
        "resource_ids": sorted(each.id.lower() for each in vault.resources if each.protect_status != REMOVING),
        "backup_policy_id": "",
        "replication_policy_id": "",
        "destination_vault_id": None,
    }
    for policy in policies:
        fields[f"{policy.operation_type}_policy_id"] = policy.id.lower()
        if policy.operation_type == "replication":
            destinations = [
                each.destination_vault_id
                for each in policy.associated_vaults
                if each.destination_vault_id and (each.vault_id or "").lower() == vault.id.lower()
            ]
            fields["destination_vault_id"] = destinations[0].lower() if destinations else None
    return fields


def described_fields(description: VaultDescription, held: Mapping[str, Any]) -> dict[str, Any]:
    """Return the described state, by field, in the form of :func:`held_fields`.

    :param description: what the author says.
    :param held: the state that the service has; empty without a vault.
    :raises InvalidRequestError: the service cannot change the one state into the other.
    """
    wrong: list[tuple[str, str, Any]] = []
    fields = description.model_dump(
        mode="json", exclude_none=True, exclude={"irreversible", "delete_backups", "resource_ids", "resource_details"}
    )
    for name in ("backup_policy_id", "replication_policy_id", "destination_vault_id"):
        if name in fields:
            fields[name] = fields[name].lower()
    if held:
        rule = "cannot be changed after the creation of a vault: leave it out, or describe one of another name"
        wrong += [(name, rule, fields[name]) for name in CREATED_ONCE if fields.get(name, held[name]) != held[name]]
        if held["locked"] and description.locked is False:
            wrong.append(("locked", "cannot be False: the vault is locked, which cannot be undone", False))
        size = fields.get("size")
        if size is not None:
            # It has grown by itself, and a smaller size would be filled again at once.
            if fields.get("auto_expand", held["auto_expand"]) and (held["size"] or 0) > size:
                fields["size"] = held["size"]
            elif size < held["used"]:
                rule = f"must be {held['used']} or more, as the backups in the vault take so much; prune them first"
                wrong.append(("size", rule, size))
    wanted = description.described_resources
    if wanted is not None:
        others = set(held.get("resource_ids", ())) - wanted
        if description.delete_backups and others and held["locked"]:
            rule = f"must name {', '.join(sorted(others))}: a locked vault lets no resource go"
            wrong.append(("resource_ids", rule, sorted(wanted)))
        fields["resource_ids"] = sorted(wanted if description.delete_backups else wanted | others)
        if len(fields["resource_ids"]) > MOST_RESOURCES:
            rule = f"must be at most {MOST_RESOURCES}, those included that the vault has already"
            wrong.append(("resource_ids", rule, len(fields["resource_ids"])))
    if wrong:
        raise InvalidRequestError("CBR vault", [Violation(*each) for each in wrong])
    return fields


def undescribed_resources(description: VaultDescription, held: Mapping[str, Any]) -> list[str]:
    """Return the ids of the resources that the vault has and that are not described, in lower case.

    :param description: what the author says.
    :param held: the state that the service has; empty without a vault.
    """
    wanted = description.described_resources
    return [] if wanted is None else sorted(set(held.get("resource_ids", ())) - wanted)


def _pairs(tags: Any) -> dict[str, str]:
    rows = tags if isinstance(tags, list) else []
    return {str(tag.get("key")): str(tag.get("value") or "") for tag in rows if isinstance(tag, Mapping)}
