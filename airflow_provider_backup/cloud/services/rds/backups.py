"""What RDS adds to the calls for backups: the deletion of several of SQL Server (databases section 5)."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from airflow_provider_backup.cloud.errors import ApiError
from airflow_provider_backup.cloud.schema.answers import parsed
from airflow_provider_backup.cloud.schema.base import ResponseModel
from airflow_provider_backup.cloud.services.databases.backups import Backups
from airflow_provider_backup.cloud.services.databases.batch_deletions import DeletionResult
from airflow_provider_backup.cloud.services.rds.models import Backup, BackupCreate

SUCCESS = "0"
"""The code of a deletion that began."""


class _Results(ResponseModel):
    delete_results: list[DeletionResult] = Field(default_factory=list)


class RdsBackups(Backups[BackupCreate, Backup]):
    """The backups of RDS."""

    async def delete_many(self, backup_ids: Sequence[str]) -> dict[str, ApiError]:
        """Start the deletion of several manual backups of SQL Server.

        :param backup_ids: their ids, 1 to 50.
        :return: the refusals, by id.
        :raises BadRequestError: the request as a whole was refused.
        """
        body = {"backup_ids": list(backup_ids)}
        # What is being deleted already is refused, and nothing else happens to it.
        answer = await self._api.post("backups", "batch-delete", body=body, repeatable=True)
        results = parsed(_Results, answer).delete_results
        return {
            each.backup_id: each.to_error(self._service) for each in results if each.error_code not in (None, SUCCESS)
        }
