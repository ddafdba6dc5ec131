"""Backups of CBR: one for each resource that a checkpoint backs up (CBR section 7)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Unpack

from typing_extensions import TypedDict

from airflow_provider_backup.cloud.http.row_reader import kept_members
from airflow_provider_backup.cloud.operations.listing import RowPage
from airflow_provider_backup.cloud.operations.pagination import paginate, parsed_rows
from airflow_provider_backup.cloud.operations.row_checks import matching, read_by_id
from airflow_provider_backup.cloud.schema.answers import parsed, parsed_list, row_id
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.cbr.models import (
    Backup,
    BackupMetadata,
    BackupQuery,
    BackupReplication,
    BackupUpdate,
    Member,
    MemberAddition,
    MemberUpdate,
    ReplicationCapability,
    RestoreCreate,
    StartedBackupReplication,
)
from airflow_provider_backup.cloud.services.cbr.paging import MEMBER_PAGES, pages_of, rows_of


@kept_members
class ExtendInfo(TypedDict, total=False):
    """Members of ``extend_info`` that tell how a backup stands, and whether a policy took it."""

    progress: Any
    auto_trigger: Any


@kept_members
class BackupRow(TypedDict, total=False):
    """What a page keeps of each row: what shows how a backup stands."""

    id: Any
    checkpoint_id: Any
    vault_id: Any
    parent_id: Any
    resource_id: Any
    name: Any
    status: Any
    created_at: Any
    updated_at: Any
    expired_at: Any
    extend_info: ExtendInfo


@kept_members
class StoredExtendInfo(ExtendInfo, total=False):
    """The same with the images that were made from a backup."""

    os_images_data: Any


@kept_members
class StoredRow(TypedDict, total=False):
    """What a prune keeps of each row: also what depends on a backup."""

    id: Any
    vault_id: Any
    parent_id: Any
    resource_id: Any
    resource_name: Any
    resource_type: Any
    name: Any
    status: Any
    created_at: Any
    updated_at: Any
    expired_at: Any
    replication_records: Any
    extend_info: StoredExtendInfo


class BackupFilters(TypedDict, total=False):
    """The filters of a list, as :class:`~airflow_provider_backup.cloud.services.cbr.models.BackupQuery` has them."""

    checkpoint_id: str | None
    vault_id: str | None
    resource_id: str | None
    resource_name: str | None
    resource_az: str | None
    resource_type: str | None
    name: str | None
    parent_id: str | None
    image_type: str | None
    status: Sequence[str] | None
    start_time: datetime | None
    end_time: datetime | None
    incremental: bool | None
    enterprise_project_id: str | None
    own_type: str | None
    member_status: str | None
    used_percent: int | None
    show_replication: bool | None
    dec: bool | None
    sort: str | None
    limit: int | None
    offset: int | None
    marker: str | None


class Backups:
    """Read, rename and delete backups.

    :param api: the service.
    """

    def __init__(self, api: ServiceApi) -> None:
        self._api = api

    async def get(self, backup_id: str) -> Backup:
        """Read a backup.

        :raises NotFoundError: there is none with this id.
        """
        return read_by_id(Backup, await self._api.get("backups", backup_id), "backup", backup_id)

    def list(self, **filters: Unpack[BackupFilters]) -> AsyncIterator[Backup]:
        """Read all backups, or those that match (CBR section 7.2), page by page.

        :param filters: the fields of :class:`~airflow_provider_backup.cloud.services.cbr.models.BackupQuery`.
        :raises InvalidRequestError: at the call, before anything is sent: there is no such filter, or a value breaks a
            documented rule.
        """
        query = validated(BackupQuery, "CBR backup list", filters)
        # All of them are always shown (CBR section 7.1), but for parent_id, which backups of resources lack.
        required = {name: getattr(query, name) for name in ("checkpoint_id", "vault_id", "resource_id", "parent_id")}
        rows = parsed_rows(pages_of(self._api, "backups", "backups", query), Backup)
        return matching(rows, "CBR backups", required)

    def pages(self, *, row: type[Any] = BackupRow, **filters: Unpack[BackupFilters]) -> AsyncIterator[RowPage]:
        """Read all backups, or those that match, as pages of rows that are not checked.

        :param row: what is kept of each row: :class:`BackupRow` or :class:`StoredRow`.
        :param filters: as for :meth:`list`.
        :raises InvalidRequestError: at the call, before anything is sent: there is no such filter, or a value breaks a
            documented rule.
        """
        query = validated(BackupQuery, "CBR backup list", filters)
        return pages_of(self._api.keeping("backups", row), "backups", "backups", query)

    async def restore(self, backup_id: str, restore: RestoreCreate) -> str | None:
        """Start to overwrite a resource with a backup (CBR section 7.4). Each call restores once more.

        A restore cannot be stopped and not be undone.

        :param backup_id: id of the backup of the whole resource.
        :param restore: what is overwritten.
        :return: id of the operation log of the restore; ``None`` where the service names none.
        :raises NotFoundError: there is no such backup, server or disk.
        :raises ResourceBusyError: the resource is being backed up or restored.
        """
        answer = await self._api.post("backups", backup_id, "restore", body={"restore": restore.to_wire()})
        return row_id(answer, "job_id") or None

    async def replicate(self, backup_id: str, replication: BackupReplication) -> StartedBackupReplication:
        """Start to copy a backup to a vault in another region (CBR section 7.5).

        Its record is then one of the ``replication_records`` of the backup. There is one copy in each region.

        :param backup_id: id of the backup of a whole server.
        :param replication: where the copy goes.
        :raises NotFoundError: there is no such backup.
        :raises ResourceBusyError: the backup is still running, or being copied to the region.
        :raises QuotaExceededError: the vault there is full.
        """
        answer = await self._api.post("backups", backup_id, "replicate", body={"replicate": replication.to_wire()})
        return parsed(StartedBackupReplication, answer, "replication")

    async def replication_capabilities(self) -> Sequence[ReplicationCapability]:
        """Read from which region to which others backups can be copied (CBR section 12)."""
        return parsed_list(ReplicationCapability, await self._api.get("replication-capabilities"), "regions")

    def members(self, backup_id: str) -> AsyncIterator[Member]:
        """Read with which projects a backup is shared (CBR section 10); they are 10 at most.

        :param backup_id: id of the backup.
        :raises NotFoundError: there is none with this id.
        """
        pages = paginate(self._api, ("backups", backup_id, "members"), "members", MEMBER_PAGES, {}, read_rows=rows_of)
        return parsed_rows(pages, Member)

    async def add_members(self, backup_id: str, project_ids: Sequence[str]) -> Sequence[Member]:
        """Share a backup of a server with projects of the same region (CBR section 10).

        Each is ``pending`` until its project answers, which nothing tells: read :meth:`members`.

        :param backup_id: id of a good backup.
        :param project_ids: 1 to 10 ids, each once; a backup has 10 members at most.
        :return: the members that the service names: all, or those that are new.
        :raises InvalidRequestError: before anything is sent: there are too many ids, or one stands there twice.
        :raises NotFoundError: there is no such backup.
        :raises QuotaExceededError: it would have more than 10 members.
        :raises BadRequestError: it is no good backup of a server, or is shared with one of them already.
        """
        addition = validated(MemberAddition, "CBR members", {"members": list(project_ids)})
        return parsed_list(
            Member, await self._api.post("backups", backup_id, "members", body=addition.to_wire()), "members"
        )

    async def get_member(self, backup_id: str, member_id: str) -> Member:
        """Read how far the sharing with a project is (CBR section 10).

        :param member_id: id of the project that the backup is shared with.
        :raises NotFoundError: there is no such backup, or it is not shared with the project.
        """
        answer = await self._api.get("backups", backup_id, "members", member_id)
        return read_by_id(Member, answer, "member", member_id, "dest_project_id")

    async def update_member(self, backup_id: str, member_id: str, update: MemberUpdate) -> Member:
        """Accept or reject a backup that another project shares with this one (CBR section 10).

        :param member_id: id of the project of this client: the receiver answers.
        :param update: the answer.
        :raises NotFoundError: there is no such backup or vault, or it is not shared with the project.
        :raises BadRequestError: it was answered before, or the vault is for resources of another type.
        """
        answer = await self._api.put("backups", backup_id, "members", member_id, body=update.to_wire())
        return parsed(Member, answer, "member")

    async def delete_member(self, backup_id: str, member_id: str) -> None:
        """Share a backup with a project no longer (CBR section 10).

        :param member_id: id of the project that the backup is shared with.
        :raises NotFoundError: there is no such backup, or it is not shared with the project.
        """
        await self._api.delete("backups", backup_id, "members", member_id)

    async def rename(self, backup_id: str, name: str) -> Backup:
        """Give a backup another name (CBR section 7.3); Huawei Cloud only.

        :param name: 1 to 64 letters, digits, ``_`` or ``-``.
        :raises NotFoundError: there is none with this id.
        """
        update = validated(BackupUpdate, "CBR backup", {"name": name})
        return parsed(Backup, await self._api.put("backups", backup_id, body={"backup": update.to_wire()}), "backup")

    async def metadata(self, backup_id: str) -> BackupMetadata:
        """Read what a server was like when it was backed up (CBR section 7.3); Huawei Cloud only.

        :raises NotFoundError: there is none with this id.
        """
        answer = await self._api.get("backups", backup_id, "metadata")
        return read_by_id(BackupMetadata, answer, None, backup_id, "backup_id")

    async def delete(self, backup_id: str) -> None:
        """Start to delete a backup (CBR section 7.3); it is gone when reading it fails with ``NotFoundError``.

        :raises NotFoundError: there is none with this id.
        :raises ResourceBusyError: it is still running.
        """
        await self._api.delete("backups", backup_id)
