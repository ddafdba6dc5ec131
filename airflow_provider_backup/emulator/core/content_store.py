"""Where the data of database instances are, when there are any beside their content versions.

The tables say what happens to an instance and when: its ``change`` with the source of a restore, the rows of its
backups. A content store follows them, so that the services know nothing of how data are kept. It is asked to before
and after every request to a service whose instances it keeps; nothing runs in between.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from airflow_provider_backup.emulator.core.state import Row


class ContentStore(Protocol):
    """Keeps the data of database instances."""

    services: Collection[str]
    """Names of the services whose instances may have data here."""

    def admit(self, instance: Row, password: str | None) -> None:
        """Give a new instance an address of its own, before the first answer shows it.

        :param instance: its row; ``address`` is set when it will have data: ``host`` and ``port``.
        :param password: that of its administrator; ``None`` keeps the one that the data bring.
        """

    async def follow(self) -> None:
        """Bring the data in line with the tables.

        Instances that are there have their data, those that are gone have none; a backup that has begun has its copy;
        a restore that has ended is done.
        """

    def connections(self) -> dict[str, dict[str, str | int]]:
        """Return how to log in to each instance with data, by id, as members of an Airflow connection."""

    async def close(self) -> None:
        """End everything that runs for the data; :meth:`follow` starts it again."""

    def discard(self) -> None:
        """Remove what no later start can use, after :meth:`close`."""


class VersionsOnly(ContentStore):
    """No data: instances have their content versions alone."""

    services: Collection[str] = ()

    def admit(self, instance: Row, password: str | None) -> None:
        """Leave the instance without an address of its own."""

    async def follow(self) -> None:
        """Do nothing."""

    def connections(self) -> dict[str, dict[str, str | int]]:
        """Return none."""
        return {}

    async def close(self) -> None:
        """Do nothing."""

    def discard(self) -> None:
        """Do nothing."""


def following(follow: Callable[[], Awaitable[None]]) -> Middleware:
    """Return the middleware that lets a content store follow the tables before and after each request.

    :param follow: the method of the store.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        await follow()
        response = await handler(request)
        # What began with this request has its data before the answer is sent.
        await follow()
        return response

    return middleware
