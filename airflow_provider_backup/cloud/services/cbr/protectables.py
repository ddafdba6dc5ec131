"""The resources that CBR can back up, whether they are in a vault or not (CBR section 9); Huawei Cloud only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal, TypedDict, Unpack

from airflow_provider_backup.cloud.operations.pagination import OffsetPages, paginate, parsed_rows
from airflow_provider_backup.cloud.operations.row_checks import read_by_id
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.cbr.models import (
    MOST_PROTECTABLES_IN_PAGE,
    Protectable,
    ProtectableQuery,
    ProtectableType,
)
from airflow_provider_backup.cloud.services.cbr.paging import rows_of

_PAGES = OffsetPages(MOST_PROTECTABLES_IN_PAGE, "count", short_page_is_last=True)


class ProtectableFilters(TypedDict, total=False):
    """The filters of a list, as :class:`~airflow_provider_backup.cloud.services.cbr.models.ProtectableQuery` has
    them."""

    limit: int | None
    offset: int | None
    name: str | None
    status: str | None
    id: str | None
    server_id: str | None


class Protectables:
    """Read what can be backed up.

    :param api: the service.
    """

    def __init__(self, api: ServiceApi) -> None:
        self._api = api

    def list(
        self, protectable_type: ProtectableType, **filters: Unpack[ProtectableFilters]
    ) -> AsyncIterator[Protectable]:
        """Read all resources of a type, or those that match, page by page.

        :param protectable_type: ``server``, ``disk``, ``turbo``, ``workspace`` or ``workspace_v2``.
        :param filters: the fields of :class:`~airflow_provider_backup.cloud.services.cbr.models.ProtectableQuery`.
        :raises InvalidRequestError: at the call, before anything is sent: there is no such type or filter, or a value
            breaks a documented rule.
        """
        values = {"protectable_type": protectable_type, **filters}
        asked = validated(ProtectableQuery, "CBR protectable list", values).to_wire()
        path = ("protectables", asked.pop("protectable_type"), "instances")
        return parsed_rows(paginate(self._api, path, "instances", _PAGES, asked, read_rows=rows_of), Protectable)

    async def get(self, protectable_type: Literal["server", "disk"], instance_id: str) -> Protectable:
        """Read a server or a disk.

        :param protectable_type: ``server`` or ``disk``.
        :param instance_id: its id.
        :raises NotFoundError: there is none with this id.
        """
        answer = await self._api.get("protectables", protectable_type, "instances", instance_id)
        return read_by_id(Protectable, answer, "instance", instance_id)
