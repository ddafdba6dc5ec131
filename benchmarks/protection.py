"""What one report on the protection of an account costs: many resources with a backup of each of ten nights."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.operations.protection import ProtectableKind, ProtectionQuestion, findings_of
from airflow_provider_backup.emulator.threaded import RunningCloud
from benchmarks.freshness import TABLES, copy_earlier, in_one_vault, settings_of
from benchmarks.server.backups import SERVICES, seeded_backups

RESOURCES = 1_000
NIGHTS = 10
_NIGHT = timedelta(hours=8)
_MINUTES = timedelta(minutes=10)
_RESOURCE_MEMBERS = ("resource_id", "volume_id", "instance_id", "server_id")


def measured_reports() -> list[dict[str, Any]]:
    """Return a row for each service that lists the backups of all resources together."""
    given = [measured_report(service, RESOURCES) for service in SERVICES if service != "rds"]
    return [*given, measured_report("cbr", RESOURCES, protectables=["server"])]


def measured_report(service: str, count: int, *, protectables: Sequence[ProtectableKind] = ()) -> dict[str, Any]:
    """Return the figures of one report; the cloud runs in another thread, whose CPU does not count.

    :param service: which service.
    :param count: how many resources are asked for; the last has no backup. Of CBR, the others are in one vault.
    :param protectables: types of resources of CBR that are judged in place of the given ones.
    """
    with RunningCloud(backup_seconds=0, extra_resources=count + 1) as running:
        resources = asyncio.run(_prepared(running, service, count))
        return asyncio.run(_look(running, service, resources, protectables))


async def _prepared(running: RunningCloud, service: str, count: int) -> list[str]:
    began = datetime.now(UTC) - _NIGHT
    async with BackupCloud(settings_of(running)) as client:
        _, backups = await seeded_backups(running, client, service, count, began)
    for backup in backups:
        backup.finish_at(began + _MINUTES)
    resources = [backup.resource_id for backup in backups]
    table = running.state.table(TABLES.get(service, f"{service}.backups"))
    for identifier, row in list(table.items()):
        if any(row.get(member) == resources[-1] for member in _RESOURCE_MEMBERS):
            del table[identifier]
            continue
        for night in range(1, NIGHTS):
            copy_earlier(table, row, timedelta(days=night))
    if service == "cbr":
        in_one_vault(running, resources[:-1])
    return resources


async def _look(
    running: RunningCloud, service: str, resources: list[str], protectables: Sequence[ProtectableKind]
) -> dict[str, Any]:
    question = ProtectionQuestion(
        [] if protectables else resources,
        since=datetime.now(UTC) - timedelta(days=1),
        max_age=timedelta(hours=26),
        max_copy_age=None,
        max_used=80.0,
        protectables=protectables,
    )
    before = _requests(running, service)
    async with BackupCloud(settings_of(running)) as client:
        reader = client.service(service).protection
        began, cpu = time.monotonic(), time.thread_time()
        findings = findings_of(await reader.read(question), question)
        cpu, seconds = time.thread_time() - cpu, time.monotonic() - began
    return {
        "service": ", every ".join([service, *protectables]),
        "resources": len(resources),
        "backups": len(running.state.table(TABLES.get(service, f"{service}.backups"))),
        "found": sum(each["id"] == resources[-1] for each in findings),
        "others": sum(each["id"] in resources[:-1] and each["kind"] != "policy_off" for each in findings),
        "requests": _requests(running, service) - before,
        "cpu_seconds": cpu,
        "seconds": seconds,
    }


def _requests(running: RunningCloud, service: str) -> int:
    return sum(count for (name, *_), count in running.requests.items() if name == service)
