"""Policies of CBR: when vaults are backed up, and how long backups are kept (CBR section 4)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypedDict, Unpack

from airflow_provider_backup.cloud.operations.row_checks import is_same_id, matches, read_by_id
from airflow_provider_backup.cloud.schema.answers import parsed, request_id_of
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.cbr.models import Policy, PolicyCreate, PolicyQuery, PolicyUpdate
from airflow_provider_backup.cloud.services.cbr.paging import rows_of


class PolicyFilters(TypedDict, total=False):
    """The filters of a list, as :class:`~airflow_provider_backup.cloud.services.cbr.models.PolicyQuery` has them."""

    operation_type: str | None
    vault_id: str | None


class Policies:
    """Create, read, change and delete policies.

    :param api: the service.
    """

    def __init__(self, api: ServiceApi) -> None:
        self._api = api

    async def create(self, policy: PolicyCreate) -> Policy:
        """Create a policy (CBR section 4.1); its name need not be unique.

        :raises QuotaExceededError: there are 32 policies of this type already.
        """
        return parsed(Policy, await self._api.post("policies", body={"policy": policy.to_wire()}), "policy")

    async def get(self, policy_id: str) -> Policy:
        """Read a policy.

        :raises NotFoundError: there is none with this id.
        """
        return read_by_id(Policy, await self._api.get("policies", policy_id), "policy", policy_id)

    def list(self, **filters: Unpack[PolicyFilters]) -> AsyncIterator[Policy]:
        """Read all policies, or those that match (CBR section 4.5).

        :param filters: the fields of :class:`~airflow_provider_backup.cloud.services.cbr.models.PolicyQuery`.
        :raises InvalidRequestError: at the call, before anything is sent: there is no such filter, or a value breaks a
            documented rule.
        """
        return self._read(validated(PolicyQuery, "CBR policy list", filters))

    async def _read(self, query: PolicyQuery) -> AsyncIterator[Policy]:
        answer = await self._api.get("policies", query=query.to_wire())
        for row in rows_of(answer, "policies"):
            policy = parsed(Policy, row, request_id=request_id_of(answer))
            # An answer may leave out the vaults (CBR section 4.5): then only the service knows.
            vaults = [vault.vault_id for vault in policy.associated_vaults]
            is_bound = query.vault_id is None or not vaults or any(is_same_id(each, query.vault_id) for each in vaults)
            if is_bound and matches(policy, {}, {"operation_type": query.operation_type}):
                yield policy

    async def update(self, policy_id: str, changes: PolicyUpdate) -> Policy:
        """Change a policy (CBR section 4.4); fields that are not given keep their value.

        :raises NotFoundError: there is none with this id.
        """
        body = {"policy": changes.to_wire()}
        return parsed(Policy, await self._api.put("policies", policy_id, body=body), "policy")

    async def delete(self, policy_id: str) -> None:
        """Delete a policy; the backups that it made stay.

        :raises NotFoundError: there is none with this id.
        """
        await self._api.delete("policies", policy_id)
