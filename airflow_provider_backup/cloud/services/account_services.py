"""The services of an account, as attributes and by name; made when they are first used."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, runtime_checkable

from airflow_provider_backup.cloud.errors import ConfigurationError
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.deletion import Deletion
from airflow_provider_backup.cloud.operations.freshness import Freshness, FreshnessRule
from airflow_provider_backup.cloud.operations.listing import BackupLists
from airflow_provider_backup.cloud.operations.protection import ProtectionReader
from airflow_provider_backup.cloud.operations.pruning import Pruning, StoredBackups
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.registry import SERVICES, RegisteredServices
from airflow_provider_backup.cloud.text import one_line


class BackupService(Protocol):
    """What every service can do, whatever its own calls are."""

    name: str
    lists: BackupLists

    @property
    def stored_backups(self) -> StoredBackups:
        """All backups of resources, as a prune needs them."""

    @property
    def protection(self) -> ProtectionReader:
        """What the lists of the service tell of the protection of resources."""

    async def observe(self, reference: OperationReference) -> OperationState:
        """Look once at a backup."""

    async def observe_single(self, reference: OperationReference) -> OperationState:
        """Read a single backup once, by no other id than its own."""

    async def delete_backup(self, reference: OperationReference) -> None:
        """Start the deletion of a backup; one that is being deleted already counts as done.

        :raises NotFoundError: there is no such backup (any more).
        """

    async def latest_backups(self, rule: FreshnessRule, *, resource_ids: Sequence[str]) -> list[Freshness]:
        """Judge whether resources have good backups that are fresh enough.

        Some services take an argument for a group of resources in place of their ids.

        :param rule: which backups are fresh enough.
        :param resource_ids: ids of resources, one or more.
        :return: each resource.
        """


class Observable(Protocol):
    """What waiting for one kind of operation needs of it."""

    lists: BackupLists

    async def observe(self, reference: OperationReference) -> OperationState:
        """Read once how an operation stands."""


@runtime_checkable
class RestoringService(Protocol):
    """A service whose backups can be restored."""

    @property
    def restores(self) -> Observable:
        """How restores are observed."""


@runtime_checkable
class ReplicatingService(Protocol):
    """A service whose backups can be copied to another region."""

    @property
    def replications(self) -> Observable:
        """How copies are observed."""


@runtime_checkable
class InstanceDeletingService(Protocol):
    """A service whose instances can be deleted."""

    @property
    def instance_deletion(self) -> Observable:
        """The deletion of an instance, as a long-running operation."""


@runtime_checkable
class VaultDeletingService(Protocol):
    """A service whose vaults can be deleted."""

    @property
    def vault_deletion(self) -> Observable:
        """The deletion of a vault, or of resources in it, as a long-running operation."""


class ObservedOperation:
    """One kind of operation of one service, as far as waiting for it needs it.

    :param name: name of the service.
    :param lists: the lists that answer for many.
    :param observe: reads once how one operation stands.
    """

    def __init__(
        self, name: str, lists: BackupLists, observe: Callable[[OperationReference], Awaitable[OperationState]]
    ) -> None:
        self.name = name
        self.lists = lists
        self._observe = observe

    async def observe(self, reference: OperationReference) -> OperationState:
        """Read once how an operation stands."""
        return await self._observe(reference)


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

    def operation(self, name: str, operation: str) -> ObservedOperation:
        """Return how operations of one kind are observed.

        :param name: the service, as for :meth:`service`.
        :param operation: ``backup``, ``deletion``, ``pruning``, ``replication``, ``restore``, ``instance_deletion`` or
            ``vault_deletion``.
        :raises ConfigurationError: there is no such service, or it has no such operation.
        """
        service = self.service(name)
        if operation == "backup":
            return ObservedOperation(name, service.lists, service.observe)
        if operation == Deletion.name:
            deletion = Deletion(service)
            return ObservedOperation(name, deletion.lists, deletion.observe)
        if operation == Pruning.name:
            pruning = Pruning(service)
            return ObservedOperation(name, pruning.lists, pruning.observe)
        if operation == "restore" and isinstance(service, RestoringService):
            return ObservedOperation(name, service.restores.lists, service.restores.observe)
        if operation == "replication" and isinstance(service, ReplicatingService):
            return ObservedOperation(name, service.replications.lists, service.replications.observe)
        if operation == "instance_deletion" and isinstance(service, InstanceDeletingService):
            instances = service.instance_deletion
            return ObservedOperation(name, instances.lists, instances.observe)
        if operation == "vault_deletion" and isinstance(service, VaultDeletingService):
            vaults = service.vault_deletion
            return ObservedOperation(name, vaults.lists, vaults.observe)
        raise ConfigurationError(
            f"{name} has no operation {one_line(repr(operation))}.",
            next_step="Run the same version of airflow-provider-backup on workers and triggerers.",
        )

    async def observe(self, reference: OperationReference) -> OperationState:
        """Read once how an operation stands, whatever it is.

        :param reference: which operation of which service.
        :raises NotFoundError: the service does not know it (yet, or any more).
        """
        return await self.operation(reference.service, reference.operation).observe(reference)
