"""Puts any number of running backups into a local cloud.

One backup is taken with our own client, as an operator takes it; the rows that it left are copied, with ids of their
own and for a resource of their own. So what the cloud answers is what it answers to a real backup.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.services.cbr.models import CheckpointCreate, VaultCreate
from airflow_provider_backup.cloud.services.csbs.models import Protection
from airflow_provider_backup.cloud.services.databases.models import DatabaseBackupCreate
from airflow_provider_backup.cloud.services.databases.service import DatabaseService
from airflow_provider_backup.cloud.services.gaussdb.models import BackupCreate as GaussDbBackupCreate
from airflow_provider_backup.cloud.services.rds.models import BackupCreate as RdsBackupCreate
from airflow_provider_backup.cloud.services.taurusdb.models import BackupCreate as TaurusDbBackupCreate
from airflow_provider_backup.cloud.services.vbs.models import BackupCreate as VbsBackupCreate
from airflow_provider_backup.emulator.core.state import Row
from airflow_provider_backup.emulator.server import LocalCloud
from airflow_provider_backup.emulator.threaded import RunningCloud

SERVICES = ("cbr", "csbs", "vbs", "rds", "gaussdb", "taurusdb")
_NAME = "benchmark-backup"
_DATABASE_ORDERS: dict[str, type[DatabaseBackupCreate]] = {
    "rds": RdsBackupCreate,
    "gaussdb": GaussDbBackupCreate,
    "taurusdb": TaurusDbBackupCreate,
}

_NEVER = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class SeededBackup:
    """One backup in the cloud.

    :param reference: where to look for it.
    :param resource_id: what it backs up.
    :param rows: its rows that tell when it is over.
    """

    reference: dict[str, Any]
    resource_id: str
    rows: Sequence[Row]

    def finish_at(self, moment: datetime) -> None:
        """Settle when it is over."""
        for row in self.rows:
            row["ready_at"] = moment.isoformat()


async def seeded_backups(
    cloud: LocalCloud | RunningCloud, client: BackupCloud, service: str, count: int, began: datetime
) -> tuple[dict[str, Any], list[SeededBackup]]:
    """Take one backup and copy it.

    :param cloud: the running local cloud, whose backups take no time, with ``count`` + 1 further resources.
    :param client: a client of it.
    :param service: which service.
    :param count: how many copies.
    :param began: when the copies began, with a time zone.
    :return: the reference to the backup that was taken, which is over, and the copies, which run.
    """
    resources = _resources(cloud, service)
    before = _tables(cloud)
    reference = (await _taken(client, service, next(iter(resources[0].values())))).to_dict()
    new_rows = {
        name: [(key, row) for key, row in rows.items() if key not in before.get(name, ())]
        for name, rows in _tables(cloud).items()
        if name.startswith(f"{service}.")
    }
    text = json.dumps({"reference": reference, "rows": {name: rows for name, rows in new_rows.items() if rows}})
    own_ids = {key for rows in new_rows.values() for key, _ in rows} | {reference["backup_id"]}
    copies = []
    for number in range(1, count + 1):
        copy = text
        for identifier in own_ids:
            copy = copy.replace(identifier, _numbered(identifier, number))
        for kind, identifier in resources[0].items():
            copy = copy.replace(identifier, resources[number][kind])
        content = json.loads(copy.replace(_NAME, f"{_NAME}-{number}"))
        copies.append(
            SeededBackup(
                content["reference"], next(iter(resources[number].values())), _kept(cloud, content["rows"], began)
            )
        )
    return reference, copies


def _tables(cloud: LocalCloud | RunningCloud) -> dict[str, dict[str, Row]]:
    tables: dict[str, dict[str, Row]] = json.loads(cloud.state.to_json())
    return tables


def _kept(
    cloud: LocalCloud | RunningCloud, rows_by_table: dict[str, list[tuple[str, Row]]], began: datetime
) -> list[Row]:
    timed = []
    for name, rows in rows_by_table.items():
        for key, row in rows:
            cloud.state.table(name)[key] = row
            if "ready_at" in row:
                row["started_at"], row["ready_at"] = began.isoformat(), _NEVER.isoformat()
                timed.append(row)
    return timed


def _numbered(identifier: str, number: int) -> str:
    """Return another id of the same form: its first eight digits count."""
    return f"{(int(identifier[:8], 16) + number) % 16**8:08x}{identifier[8:]}"


def _resources(cloud: LocalCloud | RunningCloud, service: str) -> list[dict[str, str]]:
    """Return the ids of what can be backed up, by kind; they are all alike."""
    state = cloud.state
    if service in ("cbr", "csbs"):
        servers = state.table("inventory.servers").values()
        found = [{"server": row["id"], "volume": row["volumes"][0]} for row in servers if _is_extra(row)]
    elif service == "vbs":
        volumes = state.table("inventory.volumes").values()
        found = [{"volume": row["id"]} for row in volumes if _is_extra(row)]
    else:
        instances = list(state.table(f"inventory.{service}_instances").values())
        found = [{"instance": row["id"]} for row in instances if row["name"].startswith(f"{service}-")]
    return found


def _is_extra(row: Row) -> bool:
    return str(row["name"]).startswith("server-")


async def _taken(client: BackupCloud, service: str, resource_id: str) -> OperationReference:
    if service == "vbs":
        job_id = await client.vbs.backups.create(VbsBackupCreate(volume_id=resource_id, name=_NAME))
        # As operators do before they wait: the job names its backup.
        return (await client.vbs.observe(OperationReference("vbs", job_id, "job"))).reference
    if service == "csbs":
        checkpoint = await client.csbs.checkpoints.protect(resource_id, Protection(backup_name=_NAME))
        return OperationReference("csbs", checkpoint.id, "checkpoint", expected_ids=(resource_id,))
    if service == "cbr":
        vault = await client.cbr.vaults.create(VaultCreate.model_validate(_vault(resource_id)))
        checkpoint_order = CheckpointCreate.model_validate({"vault_id": vault.id, "parameters": {"name": _NAME}})
        return client.cbr.reference_to(await client.cbr.checkpoints.create(checkpoint_order))
    databases: DatabaseService = getattr(client, service)
    order = _DATABASE_ORDERS[service](instance_id=resource_id, name=_NAME)
    return databases.reference_to(await databases.backups.create(order))


def _vault(server_id: str) -> dict[str, Any]:
    return {
        "name": "benchmark",
        "billing": {
            "consistent_level": "crash_consistent",
            "object_type": "server",
            "protect_type": "backup",
            "size": 200,
        },
        "resources": [{"id": server_id, "type": "OS::Nova::Server"}],
    }
