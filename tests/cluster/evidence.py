"""What a run left behind, in Airflow and in the cloud, put into the form that the verdict needs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.tasks.idempotency import name_from_key
from airflow_provider_backup.version_compat import generation_of
from tests.cluster.verdict import Expected, FoundBackup, Restore
from tests.cluster.work import Work
from tests.statuses import phase_of

DAG_ID = "cluster_backups"
RETRIES = 3
"""Of its tasks: nobody clears them, so it is their ``max_tries``, too."""

_UNNAMED = frozenset({"csbs"})
"""Services whose call has no place for a name."""

_REQUEST_LINE = re.compile(r"INFO (?P<service>\w+) (?P<method>[A-Z]+) (?P<path>\S+): (?P<status>\d{3}) \(")
_CREATION_PATHS = re.compile(r"/(cloudbackups|checkpoints|backups|backups/create)$")
_RESTORE_PATHS = re.compile(r"/(restore|restores)$")
_UNPROVEN = "Nothing was sent: an earlier try may have submitted a restore"
_LOG_PATH = re.compile(r"/task_id=(?P<task_id>\w+)/map_index=(?P<map_index>\d+)/")


def expected_backups(work: Work, run_id: str) -> dict[tuple[str, int], Expected]:
    """Tell what each task instance should leave behind; a task is called like its service."""
    return {
        (service, number): Expected(
            service, resource_id, None if service in _UNNAMED else _name(run_id, service, number)
        )
        for (service, number), resource_id in work.resources.items()
    }


def _name(run_id: str, task_id: str, map_index: int) -> str:
    task_instance = SimpleNamespace(
        dag_id=DAG_ID, run_id=run_id, task_id=task_id, map_index=map_index, max_tries=RETRIES
    )
    return name_from_key({"ti": task_instance}, generation=generation_of(task_instance))


def expected_restores(work: Work) -> dict[tuple[str, int], Restore]:
    """Tell what each task instance should restore; a task is called like its service, and what it does."""
    return {
        key: Restore(key[0].removesuffix("_restore"), each["backup_id"], each["server_id"])
        for key, each in work.restores.items()
    }


def accepted_restores(tables: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[Restore]:
    """Return all restores that the local cloud accepted, whether or not their request was answered.

    :param tables: what the cloud knows.
    """
    logs = [row for row in tables.get("cbr.operation_logs", {}).values() if row["operation_type"] == "restore"]
    details = [row["details"]["restore"] for row in logs]
    rows = tables.get("csbs.restores", {}).values()
    return [
        *(Restore("cbr", each["backup_id"], each["target_resource_id"]) for each in details),
        *(Restore("csbs", row["item_id"], row["server_id"]) for row in rows),
    ]


def unproven_restores(logs: Path) -> set[tuple[str, int]]:
    """Return the task instances that failed because they could not prove what became of their restore.

    :param logs: the folder of the tasks' logs.
    """
    found = [
        match
        for file in logs.rglob("*.log")
        if (match := _LOG_PATH.search(str(file))) and _UNPROVEN in file.read_text(errors="replace")
    ]
    return {(match["task_id"], int(match["map_index"])) for match in found}


async def backups_in(cloud: BackupCloud, work: Work) -> list[FoundBackup]:
    """Read all backups that a task should take or took.

    Those that instances take by themselves at night are left out, and those that are restored.
    """
    prepared = {each["backup_id"] for each in work.restores.values()}
    return [backup async for backup in _backups(cloud, work) if backup.backup_id not in prepared]


async def _backups(cloud: BackupCloud, work: Work) -> AsyncIterator[FoundBackup]:
    async for disk in cloud.vbs.backups.list():
        yield _found("vbs", disk.id, disk.name, disk.volume_id, disk.status)
    async for item in cloud.csbs.checkpoint_items.list():
        yield _found("csbs", item.id, item.name, item.resource_id, item.status)
    async for backup in cloud.cbr.backups.list():
        yield _found("cbr", backup.id, backup.name, backup.resource_id, backup.status)
    for name, service, instances in (
        ("rds", cloud.rds, work.rds_instances),
        ("gaussdb", cloud.gaussdb, work.gaussdb_instances),
        ("taurusdb", cloud.taurusdb, work.taurusdb_instances),
    ):
        for instance_id in instances:
            async for row in service.backups.list(instance_id=instance_id, backup_type="manual"):
                yield _found(name, row.id, row.name, row.instance_id, row.status)


def _found(service: str, backup_id: str, name: str | None, resource_id: str | None, status: str | None) -> FoundBackup:
    return FoundBackup(service, backup_id, name or "", resource_id or "", phase_of(service, status) is Phase.SUCCEEDED)


@dataclass(frozen=True)
class Requests:
    """What the local cloud was asked, as far as its log tells: a request that was answered has a line there.

    :param creations: requests for a backup, by status.
    :param restores: requests for a restore, by status.
    :param by_status: all requests, by status.
    """

    creations: Counter[str]
    restores: Counter[str]
    by_status: Counter[str]

    @classmethod
    def in_log(cls, log: Path) -> Requests:
        """Count the lines of the log."""
        found = [match for line in log.read_text().splitlines() if (match := _REQUEST_LINE.search(line))]
        posted = [match for match in found if match["method"] == "POST"]
        return cls(
            creations=Counter(match["status"] for match in posted if _CREATION_PATHS.search(match["path"])),
            restores=Counter(match["status"] for match in posted if _RESTORE_PATHS.search(match["path"])),
            by_status=Counter(match["status"] for match in found),
        )


@dataclass(frozen=True)
class Adoptions:
    """What the tasks' own logs tell.

    :param found: how often a task adopted its own backup and took no second one.
    :param lost_answers: how often a request for a backup got no clear answer.
    """

    found: int
    lost_answers: int

    @classmethod
    def in_logs(cls, folder: Path) -> Adoptions:
        """Count in all logs below a folder."""
        texts = [file.read_text(errors="replace") for file in folder.rglob("*.log")]
        return cls(
            found=sum(text.count(", which belongs to this task.") for text in texts),
            lost_answers=sum(text.count("The request got no clear answer") for text in texts),
        )
