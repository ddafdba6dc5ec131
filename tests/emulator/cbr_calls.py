"""The emulated CBR on a port of its own, without accounts, and with a clock that only tests move."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from airflow_provider_backup.emulator.core.gateway import answering
from airflow_provider_backup.emulator.core.inventory import Inventory
from airflow_provider_backup.emulator.core.state import CloudState
from airflow_provider_backup.emulator.services.cbr import EmulatedCbr

PROJECT = "4d0f7b0c2a7e4b5f9f8e1d2c3b4a5968"
START = datetime(2031, 1, 7, 8, 15, 0, 265, tzinfo=UTC)
BACKUP_SECONDS = 100
UNKNOWN = "2d9f0c11-0d41-4f0f-9a51-27d1d6a40001"
SERVER, VOLUME = "OS::Nova::Server", "OS::Cinder::Volume"
FILE_SYSTEM = "OS::Sfs::Turbo"
PATTERN = "FREQ=DAILY;INTERVAL=1;BYHOUR=0;BYMINUTE=30"


class Answer(NamedTuple):
    """An answer: status and decoded body, ``None`` without one."""

    status: int
    body: Any

    @property
    def refusal(self) -> tuple[int, str]:
        """Status and code of a refusal; the message must not be empty."""
        assert set(self.body) == {"error_code", "error_msg"}, self
        assert self.body["error_msg"], self
        return self.status, self.body["error_code"].removeprefix("BackupService.")


class Cbr:
    """The service, spoken to over plain HTTP.

    :param file: where to keep the state.
    :param time: what the clock shows at first.
    """

    def __init__(self, file: Path | None = None, time: datetime = START) -> None:
        self.time = time
        self.state = CloudState(backup_seconds=BACKUP_SECONDS, file=file, now=lambda: self.time)
        self.inventory = Inventory(self.state)
        service = EmulatedCbr(self.state, self.inventory)
        assert service.schedules is not None
        self.run_policy = service.schedules.run
        application = web.Application(middlewares=[answering(service, self.state)])
        application.add_routes(service.routes())
        self.http = TestClient(TestServer(application))
        self.servers = list(self.inventory.servers)
        self.volumes = list(self.inventory.volumes)

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass."""
        self.time += timedelta(seconds=seconds)

    async def call(self, method: str, path: str, body: Any = None) -> Answer:
        """Send one request; the path is what stands below the project."""
        async with self.http.request(method, f"/v3/{PROJECT}{path}", json=body) as response:
            text = await response.text()
            return Answer(response.status, json.loads(text) if text else None)

    async def good(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request that must succeed with 200, and return its body."""
        answer = await self.call(method, path, body)
        assert answer.status == 200, answer
        return answer.body

    async def policy(self, **changes: Any) -> dict[str, Any]:
        """Create a policy."""
        policy: dict[str, Any] = (await self.good("POST", "/policies", {"policy": policy_body(**changes)}))["policy"]
        return policy

    async def vault(self, *server_ids: str, **changes: Any) -> dict[str, Any]:
        """Create a vault with servers."""
        values = vault_body(*server_ids, **changes)
        vault: dict[str, Any] = (await self.good("POST", "/vaults", {"vault": values}))["vault"]
        return vault

    async def get_vault(self, vault_id: str) -> dict[str, Any]:
        """Read a vault."""
        vault: dict[str, Any] = (await self.good("GET", f"/vaults/{vault_id}"))["vault"]
        return vault

    async def back_up(self, vault_id: str, **parameters: Any) -> dict[str, Any]:
        """Begin a checkpoint."""
        body = {"checkpoint": {"vault_id": vault_id, "parameters": parameters}}
        checkpoint: dict[str, Any] = (await self.good("POST", "/checkpoints", body))["checkpoint"]
        return checkpoint

    async def backed_up(self, vault_id: str, **parameters: Any) -> dict[str, Any]:
        """Make a checkpoint and let it end."""
        checkpoint = await self.back_up(vault_id, **parameters)
        self.pass_seconds(BACKUP_SECONDS)
        return checkpoint

    async def backups(self, query: str = "") -> list[dict[str, Any]]:
        """List backups."""
        rows: list[dict[str, Any]] = (await self.good("GET", f"/backups?{query}"))["backups"]
        return rows

    async def logs(self, query: str = "") -> list[dict[str, Any]]:
        """List operation logs."""
        rows: list[dict[str, Any]] = (await self.good("GET", f"/operation-logs?{query}"))["operation_logs"]
        return rows


def policy_body(**changes: Any) -> dict[str, Any]:
    """Return a policy as it is sent."""
    return {
        "name": "nightly_02",
        "operation_type": "backup",
        "operation_definition": {"max_backups": 14},
        "trigger": {"properties": {"pattern": [PATTERN]}},
        **changes,
    }


def billing(**changes: Any) -> dict[str, Any]:
    """Return the billing part of a vault as it is sent."""
    return {
        "consistent_level": "crash_consistent",
        "object_type": "server",
        "protect_type": "backup",
        "size": 200,
        **changes,
    }


def vault_body(*server_ids: str, **changes: Any) -> dict[str, Any]:
    """Return a vault as it is sent."""
    resources = [{"id": server_id, "type": SERVER} for server_id in server_ids]
    return {"name": "vault-app", "resources": resources, "billing": billing(), **changes}
