"""Vaults of CBR: the resources that are backed up together, and the room for their backups (CBR section 5)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TypedDict, Unpack

from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.cloud.operations.pagination import parsed_rows
from airflow_provider_backup.cloud.operations.row_checks import is_same_id, matching, read_by_id
from airflow_provider_backup.cloud.schema.answers import parsed
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.cbr.models import (
    ExpirationChange,
    ExpirationUpdate,
    PolicyAssociation,
    PolicyBinding,
    PolicyDissociation,
    ResourceAddition,
    ResourceMigration,
    ResourceRemoval,
    ResourceSetting,
    Vault,
    VaultBatchUpdate,
    VaultCreate,
    VaultQuery,
    VaultResourceCreate,
    VaultUpdate,
)
from airflow_provider_backup.cloud.services.cbr.paging import pages_of, rows_of


class VaultFilters(TypedDict, total=False):
    """The filters of a list, as :class:`~airflow_provider_backup.cloud.services.cbr.models.VaultQuery` has them."""

    limit: int | None
    offset: int | None
    id: Sequence[str] | None
    name: str | None
    cloud_type: str | None
    protect_type: str | None
    object_type: str | None
    status: str | None
    policy_id: str | None
    resource_ids: str | None
    enterprise_project_id: str | None


class Vaults:
    """Create, read, change and delete vaults, and what is in them.

    :param api: the service.
    """

    def __init__(self, api: ServiceApi) -> None:
        self._api = api

    async def create(self, vault: VaultCreate) -> Vault:
        """Create a vault (CBR section 5.1).

        :raises InvalidRequestError: the vault is a subscription, that is an order with a bill: none is placed here.
        :raises BadRequestError: a resource is in another vault already, or does not fit.
        """
        if vault.billing.charging_mode == "pre_paid":
            rule = "must be post_paid: a subscription is an order with a bill, place it in the provider's console"
            raise InvalidRequestError("CBR vault", [Violation("billing.charging_mode", rule, "pre_paid")])
        return parsed(Vault, await self._api.post("vaults", body={"vault": vault.to_wire()}), "vault")

    async def get(self, vault_id: str) -> Vault:
        """Read a vault.

        :raises NotFoundError: there is none with this id.
        """
        return read_by_id(Vault, await self._api.get("vaults", vault_id), "vault", vault_id)

    def list(self, **filters: Unpack[VaultFilters]) -> AsyncIterator[Vault]:
        """Read all vaults, or those that match (CBR section 5.3), page by page.

        :param filters: the fields of :class:`~airflow_provider_backup.cloud.services.cbr.models.VaultQuery`.
        :raises InvalidRequestError: at the call, before anything is sent: there is no such filter, or a value breaks a
            documented rule.
        """
        query = validated(VaultQuery, "CBR vault list", filters)
        rows = parsed_rows(pages_of(self._api, "vaults", "vaults", query), Vault)
        return _with_ids(matching(rows, "CBR vaults", {"name": query.name}), query.id)

    async def update(self, vault_id: str, changes: VaultUpdate) -> Vault:
        """Change a vault (CBR section 5.4); fields that are not given keep their value.

        :raises NotFoundError: there is none with this id.
        """
        return parsed(Vault, await self._api.put("vaults", vault_id, body={"vault": changes.to_wire()}), "vault")

    async def delete(self, vault_id: str) -> None:
        """Delete a vault **with every backup in it** (CBR section 5.5).

        :raises NotFoundError: there is none with this id.
        :raises ResourceBusyError: a backup is running.
        """
        await self._api.delete("vaults", vault_id)

    async def associate_policy(
        self,
        vault_id: str,
        policy_id: str | None = None,
        *,
        add_policy_ids: Sequence[str] | None = None,
        destination_vault_id: str | None = None,
    ) -> PolicyBinding:
        """Bind a policy to a vault (CBR section 5.6); another policy of the same type is replaced.

        :param vault_id: the vault.
        :param policy_id: the policy; or
        :param add_policy_ids: several policies, where the service knows that.
        :param destination_vault_id: vault that receives the copies of a replication policy.
        :raises InvalidRequestError: not exactly one of the two forms is given.
        :raises NotFoundError: there is no such vault or policy.
        """
        values = {
            "policy_id": policy_id,
            "add_policy_ids": list(add_policy_ids) if add_policy_ids is not None else None,
            "destination_vault_id": destination_vault_id,
        }
        association = validated(PolicyAssociation, "CBR policy association", values)
        answer = await self._api.post("vaults", vault_id, "associatepolicy", body=association.to_wire())
        return parsed(PolicyBinding, answer, "associate_policy")

    async def dissociate_policy(self, vault_id: str, policy_id: str) -> PolicyBinding:
        """Take a policy off a vault (CBR section 5.6).

        :raises NotFoundError: there is no such vault or policy, or they are not bound.
        """
        dissociation = validated(PolicyDissociation, "CBR policy dissociation", {"policy_id": policy_id})
        answer = await self._api.post("vaults", vault_id, "dissociatepolicy", body=dissociation.to_wire())
        return parsed(PolicyBinding, answer, "dissociate_policy")

    async def add_resources(self, vault_id: str, resources: Sequence[VaultResourceCreate]) -> Sequence[str]:
        """Put resources into a vault (CBR section 5.7).

        :param resources: 1 to 256 resources that are in no other vault.
        :return: ids of the resources that were added.
        :raises NotFoundError: there is no such vault or resource.
        """
        addition = validated(ResourceAddition, "CBR resource addition", {"resources": list(resources)})
        answer = await self._api.post("vaults", vault_id, "addresources", body=addition.to_wire())
        return [str(identifier) for identifier in rows_of(answer or {}, "add_resource_ids")]

    async def remove_resources(self, vault_id: str, resource_ids: Sequence[str]) -> Sequence[str]:
        """Start to take resources out of a vault **with all their backups in it** (CBR section 5.7).

        The service continues by itself: read the vault until the resources are gone from it.

        :param resource_ids: 1 to 256 ids.
        :return: ids of the resources that are being removed.
        :raises NotFoundError: there is no such vault.
        """
        removal = validated(ResourceRemoval, "CBR resource removal", {"resource_ids": list(resource_ids)})
        answer = await self._api.post("vaults", vault_id, "removeresources", body=removal.to_wire())
        return [str(identifier) for identifier in rows_of(answer or {}, "remove_resource_ids")]

    async def migrate_resources(
        self, vault_id: str, resource_ids: Sequence[str], destination_vault_id: str
    ) -> Sequence[str]:
        """Move resources to another vault, with all their backups (CBR section 5.7).

        :param resource_ids: 1 to 256 ids.
        :param destination_vault_id: a vault of the same kind.
        :return: ids of the resources that were moved.
        :raises NotFoundError: there is no such vault.
        """
        values = {"resource_ids": list(resource_ids), "destination_vault_id": destination_vault_id}
        migration = validated(ResourceMigration, "CBR resource migration", values)
        answer = await self._api.post("vaults", vault_id, "migrateresources", body=migration.to_wire())
        return [str(identifier) for identifier in rows_of(answer or {}, "migrated_resources")]

    async def suspend_resources(self, vault_id: str, resource_ids: Sequence[str]) -> Sequence[str]:
        """Pause the automatic backups of resources, whose backups stay (CBR section 5.7); Huawei Cloud only.

        :param resource_ids: 1 to 256 ids.
        :return: ids of the resources.
        :raises NotFoundError: there is no such vault.
        """
        return await self._set_resources(vault_id, resource_ids, "suspend")

    async def unsuspend_resources(self, vault_id: str, resource_ids: Sequence[str]) -> Sequence[str]:
        """Continue the automatic backups of resources (CBR section 5.7); Huawei Cloud only.

        :param resource_ids: 1 to 256 ids.
        :return: ids of the resources.
        :raises NotFoundError: there is no such vault.
        """
        return await self._set_resources(vault_id, resource_ids, "unsuspend")

    async def update_all(self, changes: VaultBatchUpdate) -> Sequence[str]:
        """Change the messages of all vaults of the project (CBR section 5.4); Huawei Cloud only.

        :return: ids of the vaults that were changed.
        """
        answer = await self._api.put("vaults", "batch-update", body={"vault": changes.to_wire()})
        return [str(identifier) for identifier in rows_of(answer or {}, "updated_vaults_id")]

    async def change_expiration(self, vault_id: str, expiration: ExpirationUpdate) -> ExpirationChange:
        """Change the day on which the backups of a vault expire (CBR section 5.8); Huawei Cloud only.

        The vendor's SDK has this call, and no page says which backups of the vault it changes.

        :raises NotFoundError: there is no such vault.
        """
        answer = await self._api.put("vaults", vault_id, "update-backup-expiration-time", body=expiration.to_wire())
        return parsed(ExpirationChange, answer)

    async def _set_resources(self, vault_id: str, resource_ids: Sequence[str], action: str) -> Sequence[str]:
        values = {"resource_ids": list(resource_ids), "action": action}
        setting = validated(ResourceSetting, "CBR resource setting", values)
        answer = await self._api.put("vaults", vault_id, "set-resources", body=setting.to_wire())
        return [str(identifier) for identifier in rows_of(answer or {}, "set_resource_ids")]


async def _with_ids(vaults: AsyncIterator[Vault], ids: Sequence[str] | None) -> AsyncIterator[Vault]:
    async for vault in vaults:
        if ids is None or any(is_same_id(vault.id, wanted) for wanted in ids):
            yield vault
