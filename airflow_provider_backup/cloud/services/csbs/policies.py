"""Policies of CSBS (CSBS section 3)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypedDict, Unpack

from airflow_provider_backup.cloud.operations.pagination import paginate, parsed_rows
from airflow_provider_backup.cloud.operations.row_checks import matching, read_by_id
from airflow_provider_backup.cloud.schema.answers import parsed
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.csbs.models import Policy, PolicyCreate, PolicyQuery, PolicyUpdate
from airflow_provider_backup.cloud.services.csbs.paging import PAGES


class PolicyFilters(TypedDict, total=False):
    """The filters of a list, as :class:`~airflow_provider_backup.cloud.services.csbs.models.PolicyQuery` has them."""

    name: str | None
    sort: str | None
    limit: int | None
    marker: str | None
    offset: int | None
    all_tenants: bool | None


class Policies:
    """``cloud.csbs.policies``.

    :param api: the service.
    """

    def __init__(self, api: ServiceApi) -> None:
        self._api = api

    async def create(self, policy: PolicyCreate) -> Policy:
        """Create a policy.

        :raises DuplicateNameError: the name is taken.
        :raises QuotaExceededError: there are 32 policies already.
        :raises BadRequestError: a server is bound to another policy.
        :raises NotFoundError: a server does not exist.
        """
        return parsed(Policy, await self._api.post("policies", body={"policy": policy.to_wire()}), "policy")

    async def get(self, policy_id: str) -> Policy:
        """Read a policy.

        :raises NotFoundError: there is no such policy.
        """
        return read_by_id(Policy, await self._api.get("policies", policy_id), "policy", policy_id)

    def list(self, **filters: Unpack[PolicyFilters]) -> AsyncIterator[Policy]:
        """Read all policies, or those that match, newest first (CSBS section 3.3).

        :param filters: the fields of :class:`~airflow_provider_backup.cloud.services.csbs.models.PolicyQuery`;
            ``limit`` is the size of a page, all pages are read in any case.
        :raises InvalidRequestError: at the call, before anything is sent: there is no such filter, or a value breaks a
            documented rule.
        """
        query = validated(PolicyQuery, "CSBS policy query", filters)
        pages = paginate(self._api, ("policies",), "policies", PAGES, query.to_wire())
        return matching(parsed_rows(pages, Policy), "CSBS policies", {"name": query.name})

    async def update(self, policy_id: str, changes: PolicyUpdate) -> Policy:
        """Change a policy; what is not given stays.

        :raises NotFoundError: there is no such policy, or a server does not exist.
        :raises DuplicateNameError: the name is taken.
        """
        body = await self._api.put("policies", policy_id, body={"policy": changes.to_wire()})
        return parsed(Policy, body, "policy")

    async def delete(self, policy_id: str) -> None:
        """Delete a policy; its backups stay.

        :raises NotFoundError: there is no such policy.
        """
        await self._api.delete("policies", policy_id)
