"""Tasks of the database services (databases section 10)."""

from __future__ import annotations

import logging

from airflow_provider_backup.cloud.errors import BadRequestError, NotFoundError, PermissionDeniedError
from airflow_provider_backup.cloud.operations.row_checks import read_by_id
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.databases.models import Job
from airflow_provider_backup.cloud.text import one_line

log = logging.getLogger(__name__)


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

    async def find(self, job_id: str | None) -> Job | None:
        """Read one task if this cloud tells it; ``None`` otherwise.

        Not every cloud tells every task, and a new one becomes visible only after some seconds.

        :param job_id: id of the task; ``None`` when it is not known.
        """
        if job_id is None:
            return None
        try:
            return await self.get(job_id)
        except (NotFoundError, BadRequestError, PermissionDeniedError) as error:
            log.debug("The job %s is not known: %s", one_line(job_id), error)
            return None
