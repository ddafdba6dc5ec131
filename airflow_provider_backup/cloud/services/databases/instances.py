"""Database instances: list and read (databases section 11)."""

from __future__ import annotations

from collections.abc import AsyncIterator

from airflow_provider_backup.cloud.errors import NotListedError
from airflow_provider_backup.cloud.operations.listing import RowPage
from airflow_provider_backup.cloud.operations.row_checks import asked_for
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.databases.models import DatabaseInstanceQuery, Instance
from airflow_provider_backup.cloud.services.databases.paging import read_pages, row_pages


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

    def list(
        self,
        *,
        id: str | None = None,  # noqa: A002 - the service's own name
        name: str | None = None,
        type: str | None = None,  # noqa: A002 - the service's own name
        datastore_type: str | None = None,
        vpc_id: str | None = None,
        subnet_id: str | None = None,
        tags: str | None = None,
        group_type: str | None = None,
        offset: int | None = None,
        page_size: int | None = None,
    ) -> AsyncIterator[Instance]:
        """Read all instances that match, page by page; none means "any".

        :param id: one instance.
        :param name: the whole name, or ``*`` and a part of it.
        :param type: RDS: ``Single``, ``Ha`` or ``Replica``; the others have words of their own.
        :param datastore_type: the engine; RDS: ``MySQL``, ``PostgreSQL``, ``SQLServer`` or ``MariaDB``.
        :param vpc_id: the virtual private cloud.
        :param subnet_id: the subnet.
        :param tags: ``key=value`` pairs joined by commas.
        :param group_type: RDS only: ``flexus`` lists the instances of Flexus RDS.
        :param offset: how many instances to skip, 0 or more.
        :param page_size: instances of one page, 1 to 100.
        :raises InvalidRequestError: the service has no such filter, or a value breaks its rule.
        """
        query = validated(
            self._query,
            f"{self._service} instance list",
            {
                "id": id,
                "name": name,
                "type": type,
                "datastore_type": datastore_type,
                "vpc_id": vpc_id,
                "subnet_id": subnet_id,
                "tags": tags,
                "group_type": group_type,
                "offset": offset,
                "page_size": page_size,
            },
        )
        # The name may be a part of one, after "*".
        asked = {"id": id, "name": None if name is None or name.startswith("*") else name}
        rows = read_pages(self._api, "instances", query, Instance)
        return asked_for(rows, f"{self._service} instances", asked)

    def pages(self) -> AsyncIterator[RowPage]:
        """Read all instances as pages of rows that nobody has looked at, with id and status only."""
        query = validated(self._query, f"{self._service} instance list", {})
        return row_pages(self._api.keeping("instances", ("id", "status")), "instances", query)

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
