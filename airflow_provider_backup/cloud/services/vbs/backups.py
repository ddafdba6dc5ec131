"""Backups of disks: take one, list, read, restore, delete (VBS sections 4.1, 4.2 and 4.5).

A backup is taken and restored with the vendor's own calls, which answer with a job; listing, reading and deleting are
the calls that OpenStack knows. Each way to take and to delete has its other form, too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Unpack

from typing_extensions import TypedDict

from airflow_provider_backup.cloud.http.row_reader import kept_members
from airflow_provider_backup.cloud.operations.listing import RowPage
from airflow_provider_backup.cloud.operations.pagination import paginate, parsed_rows
from airflow_provider_backup.cloud.operations.row_checks import matching, read_by_id
from airflow_provider_backup.cloud.schema.answers import parsed
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.vbs.models import (
    Backup,
    BackupCreate,
    BackupQuery,
    BackupSummary,
    BackupSummaryQuery,
    JobCreated,
    NativeBackupCreate,
    RestoreCreate,
)
from airflow_provider_backup.cloud.services.vbs.paging import BACKUP_PAGES


@kept_members
class BackupRow(TypedDict, total=False):
    """What a page keeps of each row: what shows how a backup stands."""

    id: Any
    name: Any
    status: Any
    volume_id: Any
    size: Any
    created_at: Any
    updated_at: Any
    fail_reason: Any


@kept_members
class StoredRow(TypedDict, total=False):
    """What a prune keeps of each row: also whether it belongs to the backup of a server."""

    id: Any
    name: Any
    status: Any
    volume_id: Any
    size: Any
    created_at: Any
    updated_at: Any
    fail_reason: Any
    service_metadata: Any


class BackupSummaryFilters(TypedDict, total=False):
    """The filters, as :class:`~airflow_provider_backup.cloud.services.vbs.models.BackupSummaryQuery` has them."""

    name: str | None
    status: str | None
    volume_id: str | None


class BackupFilters(BackupSummaryFilters, total=False):
    """The filters, as :class:`~airflow_provider_backup.cloud.services.vbs.models.BackupQuery` has them."""

    sort_key: str | None
    sort_dir: str | None


class Backups:
    """Backups of the project's disks.

    :param api: requests to VBS.
    """

    def __init__(self, api: ServiceApi) -> None:
        self._api = api

    async def create(self, backup: BackupCreate) -> str:
        """Take a backup of a disk.

        :return: the id of the job that takes it; the job names the backup.
        :raises NotFoundError: there is no such disk.
        :raises QuotaExceededError: the disk has as many backups as it may have.
        :raises ResourceBusyError: the previous backup of the disk is not finished.
        """
        answer = await self._api.post("cloudbackups", body={"backup": backup.to_wire()})
        return parsed(JobCreated, answer).job_id

    async def create_natively(self, native_backup: NativeBackupCreate) -> BackupSummary:
        """Take a backup of a snapshot by OpenStack's call, which answers with the backup and makes no job.

        :return: id and name of the backup, which is being made.
        :raises NotFoundError: there is no such disk.
        :raises BadRequestError: there is no such snapshot of the disk.
        :raises QuotaExceededError: the disk has as many backups as it may have.
        :raises ResourceBusyError: the previous backup of the disk is not finished.
        """
        answer = await self._api.post("backups", body={"backup": native_backup.to_wire()})
        return parsed(BackupSummary, answer, "backup")

    async def restore(self, backup_id: str, restore: RestoreCreate) -> str:
        """Start to overwrite a disk with a backup (VBS section 4.2). Each call restores once more.

        :param backup_id: id of the backup.
        :param restore: which disk.
        :return: the id of the job that restores it.
        :raises NotFoundError: there is no such backup or disk.
        :raises ResourceBusyError: the disk is being backed up.
        :raises BadRequestError: the backup is not good, or the disk is attached or too small.
        """
        answer = await self._api.post("cloudbackups", backup_id, "restore", body={"restore": restore.to_wire()})
        return parsed(JobCreated, answer).job_id

    def list(self, **filters: Unpack[BackupFilters]) -> AsyncIterator[Backup]:
        """Read all backups, or those that match, with all their details (VBS section 4.5), page by page.

        :param filters: the fields of :class:`~airflow_provider_backup.cloud.services.vbs.models.BackupQuery`.
        :raises InvalidRequestError: at the call, before anything is sent: there is no such filter, or a value breaks a
            documented rule.
        """
        query = validated(BackupQuery, "VBS backup list", filters)
        pages = paginate(self._api, ("backups", "detail"), "backups", BACKUP_PAGES, query.to_wire())
        # Both are always shown (VBS section 4.5).
        required = {"name": query.name, "volume_id": query.volume_id}
        return matching(parsed_rows(pages, Backup), "VBS backups", required)

    def pages(self, *, row: type[Any] = BackupRow, **filters: Unpack[BackupFilters]) -> AsyncIterator[RowPage]:
        """Read backups as pages of rows that are not checked, newest first unless said otherwise.

        :param row: what is kept of each row: :class:`BackupRow` or :class:`StoredRow`.
        :param filters: as for :meth:`list`.
        :raises InvalidRequestError: at the call, before anything is sent: there is no such filter, or a value breaks a
            documented rule.
        """
        query = validated(BackupQuery, "VBS backup list", filters)
        api = self._api.keeping("backups", row)
        return paginate(api, ("backups", "detail"), "backups", BACKUP_PAGES, query.to_wire())

    def summaries(self, **filters: Unpack[BackupSummaryFilters]) -> AsyncIterator[BackupSummary]:
        """Read ids and names of backups only; disk and status are what the service says, as no row shows them.

        :param filters: the fields of :class:`~airflow_provider_backup.cloud.services.vbs.models.BackupSummaryQuery`.
        :raises InvalidRequestError: at the call, before anything is sent: there is no such filter, or a value breaks a
            documented rule.
        """
        query = validated(BackupSummaryQuery, "VBS backup list", filters)
        pages = paginate(self._api, ("backups",), "backups", BACKUP_PAGES, query.to_wire())
        return matching(parsed_rows(pages, BackupSummary), "VBS backups", {"name": query.name})

    async def get(self, backup_id: str) -> Backup:
        """Read one backup.

        :param backup_id: id of the backup.
        :raises NotFoundError: there is no such backup.
        """
        return read_by_id(Backup, await self._api.get("backups", backup_id), "backup", backup_id)

    async def delete(self, backup_id: str) -> None:
        """Start the deletion of a backup; it ends when the backup cannot be found any more.

        :param backup_id: id of the backup.
        :raises BadRequestError: the backup is not in a state in which it can be deleted.
        :raises NotFoundError: there is no such backup.
        """
        await self._api.delete("backups", backup_id)

    async def delete_by_job(self, backup_id: str) -> str:
        """Start the deletion of a backup by the deprecated call, which answers with a job (VBS section 4.3).

        :param backup_id: id of the backup.
        :return: the id of the job that deletes it.
        :raises BadRequestError: the backup is not in a state in which it can be deleted.
        :raises NotFoundError: there is no such backup.
        """
        return parsed(JobCreated, await self._api.post("cloudbackups", backup_id)).job_id
