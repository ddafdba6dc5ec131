"""A real server on loopback that misbehaves when told to: identity service and any other service in one."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from multidict import CIMultiDict, CIMultiDictProxy

from airflow_provider_backup.cloud.clock import SYSTEM_CLOCK, Clock
from tests.virtual_clock import VIRTUAL_CLOCK, VirtualClockLoop

PROJECT_ID = "7d41a2b3c4d5e6f708192a3b4c5d6e7f"
Behaviour = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Received:
    """A request as it came over the wire."""

    method: str
    target: str
    headers: CIMultiDictProxy[str]
    body: bytes


@dataclass
class UnrulyServer:
    """Records every request; answers each with the next behaviour, or ``{"fine": true}`` when none is left.

    :param token_lifetime: how long tokens last that are issued from now on.
    :param token_seconds: how long it takes to issue a token.
    :param catalog: what comes with a token.
    :param clock: the server's own clock, for the dates of answers and the ends of tokens.
    """

    url: str = ""
    received: list[Received] = field(default_factory=list)
    behaviours: deque[Behaviour] = field(default_factory=deque)
    token_requests: list[Received] = field(default_factory=list)
    token_behaviours: deque[Behaviour] = field(default_factory=deque)
    token_lifetime: timedelta = timedelta(hours=24)
    token_seconds: float = 0.0
    catalog: list[dict[str, Any]] = field(default_factory=list)
    clock: Clock = SYSTEM_CLOCK

    def then(self, *behaviours: Behaviour) -> None:
        """Answer the next requests like this, one after another."""
        self.behaviours.extend(behaviours)

    def then_for_tokens(self, *behaviours: Behaviour) -> None:
        """Answer the next requests for a token like this, one after another."""
        self.token_behaviours.extend(behaviours)

    @property
    def tokens(self) -> list[str | None]:
        """The token that each request brought."""
        return [each.headers.get("X-Auth-Token") for each in self.received]

    def now(self) -> datetime:
        """Return what the server's clock shows."""
        return datetime.fromtimestamp(self.clock.time(), UTC)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        response = await self._response_to(request)
        if not response.prepared:
            response.headers.setdefault("Date", format_datetime(self.now(), usegmt=True))
        return response

    async def _response_to(self, request: web.Request) -> web.StreamResponse:
        received = Received(request.method, request.raw_path, request.headers, await request.read())
        if request.method == "POST" and request.path == "/v3/auth/tokens":
            self.token_requests.append(received)
            number = len(self.token_requests)
            behaviour = self.token_behaviours.popleft() if self.token_behaviours else None
            await asyncio.sleep(self.token_seconds)
            return await behaviour(request) if behaviour else self._token(number)
        self.received.append(received)
        behaviour = self.behaviours.popleft() if self.behaviours else answer({"fine": True})
        return await behaviour(request)

    def _token(self, number: int) -> web.Response:
        expires_at = self.now() + self.token_lifetime
        token = {
            "expires_at": expires_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "project": {"id": PROJECT_ID, "name": "eu-de"},
            "catalog": self.catalog,
        }
        return web.json_response({"token": token}, status=201, headers={"X-Subject-Token": f"TOKEN-{number}"})


@asynccontextmanager
async def running(tls: ssl.SSLContext | None = None) -> AsyncIterator[UnrulyServer]:
    """Run a server on a free port of this machine, on the time of the event loop."""
    is_virtual = isinstance(asyncio.get_running_loop(), VirtualClockLoop)
    unruly = UnrulyServer(clock=VIRTUAL_CLOCK if is_virtual else SYSTEM_CLOCK)
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", unruly.handle)
    server = TestServer(application, scheme="https" if tls else "http")
    await server.start_server(ssl=tls, shutdown_timeout=0.1)
    unruly.url = str(server.make_url("")).rstrip("/")
    try:
        yield unruly
    finally:
        await server.close()


def answer(body: Any = None, status: int = 200, **headers: str) -> Behaviour:
    """Answer with JSON, or with bytes as they are; an underscore in a header's name stands for a dash."""

    async def behave(_: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is None or isinstance(body, bytes):
            return web.Response(body=body, status=status, headers=named)
        return web.json_response(body, status=status, headers=named)

    return behave


def fault(status: int, code: str, detail: str = "no", **headers: str) -> Behaviour:
    """Refuse as most services do."""
    return answer({"error_code": code, "error_msg": detail}, status, **headers)


def slow(seconds: float, then: Behaviour) -> Behaviour:
    """Answer late."""

    async def behave(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await then(request)

    return behave


async def hang_up(request: web.Request) -> web.StreamResponse:
    """Close the connection without an answer."""
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def break_off(request: web.Request) -> web.StreamResponse:
    """Close the connection in the middle of the answer."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"half": ')
    assert request.transport is not None
    request.transport.close()
    return response


@asynccontextmanager
async def closing_idle_connections() -> AsyncIterator[UnrulyServer]:
    """Run a server that says nothing of closing, and closes each connection as soon as it has answered once."""
    server = UnrulyServer()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            request_line, *lines = head.strip().split("\r\n")
            headers: CIMultiDict[str] = CIMultiDict()
            for line in lines:
                name, _, value = line.partition(": ")
                headers.add(name, value)
            body = await reader.readexactly(int(headers.get("Content-Length", 0)))
            method, target, _ = request_line.split()
            server.received.append(Received(method, target, CIMultiDictProxy(headers), body))
            content = b'{"fine": true}'
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(content), content))
            await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        yield server
