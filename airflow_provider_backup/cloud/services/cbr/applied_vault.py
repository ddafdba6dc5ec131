"""Reading, creating and changing a vault so that it becomes as it is described (CBR sections 5 and 11)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_backup.cloud.errors import InvalidRequestError, ResourceBusyError, Violation
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.services.cbr.described_vault import (
    CREATED_ONCE,
    REMOVING,
    RESOURCE_TYPES,
    VaultDescription,
    held_fields,
)
from airflow_provider_backup.cloud.services.cbr.models import (
    Policy,
    Tag,
    TagKey,
    Vault,
    VaultCreate,
    VaultResourceCreate,
    VaultUpdate,
)
from airflow_provider_backup.cloud.services.cbr.vault_deletion import removal_from_vault

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.cbr.service import CbrService

_MOST_AT_CREATION = 255
_UPDATED = ("name", "auto_bind", "auto_expand", "smn_notify", "threshold")
_BILLING = ("size", "consistent_level")


@dataclass(frozen=True, slots=True)
class FoundVault:
    """A vault with the policies that it is bound to, which it does not show itself.

    :param vault: the vault.
    :param policies: its policies.
    """

    vault: Vault
    policies: tuple[Policy, ...]

    @property
    def fields(self) -> dict[str, Any]:
        """Its state, by field."""
        return held_fields(self.vault, self.policies)

    @property
    def removal(self) -> OperationReference | None:
        """The removal of the resources that are leaving it; ``None`` if none is."""
        leaving = [resource for resource in self.vault.resources if resource.protect_status == REMOVING]
        return removal_from_vault(self.vault.id, leaving) if leaving else None


async def read_vault(cbr: CbrService, vault_id: str) -> FoundVault:
    """Read a vault with its policies.

    :param cbr: the open client.
    :param vault_id: the vault.
    :raises NotFoundError: there is none with this id.
    """
    return await _with_policies(cbr, await cbr.vaults.get(vault_id))


async def vaults_named(cbr: CbrService, name: str) -> AsyncIterator[FoundVault]:
    """Read all vaults of a name, with their policies.

    :param cbr: the open client.
    :param name: the exact name.
    """
    async for vault in cbr.vaults.list(name=name):
        yield await _with_policies(cbr, vault)


async def create_vault(cbr: CbrService, description: VaultDescription) -> FoundVault:
    """Create a vault; what one request cannot do is left to :func:`change_vault`.

    :param cbr: the open client.
    :param description: what the vault shall be like.
    :raises InvalidRequestError: it lacks what a new vault needs.
    """
    given = description.model_dump(
        mode="json",
        exclude_none=True,
        include={*_UPDATED, *CREATED_ONCE, "locked", "backup_policy_id"} - {"object_type", "protect_type"},
    )
    if not given.get("backup_policy_id"):
        given.pop("backup_policy_id", None)
    billing = {
        "size": description.size,
        "object_type": description.object_type,
        "protect_type": description.protect_type or "backup",
        "consistent_level": description.consistent_level or "crash_consistent",
        "charging_mode": "post_paid",
    }
    values = {
        **given,
        "billing": {name: value for name, value in billing.items() if value is not None},
        "tags": _rows(description.tags) or None,
        "bind_rules": {"tags": _rows(description.bind_rules)} if description.bind_rules else None,
        "resources": _typed(description, description.object_type or "")[:_MOST_AT_CREATION],
    }
    return await _with_policies(cbr, await cbr.vaults.create(validated(VaultCreate, "CBR vault", values)))


async def change_vault(
    cbr: CbrService, description: VaultDescription, found: FoundVault, changes: Mapping[str, Any]
) -> OperationReference | None:
    """Change what differs, and nothing else; a removal of resources comes last but for the lock.

    :param cbr: the open client.
    :param description: what the vault shall be like.
    :param found: the vault as it is.
    :param changes: the fields that differ, with their described values.
    :return: the removal of resources that was requested; ``None`` if nothing is removed.
    :raises ResourceBusyError: a backup is being made of a resource that leaves, or a described one is leaving.
    """
    vault_id, held = found.vault.id, found.fields
    if update := _update(changes):
        await cbr.vaults.update(vault_id, update)
    if "tags" in changes:
        await _change_tags(cbr, vault_id, held["tags"], changes["tags"])
    if "resource_ids" in changes:
        await _add_resources(cbr, description, found, changes["resource_ids"])
    if "backup_policy_id" in changes:
        await _bind(cbr, vault_id, held["backup_policy_id"], changes["backup_policy_id"])
    if "replication_policy_id" in changes or "destination_vault_id" in changes:
        wanted = changes.get("replication_policy_id", held["replication_policy_id"])
        await _bind(cbr, vault_id, held["replication_policy_id"], wanted, description.destination_vault_id)
    removal = await _remove_resources(cbr, found, changes["resource_ids"]) if "resource_ids" in changes else None
    if "locked" in changes:
        # A locked vault lets no resource go.
        await cbr.vaults.update(vault_id, VaultUpdate(locked=True))
    return removal


async def _with_policies(cbr: CbrService, vault: Vault) -> FoundVault:
    return FoundVault(vault, tuple([policy async for policy in cbr.policies.list(vault_id=vault.id)]))


def _update(changes: Mapping[str, Any]) -> VaultUpdate | None:
    values = {name: changes[name] for name in _UPDATED if name in changes}
    if billing := {name: changes[name] for name in _BILLING if name in changes}:
        values["billing"] = billing
    if "bind_rules" in changes:
        values["bind_rules"] = {"tags": _rows(changes["bind_rules"])}
    return validated(VaultUpdate, "CBR vault", values) if values else None


async def _change_tags(cbr: CbrService, vault_id: str, held: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    # There is room for the new ones only after the others are gone.
    if gone := sorted(held.keys() - wanted.keys()):
        await cbr.vault_tags.delete_all(vault_id, [TagKey(key=key) for key in gone])
    if new := {key: value for key, value in wanted.items() if held.get(key) != value}:
        await cbr.vault_tags.put_all(vault_id, [Tag(key=key, value=value) for key, value in new.items()])


async def _add_resources(cbr: CbrService, description: VaultDescription, found: FoundVault, wanted: list[str]) -> None:
    held = {resource.id.lower(): resource for resource in found.vault.resources}
    leaving = [each for each in wanted if each in held and held[each].protect_status == REMOVING]
    if leaving:
        raise ResourceBusyError(
            f"CBR vault {found.vault.name!r}: {', '.join(leaving)} cannot be added, as an earlier removal from the "
            "vault has not ended.",
            next_step="Retry when the removal has ended.",
        )
    typed = _typed(description, found.vault.billing.object_type or "")
    if new := [resource for resource in typed if resource.id.lower() in wanted and resource.id.lower() not in held]:
        await cbr.vaults.add_resources(found.vault.id, new)


async def _remove_resources(cbr: CbrService, found: FoundVault, wanted: list[str]) -> OperationReference | None:
    leaving = [
        resource
        for resource in found.vault.resources
        if resource.id.lower() not in wanted and resource.protect_status != REMOVING
    ]
    if not leaving:
        return None
    await cbr.vaults.remove_resources(found.vault.id, [resource.id for resource in leaving])
    return removal_from_vault(found.vault.id, leaving)


async def _bind(
    cbr: CbrService, vault_id: str, held: str, wanted: str, destination_vault_id: str | None = None
) -> None:
    if wanted:
        await cbr.vaults.associate_policy(vault_id, wanted, destination_vault_id=destination_vault_id)
    elif held:
        await cbr.vaults.dissociate_policy(vault_id, held)


def _typed(description: VaultDescription, object_type: str) -> list[VaultResourceCreate]:
    resource_type = RESOURCE_TYPES.get(object_type)
    ids = description.resource_ids or []
    if resource_type is None and ids:
        rule = f"must be resource_details with id and type, as a vault for {object_type or 'nothing known'} has several"
        raise InvalidRequestError("CBR vault", [Violation("resource_ids", rule, ids)])
    typed = [VaultResourceCreate.model_validate({"id": each, "type": resource_type}) for each in ids]
    return [*typed, *(description.resource_details or ())]


def _rows(tags: Mapping[str, str] | None) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in (tags or {}).items()]
