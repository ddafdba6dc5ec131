"""Who talks to a local cloud in tests: raw HTTP that repeats nothing, and our own client."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.settings import (
    AccessKeyCredentials,
    CloudSettings,
    NetworkSettings,
    PasswordCredentials,
)
from airflow_provider_backup.emulator.core.accounts import PROJECT_ID
from airflow_provider_backup.emulator.server import LocalCloud
from airflow_provider_backup.emulator.threaded import RunningCloud


class Answer(NamedTuple):
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        """The decoded JSON."""
        return json.loads(self.text)


class Caller:
    """Raw HTTP with a token.

    :param cloud: the local cloud.
    """

    def __init__(self, cloud: RunningCloud | LocalCloud) -> None:
        self._cloud = cloud
        # On a connection that was used before, aiohttp itself would repeat some requests.
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        self._headers: dict[str, str] = {}

    async def close(self) -> None:
        """Close the session."""
        await self._session.close()

    async def enter(self) -> Answer:
        """Get a token and use it from now on."""
        about = self._cloud.describe()
        user = {"name": about["user"], "password": about["password"], "domain": {"name": about["domain"]}}
        identity = {"methods": ["password"], "password": {"user": user}}
        auth = {"identity": identity, "scope": {"project": {"name": about["project_name"]}}}
        answer = await self.call("POST", "iam", "/v3/auth/tokens", {"auth": auth})
        if answer.status == 201:
            self._headers = {"X-Auth-Token": answer.headers["X-Subject-Token"]}
        return answer

    async def call(
        self, method: str, service: str, path: str, body: Any = None, *, subject: str | None = None
    ) -> Answer:
        """Send one request once; ``P`` in the path is the project, ``subject`` a token to ask about."""
        url = self._cloud.url(service) + path.replace("/P/", f"/{PROJECT_ID}/")
        headers = self._headers | ({"X-Subject-Token": subject} if subject else {})
        async with self._session.request(method, url, json=body, headers=headers) as response:
            return Answer(response.status, response.headers, await response.text())

    async def names(self) -> list[str]:
        """Return the names of the manual RDS backups of the first instance."""
        answer = await self.call("GET", "rds", f"/v3/P/backups?instance_id={self._instance(0)}&backup_type=manual")
        assert answer.status == 200, answer
        return [backup["name"] for backup in answer.body["backups"]]

    async def back_up(self, name: str, instance: int = 0) -> Answer:
        """Start an RDS backup."""
        return await self.call("POST", "rds", "/v3/P/backups", {"instance_id": self._instance(instance), "name": name})

    def _instance(self, number: int) -> str:
        instances: list[str] = self._cloud.describe()["resources"]["rds_instances"]
        return instances[number]


@asynccontextmanager
async def caller_of(cloud: RunningCloud | LocalCloud) -> AsyncIterator[Caller]:
    """Yield a caller who has a token."""
    caller = Caller(cloud)
    try:
        await caller.enter()
        yield caller
    finally:
        await caller.close()


@asynccontextmanager
async def client_of(
    cloud: RunningCloud,
    *,
    with_token: bool = False,
    attempts: int = 1,
    total_timeout: float = 10.0,
    throttle_timeout: float = 60.0,
) -> AsyncIterator[BackupCloud]:
    """Yield our client, signing requests unless told to use a token."""
    about = cloud.describe()
    signing = AccessKeyCredentials(about["ak"], about["sk"])
    password = PasswordCredentials(about["user"], about["password"], about["domain"])
    settings = CloudSettings(
        password if with_token else signing,
        region=about["region"],
        project_id=PROJECT_ID,
        cloud="custom",
        auth_url=about["iam"],
        endpoints=CloudSettings.endpoint_pairs({"rds": about["rds"], "cbr": about["cbr"]}),
        network=NetworkSettings(
            attempts=attempts, retry_wait=0.01, total_timeout=total_timeout, throttle_timeout=throttle_timeout
        ),
    )
    async with BackupCloud(settings) as client:
        yield client
