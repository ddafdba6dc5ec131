"""Operation logs of CBR ("tasks"): what the service did for each resource, and why it failed (CBR section 8)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import TypedDict, Unpack

from airflow_provider_backup.cloud.operations.pagination import parsed_rows
from airflow_provider_backup.cloud.operations.row_checks import matching, read_by_id
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.cbr.models import OperationLog, OperationLogQuery
from airflow_provider_backup.cloud.services.cbr.paging import pages_of


class OperationLogFilters(TypedDict, total=False):
    """The filters of a list, as :class:`~airflow_provider_backup.cloud.services.cbr.models.OperationLogQuery` has."""

    start_time: datetime | None
    end_time: datetime | None
    operation_type: str | None
    status: str | None
    provider_id: str | None
    resource_id: str | None
    resource_name: str | None
    vault_id: str | None
    vault_name: str | None
    enterprise_project_id: str | None
    limit: int | None
    offset: int | None


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

    def list(self, **filters: Unpack[OperationLogFilters]) -> AsyncIterator[OperationLog]:
        """Read all logs, or those that match (CBR section 8), page by page.

        :param filters: the fields of :class:`~airflow_provider_backup.cloud.services.cbr.models.OperationLogQuery`.
        :raises InvalidRequestError: at the call, before anything is sent: there is no such filter, or a value breaks a
            documented rule.
        """
        query = validated(OperationLogQuery, "CBR operation log list", filters)
        # Both may be null (CBR section 8).
        optional = {"vault_id": query.vault_id, "operation_type": query.operation_type}
        rows = parsed_rows(pages_of(self._api, "operation-logs", "operation_logs", query), OperationLog)
        return matching(rows, "CBR operation logs", {}, optional)
