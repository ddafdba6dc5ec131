"""Clients for tests: settings that point at a server of the test, and parts of the client put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from airflow_provider_backup.cloud.auth.credentials import Account, account_for
from airflow_provider_backup.cloud.http.pipeline import RequestPipeline
from airflow_provider_backup.cloud.http.transport import Transport
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.registry import SERVICES
from airflow_provider_backup.cloud.settings import (
    AccessKeyCredentials,
    CloudSettings,
    Credentials,
    NetworkSettings,
    PasswordCredentials,
)
from tests.cloud.unruly_server import PROJECT_ID

ACCESS_KEY = AccessKeyCredentials("AK", "VERY-SECRET-KEY")
PASSWORD = PasswordCredentials("me", "VERY-SECRET-PASSWORD", "my-account")


def network(**changes: Any) -> NetworkSettings:
    """Return settings for fast tests, with changes."""
    return NetworkSettings(
        **{"attempts": 3, "retry_wait": 0.01, "total_timeout": 10.0, "connect_timeout": 5.0} | changes
    )


def settings_for(url: str, credentials: Credentials = ACCESS_KEY, **changes: Any) -> CloudSettings:
    """Return settings with which every service is at ``url``, with changes."""
    given: dict[str, Any] = {
        "region": "eu-de",
        "project_id": PROJECT_ID,
        "auth_url": f"{url}/v3",
        "endpoints": CloudSettings.endpoint_pairs(dict.fromkeys(SERVICES, url)),
        "network": network(),
    }
    return CloudSettings(credentials, **given | changes)


@asynccontextmanager
async def open_account(settings: CloudSettings) -> AsyncIterator[tuple[Account, RequestPipeline]]:
    """Open credentials together with what sends their requests."""
    async with Transport(settings.network) as transport:
        sender = RequestPipeline(transport, settings.network)
        account = account_for(settings, sender)
        try:
            yield account, sender
        finally:
            await account.close()


@asynccontextmanager
async def open_api(settings: CloudSettings, service: str = "cbr") -> AsyncIterator[ServiceApi]:
    """Open one service."""
    async with open_account(settings) as (account, sender):
        yield ServiceApi(SERVICES[service], settings, account, sender)
