"""Backups of disks: take one, list, read, restore, delete (VBS sections 4.1, 4.2 and 4.5).

A backup is taken and restored with the vendor's own calls, which answer with a job; all else are the calls that
OpenStack knows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from airflow_provider_backup.cloud.operations.listing import RowPage
from airflow_provider_backup.cloud.operations.pagination import page_numbers
from airflow_provider_backup.cloud.operations.row_checks import asked_for, read_by_id
from airflow_provider_backup.cloud.schema.base import listed, new_rows, parsed, request_id_of
from airflow_provider_backup.cloud.service_api import Query, ServiceApi
from airflow_provider_backup.cloud.services.vbs.models import (
    Backup,
    BackupCreate,
    BackupSummary,
    JobCreated,
    RestoreCreate,
)

BackupT = TypeVar("BackupT", bound=BackupSummary)

LARGEST_PAGE = 1000
"""Rows that a page may have at most."""

ROW_MEMBERS = ("id", "name", "status", "volume_id", "size", "created_at", "updated_at")
"""What tells how a backup stands."""


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

    def list(
        self,
        *,
        name: str | None = None,
        status: str | None = None,
        volume_id: str | None = None,
        sort_key: str | None = None,
        sort_dir: str | None = None,
    ) -> AsyncIterator[Backup]:
        """Go through backups with all their details, newest first unless said otherwise.

        :param name: only backups with exactly this name.
        :param status: only backups with this status, such as ``available``.
        :param volume_id: only backups of this disk.
        :param sort_key: ``created_at``, ``updated_at``, ``name``, ``status``, ``size`` or ``id``.
        :param sort_dir: ``desc`` or ``asc``.
        """
        query = {"name": name, "status": status, "volume_id": volume_id, "sort_key": sort_key, "sort_dir": sort_dir}
        # Both are always shown (VBS section 4.5).
        asked = {"name": name, "volume_id": volume_id}
        return asked_for(self._read(Backup, ("backups", "detail"), query), "VBS backups", asked)

    def pages(self, *, status: str | None = None) -> AsyncIterator[RowPage]:
        """Go through backups as pages of rows that nobody has looked at, newest first.

        They hold no more than :data:`ROW_MEMBERS`.

        :param status: only backups with this status.
        """
        return self._pages(self._api.keeping("backups", ROW_MEMBERS), ("backups", "detail"), {"status": status})

    def summaries(
        self, *, name: str | None = None, status: str | None = None, volume_id: str | None = None
    ) -> AsyncIterator[BackupSummary]:
        """Go through ids and names of backups only; disk and status are what the service says, as no row shows them.

        :param name: as in :meth:`list`, like the rest.
        """
        query = {"name": name, "status": status, "volume_id": volume_id}
        return asked_for(self._read(BackupSummary, ("backups",), query), "VBS backups", {"name": name})

    async def get(self, backup_id: str) -> Backup:
        """Read one backup.

        :param backup_id: id of the backup.
        :raises NotFoundError: there is no such backup.
        """
        return read_by_id(Backup, await self._api.get("backups", backup_id), "backup", backup_id)

    async def delete(self, backup_id: str) -> None:
        """Start the deletion of a backup; it is over when the backup cannot be found any more.

        :param backup_id: id of the backup.
        :raises BadRequestError: the backup is not in a state in which it can be deleted.
        :raises NotFoundError: there is no such backup.
        """
        await self._api.delete("backups", backup_id)

    async def _read(self, model: type[BackupT], segments: tuple[str, ...], query: Query) -> AsyncIterator[BackupT]:
        async for page in self._pages(self._api, segments, query):
            for row in page.rows:
                yield parsed(model, row, request_id=page.request_id)

    async def _pages(self, api: ServiceApi, segments: tuple[str, ...], query: Query) -> AsyncIterator[RowPage]:
        query = {**query, "limit": LARGEST_PAGE}
        seen: set[str] = set()
        for _ in page_numbers("VBS backups"):
            answer = await api.get(*segments, query=query)
            fresh = new_rows(listed(answer, "backups"), seen)
            yield RowPage(fresh, request_id=request_id_of(answer))
            following = next_page(answer)
            if not fresh or following is None:
                return
            query = {**query, **following}


def next_page(answer: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the query members that lead to the next page, or none on the last one.

    Only the query of the service's link counts: its path lacks the version and ``/detail`` (VBS section 5).
    """
    links = answer.get("backups_links")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, Mapping) and link.get("rel") == "next":
            # Not urlsplit: an address without a meaning is none of our business here, and no reason to fail.
            return dict(parse_qsl(str(link.get("href")).partition("?")[2].partition("#")[0]))
    return None
