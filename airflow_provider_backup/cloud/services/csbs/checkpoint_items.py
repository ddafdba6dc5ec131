"""Reading the backups of CSBS: checkpoint items, one for each server of a checkpoint (CSBS section 5)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Unpack

from typing_extensions import TypedDict

from airflow_provider_backup.cloud.errors import UnexpectedResponseError
from airflow_provider_backup.cloud.http.row_reader import kept_members
from airflow_provider_backup.cloud.operations.listing import RowPage
from airflow_provider_backup.cloud.operations.pagination import paginate, parsed_rows
from airflow_provider_backup.cloud.operations.row_checks import matching, read_by_id
from airflow_provider_backup.cloud.schema.answers import request_id_of
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.csbs.models import CheckpointItem, CheckpointItemFilter, CheckpointItemQuery
from airflow_provider_backup.cloud.services.csbs.paging import PAGES


@kept_members
class ExtendInfo(TypedDict, total=False):
    """Members of ``extend_info`` that tell how a backup stands."""

    progress: Any
    size: Any
    finished_at: Any
    resource_name: Any


@kept_members
class DetailedExtendInfo(ExtendInfo, total=False):
    """Those, and the members that tell why a backup failed and whether a policy took it."""

    auto_trigger: Any
    fail_op: Any
    fail_reason: Any
    fail_code: Any


class _BackupRowMembers(TypedDict, total=False):
    id: Any
    checkpoint_id: Any
    resource_id: Any
    name: Any
    status: Any
    created_at: Any
    protected_at: Any
    progress: Any
    expired_at: Any


@kept_members
class BackupRow(_BackupRowMembers, total=False):
    """What a page keeps of each row: what shows how a backup stands. Thousands of waits read such pages."""

    extend_info: ExtendInfo


@kept_members
class DetailedBackupRow(_BackupRowMembers, total=False):
    """What a page keeps of each row for the question how fresh backups are, failed ones and their reasons included."""

    extend_info: DetailedExtendInfo


@kept_members
class StoredExtendInfo(DetailedExtendInfo, total=False):
    """Those, and the members that tell what depends on a backup."""

    copy_status: Any
    os_images_data: Any


@kept_members
class StoredRow(_BackupRowMembers, total=False):
    """What a prune keeps of each row: also what depends on a backup."""

    replication_records: Any
    extend_info: StoredExtendInfo


class CheckpointItemFilters(TypedDict, total=False):
    """The filters, as :class:`~airflow_provider_backup.cloud.services.csbs.models.CheckpointItemFilter` has them."""

    status: str | None
    name: str | None
    resource_id: str | None
    resource_name: str | None
    resource_type: Sequence[str] | None
    checkpoint_id: str | None
    policy_id: str | None
    az: str | None
    start_time: datetime | None
    end_time: datetime | None
    image_type: str | None
    ip: str | None
    all_tenants: bool | None
    dec: bool | None


class CheckpointItemPageFilters(CheckpointItemFilters, total=False):
    """Filters and page, see :class:`~airflow_provider_backup.cloud.services.csbs.models.CheckpointItemQuery`."""

    sort: str | None
    limit: int | None
    marker: str | None
    offset: int | None


class CheckpointItems:
    """``cloud.csbs.checkpoint_items``.

    :param api: the service.
    """

    def __init__(self, api: ServiceApi) -> None:
        self._api = api

    async def get(self, item_id: str) -> CheckpointItem:
        """Read one backup.

        :raises NotFoundError: there is no such backup (any more).
        """
        body = await self._api.get("checkpoint_items", item_id)
        # The id of a checkpoint of one server may be taken for that of its backup (CSBS section 4.3).
        return read_by_id(CheckpointItem, body, "checkpoint_item", item_id, "id", "checkpoint_id")

    def list(self, **filters: Unpack[CheckpointItemPageFilters]) -> AsyncIterator[CheckpointItem]:
        """Read all backups, or those that match (CSBS section 5), page by page.

        :param filters: the fields of
            :class:`~airflow_provider_backup.cloud.services.csbs.models.CheckpointItemQuery`; ``limit`` is the size of a
            page, all pages are read in any case.
        :raises InvalidRequestError: at the call, before anything is sent: there is no such filter, or a value breaks a
            documented rule.
        """
        query = validated(CheckpointItemQuery, "CSBS backup query", filters)
        # Both are always shown; no backup shows its policy, and names are found by a part of them (CSBS section 5).
        required = {"checkpoint_id": query.checkpoint_id, "resource_id": query.resource_id}
        rows = parsed_rows(self._pages(self._api, query), CheckpointItem)
        return matching(rows, "CSBS backups", required)

    def pages(
        self, *, row: type[Any] = BackupRow, **filters: Unpack[CheckpointItemPageFilters]
    ) -> AsyncIterator[RowPage]:
        """Read all backups that match as pages of rows that are not checked.

        :param row: what is kept of each row: :class:`BackupRow`, :class:`DetailedBackupRow` or :class:`StoredRow`.
        :param filters: as for :meth:`list`.
        :raises InvalidRequestError: at the call, before anything is sent: there is no such filter, or a value breaks a
            documented rule.
        """
        query = validated(CheckpointItemQuery, "CSBS backup query", filters)
        return self._pages(self._api.keeping("checkpoint_items", row), query)

    def _pages(self, api: ServiceApi, query: CheckpointItemQuery) -> AsyncIterator[RowPage]:
        return paginate(api, ("checkpoint_items",), "checkpoint_items", PAGES, query.to_wire())

    async def count(self, **filters: Unpack[CheckpointItemFilters]) -> int:
        """Count the backups that match (CSBS section 5).

        :param filters: the fields of
            :class:`~airflow_provider_backup.cloud.services.csbs.models.CheckpointItemFilter`.
        :raises InvalidRequestError: there is no such filter, or a value breaks a documented rule.
        """
        checked = validated(CheckpointItemFilter, "CSBS backup query", filters)
        body: Any = await self._api.get("checkpoint_items", "count", query=checked.to_wire())
        try:
            return int(body["count"])
        except (TypeError, KeyError, ValueError, OverflowError):
            raise UnexpectedResponseError("The answer has no member 'count'", request_id=request_id_of(body)) from None
