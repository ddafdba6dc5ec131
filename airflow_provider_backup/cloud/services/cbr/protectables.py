"""The resources that CBR can back up, whether they are in a vault or not (CBR section 9); Huawei Cloud only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal, Unpack

from typing_extensions import TypedDict

from airflow_provider_backup.cloud.http.row_reader import kept_members
from airflow_provider_backup.cloud.operations.listing import RowPage
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


@kept_members
class ProtectionRow(TypedDict, total=False):
    """Members of ``protectable`` that tell whether a vault can take a resource; without that vault."""

    result: Any
    reason: Any
    message: Any


@kept_members
class ProtectableRow(TypedDict, total=False):
    """What a page keeps of each row for the question what is not protected."""

    id: Any
    name: Any
    status: Any
    children: Any
    protectable: ProtectionRow


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
        return parsed_rows(_pages(self._api, protectable_type, filters), Protectable)

    def pages(self, protectable_type: ProtectableType, **filters: Unpack[ProtectableFilters]) -> AsyncIterator[RowPage]:
        """Read all resources of a type, or those that match, as pages of :class:`ProtectableRow` that are not checked.

        :param protectable_type: as for :meth:`list`.
        :param filters: as for :meth:`list`.
        :raises InvalidRequestError: at the call, before anything is sent: there is no such type or filter, or a value
            breaks a documented rule.
        """
        return _pages(self._api.keeping("instances", ProtectableRow), protectable_type, filters)

    async def get(self, protectable_type: Literal["server", "disk"], instance_id: str) -> Protectable:
        """Read a server or a disk.

        :param protectable_type: ``server`` or ``disk``.
        :param instance_id: its id.
        :raises NotFoundError: there is none with this id.
        """
        answer = await self._api.get("protectables", protectable_type, "instances", instance_id)
        return read_by_id(Protectable, answer, "instance", instance_id)


def _pages(api: ServiceApi, protectable_type: ProtectableType, filters: ProtectableFilters) -> AsyncIterator[RowPage]:
    values = {"protectable_type": protectable_type, **filters}
    asked = validated(ProtectableQuery, "CBR protectable list", values).to_wire()
    path = ("protectables", asked.pop("protectable_type"), "instances")
    return paginate(api, path, "instances", _PAGES, asked, read_rows=rows_of)
