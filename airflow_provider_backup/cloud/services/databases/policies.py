"""The automatic backup policy of an instance: read and change (databases section 6)."""

from __future__ import annotations

from typing import Generic, TypeVar

from airflow_provider_backup.cloud.schema.answers import parsed
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.databases.models import DatabasePolicy, DatabasePolicyUpdate

UpdateT = TypeVar("UpdateT", bound=DatabasePolicyUpdate)
PolicyT = TypeVar("PolicyT", bound=DatabasePolicy)


class BackupPolicies(Generic[UpdateT, PolicyT]):
    """The automatic backup policies of one database service; each instance has exactly one.

    :param api: the service.
    :param policy: the model of a policy.
    :param update_path: where changes are put, below the instance.
    """

    def __init__(
        self, api: ServiceApi, *, policy: type[PolicyT], update_path: tuple[str, ...] = ("backups", "policy")
    ) -> None:
        self._api = api
        self._policy = policy
        self._update_path = update_path

    async def get(self, instance_id: str) -> PolicyT:
        """Read the policy of an instance.

        :raises NotFoundError: there is no such instance.
        """
        body = await self._api.get("instances", instance_id, "backups", "policy")
        return parsed(self._policy, body, "backup_policy")

    async def update(self, instance_id: str, policy: UpdateT) -> None:
        """Replace the policy of an instance.

        :raises NotFoundError: there is no such instance.
        """
        await self._api.put("instances", instance_id, *self._update_path, body=policy.to_body())
