"""Backups of CBR: one for each resource that a checkpoint backs up (CBR section 7)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from airflow_provider_backup.cloud.operations.listing import RowPage
from airflow_provider_backup.cloud.operations.row_checks import asked_for, read_by_id
from airflow_provider_backup.cloud.schema.base import row_id, validated
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.cbr.models import Backup, BackupQuery, RestoreCreate
from airflow_provider_backup.cloud.services.cbr.paging import all_pages, all_rows

ROW_MEMBERS = (
    *("id", "checkpoint_id", "parent_id", "resource_id", "name", "status", "created_at", "updated_at"),
    ("extend_info", ("progress",)),
)
"""What tells how a backup stands."""


class Backups:
    """Read and delete backups.

    :param api: the service.
    """

    def __init__(self, api: ServiceApi) -> None:
        self._api = api

    async def get(self, backup_id: str) -> Backup:
        """Read a backup.

        :raises NotFoundError: there is none with this id.
        """
        return read_by_id(Backup, await self._api.get("backups", backup_id), "backup", backup_id)

    async def list(self, **filters: Any) -> AsyncIterator[Backup]:
        """Read all backups, or those that match (CBR section 7.2), page by page.

        :param filters: the fields of :class:`~airflow_provider_backup.cloud.services.cbr.models.BackupQuery`.
        :raises InvalidRequestError: a filter breaks a documented rule.
        """
        query = validated(BackupQuery, "CBR backup list", filters)
        # All of them are always shown (CBR section 7.1), but for parent_id, which backups of resources lack.
        asked = {name: getattr(query, name) for name in ("checkpoint_id", "vault_id", "resource_id", "parent_id")}
        rows = all_rows(self._api, "backups", "backups", query, Backup)
        async for backup in asked_for(rows, "CBR backups", asked):
            yield backup

    def pages(self, **filters: Any) -> AsyncIterator[RowPage]:
        """Read all backups, or those that match, as pages of rows that nobody has looked at.

        They hold no more than :data:`ROW_MEMBERS`.

        :param filters: as for :meth:`list`.
        :raises InvalidRequestError: a filter breaks a documented rule.
        """
        query = validated(BackupQuery, "CBR backup list", filters)
        return all_pages(self._api.keeping("backups", ROW_MEMBERS), "backups", "backups", query)

    async def restore(self, backup_id: str, restore: RestoreCreate) -> str | None:
        """Start to overwrite a resource with a backup (CBR section 7.4). Each call restores once more.

        A restore cannot be stopped and not be undone.

        :param backup_id: id of the backup of the whole resource.
        :param restore: what is overwritten.
        :return: id of the operation log that tells how the restore goes; ``None`` where the service names none.
        :raises NotFoundError: there is no such backup, server or disk.
        :raises ResourceBusyError: the resource is being backed up or restored.
        """
        answer = await self._api.post("backups", backup_id, "restore", body={"restore": restore.to_wire()})
        return row_id(answer, "job_id") or None

    async def delete(self, backup_id: str) -> None:
        """Start to delete a backup (CBR section 7.3); it is gone when reading it fails with ``NotFoundError``.

        :raises NotFoundError: there is none with this id.
        :raises ResourceBusyError: it is still running.
        """
        await self._api.delete("backups", backup_id)
