"""What tasks return of a vault: plain JSON (CBR section 5.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from airflow_provider_backup.cloud.services.cbr.described_vault import held_fields
from airflow_provider_backup.cloud.services.cbr.models import Policy, Vault


class VaultResult(TypedDict):
    """A vault as tasks return it.

    :param service: ``cbr``.
    :param id: its id.
    :param name: its name.
    :param status: ``available``, ``lock``, ``frozen``, ``deleting`` or ``error``; ``None`` if the service shows none.
    :param object_type: what it holds, such as ``server``.
    :param protect_type: ``backup`` or ``replication``.
    :param consistent_level: ``crash_consistent`` or ``app_consistent``.
    :param size_gb: its size in GB.
    :param used_mb: how much its backups take, in MB.
    :param locked: whether its automatic backups are protected from deletion.
    :param auto_bind: whether it takes in resources by itself.
    :param auto_expand: whether it grows when it is full.
    :param tags: its tags.
    :param resource_ids: ids of its resources.
    :param backup_policy_id: id of its backup policy; ``None`` without one.
    :param replication_policy_id: id of its replication policy; ``None`` without one.
    """

    service: str
    id: str
    name: str
    status: str | None
    object_type: str | None
    protect_type: str | None
    consistent_level: str | None
    size_gb: int | None
    used_mb: int | None
    locked: bool
    auto_bind: bool
    auto_expand: bool
    tags: dict[str, str]
    resource_ids: list[str]
    backup_policy_id: str | None
    replication_policy_id: str | None


def vault_result(vault: Vault, policies: Sequence[Policy]) -> VaultResult:
    """Return a vault as plain JSON.

    :param vault: the vault.
    :param policies: policies, those of other vaults included.
    """
    own = [each for each in policies if any(bound.vault_id == vault.id for bound in each.associated_vaults)]
    fields = held_fields(vault, own)
    return VaultResult(
        service="cbr",
        id=vault.id,
        name=vault.name,
        status=vault.billing.status,
        object_type=vault.billing.object_type,
        protect_type=vault.billing.protect_type,
        consistent_level=vault.billing.consistent_level,
        size_gb=vault.billing.size,
        used_mb=vault.billing.used,
        locked=fields["locked"],
        auto_bind=fields["auto_bind"],
        auto_expand=fields["auto_expand"],
        tags=fields["tags"],
        resource_ids=[resource.id for resource in vault.resources],
        backup_policy_id=fields["backup_policy_id"] or None,
        replication_policy_id=fields["replication_policy_id"] or None,
    )
