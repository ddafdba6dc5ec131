"""An entry of the registry: the manifest of a service, and on an account the service's client."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar, overload

from airflow_provider_backup.cloud.manifest import ServiceManifest

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.service_api import ServiceApi

ServiceT = TypeVar("ServiceT")


class _Account(Protocol):
    @property
    def api_of(self) -> Callable[[str], ServiceApi]: ...


class RegisteredService(Generic[ServiceT]):
    """A service under the name of its package in ``cloud/services``; its ``manifest.py`` is loaded at once.

    Read from an account it is the service's client, which is imported and made at the first use. Read from the class
    it is the entry itself.

    :raises ModuleNotFoundError: there is no such package, or it has no manifest.
    """

    manifest: ServiceManifest

    def __set_name__(self, owner: type, name: str) -> None:
        self.manifest = import_module(f"{__package__}.{name}.manifest").MANIFEST

    @overload
    def __get__(self, account: None, owner: type) -> Self: ...

    @overload
    def __get__(self, account: _Account, owner: type) -> ServiceT: ...

    def __get__(self, account: _Account | None, owner: type) -> Self | ServiceT:
        if account is None:
            return self
        client: ServiceT = client_class(self.manifest)(account.api_of(self.manifest.name))
        # The instance's own attribute goes first from now on.
        vars(account)[self.manifest.name] = client
        return client


def client_class(manifest: ServiceManifest) -> Callable[[ServiceApi], Any]:
    """Import the client of a service.

    :param manifest: its manifest.
    :return: the class that the manifest names; it takes the way to speak to the service.
    """
    module, _, name = manifest.client.rpartition(".")
    found: Callable[[ServiceApi], Any] = getattr(import_module(module), name)
    return found
