"""Database instances: list, read and delete (databases section 11)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Unpack

from typing_extensions import TypedDict

from airflow_provider_backup.cloud.errors import NotListedError
from airflow_provider_backup.cloud.http.row_reader import kept_members
from airflow_provider_backup.cloud.operations.listing import RowPage
from airflow_provider_backup.cloud.operations.pagination import paginate, parsed_rows
from airflow_provider_backup.cloud.operations.row_checks import matching
from airflow_provider_backup.cloud.schema.answers import row_id
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.databases.models import DatabaseInstanceQuery, Instance
from airflow_provider_backup.cloud.services.databases.paging import PAGES


@kept_members
class InstanceRow(TypedDict, total=False):
    """What a page keeps of each row: whether the instance is being backed up."""

    id: Any
    status: Any


class InstanceFilters(TypedDict, total=False):
    """The filters of a list; each service refuses those that its ``InstanceQuery`` lacks.

    :param id: one instance.
    :param name: the whole name, or ``*`` and a part of it.
    :param type: RDS: ``Single``, ``Ha`` or ``Replica``; the others have words of their own.
    :param datastore_type: the engine; RDS: ``MySQL``, ``PostgreSQL``, ``SQLServer`` or ``MariaDB``.
    :param vpc_id: the virtual private cloud.
    :param subnet_id: the subnet.
    :param tags: ``key=value`` pairs joined by commas.
    :param group_type: RDS only: ``flexus`` lists the instances of Flexus RDS.
    :param offset: instances to skip, 0 or more.
    :param page_size: instances of one page, 1 to 100.
    """

    id: str | None
    name: str | None
    type: str | None
    datastore_type: str | None
    vpc_id: str | None
    subnet_id: str | None
    tags: str | None
    group_type: str | None
    offset: int | None
    page_size: int | None


class Instances:
    """The instances of one database service.

    :param api: the service.
    :param service: its name, for errors.
    :param query: the model of a list's filters.
    """

    def __init__(self, api: ServiceApi, *, service: str, query: type[DatabaseInstanceQuery]) -> None:
        self._api = api
        self._service = service
        self._query = query

    def list(self, **filters: Unpack[InstanceFilters]) -> AsyncIterator[Instance]:
        """Read all instances, or those that match (databases section 11), page by page.

        :param filters: the fields of the service's own ``InstanceQuery``, such as
            :class:`~airflow_provider_backup.cloud.services.rds.models.InstanceQuery`.
        :raises InvalidRequestError: at the call, before anything is sent: there is no such filter, or a value breaks a
            documented rule.
        """
        query = validated(self._query, f"{self._service} instance list", filters)
        # The name may be a part of one, after "*".
        required = {"id": query.id, "name": None if query.name is None or query.name.startswith("*") else query.name}
        rows = parsed_rows(self._pages(self._api, query), Instance)
        return matching(rows, f"{self._service} instances", required)

    def pages(self) -> AsyncIterator[RowPage]:
        """Read all instances as pages of rows that are not checked, with id and status only."""
        return self._pages(self._api.keeping("instances", InstanceRow), self._query())

    def _pages(self, api: ServiceApi, query: DatabaseInstanceQuery) -> AsyncIterator[RowPage]:
        return paginate(api, ("instances",), "instances", PAGES, query.to_wire())

    async def get(self, instance_id: str) -> Instance:
        """Read one instance, looked for in the list.

        :raises NotFoundError: there is no such instance.
        """
        async for instance in self.list(id=instance_id):
            return instance
        raise NotListedError(
            self._service,
            f"instance {instance_id}",
            "the project's list of instances",
            next_step="Check the id, the project and the region.",
        )

    async def delete(self, instance_id: str) -> str | None:
        """Start to **delete** an instance with its standby, read replicas and automatic backups; manual ones stay.

        RDS takes a last backup first: the status is ``ACTIVE`` or ``BACKING UP`` until the instance is gone.

        :param instance_id: the instance.
        :return: id of the job; ``None`` when the service gives none.
        :raises NotFoundError: there is no such instance (any more).
        :raises ResourceBusyError: another operation runs on it.
        """
        return row_id(await self._api.delete("instances", instance_id), "job_id") or None
