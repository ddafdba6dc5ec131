"""One client for everybody in one event loop who uses equal settings: one session, one token."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.settings import CloudSettings


@dataclass(slots=True)
class _Shared:
    cloud: BackupCloud
    users: int = 0


_clouds: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[CloudSettings, _Shared]] = WeakKeyDictionary()


@asynccontextmanager
async def shared_cloud(settings: CloudSettings) -> AsyncIterator[BackupCloud]:
    """Hand out the client of these settings in this event loop; it closes when its last user leaves.

    An edited connection makes other settings and so another client; credentials are part of the settings, so different
    accounts never share a token.
    """
    clouds = _clouds.setdefault(asyncio.get_running_loop(), {})
    shared = clouds.setdefault(settings, _Shared(BackupCloud(settings)))
    shared.users += 1
    try:
        yield shared.cloud
    finally:
        shared.users -= 1
        if shared.users == 0:
            del clouds[settings]
            await shared.cloud.close()
