"""A server that records requests and gives one answer to all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.settings import AccessKeyCredentials, CloudSettings, NetworkSettings


class Recorder:
    """Remembers each request and gives one answer to all."""

    def __init__(self, answer: Any = None) -> None:
        self.calls: list[tuple[str, str, Any]] = []
        self.content_types: set[str | None] = set()
        self.status = 200
        self.answer = answer
        self.cuts_connections = False

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        body = await request.json() if request.can_read_body else None
        self.calls.append((request.method, request.rel_url.raw_path_qs, body))
        self.content_types.add(request.headers.get("Content-Type"))
        if self.cuts_connections and request.transport is not None:
            request.transport.abort()
        return web.json_response(self.answer, status=self.status) if self.answer is not None else web.Response()


@asynccontextmanager
async def cloud_of(recorder: Recorder) -> AsyncIterator[BackupCloud]:
    """A client whose three database services are the recorder."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", recorder.handle)
    async with TestServer(application) as server:
        url = str(server.make_url("/"))
        settings = CloudSettings(
            AccessKeyCredentials("ak", "sk"),
            region="eu-de",
            project_id="project",
            endpoints=CloudSettings.endpoint_pairs({"rds": url, "gaussdb": url, "taurusdb": url}),
            network=NetworkSettings(attempts=3, retry_wait=0.01),
        )
        async with BackupCloud(settings) as cloud:
            yield cloud
