"""Copies of RDS backups in another region (databases section 8.6). Open Telekom Cloud has none of it.

The policy is read and set in the region of the instance; copies, instances and windows are read in the other region,
where the client has to be opened for that.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Unpack

from typing_extensions import TypedDict

from airflow_provider_backup.cloud.errors import ApiResourceBusyError, ServerError
from airflow_provider_backup.cloud.operations.listing import RowPage
from airflow_provider_backup.cloud.operations.pagination import paginate, parsed_rows
from airflow_provider_backup.cloud.operations.row_checks import matching
from airflow_provider_backup.cloud.schema.answers import parsed, parsed_list, rows_in
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.schema.fields import EARLIEST
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.databases.backups import BackupRow
from airflow_provider_backup.cloud.services.databases.paging import PAGES
from airflow_provider_backup.cloud.services.databases.restore_models import RestoreWindow, RestoreWindowQuery
from airflow_provider_backup.cloud.services.rds.models import Backup
from airflow_provider_backup.cloud.services.rds.offsite_models import (
    OffsiteBackupQuery,
    OffsiteInstance,
    OffsiteInstanceQuery,
    OffsitePolicy,
    OffsitePolicyUpdate,
)

_ANOTHER_OPERATION_RUNS = "DBS.280228"


class OffsiteBackupFilters(TypedDict, total=False):
    """The filters of a list of copies.

    :param instance_id: the instance; required.
    :param backup_id: one copy.
    :param backup_type: ``auto`` or ``incremental``.
    :param begin_time: with a zone; only together with ``end_time``.
    :param end_time: with a zone, later than ``begin_time``.
    :param offset: copies to skip, 0 or more.
    :param page_size: copies of one page, 1 to 100.
    """

    instance_id: str
    backup_id: str | None
    backup_type: str | None
    begin_time: datetime | None
    end_time: datetime | None
    offset: int | None
    page_size: int | None


class OffsitePolicies:
    """The policies by which backups are copied to another region.

    :param api: the service in the region of the instances.
    """

    def __init__(self, api: ServiceApi) -> None:
        self._api = api

    async def get(self, instance_id: str) -> list[OffsitePolicy]:
        """Read how the backups of an instance are copied, by their types; an empty list when copying is off.

        :param instance_id: the instance.
        :raises NotFoundError: there is no such instance.
        """
        body = await self._api.get("instances", instance_id, "backups", "offsite-policy")
        if isinstance(body, Mapping) and isinstance(body.get("policy_para"), Mapping):
            # How some answers show that it is off.
            policies = [parsed(OffsitePolicy, body, "policy_para")]
        else:
            policies = parsed_list(OffsitePolicy, body, "policy_para")
        return [policy for policy in policies if policy.keep_days]

    async def update(self, instance_id: str, policy: OffsitePolicyUpdate) -> None:
        """Set how the backups of an instance are copied. While copying is on, only ``keep_days`` can be changed.

        Switching off deletes the incremental copies at once.

        :param instance_id: the instance.
        :param policy: the types of backups it is about, and how they are copied.
        :raises NotFoundError: there is no such instance.
        :raises ResourceBusyError: another operation runs on it.
        :raises BadRequestError: incremental backups without full ones, or another number of days than these have.
        """
        try:
            await self._api.put("instances", instance_id, "backups", "offsite-policy", body=policy.to_body())
        except ServerError as error:
            if error.code != _ANOTHER_OPERATION_RUNS:
                raise
            raise ApiResourceBusyError(
                service=error.service,
                status=error.status,
                code=error.code,
                detail=f"{error.detail} (another operation runs on instance {instance_id})",
                request_id=error.request_id,
            ) from None


class OffsiteBackups:
    """The copies in the region of the client.

    :param api: the service in the region that backups are copied to.
    """

    def __init__(self, api: ServiceApi) -> None:
        self._api = api

    def list(self, **filters: Unpack[OffsiteBackupFilters]) -> AsyncIterator[Backup]:
        """Read the copies of an instance, page by page; ``size`` is in KB.

        :param filters: the fields of
            :class:`~airflow_provider_backup.cloud.services.rds.offsite_models.OffsiteBackupQuery`; ``instance_id`` is
            required.
        :raises InvalidRequestError: at the call, before anything is sent: a value breaks a documented rule.
        """
        query = validated(OffsiteBackupQuery, "RDS offsite backup list", filters)
        rows = parsed_rows(self._pages(self._api, query), Backup)
        # Examples show other types than the list is documented to have.
        return matching(rows, "RDS offsite backups", {"id": query.backup_id, "instance_id": query.instance_id})

    def pages(self, *, row: type[Any] = BackupRow, **filters: Unpack[OffsiteBackupFilters]) -> AsyncIterator[RowPage]:
        """Read the copies of an instance as pages of rows that are not checked.

        :param row: what is kept of each row, such as
            :class:`~airflow_provider_backup.cloud.services.databases.backups.BackupRow`.
        :param filters: as for :meth:`list`.
        :raises InvalidRequestError: at the call, before anything is sent: a value breaks a documented rule.
        """
        query = validated(OffsiteBackupQuery, "RDS offsite backup list", filters)
        return self._pages(self._api.keeping("backups", row), query)

    def _pages(self, api: ServiceApi, query: OffsiteBackupQuery) -> AsyncIterator[RowPage]:
        return paginate(api, ("offsite-backups",), "backups", PAGES, query.to_wire())

    def of_row(self, row: Any) -> Backup:
        """Read one row of :meth:`pages`.

        :raises UnexpectedResponseError: it is not what the API pages describe.
        """
        return parsed(Backup, row)

    def instances(self) -> AsyncIterator[OffsiteInstance]:
        """Read the instances of all regions that have copies in this one, page by page."""
        query = OffsiteInstanceQuery().to_wire()
        path = ("backups", "offsite-backup-instance")
        pages = paginate(
            self._api.without_project(), path, "offsite_backup_instances", PAGES, query, read_rows=_instance_rows
        )
        return parsed_rows(pages, OffsiteInstance)

    async def windows(self, instance_id: str, *, date: date | None = None) -> Sequence[RestoreWindow]:
        """Read to which moments an instance can be restored from its copies, the earliest window first.

        :param instance_id: the instance.
        :param date: only the windows of this day (UTC).
        :raises NotFoundError: there is no such instance.
        """
        query = validated(RestoreWindowQuery, "RDS offsite restore windows", {"date": date})
        body = await self._api.get("instances", instance_id, "offsite-restore-time", query=query.to_wire())
        windows = parsed_list(RestoreWindow, body, "restore_time")
        return sorted(windows, key=lambda window: window.start_time or EARLIEST)


def _instance_rows(body: Any, member: str) -> list[Any]:
    # An example has the name in the singular.
    singular = "offsite_backup_instance"
    return rows_in(body, singular if isinstance(body, Mapping) and singular in body else member)
