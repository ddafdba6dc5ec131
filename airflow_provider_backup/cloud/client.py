"""The client: one account in one region, its services as attributes. Usable without Airflow.

settings = CloudSettings(PasswordCredentials("me", "secret", "my-account"), region="eu-de", cloud="otc")
async with BackupCloud(settings) as cloud:
    policy = await cloud.cbr.policies.update(policy_id, PolicyUpdate(enabled=False))
    async for backup in cloud.cbr.backups.list(status="available"):
        ...
"""

from __future__ import annotations

from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from airflow_provider_backup.cloud.authentication import account_for
from airflow_provider_backup.cloud.backup import BackupObservation, BackupReference
from airflow_provider_backup.cloud.backup_lists import BackupLists
from airflow_provider_backup.cloud.clock import CloudClock
from airflow_provider_backup.cloud.errors import ConfigurationError
from airflow_provider_backup.cloud.hub.hub import PollHub
from airflow_provider_backup.cloud.sender import Sender
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services import SERVICES
from airflow_provider_backup.cloud.settings import CloudSettings
from airflow_provider_backup.cloud.transport import Transport

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.cbr.service import CbrService
    from airflow_provider_backup.cloud.csbs.service import CsbsService
    from airflow_provider_backup.cloud.gaussdb.service import GaussDbService
    from airflow_provider_backup.cloud.rds.service import RdsService
    from airflow_provider_backup.cloud.taurusdb.service import TaurusDbService
    from airflow_provider_backup.cloud.vbs.service import VbsService


class BackupService(Protocol):
    """What every service can do, whatever its own calls are."""

    name: str
    lists: BackupLists

    async def observe(self, reference: BackupReference) -> BackupObservation:
        """Look once at a backup."""

    async def delete_backup(self, reference: BackupReference) -> None:
        """Start the deletion of a backup; one that is gone already counts as deleted."""


class BackupCloud:
    """The services of one account in one region; close it, or use it with ``async with``.

    :param settings: who asks, and where.
    """

    def __init__(self, settings: CloudSettings) -> None:
        self.settings = settings
        self._transport = Transport(settings.network)
        self._sender = Sender(self._transport, settings.network)
        self._account = account_for(settings, self._sender)
        self._hubs: dict[str, PollHub] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End all rounds of questions and close the session."""
        try:
            for hub in self._hubs.values():
                await hub.close()
            await self._account.close()
        finally:
            await self._transport.close()

    @property
    def clock(self) -> CloudClock:
        """The cloud's clock, as far as answers have told it."""
        return self._sender.clock

    async def project_id(self) -> str:
        """Return the id of the project that requests are for; asks the identity service when it was not given.

        :raises AuthenticationError: the credentials are wrong.
        :raises ConfigurationError: the project cannot be told.
        """
        return await self._account.project_id()

    async def verify(self) -> str:
        """Ask the identity service whether credentials and project are right, and return the project's id.

        :raises AuthenticationError: the credentials are wrong.
        :raises ConfigurationError: the project or the region is wrong.
        :raises CloudConnectionError: the host does not answer.
        """
        return await self._account.verify()

    def service(self, name: str) -> BackupService:
        """Return a service by name.

        :param name: ``vbs``, ``csbs``, ``cbr``, ``rds``, ``gaussdb`` or ``taurusdb``.
        :raises ConfigurationError: there is no such service.
        """
        if name not in SERVICES:
            raise ConfigurationError(f"There is no service {name!r}.", next_step=f"Use one of {', '.join(SERVICES)}.")
        service: BackupService = getattr(self, name)
        return service

    def hub(self, name: str) -> PollHub:
        """Return the hub in which everybody waits for backups of a service.

        :param name: as for :meth:`service`.
        :raises ConfigurationError: there is no such service.
        """
        if name not in self._hubs:
            self._hubs[name] = PollHub(self.service(name))
        return self._hubs[name]

    @cached_property
    def vbs(self) -> VbsService:
        """Volume Backup Service: backups of disks, the older service."""
        from airflow_provider_backup.cloud.vbs.service import VbsService

        return VbsService(self._api("vbs"))

    @cached_property
    def csbs(self) -> CsbsService:
        """Cloud Server Backup Service: backups of servers, the older service."""
        from airflow_provider_backup.cloud.csbs.service import CsbsService

        return CsbsService(self._api("csbs"))

    @cached_property
    def cbr(self) -> CbrService:
        """Cloud Backup and Recovery: vaults with servers, disks and file systems."""
        from airflow_provider_backup.cloud.cbr.service import CbrService

        return CbrService(self._api("cbr"))

    @cached_property
    def rds(self) -> RdsService:
        """Relational Database Service, Flexus RDS included."""
        from airflow_provider_backup.cloud.rds.service import RdsService

        return RdsService(self._api("rds"))

    @cached_property
    def gaussdb(self) -> GaussDbService:
        """GaussDB (openGauss)."""
        from airflow_provider_backup.cloud.gaussdb.service import GaussDbService

        return GaussDbService(self._api("gaussdb"))

    @cached_property
    def taurusdb(self) -> TaurusDbService:
        """TaurusDB, also known as GaussDB for MySQL."""
        from airflow_provider_backup.cloud.taurusdb.service import TaurusDbService

        return TaurusDbService(self._api("taurusdb"))

    def _api(self, name: str) -> ServiceApi:
        return ServiceApi(SERVICES[name], self.settings, self._account, self._sender)
