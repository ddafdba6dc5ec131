"""VBS of the local cloud on a clock that tests move, and a server that says what a test wants it to say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.services.vbs.service import VbsService
from airflow_provider_backup.cloud.settings import (
    AccessKeyCredentials,
    CloudSettings,
    NetworkSettings,
    PasswordCredentials,
)
from airflow_provider_backup.emulator.server import LocalCloud

BACKUP_SECONDS = 100


@dataclass
class LocalVbs:
    """The client's VBS service with the local cloud behind it.

    :param service: what is tested.
    :param cloud: the cloud behind it.
    :param clock: its time, as the only item.
    """

    service: VbsService
    cloud: LocalCloud
    clock: list[datetime]

    @property
    def volumes(self) -> list[str]:
        """Ids of the disks."""
        volumes: list[str] = self.cloud.describe()["resources"]["volumes"]
        return volumes

    def advance(self, seconds: float) -> None:
        """Let time pass; a backup takes 100 seconds."""
        self.clock[0] += timedelta(seconds=seconds)


@asynccontextmanager
async def local_vbs() -> AsyncIterator[LocalVbs]:
    """Run a local cloud of its own."""
    clock = [datetime.now(UTC)]
    cloud = LocalCloud(port=0, backup_seconds=BACKUP_SECONDS, now=lambda: clock[0])
    await cloud.start()
    try:
        place = cloud.describe()
        settings = CloudSettings(
            PasswordCredentials(place["user"], place["password"], place["domain"]),
            region=place["region"],
            cloud="custom",
            auth_url=place["iam"],
        )
        async with BackupCloud(settings) as client:
            yield LocalVbs(client.vbs, cloud, clock)
    finally:
        await cloud.stop()


@dataclass
class Script:
    """Answers by ``METHOD path`` (without version and project), used up one by one, and the requests that came.

    :param answers: each a status with a body; ``None`` for no body.
    :param requests: ``METHOD path?query`` of each request.
    """

    answers: dict[str, list[tuple[int, Any]]]
    requests: list[str] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        """Give the next answer."""
        piece = f"{request.method} {request.path.split('/', 3)[3]}"
        self.requests.append(f"{request.method} {request.raw_path}")
        status, body = self.answers[piece].pop(0)
        return web.Response(status=status) if body is None else web.json_response(body, status=status)


@asynccontextmanager
async def served(script: Script) -> AsyncIterator[VbsService]:
    """Serve a script: ``async with served(Script({"GET jobs/x": [(200, {...})]})) as vbs``."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", script.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        port = runner.addresses[0][1]
        settings = CloudSettings(
            AccessKeyCredentials("access", "secret"),
            region="eu-de",
            project_id="0" * 32,
            endpoints=(("vbs", f"http://127.0.0.1:{port}"),),
            network=NetworkSettings(attempts=1),
        )
        async with BackupCloud(settings) as client:
            yield client.vbs
    finally:
        await runner.cleanup()
