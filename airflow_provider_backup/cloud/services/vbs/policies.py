"""Policies of VBS: create, list, change, delete, run now, see the runs, choose the disks (VBS section 3)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TypedDict, Unpack

from airflow_provider_backup.cloud.errors import NotListedError
from airflow_provider_backup.cloud.operations.pagination import paginate, parsed_rows
from airflow_provider_backup.cloud.schema.answers import parsed, parsed_list
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.vbs.models import (
    Association,
    AssociationResult,
    Disassociation,
    Policy,
    PolicyCreate,
    PolicyCreated,
    PolicyQuery,
    PolicyTask,
    PolicyTaskQuery,
    PolicyUpdate,
)
from airflow_provider_backup.cloud.services.vbs.paging import TASK_PAGES


class PolicyFilters(TypedDict, total=False):
    """The filters, as :class:`~airflow_provider_backup.cloud.services.vbs.models.PolicyQuery` has them: none."""


class PolicyTaskFilters(TypedDict, total=False):
    """The filters, as :class:`~airflow_provider_backup.cloud.services.vbs.models.PolicyTaskQuery` has them."""

    status: str | None
    job_id: str | None


class Policies:
    """Backup policies of the project.

    :param api: requests to VBS.
    """

    def __init__(self, api: ServiceApi) -> None:
        self._api = api

    async def create(self, policy: PolicyCreate) -> str:
        """Create a policy.

        :return: its id; the service returns nothing else.
        :raises QuotaExceededError: the project has as many policies as it may have.
        """
        answer = await self._api.post("backuppolicy", body=policy.to_wire())
        return parsed(PolicyCreated, answer).backup_policy_id

    def list(self, **filters: Unpack[PolicyFilters]) -> AsyncIterator[Policy]:
        """Read all policies; the service knows neither filters nor pages (VBS section 3).

        :param filters: the fields of :class:`~airflow_provider_backup.cloud.services.vbs.models.PolicyQuery`: none.
        :raises InvalidRequestError: at the call, before anything is sent: a filter is given.
        """
        validated(PolicyQuery, "VBS policy list", filters)
        return self._read()

    async def _read(self) -> AsyncIterator[Policy]:
        for policy in parsed_list(Policy, await self._api.get("backuppolicy"), "backup_policies"):
            yield policy

    async def find(self, policy_id: str) -> Policy | None:
        """Return the policy with this id, or ``None``; the service cannot show a single one, so this reads all."""
        async for policy in self.list():
            if policy.id == policy_id:
                return policy
        return None

    async def get(self, policy_id: str) -> Policy:
        """Read a policy, by reading all.

        :raises NotFoundError: there is no such policy.
        """
        policy = await self.find(policy_id)
        if policy is None:
            raise NotListedError(
                "vbs",
                f"policy {policy_id}",
                "the project's list of policies",
                next_step="Check the id, the project and the region; the policy may have been deleted.",
            )
        return policy

    async def update(self, policy_id: str, change: PolicyUpdate) -> None:
        """Change a policy; what ``change`` leaves out stays as it is.

        :param policy_id: id of the policy.
        :raises NotFoundError: there is no such policy.
        """
        await self._api.put("backuppolicy", policy_id, body=change.to_wire())

    async def delete(self, policy_id: str) -> None:
        """Delete a policy; its backups stay.

        :param policy_id: id of the policy.
        :raises NotFoundError: there is no such policy.
        """
        await self._api.delete("backuppolicy", policy_id)

    async def execute(self, policy_id: str) -> None:
        """Start a backup of every disk under the policy now; see :meth:`tasks` for what comes of it.

        :param policy_id: id of the policy.
        :raises NotFoundError: there is no such policy.
        :raises ResourceBusyError: the policy is being executed already.
        """
        await self._api.post("backuppolicy", policy_id, "action")

    def tasks(self, policy_id: str, **filters: Unpack[PolicyTaskFilters]) -> AsyncIterator[PolicyTask]:
        """Read what the policy's runs did, or what matches of it, newest first (VBS section 3.5), page by page.

        :param policy_id: id of the policy.
        :param filters: the fields of :class:`~airflow_provider_backup.cloud.services.vbs.models.PolicyTaskQuery`.
        :raises InvalidRequestError: at the call, before anything is sent: there is no such filter, or a value breaks a
            documented rule.
        :raises NotFoundError: there is no such policy.
        """
        query = validated(PolicyTaskQuery, "VBS task list", filters)
        asked = {**query.to_wire(), "sort_key": "created_at", "sort_dir": "desc", "offset": 0}
        path = ("backuppolicy", policy_id, "backuptasks")
        return parsed_rows(paginate(self._api, path, "tasks", TASK_PAGES, asked, id_member="job_id"), PolicyTask)

    async def associate(self, policy_id: str, volume_ids: Sequence[str]) -> AssociationResult:
        """Put disks under the policy; a disk belongs to one policy only and moves here from another one.

        :param policy_id: id of the policy.
        :param volume_ids: ids of 1 disk or more.
        :return: for which disks it worked; failing ones raise nothing.
        :raises InvalidRequestError: no disk is given.
        :raises NotFoundError: there is no such policy.
        """
        body = {"backup_policy_id": policy_id, "resources": [{"resource_id": volume} for volume in volume_ids]}
        request = validated(Association, "VBS association", body)
        # Doing this twice changes nothing, so it may be repeated.
        answer = await self._api.post("backuppolicyresources", body=request.to_wire(), repeatable=True)
        return parsed(AssociationResult, answer)

    async def disassociate(self, policy_id: str, volume_ids: Sequence[str]) -> AssociationResult:
        """Take disks from the policy.

        :param policy_id: id of the policy.
        :param volume_ids: ids of 1 disk or more.
        :return: for which disks it worked; failing ones raise nothing.
        :raises InvalidRequestError: no disk is given.
        :raises NotFoundError: there is no such policy.
        """
        body = {"resources": [{"resource_id": volume} for volume in volume_ids]}
        request = validated(Disassociation, "VBS disassociation", body)
        answer = await self._api.post("backuppolicyresources", policy_id, "deleted_resources", body=request.to_wire())
        return parsed(AssociationResult, answer)
