"""Counts what reaches the web servers of this process: requests, connections, and how many were open at most."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.web_protocol import RequestHandler


class WireCounts:
    """Counts from its making on; make one, before any server starts."""

    def __init__(self) -> None:
        self._servers: set[web.Server] = set()
        self._requests_before = 0
        self._accepted = 0
        self._open = 0
        self._most_open = 0
        self._put_in()

    def reset(self) -> None:
        """Count from now on; connections that are open stay in the number of the open ones."""
        self._requests_before = self._requests()
        self._accepted = 0
        self._most_open = self._open

    def told(self) -> dict[str, int]:
        """Return ``requests``, ``connections`` and ``peak_sockets``."""
        return {
            "requests": self._requests() - self._requests_before,
            "connections": self._accepted,
            "peak_sockets": self._most_open,
        }

    def _requests(self) -> int:
        return sum(server.requests_count for server in self._servers)

    def _put_in(self) -> None:
        # The library counts requests but no connections, and its runners make their servers by themselves.
        made, lost = web.Server.connection_made, web.Server.connection_lost

        def connection_made(server: web.Server, handler: RequestHandler, transport: asyncio.Transport) -> None:
            self._servers.add(server)
            self._accepted += 1
            self._open += 1
            self._most_open = max(self._most_open, self._open)
            made(server, handler, transport)

        def connection_lost(server: web.Server, handler: RequestHandler, exc: BaseException | None = None) -> None:
            self._open -= 1
            lost(server, handler, exc)

        web.Server.connection_made = connection_made  # type: ignore[method-assign,assignment]
        web.Server.connection_lost = connection_lost  # type: ignore[method-assign,assignment]
