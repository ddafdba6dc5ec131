"""Servers of the local cloud with a good backup whose data changed since, so that a restore has something to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import httpx

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.services.cbr.models import CheckpointCreate
from tests.cluster.protection import policy_of, vault_of

BACKED_UP, DAMAGED = 1, 2
"""Content versions of what is restored: in the backup, and before the restore."""

_PAUSE = 0.2


class Damage:
    """Prepares restores, and reads what became of the data.

    :param iam: URL of the identity service of the local cloud.
    """

    def __init__(self, iam: str) -> None:
        self._control = f"{iam.removesuffix('/v3')}/_control"

    async def of_csbs(self, cloud: BackupCloud, servers: Sequence[str]) -> list[dict[str, str]]:
        """Back servers up with CSBS, and change their data.

        :param cloud: the open client.
        :param servers: their ids.
        :return: ``backup_id`` and ``server_id`` of each.
        """
        self._let_end_at_once("csbs", len(servers))
        policy = await cloud.csbs.policies.create(policy_of(*servers))
        await cloud.csbs.checkpoints.execute_policy(policy.id)
        return await self._changed("csbs", servers, cloud.csbs.checkpoint_items.list)

    async def of_cbr(self, cloud: BackupCloud, servers: Sequence[str]) -> list[dict[str, str]]:
        """Back servers up with CBR, and change their data.

        :param cloud: the open client.
        :param servers: their ids.
        :return: ``backup_id`` and ``server_id`` of each.
        """
        self._let_end_at_once("cbr", len(servers))
        vault = await cloud.cbr.vaults.create(vault_of(*servers))
        await cloud.cbr.checkpoints.create(CheckpointCreate(vault_id=vault.id))
        return await self._changed("cbr", servers, cloud.cbr.backups.list)

    def versions(self, restores: Sequence[Mapping[str, str]]) -> dict[str, int]:
        """Return the content version of each server, by its id.

        :param restores: what was prepared.
        """
        return {each["server_id"]: self._version(each["server_id"]) for each in restores}

    async def _changed(
        self, service: str, servers: Sequence[str], listed: Callable[[], AsyncIterator[Any]]
    ) -> list[dict[str, str]]:
        backups: dict[str, str] = {}
        while len(backups) < len(servers):
            await asyncio.sleep(_PAUSE)
            good = [each async for each in listed() if each.status == "available"]
            backups = {each.resource_id: each.id for each in good if each.resource_id in servers}
        for server in servers:
            self._post(f"contents/{service}/{server}", {"version": DAMAGED})
        return [{"backup_id": backups[server], "server_id": server} for server in servers]

    def _let_end_at_once(self, service: str, count: int) -> None:
        self._post("outcomes", {"service": service, "seconds": 0, "count": count})

    def _version(self, server: str) -> int:
        answer = httpx.get(f"{self._control}/contents/cbr/{server}", trust_env=False).raise_for_status()
        return int(answer.json()["version"])

    def _post(self, path: str, body: Mapping[str, Any]) -> None:
        httpx.post(f"{self._control}/{path}", json=body, trust_env=False).raise_for_status()
