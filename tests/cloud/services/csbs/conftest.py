"""Two services to speak to: the local cloud, and one that only records requests and answers as it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.services.csbs.service import CsbsService
from airflow_provider_backup.cloud.settings import AccessKeyCredentials, CloudSettings, NetworkSettings
from airflow_provider_backup.emulator.threaded import RunningCloud

PROJECT_ID = "4d0f7b0c2a7e4b5f9f8e1d2c3b4a5968"


@dataclass
class Recorder:
    """A service that records what it is sent.

    :param csbs: the client that speaks to it.
    :param requests: method, path below the project with its query (as plain text), and body of every request.
    :param answers: status and body of the answers to come; when none is left, 200 without a body.
    """

    csbs: CsbsService = field(init=False)
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    answers: list[tuple[int, Any]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        """Record and answer one request."""
        path = unquote(str(request.rel_url)).removeprefix(f"/v1/{PROJECT_ID}")
        self.requests.append((request.method, path, await request.json() if request.can_read_body else None))
        if not self.answers:
            return web.Response()
        status, body = self.answers.pop(0)
        return web.json_response(body, status=status)


def _settings(key: str, secret: str, project_id: str, endpoint: str) -> CloudSettings:
    return CloudSettings(
        AccessKeyCredentials(key, secret),
        region="eu-de",
        project_id=project_id,
        endpoints=CloudSettings.endpoint_pairs({"csbs": endpoint}),
        network=NetworkSettings(attempts=2, retry_wait=0.01),
    )


@pytest_asyncio.fixture
async def recorder() -> AsyncIterator[Recorder]:
    recorder = Recorder()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", recorder.handle)
    async with TestServer(application) as server:
        settings = _settings("AK", "SK", PROJECT_ID, str(server.make_url("")).rstrip("/"))
        async with BackupCloud(settings) as cloud:
            recorder.csbs = cloud.csbs
            yield recorder


@pytest_asyncio.fixture
async def csbs(backup_cloud: RunningCloud) -> AsyncIterator[CsbsService]:
    """The client, speaking to the local cloud."""
    about = backup_cloud.describe()
    async with BackupCloud(_settings(about["ak"], about["sk"], about["project_id"], about["csbs"])) as cloud:
        yield cloud.csbs
