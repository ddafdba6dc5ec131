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
from airflow_provider_backup.cloud.services.cbr.models import Vault, VaultCreate
from airflow_provider_backup.cloud.services.cbr.service import CbrService
from airflow_provider_backup.cloud.settings import AccessKeyCredentials, CloudSettings, NetworkSettings
from airflow_provider_backup.emulator.threaded import RunningCloud

PROJECT_ID = "4d0f7b0c2a7e4b5f9f8e1d2c3b4a5968"


@dataclass
class Recorder:
    """A service that records what it is sent.

    :param cbr: the client that speaks to it.
    :param requests: method, path below the project with its query (as plain text), and body of every request.
    :param answers: status and body of the answers to come; when none is left, 200 with an empty object.
    """

    cbr: CbrService = field(init=False)
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    answers: list[tuple[int, Any]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        """Record and answer one request."""
        path = unquote(str(request.rel_url)).removeprefix(f"/v3/{PROJECT_ID}")
        self.requests.append((request.method, path, await request.json() if request.can_read_body else None))
        status, body = self.answers.pop(0) if self.answers else (200, {})
        return web.Response(status=204) if status == 204 else web.json_response(body, status=status)


def _settings(key: str, secret: str, project_id: str, endpoint: str) -> CloudSettings:
    return CloudSettings(
        AccessKeyCredentials(key, secret),
        region="eu-de",
        project_id=project_id,
        endpoints=CloudSettings.endpoint_pairs({"cbr": endpoint}),
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
            recorder.cbr = cloud.cbr
            yield recorder


@pytest_asyncio.fixture
async def cbr(backup_cloud: RunningCloud) -> AsyncIterator[CbrService]:
    """The client, speaking to the local cloud."""
    about = backup_cloud.describe()
    async with BackupCloud(_settings(about["ak"], about["sk"], about["project_id"], about["cbr"])) as cloud:
        yield cloud.cbr


@pytest_asyncio.fixture
async def vault(cbr: CbrService, backup_cloud: RunningCloud) -> Vault:
    """A vault of the local cloud with its first two servers."""
    servers = backup_cloud.describe()["resources"]["servers"][:2]
    values = {
        "name": "app",
        "billing": {
            "consistent_level": "crash_consistent",
            "object_type": "server",
            "protect_type": "backup",
            "size": 500,
        },
        "resources": [{"id": server_id, "type": "OS::Nova::Server"} for server_id in servers],
    }
    return await cbr.vaults.create(VaultCreate.model_validate(values))
