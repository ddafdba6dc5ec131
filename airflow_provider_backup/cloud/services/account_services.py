"""The services of an account, as attributes and by name; made when they are first used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from airflow_provider_backup.cloud.errors import ConfigurationError
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.listing import BackupLists
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.registry import SERVICES, RegisteredServices


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


class AccountServices(RegisteredServices):
    """All services, with the same way to reach them.

    :param api_of: returns how to speak to a service, by its name.
    """

    def __init__(self, api_of: Callable[[str], ServiceApi]) -> None:
        self.api_of = api_of

    def service(self, name: str) -> BackupService:
        """Return a service by name.

        :param name: its name in the registry, such as ``cbr``.
        :raises ConfigurationError: there is no such service.
        """
        if name not in SERVICES:
            raise ConfigurationError(f"There is no service {name!r}.", next_step=f"Use one of {', '.join(SERVICES)}.")
        service: BackupService = getattr(self, name)
        return service
