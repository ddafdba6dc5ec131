"""The services of an account, as attributes and by name; made when they are first used."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from airflow_provider_backup.cloud.errors import ConfigurationError
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.listing import BackupLists
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.registry import SERVICES

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.cbr.service import CbrService
    from airflow_provider_backup.cloud.services.csbs.service import CsbsService
    from airflow_provider_backup.cloud.services.gaussdb.service import GaussDbService
    from airflow_provider_backup.cloud.services.rds.service import RdsService
    from airflow_provider_backup.cloud.services.taurusdb.service import TaurusDbService
    from airflow_provider_backup.cloud.services.vbs.service import VbsService


class BackupService(Protocol):
    """What every service can do, whatever its own calls are."""

    name: str
    lists: BackupLists

    async def observe(self, reference: OperationReference) -> OperationState:
        """Look once at a backup."""

    async def delete_backup(self, reference: OperationReference) -> None:
        """Start the deletion of a backup; one that is being deleted already counts as done.

        :raises NotFoundError: there is no such backup (any more).
        """


class AccountServices:
    """All services, with the same way to reach them.

    :param api_of: returns how to speak to a service, by its name.
    """

    def __init__(self, api_of: Callable[[str], ServiceApi]) -> None:
        self._api_of = api_of

    def service(self, name: str) -> BackupService:
        """Return a service by name.

        :param name: ``vbs``, ``csbs``, ``cbr``, ``rds``, ``gaussdb`` or ``taurusdb``.
        :raises ConfigurationError: there is no such service.
        """
        if name not in SERVICES:
            raise ConfigurationError(f"There is no service {name!r}.", next_step=f"Use one of {', '.join(SERVICES)}.")
        service: BackupService = getattr(self, name)
        return service

    @cached_property
    def vbs(self) -> VbsService:
        """Volume Backup Service: backups of disks, the older service."""
        from airflow_provider_backup.cloud.services.vbs.service import VbsService

        return VbsService(self._api_of("vbs"))

    @cached_property
    def csbs(self) -> CsbsService:
        """Cloud Server Backup Service: backups of servers, the older service."""
        from airflow_provider_backup.cloud.services.csbs.service import CsbsService

        return CsbsService(self._api_of("csbs"))

    @cached_property
    def cbr(self) -> CbrService:
        """Cloud Backup and Recovery: vaults with servers, disks and file systems."""
        from airflow_provider_backup.cloud.services.cbr.service import CbrService

        return CbrService(self._api_of("cbr"))

    @cached_property
    def rds(self) -> RdsService:
        """Relational Database Service, Flexus RDS included."""
        from airflow_provider_backup.cloud.services.rds.service import RdsService

        return RdsService(self._api_of("rds"))

    @cached_property
    def gaussdb(self) -> GaussDbService:
        """GaussDB (openGauss)."""
        from airflow_provider_backup.cloud.services.gaussdb.service import GaussDbService

        return GaussDbService(self._api_of("gaussdb"))

    @cached_property
    def taurusdb(self) -> TaurusDbService:
        """TaurusDB, also known as GaussDB for MySQL."""
        from airflow_provider_backup.cloud.services.taurusdb.service import TaurusDbService

        return TaurusDbService(self._api_of("taurusdb"))
