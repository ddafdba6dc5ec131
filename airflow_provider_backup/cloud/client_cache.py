"""One client for all users of equal settings in one event loop: one session, one token."""

from __future__ import annotations

import asyncio
from types import TracebackType
from weakref import WeakKeyDictionary

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.settings import CloudSettings


class ClientLease:
    """A client that many use at once; it closes when its last user leaves.

    Get it from :func:`shared_cloud` and use it with ``async with`` before anything else is awaited. It is no generator,
    and the same for all, as thousands may wait inside.

    :param settings: credentials, region and network of the account.
    """

    __slots__ = ("_cloud", "_users")

    def __init__(self, settings: CloudSettings) -> None:
        self._cloud = BackupCloud(settings)
        self._users = 0

    async def __aenter__(self) -> BackupCloud:
        self._users += 1
        return self._cloud

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._users -= 1
        if self._users == 0:
            del _clouds[asyncio.get_running_loop()][self._cloud.settings]
            # A user that is cancelled while it closes leaves nothing open.
            closing = asyncio.create_task(self._cloud.close())
            _closing.add(closing)
            closing.add_done_callback(_closing.discard)
            await asyncio.shield(closing)


_closing: set[asyncio.Task[None]] = set()
_clouds: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[CloudSettings, ClientLease]] = WeakKeyDictionary()


def shared_cloud(settings: CloudSettings) -> ClientLease:
    """Return the client that all users of these settings share in this event loop.

    An edited connection makes other settings and so another client; credentials are part of the settings, so different
    accounts never share a token.

    :param settings: credentials, region and network of the account.
    """
    clouds = _clouds.setdefault(asyncio.get_running_loop(), {})
    return clouds.get(settings) or clouds.setdefault(settings, ClientLease(settings))
