"""Jobs of VBS: how the taking of a backup goes (VBS section 4.4)."""

from __future__ import annotations

from airflow_provider_backup.cloud.operations.row_checks import read_by_id
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.vbs.models import Job


class Jobs:
    """Jobs of the project.

    :param api: requests to VBS.
    """

    def __init__(self, api: ServiceApi) -> None:
        self._api = api

    async def get(self, job_id: str) -> Job:
        """Read one job.

        :param job_id: id that started the job.
        :raises NotFoundError: there is no such job (also in the first moments of its life).
        """
        # Jobs alone are still in version 1 of the API (VBS section 1).
        return read_by_id(Job, await self._api.get("jobs", job_id, version="v1"), None, job_id, "job_id")
