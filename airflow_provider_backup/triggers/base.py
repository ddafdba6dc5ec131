"""What triggers share that ask the cloud."""

from __future__ import annotations

import asyncio
import sys
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow.triggers.base import BaseTrigger

from airflow_provider_backup.cloud.errors import (
    AuthenticationError,
    BackupError,
    ConfigurationError,
    PermissionDeniedError,
)
from airflow_provider_backup.cloud.polling.wait_errors import WaitTimeoutError, WaitTroubleError
from airflow_provider_backup.cloud.services.registry import SERVICES

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client_cache import ClientLease
    from airflow_provider_backup.cloud.settings import CloudSettings

REFUSALS = (AuthenticationError, ConfigurationError, PermissionDeniedError)
"""Permanent rejections; the wait continues once the connection is edited or its files are renewed."""


class Refusal(NamedTuple):
    """A permanent rejection: one of :data:`REFUSALS`, with what it was about, and when it came."""

    error: BackupError
    settings: CloudSettings
    at: float


class CloudTrigger(BaseTrigger):
    """A trigger with a connection.

    The constructor only stores: one that raises, or an argument that is not plain JSON, would stop the whole triggerer.

    :param huaweicloud_conn_id: id of the connection.
    :param region: overrides the connection's region.
    :param project_id: overrides the connection's project.
    """

    def __init__(self, huaweicloud_conn_id: str, region: str | None, project_id: str | None) -> None:
        super().__init__()  # type: ignore[no-untyped-call,unused-ignore]
        self.huaweicloud_conn_id = huaweicloud_conn_id
        self.region = region
        self.project_id = project_id

    async def shared_cloud(self, refusal: Refusal | None) -> ClientLease:
        """Return the client; after a rejection only if the connection has changed.

        :param refusal: the rejection; ``None`` without one.
        :raises BackupError: the rejection, if the connection is the same.
        """
        from airflow_provider_backup.cloud.client_cache import shared_cloud
        from airflow_provider_backup.hooks.base import BackupCloudHook

        hook = BackupCloudHook(self.huaweicloud_conn_id, region=self.region, project_id=self.project_id)
        settings = await hook.recent_settings(not_older_than=refusal.at if refusal else 0.0)
        if refusal is not None and settings == refusal.settings:
            raise refusal.error
        return shared_cloud(settings)


async def load_client(service: str, waiting: str) -> None:
    """Import the modules for waiting in a thread: that is slow, and all triggers share the event loop.

    :param service: name of the service.
    :param waiting: the module of ``cloud.polling`` that waits.
    """
    for module in _modules(service, waiting):
        if module not in sys.modules:
            await asyncio.to_thread(import_module, module)


@lru_cache(maxsize=100)
def _modules(service: str, waiting: str) -> tuple[str, ...]:
    # Remembered, as thousands of triggers ask for the same.
    modules = ("hooks.base", "cloud.client_cache", f"cloud.polling.{waiting}")
    # A service that this version does not know is rejected later, with a message.
    client = (SERVICES[service].client.rpartition(".")[0],) if service in SERVICES else ()
    return (*(f"airflow_provider_backup.{module}" for module in modules), *client)


def trouble(error: BackupError) -> dict[str, Any]:
    """Return the event of a wait that ended with an error.

    :param error: the error.
    """
    outcomes = {WaitTimeoutError: "timeout", WaitTroubleError: "trouble"}
    return {"outcome": outcomes.get(type(error), "refused"), "message": str(error)}
