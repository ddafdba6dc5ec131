"""The kinds of deletions that the model tries, and what is really there: read from the tables of the local cloud."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from typing import Any

from airflow_provider_backup.emulator.core.state import Row
from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.airflow.restorable_instances import DELETE_INSTANCE
from tests.airflow.service_matrix import CASES, DATABASES, DELETE, create_operator, rows, target
from tests.airflow.task_runs import TaskRun

_STUCK = timedelta(days=365)


class DeletionCase(ABC):
    """One thing that a task deletes, beside others that must stay.

    :param cloud: the local cloud, in which everything takes no time yet.
    :param service: name of the service.
    """

    needs_name = False
    """Whether the author must give the name of what is deleted."""
    planned_as: str | None
    """What the local cloud calls the deletion; ``None`` where no deletion can be planned to end otherwise than well."""

    def __init__(self, cloud: RunningCloud, service: str) -> None:
        self.cloud = cloud
        self.service = service
        self._what = target(cloud, service)
        backup = self._taken("before")
        self._backup_id: str = backup["backup_ids"][0]
        self._resource_id: str = backup["resource_ids"][0]
        self._backup = backup
        self._taken("another")

    def is_known_for_good(self, *, by_id: bool) -> bool:
        """Whether the service still knows what the task names when nothing of it is left to delete.

        :param by_id: whether the author names a backup by its id.
        """
        return False

    @property
    @abstractmethod
    def object_id(self) -> str:
        """Id of what is deleted."""

    @abstractmethod
    def operator(self, *, confirms: bool, by_id: bool, **arguments: Any) -> Any:
        """Return the operator of a task that deletes it.

        :param by_id: whether the author names a backup by its id.
        :param confirms: whether the author gives the right name.
        :param arguments: what the author gives besides.
        """

    @abstractmethod
    def row(self) -> Row | None:
        """Return the row of what is deleted; ``None`` when there is none any more."""

    @abstractmethod
    def names(self, reference: dict[str, Any]) -> bool:
        """Whether the reference of a deletion names what is deleted.

        :param reference: of an operation.
        """

    @abstractmethod
    def change_of(self, row: Row) -> Row | None:
        """Return the times of the last deletion of a row; ``None`` when none was requested."""

    @property
    def is_there(self) -> bool:
        """Whether it is not gone yet."""
        row = self.row()
        return row is not None and not self._is_gone(row)

    @property
    def is_being_deleted(self) -> bool:
        """Whether its deletion has not ended."""
        row = self.row()
        times = row and self.change_of(row)
        return bool(times) and self.cloud.state.now() < datetime.fromisoformat(times["ready_at"])  # type: ignore[index]

    @property
    def is_stuck(self) -> bool:
        """Whether its deletion never ends."""
        row = self.row()
        times = row and self.change_of(row)
        return bool(times) and datetime.fromisoformat(times["ready_at"]) - self.cloud.state.now() > _STUCK  # type: ignore[index]

    @property
    def backup_rows(self) -> list[Row]:
        """The backups of the service that were asked for."""
        return rows(self.cloud, self.service)

    def backup_operator(self) -> Any:
        """Return an operator that backs up what was backed up before, and does not wait."""
        return create_operator(
            self.cloud, self.service, **self._what, task_id="other", wait_for_completion=False, on_conflict="fail"
        )

    def others(self) -> set[str]:
        """Return the ids of all that is there beside what is deleted, and is not being deleted."""
        kinds = ("servers", "volumes")
        seeded = {each for kind in kinds for each in self.cloud.describe()["resources"].get(kind, [])}
        backups = {row["id"] for row in self.backup_rows if backup_deletion(row) is None}
        tables = [self.cloud.state.table(f"inventory.{service}_instances") for service in DATABASES]
        instances = {each for table in tables for each, row in table.items() if instance_deletion(row) is None}
        return (seeded | backups | instances) - {self.object_id}

    def _taken(self, run_id: str) -> dict[str, Any]:
        operator = create_operator(self.cloud, self.service, **self._what, deferrable=False)
        result: dict[str, Any] = TaskRun(operator, run_id=run_id).execute()
        return result

    def _is_gone(self, row: Row) -> bool:
        times = self.change_of(row)
        is_over = times is not None and datetime.fromisoformat(times["ready_at"]) <= self.cloud.state.now()
        return is_over and times is not None and times["failure"] is None


class BackupDeletionCase(DeletionCase):
    """A backup, whose resource has another one."""

    def __init__(self, cloud: RunningCloud, service: str) -> None:
        super().__init__(cloud, service)
        self.planned_as = None if service in DATABASES else f"{service}.deletion"

    @property
    def object_id(self) -> str:
        """Id of the backup."""
        return self._backup_id

    def operator(self, *, confirms: bool, by_id: bool, **arguments: Any) -> Any:
        """Return the operator of a task that deletes the backup."""
        named: dict[str, Any] = {"backup": self._backup}
        if by_id:
            named = {"backup_id": self.object_id}
            if self.service in DATABASES:
                named["instance_id"] = self._resource_id
        return DELETE[self.service](task_id="delete", **arguments, **named)

    def is_known_for_good(self, *, by_id: bool) -> bool:
        """Whether the task names a checkpoint of CBR, which stays without its backups."""
        return self.service == "cbr" and not by_id

    def row(self) -> Row | None:
        """Return the row of the backup."""
        return self.cloud.state.table(CASES[self.service].table).get(self.object_id)

    def names(self, reference: dict[str, Any]) -> bool:
        """Whether a deletion is that of the backup and of nothing else."""
        return list(reference["parts"]) == [self.object_id]

    def change_of(self, row: Row) -> Row | None:
        """Return the times of the last deletion of the backup."""
        return backup_deletion(row)


class InstanceDeletionCase(DeletionCase):
    """A database instance, with manual backups that stay."""

    needs_name = True

    def __init__(self, cloud: RunningCloud, service: str) -> None:
        super().__init__(cloud, service)
        self.planned_as = f"{service}.instance_deletion"
        self._name: str = self._instances[self.object_id]["name"]

    @property
    def object_id(self) -> str:
        """Id of the instance."""
        return self._resource_id

    def operator(self, *, confirms: bool, by_id: bool, **arguments: Any) -> Any:
        """Return the operator of a task that deletes the instance."""
        name = self._name if confirms else "of-another-instance"
        return DELETE_INSTANCE[self.service](
            task_id="delete", **arguments, instance_id=self.object_id, confirm_name=name
        )

    def row(self) -> Row | None:
        """Return the row of the instance."""
        return self._instances.get(self.object_id)

    def names(self, reference: dict[str, Any]) -> bool:
        """Whether a deletion is that of the instance."""
        return bool(reference["instance_id"] == self.object_id)

    def change_of(self, row: Row) -> Row | None:
        """Return the times of the last deletion of the instance."""
        return instance_deletion(row)

    @property
    def _instances(self) -> dict[str, Row]:
        return self.cloud.state.table(f"inventory.{self.service}_instances")


def backup_deletion(row: Row) -> Row | None:
    """Return the times of the deletion of a backup's row; ``None`` when none was requested."""
    if row.get("gone_at"):
        return {"ready_at": row["gone_at"], "failure": None}
    times: Row | None = row.get("deletion")
    return times


def instance_deletion(row: Row) -> Row | None:
    """Return the times of the deletion of an instance's row; ``None`` when none was requested."""
    change: Row | None = row.get("change")
    return change if change and change["kind"] == "deletion" else None
