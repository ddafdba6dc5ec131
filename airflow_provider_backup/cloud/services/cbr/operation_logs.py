"""Operation logs of CBR ("tasks"): what the service did for each resource, and why it failed (CBR section 8)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from airflow_provider_backup.cloud.operations.row_checks import asked_for, read_by_id
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.cbr.models import OperationLog, OperationLogQuery
from airflow_provider_backup.cloud.services.cbr.paging import all_rows


class OperationLogs:
    """Read operation logs.

    :param api: the service.
    """

    def __init__(self, api: ServiceApi) -> None:
        self._api = api

    async def get(self, operation_log_id: str) -> OperationLog:
        """Read a log.

        :raises NotFoundError: there is none with this id.
        """
        body = await self._api.get("operation-logs", operation_log_id)
        return read_by_id(OperationLog, body, "operation_log", operation_log_id)

    async def list(self, **filters: Any) -> AsyncIterator[OperationLog]:
        """Read all logs, or those that match (CBR section 8), page by page.

        :param filters: the fields of :class:`~airflow_provider_backup.cloud.services.cbr.models.OperationLogQuery`.
        :raises InvalidRequestError: a filter breaks a documented rule.
        """
        query = validated(OperationLogQuery, "CBR operation log list", filters)
        # Both may be null (CBR section 8).
        told = {"vault_id": query.vault_id, "operation_type": query.operation_type}
        rows = all_rows(self._api, "operation-logs", "operation_logs", query, OperationLog)
        async for entry in asked_for(rows, "CBR operation logs", {}, told):
            yield entry
