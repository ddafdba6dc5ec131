"""What one look at fresh backups costs: many resources with a backup of each night, which a service tells of."""

from __future__ import annotations

import asyncio
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.operations.freshness import FreshnessRule
from airflow_provider_backup.cloud.operations.freshness_question import FreshnessQuestion
from airflow_provider_backup.cloud.settings import CloudSettings, PasswordCredentials
from airflow_provider_backup.emulator.core.state import Row
from airflow_provider_backup.emulator.server import LocalCloud
from airflow_provider_backup.emulator.threaded import RunningCloud
from benchmarks.server.backups import SERVICES, seeded_backups

RESOURCES = 1_000
NIGHTS = 3
_MINUTES = 10
TABLES = {"csbs": "csbs.items"}
"""Where the local cloud keeps backups, if not below the name of the service."""


def measured_looks() -> list[dict[str, Any]]:
    """Return a row for each service: the requests of one look at all resources, and its seconds."""
    return [asyncio.run(measured_look(service, RESOURCES)) for service in SERVICES]


async def measured_look(service: str, count: int) -> dict[str, Any]:
    """Return the figures of one look; client and cloud share a process.

    :param service: which service.
    :param count: how many resources; of CBR, they are in one vault.
    """
    cloud = LocalCloud(port=0, backup_seconds=0.0, extra_resources=count + 1)
    await cloud.start()
    try:
        async with BackupCloud(settings_of(cloud)) as client:
            question = await _prepared(cloud, client, service, count)
            before = _requests(cloud, service)
            began = time.monotonic()
            answer = await question.ask(client)
            return {
                "service": service,
                "resources": len(answer.judged),
                "nights": NIGHTS,
                "fresh": sum(each.is_fresh for each in answer.judged),
                "requests": _requests(cloud, service) - before,
                "seconds": time.monotonic() - began,
            }
    finally:
        await cloud.stop()


async def _prepared(cloud: LocalCloud, client: BackupCloud, service: str, count: int) -> FreshnessQuestion:
    began = datetime.now(UTC) - timedelta(hours=8)
    _, backups = await seeded_backups(cloud, client, service, count, began)
    for backup in backups:
        backup.finish_at(began + timedelta(minutes=_MINUTES))
    table = cloud.state.table(TABLES.get(service, f"{service}.backups"))
    for row in list(table.values()):
        for night in range(1, NIGHTS):
            copy_earlier(table, row, timedelta(days=night))
    resources = [backup.resource_id for backup in backups]
    rule = FreshnessRule(max_age=timedelta(days=1))
    if service != "cbr":
        return FreshnessQuestion(service, rule, {"resource_ids": resources}, is_single=False)
    return FreshnessQuestion(service, rule, {"vault_id": in_one_vault(cloud, resources)}, is_single=False)


def copy_earlier(table: dict[str, Row], row: Row, by: timedelta) -> None:
    """Add a copy of a backup that began earlier."""
    times = {name: (datetime.fromisoformat(row[name]) - by).isoformat() for name in ("started_at", "ready_at")}
    # The first digits of an id are enough to make it another one.
    identifier = row["id"]
    while identifier in table:
        identifier = f"{uuid.uuid4().hex[:8]}{row['id'][8:]}"
    table[identifier] = {**row, **times, "id": identifier}


def in_one_vault(cloud: LocalCloud | RunningCloud, resources: list[str]) -> str:
    """Put resources of CBR and all backups into one vault, and return its id."""
    vault_id, vault = next(iter(cloud.state.table("cbr.vaults").items()))
    vault["resources"] = [{**vault["resources"][0], "id": each} for each in resources]
    for row in cloud.state.table("cbr.backups").values():
        row["vault_id"] = vault_id
    return vault_id


def _requests(cloud: LocalCloud, service: str) -> int:
    return sum(count for (name, *_), count in cloud.faults.requests.items() if name == service)


def settings_of(cloud: LocalCloud | RunningCloud) -> CloudSettings:
    """Return how the client reaches the cloud."""
    told = cloud.describe()
    credentials = PasswordCredentials(told["user"], told["password"], told["domain"])
    return CloudSettings(credentials, told["region"], cloud="custom", auth_url=told["iam"])
