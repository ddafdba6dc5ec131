"""One emulated database service behind a real server, with a clock that tests move by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from airflow_provider_backup.emulator.core.accounts import PROJECT_ID
from airflow_provider_backup.emulator.core.gateway import answering
from airflow_provider_backup.emulator.core.inventory import Inventory
from airflow_provider_backup.emulator.core.state import CloudState, Row
from airflow_provider_backup.emulator.services.registry import SERVICES


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = datetime(2031, 4, 2, 9, 15, 7, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.time += timedelta(seconds=seconds)


@dataclass(frozen=True)
class Answer:
    """An answer: status and decoded body, ``None`` when it is empty."""

    status: int
    body: Any

    @property
    def refusal(self) -> tuple[int, str]:
        """Status and code of a refusal, whose body has exactly the two documented members."""
        assert set(self.body) == {"error_code", "error_msg"}
        assert self.body["error_msg"]
        return self.status, self.body["error_code"]


class DatabaseServer:
    """A service that takes 100 seconds for a backup.

    :param name: ``rds``, ``gaussdb`` or ``taurusdb``.
    :param file: where the state is kept.
    :param clock: the time.
    """

    def __init__(self, name: str, file: Path | None = None, clock: Clock | None = None) -> None:
        self.name = name
        self.clock = clock or Clock()
        self.state = CloudState(backup_seconds=100, file=file, now=self.clock)
        inventory = Inventory(self.state)
        service = SERVICES[name](self.state, inventory)
        self.instances: dict[str, Row] = inventory.instances(name)
        self.instance_id, self.other_id, *_ = self.instances
        application = web.Application(middlewares=[answering(service, self.state)])
        application.add_routes(service.routes())
        self._server = TestServer(application)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> DatabaseServer:
        await self._server.start_server()
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *unused: object) -> None:
        assert self._session is not None
        await self._session.close()
        await self._server.close()

    async def send(self, method: str, path: str, body: Any = None, **query: str) -> Answer:
        """Send a request; ``path`` is below the project."""
        assert self._session is not None
        url = self._server.make_url(f"/v3/{PROJECT_ID}/{path}")
        content = {"data": body} if isinstance(body, str) else {"json": body}
        async with self._session.request(method, url, params=query, **content) as response:
            return Answer(response.status, await response.json() if await response.read() else None)

    async def create(self, name: str = "before-upgrade", **values: Any) -> Answer:
        """Post a backup; members that are none are sent as null."""
        path = "backups/create" if self.name == "taurusdb" else "backups"
        return await self.send("POST", path, {"instance_id": self.instance_id, "name": name, **values})

    async def start(self, name: str = "before-upgrade", **values: Any) -> Row:
        """Start a backup and return it."""
        answer = await self.create(name, **values)
        assert answer.status < 300, answer
        backup: Row = answer.body["backup"]
        return backup

    async def finish(self, name: str = "before-upgrade", **values: Any) -> str:
        """Start a backup, let it be over, and return its id."""
        backup = await self.start(name, **values)
        self.clock.move(101)
        return str(backup["id"])

    async def list(self, **query: str) -> Answer:
        """List backups, those of the instance unless told otherwise."""
        return await self.send("GET", "backups", **{"instance_id": self.instance_id, **query})

    async def row(self, backup_id: str) -> Row | None:
        """Return a backup as the list shows it."""
        rows = (await self.list(backup_id=backup_id)).body["backups"]
        return rows[0] if rows else None

    async def put_policy(self, **values: Any) -> Answer:
        """Put a policy."""
        path = "backups/policy/update" if self.name == "taurusdb" else "backups/policy"
        return await self.send("PUT", f"instances/{self.instance_id}/{path}", {"backup_policy": values})

    @property
    def good_policy(self) -> Row:
        """A policy that breaks no rule."""
        policy: Row = {"keep_days": 10, "start_time": "01:00-02:00", "period": "1,3,5"}
        return {**policy, "differential_period": "60"} if self.name == "gaussdb" else policy
