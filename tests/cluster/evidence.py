"""What a run left behind, in Airflow and in the cloud, put into the form that the verdict needs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.tasks.idempotency import name_from_key
from airflow_provider_backup.version_compat import generation_of
from tests.cluster.verdict import Expected, FoundBackup
from tests.cluster.work import Work
from tests.statuses import phase_of

DAG_ID = "cluster_backups"
RETRIES = 3
"""Of its tasks: nobody clears them, so it is their ``max_tries``, too."""

_UNNAMED = frozenset({"csbs"})
"""Services whose call has no place for a name."""

_REQUEST_LINE = re.compile(r"INFO (?P<service>\w+) (?P<method>[A-Z]+) (?P<path>\S+): (?P<status>\d{3}) \(")
_CREATION_PATHS = re.compile(r"/(cloudbackups|checkpoints|backups|backups/create)$")


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


async def backups_in(cloud: BackupCloud, work: Work) -> list[FoundBackup]:
    """Read all backups that somebody asked for: those that instances take by themselves at night are left out."""
    return [backup async for backup in _backups(cloud, work)]


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
    :param by_status: all requests, by status.
    """

    creations: Counter[str]
    by_status: Counter[str]

    @classmethod
    def in_log(cls, log: Path) -> Requests:
        """Count the lines of the log."""
        found = [match for line in log.read_text().splitlines() if (match := _REQUEST_LINE.search(line))]
        return cls(
            creations=Counter(
                match["status"]
                for match in found
                if match["method"] == "POST" and _CREATION_PATHS.search(match["path"])
            ),
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
