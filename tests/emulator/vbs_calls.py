"""Plain calls to VBS of a local cloud, on a clock that tests move."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from airflow_provider_backup.emulator.core.state import Row
from airflow_provider_backup.emulator.server import LocalCloud

BACKUP_SECONDS = 100
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@dataclass
class VbsCalls:
    """Somebody with a token who calls VBS.

    :param cloud: the cloud.
    :param session: carries the calls.
    :param clock: the cloud's time, as the only item.
    """

    cloud: LocalCloud
    session: aiohttp.ClientSession
    clock: list[datetime]

    def advance(self, seconds: float) -> None:
        """Let time pass; a backup takes 100 seconds."""
        self.clock[0] += timedelta(seconds=seconds)

    @property
    def project_id(self) -> str:
        """Id of the project."""
        return str(self.cloud.describe()["project_id"])

    @property
    def volumes(self) -> dict[str, Row]:
        """The disks by id; changes count."""
        return self.cloud.state.table("inventory.volumes")

    @property
    def volume_ids(self) -> list[str]:
        """Ids of the disks."""
        return list(self.volumes)

    async def __call__(
        self, call: str, body: Any = None, *, data: str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Call, and return status and decoded body (none when empty).

        :param call: method and path, the project left out: ``GET /v2/backuppolicy?x=y``, or the whole URL.
        :param body: sent as JSON.
        :param data: sent as it is.
        """
        method, _, target = call.partition(" ")
        if not target.startswith("http"):
            _, version, rest = target.split("/", 2)
            target = f"{self.cloud.url('vbs')}/{version}/{self.project_id}/{rest}"
        async with self.session.request(
            method, target, json=body, data=data, headers={"X-Auth-Token": await self._token(), **(headers or {})}
        ) as response:
            return response.status, (await response.json() if await response.read() else None)

    async def refused(self, call: str, body: Any = None, *, data: str | None = None) -> tuple[int, str]:
        """Call, and return status and code of the vendor's refusal."""
        status, answer = await self(call, body, data=data)
        assert list(answer) == ["error"]
        assert set(answer["error"]) == {"code", "message"}
        assert answer["error"]["message"]
        return status, answer["error"]["code"]

    async def new_policy(self, **scheduled_policy: Any) -> str:
        """Create a policy and return its id."""
        status, answer = await self("POST /v2/backuppolicy", policy(**scheduled_policy))
        assert status == 200
        return str(answer["backup_policy_id"])

    async def new_backup(self, name: str = "manual", disk: int = 0, **members: Any) -> str:
        """Start a backup and return the id of its job."""
        status, answer = await self("POST /v2/cloudbackups", backup(self.volume_ids[disk], name=name, **members))
        assert status == 200, answer
        return str(answer["job_id"])

    async def backups(self, query: str = "") -> list[dict[str, Any]]:
        """Return the backups with details."""
        status, answer = await self(f"GET /v2/backups/detail{query}")
        assert status == 200
        backups: list[dict[str, Any]] = answer["backups"]
        return backups

    async def _token(self) -> str:
        # A new one each time: the clock may have moved beyond the end of the last.
        place = self.cloud.describe()
        user = {"name": place["user"], "password": place["password"], "domain": {"name": place["domain"]}}
        login = {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": user}},
                "scope": {"project": {"id": place["project_id"]}},
            }
        }
        async with self.session.post(f"{place['iam']}/auth/tokens", json=login) as response:
            return response.headers["X-Subject-Token"]


def policy(name: str = "nightly", **scheduled_policy: Any) -> dict[str, Any]:
    """Return a policy as it is created; ``None`` takes a member out."""
    values = {"start_time": "01:00", "frequency": 1, "rentention_num": 7, "status": "ON"} | scheduled_policy
    return {
        "backup_policy_name": name,
        "scheduled_policy": {name: value for name, value in values.items() if value is not None},
    }


def backup(volume_id: str, **members: Any) -> dict[str, Any]:
    """Return a backup as it is created."""
    return {"backup": {"volume_id": volume_id, "name": "manual"} | members}


@asynccontextmanager
async def vbs_calls(state_file: Path | None = None) -> AsyncIterator[VbsCalls]:
    """Run a local cloud."""
    clock = [datetime(2026, 5, 20, 12, tzinfo=UTC)]
    cloud = LocalCloud(port=0, backup_seconds=BACKUP_SECONDS, state_file=state_file, now=lambda: clock[0])
    await cloud.start()
    try:
        async with aiohttp.ClientSession() as session:
            yield VbsCalls(cloud, session, clock)
    finally:
        await cloud.stop()
