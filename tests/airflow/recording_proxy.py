"""The wire in front of the local cloud: it keeps every request as it came, and can lose answers or go down."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp import web
from yarl import URL

from airflow_provider_backup.cloud.services.registry import SERVICES
from airflow_provider_backup.emulator.airflow_connection import connection_json
from airflow_provider_backup.emulator.threaded import RunningCloud

NAMES = ("iam", *SERVICES)
_HOP_BY_HOP = {"transfer-encoding", "connection", "content-length", "content-encoding"}


@dataclass(frozen=True)
class WireRequest:
    """One request, as it came."""

    service: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.body)


Condition = Callable[[WireRequest], bool]


def is_post_to(service: str) -> Condition:
    """Return the condition that a request is a POST to one service."""
    return lambda request: request.service == service and request.method == "POST"


class Wire:
    """A proxy for each service of a local cloud, on ports of its own; use it as a context manager.

    :param cloud: what is behind it.
    """

    def __init__(self, cloud: RunningCloud) -> None:
        self._cloud = cloud
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire", daemon=True)
        self._ports: dict[str, int] = {}
        self._runners: list[web.AppRunner] = []
        self._held: list[socket.socket] = []
        self._session: aiohttp.ClientSession | None = None
        self._loses: Condition | None = None
        self._fails: Condition | None = None
        self._replaces: dict[bytes, bytes] = {}
        self.requests: list[WireRequest] = []

    def __enter__(self) -> Self:
        self._thread.start()
        self.up()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.down()
        self._release_ports()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def up(self) -> None:
        """Listen, on the same ports as before."""
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()

    def down(self) -> None:
        """Refuse connections."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()

    @contextmanager
    def losing_answers_to(self, condition: Condition) -> Iterator[None]:
        """Deliver requests that meet the condition, and cut the connection in place of the answer."""
        self._loses = condition
        try:
            yield
        finally:
            self._loses = None

    @contextmanager
    def failing(self, condition: Condition) -> Iterator[None]:
        """Answer requests that meet the condition with 503; they do not get through."""
        self._fails = condition
        try:
            yield
        finally:
            self._fails = None

    @contextmanager
    def replacing(self, *words: tuple[bytes, bytes]) -> Iterator[None]:
        """Put other words into all answers.

        :param words: what is replaced, each with what takes its place, as JSON has it between quotes.
        """
        self._replaces.update(words)
        try:
            yield
        finally:
            self._replaces.clear()

    def connection_json(self, *, with_access_key: bool = False, **extra: Any) -> str:
        """Return an Airflow connection to the cloud behind this wire."""
        urls = {name: f"http://127.0.0.1:{port}" for name, port in self._ports.items()}
        description = {**self._cloud.describe(), **urls, "iam": urls["iam"] + "/v3"}
        endpoints = {name: urls[name] for name in NAMES if name != "iam"}
        return connection_json(description, with_access_key=with_access_key, **{"endpoints": endpoints, **extra})

    def sent_to(self, service: str, method: str | None = None) -> list[WireRequest]:
        """Return the requests to one service, in order.

        :param service: name of the service.
        :param method: only those of this method.
        """
        return [each for each in self.requests if each.service == service and method in (None, each.method)]

    async def _start(self) -> None:
        self._release_ports()
        self._session = aiohttp.ClientSession(auto_decompress=False)
        for name in NAMES:
            application = web.Application(client_max_size=2**24)
            application.router.add_route("*", "/{path:.*}", self._handler(name))
            runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
            self._runners.append(runner)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", self._ports.get(name, 0))
            await site.start()
            self._ports[name] = runner.addresses[0][1]

    async def _stop(self) -> None:
        for runner in self._runners:
            await runner.cleanup()
        self._runners.clear()
        self._hold_ports()
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _hold_ports(self) -> None:
        # Bound, but not listening: otherwise a server of another process could take the port and answer.
        for port in self._ports.values():
            held = socket.socket()
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.bind(("127.0.0.1", port))
            self._held.append(held)

    def _release_ports(self) -> None:
        for held in self._held:
            held.close()
        self._held.clear()

    def _handler(self, name: str) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.StreamResponse:
            body = await request.read()
            seen = WireRequest(name, request.method, request.raw_path, dict(request.headers), body)
            self.requests.append(seen)
            if self._fails is not None and self._fails(seen):
                return web.json_response({"error_code": "503", "error_msg": "out of service"}, status=503)
            assert self._session is not None
            url = URL(self._cloud.url(name) + request.raw_path, encoded=True)
            assert request.transport is not None
            try:
                async with self._session.request(
                    request.method, url, headers=request.headers, data=body, allow_redirects=False
                ) as answer:
                    content = await answer.read()
            except aiohttp.ServerDisconnectedError:
                request.transport.abort()
                return web.Response(status=502)
            if self._loses is not None and self._loses(seen):
                request.transport.abort()
            for old, new in self._replaces.items():
                content = content.replace(old, new)
            headers = {key: value for key, value in answer.headers.items() if key.lower() not in _HOP_BY_HOP}
            return web.Response(status=answer.status, headers=headers, body=content)

        return handle
