"""How much of the vaults is used: all together, and by each resource (CBR section 12); Huawei Cloud only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypedDict, Unpack

from airflow_provider_backup.cloud.operations.pagination import OffsetPages, paginate, parsed_rows
from airflow_provider_backup.cloud.schema.answers import parsed
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.cbr.models import StorageUsage, StorageUsageQuery, VaultSummary
from airflow_provider_backup.cloud.services.cbr.paging import LARGEST_PAGE, rows_of

_PAGES = OffsetPages(LARGEST_PAGE, "resource_count", short_page_is_last=True)


class StorageUsageFilters(TypedDict, total=False):
    """The filters of a list, as :class:`~airflow_provider_backup.cloud.services.cbr.models.StorageUsageQuery` has
    them."""

    limit: int | None
    offset: int | None
    resource_id: str | None
    resource_type: str | None


class Usage:
    """Read how much is used.

    :param api: the service.
    """

    def __init__(self, api: ServiceApi) -> None:
        self._api = api

    async def summary(self) -> VaultSummary:
        """Read size and use of all vaults of the project together."""
        return parsed(VaultSummary, await self._api.get("vaults", "summary"))

    def list(self, **filters: Unpack[StorageUsageFilters]) -> AsyncIterator[StorageUsage]:
        """Read how much the backups of each resource take, page by page.

        :param filters: the fields of :class:`~airflow_provider_backup.cloud.services.cbr.models.StorageUsageQuery`.
        :raises InvalidRequestError: at the call, before anything is sent: there is no such filter, or a value breaks a
            documented rule.
        """
        asked = validated(StorageUsageQuery, "CBR storage usage", filters).to_wire()
        pages = paginate(
            self._api,
            ("storage_usage",),
            "storage_usage",
            _PAGES,
            asked,
            id_member="resource_id",
            read_rows=rows_of,
        )
        return parsed_rows(pages, StorageUsage)
