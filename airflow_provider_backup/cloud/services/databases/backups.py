"""Backups of database instances: take, list, read, delete (databases sections 3 to 5)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Generic, TypeVar, Unpack

from typing_extensions import TypedDict

from airflow_provider_backup.cloud.errors import NotListedError, UnexpectedResponseError
from airflow_provider_backup.cloud.http.row_reader import kept_members
from airflow_provider_backup.cloud.operations.listing import RowPage
from airflow_provider_backup.cloud.operations.pagination import paginate, parsed_rows
from airflow_provider_backup.cloud.operations.row_checks import is_same_id, matches, matching
from airflow_provider_backup.cloud.schema.answers import parsed, row_id
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.databases.models import (
    DatabaseBackup,
    DatabaseBackupCreate,
    DatabaseBackupQuery,
)
from airflow_provider_backup.cloud.services.databases.paging import PAGES

CreateT = TypeVar("CreateT", bound=DatabaseBackupCreate)
BackupT = TypeVar("BackupT", bound=DatabaseBackup)


@kept_members
class BackupRow(TypedDict, total=False):
    """What a page keeps of each row: what shows how a backup stands."""

    id: Any
    name: Any
    instance_id: Any
    status: Any
    type: Any
    size: Any
    begin_time: Any
    end_time: Any
    databases: Any


@kept_members
class DatastoreRow(BackupRow, total=False):
    """The same with the database engine."""

    datastore: Any


class BackupFilters(TypedDict, total=False):
    """The filters of a list; each service refuses those that its ``BackupQuery`` lacks.

    :param instance_id: the instance; RDS requires it.
    :param backup_id: one backup.
    :param backup_type: ``auto`` or ``manual``; RDS also ``fragment`` and ``incremental``.
    :param status: RDS for SQL Server only: ``BUILDING``, ``COMPLETED`` or ``FAILED``.
    :param name: TaurusDB only: name of the backup.
    :param instance_name: TaurusDB only: name of the instance.
    :param begin_time: with a zone; only together with ``end_time``.
    :param end_time: with a zone, later than ``begin_time``.
    :param offset: backups to skip, 0 or more.
    :param page_size: backups of one page, 1 to 100.
    """

    instance_id: str | None
    backup_id: str | None
    backup_type: str | None
    status: str | None
    name: str | None
    instance_name: str | None
    begin_time: datetime | None
    end_time: datetime | None
    offset: int | None
    page_size: int | None


class Backups(Generic[CreateT, BackupT]):
    """The backups of one database service.

    :param api: the service.
    :param service: its name, for errors.
    :param backup: the model of a backup.
    :param query: the model of a list's filters.
    :param create_path: where new backups are posted to.
    """

    def __init__(
        self,
        api: ServiceApi,
        *,
        service: str,
        backup: type[BackupT],
        query: type[DatabaseBackupQuery],
        create_path: tuple[str, ...] = ("backups",),
    ) -> None:
        self._api = api
        self._service = service
        self._backup = backup
        self._query = query
        self._create_path = create_path

    async def create(self, backup: CreateT) -> BackupT:
        """Start a manual backup and return it as it begins, with its ``job_id`` when the service gives one.

        Not repeated when its answer gets lost: look for the name then.

        :raises DuplicateNameError: the name is used.
        :raises ResourceBusyError: a backup or another operation runs on the instance.
        :raises NotFoundError: there is no such instance.
        """
        body = await self._api.post(*self._create_path, body=backup.to_wire())
        started = parsed(self._backup, body, "backup")
        return started.model_copy(update={"job_id": row_id(body, "job_id") or None})

    def list(self, **filters: Unpack[BackupFilters]) -> AsyncIterator[BackupT]:
        """Read all backups, or those that match (databases section 4), page by page.

        :param filters: the fields of the service's own ``BackupQuery``, such as
            :class:`~airflow_provider_backup.cloud.services.rds.models.BackupQuery`; RDS requires ``instance_id``.
        :raises InvalidRequestError: at the call, before anything is sent: there is no such filter, or a value breaks a
            documented rule.
        """
        query = validated(self._query, f"{self._service} backup list", filters)
        # All of them are always shown (databases section 4).
        required = {"id": query.backup_id, "instance_id": query.instance_id, "name": filters.get("name")}
        optional = {"type": filters.get("backup_type")}
        return matching(self._read(query), f"{self._service} backups", required, optional)

    def pages(self, *, row: type[Any] = BackupRow, **filters: Unpack[BackupFilters]) -> AsyncIterator[RowPage]:
        """Read all backups, or those that match, as pages of rows that are not checked; RDS requires ``instance_id``.

        :param row: what is kept of each row: :class:`BackupRow` or :class:`DatastoreRow`.
        :param filters: as for :meth:`list`.
        :raises InvalidRequestError: at the call, before anything is sent: there is no such filter, or a value breaks a
            documented rule.
        """
        query = validated(self._query, f"{self._service} backup list", filters)
        return self._pages(self._api.keeping("backups", row), query)

    def _pages(self, api: ServiceApi, query: DatabaseBackupQuery) -> AsyncIterator[RowPage]:
        return paginate(api, ("backups",), "backups", PAGES, query.to_wire())

    def _read(self, query: DatabaseBackupQuery) -> AsyncIterator[BackupT]:
        return parsed_rows(self._pages(self._api, query), self._backup)

    def of_row(self, row: Any) -> BackupT:
        """Read one row of :meth:`pages`.

        :raises UnexpectedResponseError: it is not what the API pages describe.
        """
        return parsed(self._backup, row)

    async def get(self, backup_id: str, *, instance_id: str | None = None) -> BackupT:
        """Read one backup; the services have no call for that, so it is looked for in the list.

        :param backup_id: which backup.
        :param instance_id: its instance; RDS requires it.
        :raises InvalidRequestError: an id is missing.
        :raises NotFoundError: there is no such backup.
        :raises UnexpectedResponseError: it is a backup of another instance.
        """
        # No id at all would be no filter, and all backups would be read.
        ids = {"instance_id": instance_id, "backup_id": backup_id or ""}
        query = validated(self._query, f"{self._service} backup", ids)
        async for backup in self._read(query):
            if not is_same_id(backup.id, backup_id):
                continue
            # Its id is proof enough, as long as nothing speaks against it.
            if not matches(backup, {}, {"instance_id": instance_id}):
                raise UnexpectedResponseError(
                    f"Backup {backup_id} of instance {instance_id} was requested, and the answer describes one of "
                    f"instance {backup.instance_id}",
                    next_step="Give the backup's own instance_id.",
                )
            return backup
        place = f" of instance {instance_id}" if instance_id else ""
        raise NotListedError(
            self._service,
            f"backup {backup_id}{place}",
            "the list of backups",
            next_step="Check the ids, the project and the region; the backup may have been deleted.",
        )

    async def delete(self, backup_id: str) -> None:
        """Start the deletion of a manual backup; it continues after the answer.

        :raises NotFoundError: there is no such backup.
        :raises BadRequestError: it is not a manual backup.
        :raises ResourceBusyError: its status forbids the deletion.
        """
        await self._api.delete("backups", backup_id)
