"""The client: one account in one region, its services as attributes. Usable without Airflow.

settings = CloudSettings(PasswordCredentials("me", "secret", "my-account"), region="eu-de", cloud="otc")
async with BackupCloud(settings) as cloud:
    policy = await cloud.cbr.policies.update(policy_id, PolicyUpdate(enabled=False))
    async for backup in cloud.cbr.backups.list(status="available"):
        ...
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from airflow_provider_backup.cloud.auth.credentials import account_for
from airflow_provider_backup.cloud.auth.endpoints import is_offered, service_url
from airflow_provider_backup.cloud.clock import Clock, current_clock
from airflow_provider_backup.cloud.errors import ConfigurationError
from airflow_provider_backup.cloud.http.clock_skew import CloudClock
from airflow_provider_backup.cloud.http.pipeline import RequestPipeline
from airflow_provider_backup.cloud.http.transport import Transport
from airflow_provider_backup.cloud.limits import Limits, current_limits
from airflow_provider_backup.cloud.polling.shared_looks import SharedLooks
from airflow_provider_backup.cloud.polling.shared_poller import SharedPoller
from airflow_provider_backup.cloud.service_api import Query, ServiceApi
from airflow_provider_backup.cloud.services.account_services import AccountServices
from airflow_provider_backup.cloud.services.registry import SERVICES
from airflow_provider_backup.cloud.settings import CloudSettings

QUERY_TRIES = 3
"""Attempts of one request of a shared poller: the next poll cycle repeats it, and waiters learn of errors soon."""


class BackupCloud(AccountServices):
    """The services of one account in one region; close it, or use it with ``async with``.

    :param settings: credentials, region and network of the account.
    :param clock: where the time comes from; it must agree with the event loop's (see :mod:`.clock`). ``None`` uses
        :func:`~.clock.current_clock`.
    :param limits: how long to wait, retry and remember; ``None`` uses :func:`~.limits.current_limits`.
    """

    def __init__(self, settings: CloudSettings, *, clock: Clock | None = None, limits: Limits | None = None) -> None:
        self.settings = settings
        self._clock = clock or current_clock()
        self._limits = limits or current_limits()
        self._transport = Transport(settings.network, limits=self._limits)
        self._sender = RequestPipeline(self._transport, settings.network, clock=self._clock, limits=self._limits)
        self._account = account_for(settings, self._sender)
        self._pollers: dict[tuple[str, str], SharedPoller] = {}
        self._polled_services = AccountServices(lambda name: self._api(name).with_tries(QUERY_TRIES))
        super().__init__(self._api)
        self.looks = SharedLooks(self, clock=self._clock)
        """The looks at fresh backups, shared by all who ask the same question."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop all polling and close the session."""
        try:
            for poller in self._pollers.values():
                await poller.close()
            await self.looks.close()
            await self._account.close()
        finally:
            await self._transport.close()

    @property
    def cloud_clock(self) -> CloudClock:
        """The cloud's clock, as far as answers have shown it."""
        return self._sender.cloud_clock

    async def project_id(self) -> str:
        """Return the id of the project that requests are for; asks the identity service when it was not given.

        :raises AuthenticationError: the credentials are wrong.
        :raises ConfigurationError: the project cannot be determined.
        """
        return await self._account.project_id()

    async def verify(self) -> str:
        """Ask the identity service whether credentials and project are right, and return the project's id.

        :raises AuthenticationError: the credentials are wrong.
        :raises ConfigurationError: the project or the region is wrong.
        :raises CloudConnectionError: the host does not answer.
        """
        return await self._account.verify()

    async def request(
        self,
        service: str,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Any = None,
        repeatable: bool = False,
    ) -> Any:
        """Send a request that this package has no call for; see :meth:`ServiceApi.request` for the rest.

        :param service: as for :meth:`service`.
        :raises ConfigurationError: there is no such service.
        """
        return await self._api(self.service(service).name).request(
            method, path, query=query, body=body, repeatable=repeatable
        )

    async def services_without_address(self) -> dict[str, ConfigurationError]:
        """Tell which services no request can reach, whatever it asks, by name and with the reason."""
        catalog = await self._account.catalog()
        without = {}
        for name, definition in SERVICES.items():
            try:
                service_url(definition, self.settings, catalog)
            except ConfigurationError as error:
                without[name] = error
        return without

    async def offered_services(self) -> list[str]:
        """Return the names of the services that the account has: by explicit endpoints and the catalog of its token.

        Access keys bring no catalog: then it is every service whose address is known.
        """
        catalog = await self._account.catalog()
        return [name for name, definition in SERVICES.items() if is_offered(definition, self.settings, catalog)]

    def poller(self, name: str, operation: str = "backup") -> SharedPoller:
        """Return the poller that all waiters for one kind of operation of a service share.

        :param name: as for :meth:`service`.
        :param operation: ``backup`` or ``deletion``.
        :raises ConfigurationError: there is no such service or operation.
        """
        if (name, operation) not in self._pollers:
            observed = self._polled_services.operation(name, operation)
            self._pollers[name, operation] = SharedPoller(
                observed, self.cloud_clock, clock=self._clock, limits=self._limits
            )
        return self._pollers[name, operation]

    def _api(self, name: str) -> ServiceApi:
        return ServiceApi(SERVICES[name], self.settings, self._account, self._sender)
