"""One TaurusDB instance with its details (databases sections 8.2 and 11)."""

from __future__ import annotations

from airflow_provider_backup.cloud.errors import NotListedError
from airflow_provider_backup.cloud.operations.row_checks import read_by_id
from airflow_provider_backup.cloud.schema.answers import row_id
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.taurusdb.models import InstanceDetails


class DetailsOfInstances:
    """The details of the project's instances; the list lacks nodes, zones and the parameter group.

    :param api: the service.
    """

    def __init__(self, api: ServiceApi) -> None:
        self._api = api

    async def get(self, instance_id: str) -> InstanceDetails:
        """Read one instance.

        :param instance_id: which instance.
        :raises NotFoundError: there is no such instance.
        """
        body = await self._api.get("instances", instance_id)
        instance = body.get("instance") if isinstance(body, dict) else None
        if isinstance(instance, dict) and not row_id(instance):
            # How some answers show an instance that was deleted.
            raise NotListedError(
                self._api.name,
                f"instance {instance_id}",
                "the answer",
                next_step="Check the id, the project and the region; the instance may have been deleted.",
            )
        return read_by_id(InstanceDetails, body, "instance", instance_id)
