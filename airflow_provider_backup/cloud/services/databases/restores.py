"""Restores of database instances: windows, to an existing instance, to a new one (databases sections 7 and 8)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Generic, TypeVar

from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.listing import BackupLists
from airflow_provider_backup.cloud.schema.answers import parsed, parsed_list, row_id
from airflow_provider_backup.cloud.schema.base import RequestModel, validated
from airflow_provider_backup.cloud.schema.fields import EARLIEST
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.databases.restore_models import (
    DatabaseNewInstance,
    NewInstance,
    RestoreWindow,
    RestoreWindowQuery,
)
from airflow_provider_backup.cloud.services.databases.restore_states import RestoreObserver, RestoreState

RestoreT = TypeVar("RestoreT", bound=RequestModel)
NewT = TypeVar("NewT", bound=DatabaseNewInstance)


class Restores(Generic[RestoreT, NewT]):
    """The restores of one database service.

    :param api: the service.
    :param observer: reads how restores stand.
    :param service: its name, for errors.
    :param window_query: the model of what windows are read by.
    :param path: where restores to existing instances are posted to.
    :param version: version of the API in that path; ``None`` for that of the service.
    """

    def __init__(
        self,
        api: ServiceApi,
        observer: RestoreObserver,
        *,
        service: str,
        window_query: type[RestoreWindowQuery] = RestoreWindowQuery,
        path: tuple[str, ...] = ("instances", "recovery"),
        version: str | None = None,
    ) -> None:
        self._api = api
        self._observer = observer
        self._service = service
        self.lists = BackupLists(reads=lambda reference: 2 if reference.job_id else 1)
        self._window_query = window_query
        self._path = path
        self._version = version

    async def windows(self, instance_id: str, *, date: date | None = None) -> list[RestoreWindow]:
        """Read to which moments an instance can be restored, the earliest window first (databases section 7).

        A restore in place starts a new window. The last one ends some minutes before now.

        :param instance_id: the instance.
        :param date: only the windows of this day (UTC); GaussDB requires it.
        :raises InvalidRequestError: before anything is sent: the day is missing.
        :raises NotFoundError: there is no such instance.
        """
        query = validated(self._window_query, f"{self._service} restore windows", {"date": date})
        body = await self._api.get("instances", instance_id, "restore-time", query=query.to_wire())
        # TaurusDB has the name in the plural.
        plural = isinstance(body, Mapping) and "restore_times" in body
        windows = parsed_list(RestoreWindow, body, "restore_times" if plural else "restore_time")
        return sorted(windows, key=lambda window: window.start_time or EARLIEST)

    async def to_existing(self, restore: RestoreT) -> str | None:
        """Start to **overwrite** an instance with a backup or the state at a moment; return the id of the job.

        Not repeated when its answer gets lost: look for the status ``RESTORING`` of the target then. Neither the answer
        nor an instance that is ``ACTIVE`` right after it shows that the restore is over (databases section 8.3).

        :param restore: source and target.
        :return: id of the job; ``None`` when the service gives none.
        :raises NotFoundError: there is no such backup or instance.
        :raises ResourceBusyError: another operation runs on one of the instances.
        :raises BadRequestError: the backup does not fit the target, or there is none for that moment.
        """
        body = await self._api.post(*self._path, body=restore.to_wire(), version=self._version)
        return row_id(body, "job_id") or None

    async def to_new(self, instance: NewT) -> NewInstance:
        """Start to create an instance with the data of a backup or of a moment, and return it as it begins.

        Not repeated when its answer gets lost: look for the name then.

        :param instance: what is created, and from what.
        :raises NotFoundError: there is no such backup or instance.
        :raises QuotaExceededError: the project may have no more instances.
        :raises BadRequestError: the backup does not fit, or there is none for that moment.
        """
        if instance.password is not None:
            self._api.mask(instance.password.get_secret_value())
        body = await self._api.post("instances", body=instance.to_wire())
        started = parsed(NewInstance, body, "instance")
        return started.model_copy(update={"job_id": row_id(body, "job_id") or None})

    async def observe(self, reference: OperationReference) -> RestoreState:
        """Read once how a restore stands: its job, if it is known, and the instance.

        :param reference: of a restore.
        :raises NotFoundError: there is no such instance (yet, or any more).
        """
        return await self._observer.observe(reference)
