"""Restores of tables and databases of RDS (databases section 8.5)."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_backup.cloud.schema.answers import parsed_list, row_id
from airflow_provider_backup.cloud.schema.base import RequestModel
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.rds.table_restore_models import (
    DatabaseRestore,
    MySqlTableRestore,
    PostgreSqlTableRestore,
    StartedRestore,
)


class TableRestores:
    """Restores of tables and databases to new names in the same instance; not on Open Telekom Cloud.

    None of them is repeated when its answer gets lost.

    :param api: the service.
    """

    def __init__(self, api: ServiceApi) -> None:
        self._api = api

    async def mysql_tables(self, instance_id: str, restore: MySqlTableRestore) -> str | None:
        """Start to restore tables of a MySQL instance.

        :param instance_id: the instance.
        :param restore: the moment, and the tables with their new names.
        :return: id of the job; ``None`` when the service gives none.
        :raises NotFoundError: there is no such instance.
        :raises ResourceBusyError: another operation runs on it.
        """
        # In the older version names of members have another form.
        body = await self._api.post(
            "instances", instance_id, "restore", "tables", body=restore.to_wire(), version="v3.1"
        )
        return row_id(body, "job_id") or None

    async def postgresql_tables(self, restores: Sequence[PostgreSqlTableRestore]) -> list[StartedRestore]:
        """Start to restore tables of PostgreSQL instances.

        :param restores: one for each instance.
        :return: the job of each instance.
        :raises ResourceBusyError: another operation runs on one of them.
        """
        return await self._batch("tables", restores)

    async def databases(self, restores: Sequence[DatabaseRestore]) -> list[StartedRestore]:
        """Start to restore databases of MySQL or PostgreSQL instances.

        :param restores: one for each instance.
        :return: the job of each instance.
        :raises ResourceBusyError: another operation runs on one of them.
        """
        return await self._batch("databases", restores)

    async def _batch(self, kind: str, restores: Sequence[RequestModel]) -> list[StartedRestore]:
        content = {"instances": [restore.to_wire() for restore in restores]}
        body = await self._api.post("instances", "batch", "restore", kind, body=content)
        return parsed_list(StartedRestore, body, "restore_result")
