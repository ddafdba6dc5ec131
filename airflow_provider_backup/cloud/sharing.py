"""One client for everybody in one event loop who uses equal settings: one session, one token."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import TracebackType
from weakref import WeakKeyDictionary

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.settings import CloudSettings


@dataclass(slots=True)
class _Shared:
    cloud: BackupCloud
    users: int = 0


_closing: set[asyncio.Task[None]] = set()
_clouds: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[CloudSettings, _Shared]] = WeakKeyDictionary()


class SharedCloud:
    """Hands out the client of these settings in this event loop; it closes when its last user leaves.

    An edited connection makes other settings and so another client; credentials are part of the settings, so different
    accounts never share a token. Use it with ``async with``; it is no generator, as thousands may wait inside.

    :param settings: who asks, and where.
    """

    __slots__ = ("_settings",)

    def __init__(self, settings: CloudSettings) -> None:
        self._settings = settings

    async def __aenter__(self) -> BackupCloud:
        clouds = _clouds.setdefault(asyncio.get_running_loop(), {})
        shared = clouds.get(self._settings)
        if shared is None:
            shared = clouds[self._settings] = _Shared(BackupCloud(self._settings))
        shared.users += 1
        return shared.cloud

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        clouds = _clouds[asyncio.get_running_loop()]
        shared = clouds[self._settings]
        shared.users -= 1
        if shared.users == 0:
            del clouds[self._settings]
            # Whoever is cancelled while it closes leaves nothing open.
            closing = asyncio.create_task(shared.cloud.close())
            _closing.add(closing)
            closing.add_done_callback(_closing.discard)
            await asyncio.shield(closing)
