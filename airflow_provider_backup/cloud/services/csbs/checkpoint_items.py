"""Reading the backups of CSBS: checkpoint items, one for each server of a checkpoint (CSBS section 5)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, TypedDict, Unpack

from airflow_provider_backup.cloud.errors import UnexpectedResponseError
from airflow_provider_backup.cloud.operations.listing import RowPage
from airflow_provider_backup.cloud.operations.row_checks import asked_for, read_by_id
from airflow_provider_backup.cloud.schema.base import parsed, request_id_of, validated
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.csbs.models import CheckpointItem, CheckpointItemFilter, CheckpointItemQuery
from airflow_provider_backup.cloud.services.csbs.paging import pages

ROW_MEMBERS = (
    *("id", "checkpoint_id", "resource_id", "name", "status", "created_at", "protected_at", "progress"),
    ("extend_info", ("progress", "size", "finished_at")),
)
"""What tells how a backup stands."""


class ItemFilters(TypedDict, total=False):
    """The filters, as :class:`~airflow_provider_backup.cloud.services.csbs.models.CheckpointItemFilter` tells them."""

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


class ItemQuery(ItemFilters, total=False):
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

    async def list(self, **query: Unpack[ItemQuery]) -> AsyncIterator[CheckpointItem]:
        """Read all backups that match; ``limit`` is the size of a page, all pages are read in any case.

        :raises InvalidRequestError: a rule of the query is broken.
        """
        checked = validated(CheckpointItemQuery, "CSBS backup query", query)
        # Both are always shown; no backup tells its policy, and names are found by a part of them (CSBS section 5).
        asked = {"checkpoint_id": checked.checkpoint_id, "resource_id": checked.resource_id}
        async for item in asked_for(self._read(checked), "CSBS backups", asked):
            yield item

    async def _read(self, query: CheckpointItemQuery) -> AsyncIterator[CheckpointItem]:
        async for page in pages(self._api, "checkpoint_items", query.to_wire()):
            for row in page.rows:
                yield parsed(CheckpointItem, row, request_id=page.request_id)

    def pages(self, **query: Unpack[ItemQuery]) -> AsyncIterator[RowPage]:
        """Read all backups that match as pages of rows that nobody has looked at.

        They hold no more than :data:`ROW_MEMBERS`.

        :raises InvalidRequestError: a rule of the query is broken.
        """
        checked = validated(CheckpointItemQuery, "CSBS backup query", query)
        return pages(self._api.keeping("checkpoint_items", ROW_MEMBERS), "checkpoint_items", checked.to_wire())

    async def count(self, **filters: Unpack[ItemFilters]) -> int:
        """Count the backups that match.

        :raises InvalidRequestError: a rule of the filters is broken.
        """
        checked = validated(CheckpointItemFilter, "CSBS backup query", filters)
        body: Any = await self._api.get("checkpoint_items", "count", query=checked.to_wire())
        try:
            return int(body["count"])
        except (TypeError, KeyError, ValueError, OverflowError):
            raise UnexpectedResponseError("The answer has no member 'count'", request_id=request_id_of(body)) from None
