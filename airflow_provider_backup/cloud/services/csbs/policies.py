"""Policies of CSBS (CSBS section 3)."""

from __future__ import annotations

from collections.abc import AsyncIterator

from airflow_provider_backup.cloud.operations.row_checks import asked_for, read_by_id
from airflow_provider_backup.cloud.schema.base import parsed, validated
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.csbs.models import Policy, PolicyCreate, PolicyQuery, PolicyUpdate
from airflow_provider_backup.cloud.services.csbs.paging import pages


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

    async def list(
        self,
        *,
        name: str | None = None,
        sort: str | None = None,
        limit: int | None = None,
        marker: str | None = None,
        offset: int | None = None,
        all_tenants: bool | None = None,
    ) -> AsyncIterator[Policy]:
        """Read all policies, newest first.

        :param name: the exact name.
        :param sort: ``key[:asc|desc],key...``, 255 characters at most.
        :param limit: policies in one page, 1 or more; all pages are read in any case.
        :param marker: id of the policy after which to begin.
        :param offset: policies to skip, 1 or more.
        :param all_tenants: all projects; administrators only.
        :raises InvalidRequestError: a rule of the query is broken.
        """
        values = {
            "name": name,
            "sort": sort,
            "limit": limit,
            "marker": marker,
            "offset": offset,
            "all_tenants": all_tenants,
        }
        query = validated(PolicyQuery, "CSBS policy query", values)
        async for policy in asked_for(self._read(query), "CSBS policies", {"name": name}):
            yield policy

    async def _read(self, query: PolicyQuery) -> AsyncIterator[Policy]:
        async for page in pages(self._api, "policies", query.to_wire()):
            for row in page.rows:
                yield parsed(Policy, row, request_id=page.request_id)

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
