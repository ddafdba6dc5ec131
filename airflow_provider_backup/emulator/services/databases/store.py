"""The backups and jobs of one emulated database service, and how they change with time; nothing of HTTP."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from operator import itemgetter

from airflow_provider_backup.emulator.core.automatic_backups import AutomaticBackups, Retention
from airflow_provider_backup.emulator.core.contents import Contents
from airflow_provider_backup.emulator.core.state import CloudState, Row

_LONGEST_DELETION = timedelta(seconds=1)
_JOBS_ARE_KEPT = timedelta(days=31)
_NIGHT = datetime.fromisoformat("2026-01-08T01:15:00+00:00")
_NIGHTLY_DURATION = timedelta(minutes=4)


class BackupStore:
    """Backups and jobs in the state's tables.

    :param state: tables and clock.
    :param service: name of the service.
    """

    def __init__(self, state: CloudState, service: str) -> None:
        self._state = state
        self._service = service
        self._automatic = AutomaticBackups(state, service)

    def all(self, members: Iterable[tuple[str, str]] = ()) -> list[Row]:
        """Return the backups that exist now, the newest first.

        :param members: names and values that their members must have.
        """
        wanted = dict(members)
        table = self._rows()
        # Looking through thousands would take longer than all the rest of a request for one.
        ids = [wanted["id"]] if "id" in wanted else list(table)
        rows = [table[identifier] for identifier in ids if identifier in table]
        for name, value in wanted.items():
            rows = [row for row in rows if row[name] == value]
        gone = {row["id"] for row in rows if self._is_gone(row)}
        for identifier in gone:
            del table[identifier]
        return sorted((row for row in rows if row["id"] not in gone), key=itemgetter("started_at"))[::-1]

    def find(self, backup_id: str) -> Row | None:
        """Return a backup that exists now."""
        row = self._rows().get(backup_id)
        return None if row is None or self._is_gone(row) else row

    def status(self, row: Row) -> str:
        """Return where a backup stands now, in the services' words."""
        if row["gone_at"]:
            return "DELETING"
        if not self._state.is_ready(row):
            return "BUILDING"
        return "FAILED" if row["failure"] else "COMPLETED"

    def busy_instances(self) -> set[str]:
        """Return the ids of the instances that are being backed up now."""
        return {
            row["instance_id"]
            for row in self._rows().values()
            # The automatic ones of the first start ended long ago.
            if (row["type"] == "manual" or row["id"] in self._automatic) and self.status(row) == "BUILDING"
        }

    def is_running_on(self, instance_id: str) -> bool:
        """Whether an instance is being backed up now."""
        own = [row for row in self._rows().values() if row["instance_id"] == instance_id]
        return any(self.status(row) == "BUILDING" for row in own)

    def start(self, instance: Row, *, name: str, description: str | None, databases: list[Row]) -> Row:
        """Start a manual backup.

        :param instance: the row of the instance.
        :param name: name of the backup.
        :param description: its description.
        :param databases: the databases to back up; empty for all.
        """
        row = {
            **self._described(instance, uuid.uuid4().hex),
            "type": "manual",
            "name": name,
            "description": description,
            "databases": databases,
            "contents": Contents(self._state).snapshot(instance["id"]),
            **self._state.started(self._service),
        }
        self._rows()[row["id"]] = row
        return row

    def add_nightly(self, instance: Row) -> None:
        """Add a good automatic backup, the same on every machine."""
        row = {
            **self._described(instance, uuid.uuid5(uuid.NAMESPACE_URL, f"{instance['id']}/nightly").hex),
            "type": "auto",
            "name": f"{instance['name']}-{_NIGHT:%Y%m%d%H%M%S}",
            "description": None,
            "databases": [],
            "contents": Contents(self._state).snapshot(instance["id"]),
            "started_at": _NIGHT.isoformat(),
            "ready_at": (_NIGHT + _NIGHTLY_DURATION).isoformat(),
            "failure": None,
        }
        self._rows()[row["id"]] = row

    def start_automatic(self, instance: Row) -> Row:
        """Start an automatic backup of an instance and return it.

        :param instance: the row of the instance.
        """
        row = {
            **self._described(instance, uuid.uuid4().hex),
            "type": "auto",
            "name": f"{instance['name']}-{self._state.now():%Y%m%d%H%M%S}",
            "description": None,
            "databases": [],
            "contents": Contents(self._state).snapshot(instance["id"]),
            **self._state.started(self._service),
        }
        self._rows()[row["id"]] = row
        self._automatic.add(row["id"], instance["id"], instance["id"])
        return row

    def expire(self, keep_days: Mapping[str, int]) -> None:
        """Take away automatic backups that are too old; those of the first start stay.

        :param keep_days: days that the automatic backups of an instance stay, by its id; 0 and ``None`` without an end.
        """
        gone = self._automatic.expired(
            self._rows(),
            lambda instance_id: Retention(days=keep_days.get(instance_id) or None),
            self.status,
            good="COMPLETED",
            failed="FAILED",
        )
        for row in gone:
            del self._rows()[row["id"]]

    def begin_deletion(self, row: Row) -> None:
        """Let a backup show as being deleted for a short while, and then be gone."""
        duration = min(_LONGEST_DELETION, timedelta(seconds=self._state.backup_seconds / 2))
        row["gone_at"] = (self._state.now() + duration).isoformat()

    def forget_automatic(self, instance_id: str) -> None:
        """Remove the automatic backups of an instance."""
        for row in self.all([("instance_id", instance_id), ("type", "auto")]):
            del self._rows()[row["id"]]

    def start_job(self, work: Row, *, name: str | None) -> Row:
        """Record a job.

        :param work: the row of a backup, or another one with its instance and times.
        :param name: name of the job.
        """
        row = {
            "id": self._state.new_uuid(),
            "name": name,
            **{key: work[key] for key in ("instance_id", "instance_name", "started_at", "ready_at", "failure")},
        }
        self._state.table(f"{self._service}.jobs")[row["id"]] = row
        return row

    def find_job(self, job_id: str) -> Row | None:
        """Return a job of the last month."""
        row = self._state.table(f"{self._service}.jobs").get(job_id)
        if row is None or self._state.now() - datetime.fromisoformat(row["started_at"]) > _JOBS_ARE_KEPT:
            return None
        return row

    def job_status(self, row: Row) -> str:
        """Return where a job stands now, in the services' words."""
        if not self._state.is_ready(row):
            return "Running"
        return "Failed" if row["failure"] else "Completed"

    def progress(self, row: Row) -> int:
        """How far a backup or job is, 0 to 100."""
        return self._state.progress(row)

    def _rows(self) -> dict[str, Row]:
        return self._state.table(f"{self._service}.backups")

    def _described(self, instance: Row, hex_digits: str) -> Row:
        return {
            "id": f"{hex_digits}br{instance['id'][-2:]}",
            "instance_id": instance["id"],
            "instance_name": instance["name"],
            "engine": instance["engine"],
            "version": instance["version"],
            "size_gb": instance["size_gb"],
            "gone_at": None,
        }

    def _is_gone(self, row: Row) -> bool:
        return bool(row["gone_at"]) and self._state.now() >= datetime.fromisoformat(row["gone_at"])
