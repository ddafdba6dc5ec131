"""Tasks of the database services (databases section 10)."""

from __future__ import annotations

from airflow_provider_backup.cloud.operations.row_checks import read_by_id
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.databases.models import Job


class Jobs:
    """The tasks of one database service. RDS has none for manual backups.

    :param api: the service.
    """

    def __init__(self, api: ServiceApi) -> None:
        self._api = api

    async def get(self, job_id: str) -> Job:
        """Read one task of the last month; a new one becomes visible only after some seconds.

        :raises NotFoundError: there is no such task, or not yet.
        """
        return read_by_id(Job, await self._api.get("jobs", query={"id": job_id}), "job", job_id)
