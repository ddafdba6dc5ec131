"""What TaurusDB adds to the calls for backups: the deletion of several (databases section 5)."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from airflow_provider_backup.cloud.errors import ApiError
from airflow_provider_backup.cloud.schema.answers import parsed
from airflow_provider_backup.cloud.schema.base import ResponseModel
from airflow_provider_backup.cloud.services.databases.backups import Backups
from airflow_provider_backup.cloud.services.databases.batch_deletions import DeletionResult
from airflow_provider_backup.cloud.services.taurusdb.models import Backup, BackupCreate


class _Results(ResponseModel):
    failed_results: list[DeletionResult] = Field(default_factory=list)


class TaurusDbBackups(Backups[BackupCreate, Backup]):
    """The backups of TaurusDB."""

    async def delete_many(self, backup_ids: Sequence[str]) -> dict[str, ApiError]:
        """Start the deletion of several manual backups.

        :param backup_ids: their ids, 1 to 50.
        :return: the refusals, by id.
        :raises BadRequestError: the request as a whole was refused.
        """
        answer = await self._api.delete("backups", body={"backup_ids": list(backup_ids)})
        return {each.backup_id: each.to_error(self._service) for each in parsed(_Results, answer).failed_results}
