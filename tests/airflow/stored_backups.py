"""Resources of the local cloud with backups of many days."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_backup.emulator.core.state import Row
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.tasks.idempotency import name_prefix
from tests.airflow.service_matrix import CASES, taken

NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)
"""When the newest backup began."""

_DIGITS = "abcdefghijklmnopqrstuvwxyz234567"


def generated_name(number: int, *, dag_id: str = "dag", task_id: str = "backup") -> str:
    """Return a name as a task generates it, another one for each number."""
    key = "".join(_DIGITS[number // 32**place % 32] for place in range(12))
    return f"{name_prefix(dag_id, task_id)}-{key}"


class StoredDays:
    """A resource with one good manual backup of each of some days.

    :param cloud: the local cloud.
    :param service: name of the service.
    :param days: how many days before :data:`NOON` each backup began.
    """

    def __init__(self, cloud: RunningCloud, service: str, days: Iterable[int]) -> None:
        self._service = service
        result = taken(cloud, service, wait=True)
        (self.resource_id,) = result["resource_ids"]
        self._table = cloud.state.table(CASES[service].table)
        self._sample = self._table.pop(result["backup_ids"][0])
        self._days: dict[str, float] = {}
        for day in days:
            self.add(day)

    @property
    def target_id(self) -> str:
        """What a prune is about: the vault (CBR) or the resource."""
        return str(self._sample["vault_id"]) if self._service == "cbr" else self.resource_id

    def add(self, day: float, **members: Any) -> Row:
        """Add a backup, and return its row.

        :param day: how many days before :data:`NOON` it began.
        :param members: members of the row.
        """
        begun = (NOON - timedelta(days=day)).isoformat()
        row = {**self._sample, "started_at": begun, "ready_at": begun, "day": day, **members}
        row["id"] = f"{uuid.uuid4().hex}{row['id'][32:]}" if "instance_id" in row else str(uuid.uuid4())
        if "checkpoint_id" in row:
            row["checkpoint_id"] = str(uuid.uuid4())
        if "name" in row and "name" not in members:
            row["name"] = generated_name(len(self._days))
        self._table[row["id"]] = row
        self._days[row["id"]] = day
        return row

    def days(self, backups: Iterable[Any]) -> list[float]:
        """Return of which days some backups of a result are, the newest first."""
        return sorted(self._days[each["backup_id"]] for each in backups)

    @property
    def left(self) -> list[float]:
        """Of which days the cloud has backups that are not being deleted, the newest first."""
        return sorted(
            row["day"]
            for row in self._table.values()
            if "day" in row and not row.get("gone_at") and not row.get("deletion")
        )


def make_older(cloud: RunningCloud, service: str, hours: float) -> None:
    """Move the times of all backups of a service into the past."""
    for row in cloud.state.table(CASES[service].table).values():
        for member in ("started_at", "ready_at"):
            row[member] = (datetime.fromisoformat(row[member]) - timedelta(hours=hours)).isoformat()
