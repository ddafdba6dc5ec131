"""Restores, creations and deletions of instances of one emulated database service; nothing of HTTP.

The ``change`` of an instance's row is absent, or its last change: ``kind`` (``restore``, ``creation`` or ``deletion``)
and the members of :meth:`CloudState.started`; for the first two also ``source``, what is restored: ``instance_id`` and
either ``backup_id`` or ``moment``. What a restore that failed was to overwrite stays as it was.

The job of a restore of tables has a ``source``, too, until a content store has brought it: ``moment`` and ``tables``,
by database, each with ``schema``, ``name`` and ``new_name``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

from airflow_provider_backup.emulator.core.contents import Contents
from airflow_provider_backup.emulator.core.state import CloudState, Row
from airflow_provider_backup.emulator.services.databases.store import BackupStore

Kind = Literal["restore", "creation", "deletion"]

_PLANS: Mapping[Kind, str] = {"restore": "restore", "creation": "restore", "deletion": "instance_deletion"}
OPERATIONS = ("restore", "instance_deletion")
"""What can be planned to end: both kinds of restores are one of them."""

_LONGEST_DELAY = timedelta(seconds=1)
_LOG_BACKUPS_LAG = timedelta(minutes=5)


class InstanceChanges:
    """What happens to the instances of one service.

    :param state: tables and clock.
    :param service: name of the service.
    :param instances: the instances by id.
    :param store: keeps backups and jobs.
    :param deleting_status: status of an instance that is being deleted.
    """

    def __init__(
        self, state: CloudState, service: str, instances: dict[str, Row], store: BackupStore, deleting_status: str
    ) -> None:
        self._state = state
        self._service = service
        self._instances = instances
        self._store = store
        self._deleting_status = deleting_status
        self._contents = Contents(state)

    def begin(
        self, kind: Kind, instance: Row, *, job_name: str, version: int | None = None, source: Row | None = None
    ) -> Row:
        """Begin a change and return its job.

        :param kind: what happens.
        :param instance: row of the instance.
        :param job_name: name of the job.
        :param version: the content that a restore brings.
        :param source: what it is from.
        """
        times = self._state.started(f"{self._service}.{_PLANS[kind]}")
        instance["change"] = {"kind": kind, **times, **({"source": source} if source else {})}
        if version is not None:
            self._contents.restore({instance["id"]: version}, times)
        if kind == "restore":
            self._state.table(f"{self._service}.overwritten").setdefault(instance["id"], {"restores": []})[
                "restores"
            ].append(times)
        return self._store.start_job(
            {"instance_id": instance["id"], "instance_name": instance["name"], **times}, name=job_name
        )

    def begin_beside(self, instance: Row, *, job_name: str, source: Row | None = None) -> Row:
        """Begin a restore that overwrites nothing, such as that of a table to a new name, and return its job.

        :param instance: row of the instance.
        :param job_name: name of the job.
        :param source: what a content store is to bring; see above.
        """
        times = self._state.started(f"{self._service}.{_PLANS['restore']}")
        work = {"instance_id": instance["id"], "instance_name": instance["name"], **times}
        job = self._store.start_job(work, name=job_name)
        if source is not None:
            job["source"] = source
        return job

    def is_changing(self, instance: Row) -> bool:
        """Whether a change of an instance has not ended."""
        change = instance.get("change")
        return change is not None and not self._state.is_ready(change)

    def status(self, instance: Row) -> str | None:
        """Return the status that a change gives an instance; ``None`` when it has its usual one.

        A restore shows only after a moment (databases section 8.3).
        """
        change = instance.get("change")
        if change is None:
            return None
        if self._state.is_ready(change):
            return "FAILED" if change["kind"] == "creation" and change["failure"] else None
        if change["kind"] == "creation":
            return "BUILD"
        if change["kind"] == "deletion":
            return self._deleting_status
        begin, end = datetime.fromisoformat(change["started_at"]), datetime.fromisoformat(change["ready_at"])
        return "RESTORING" if self._state.now() >= begin + min(_LONGEST_DELAY, (end - begin) / 10) else None

    def forget_deleted(self) -> None:
        """Remove the instances whose deletion has ended, with their automatic backups; manual ones stay."""
        for instance in list(self._instances.values()):
            change = instance.get("change")
            if change and change["kind"] == "deletion" and self._state.is_ready(change) and not change["failure"]:
                del self._instances[instance["id"]]
                self._store.forget_automatic(instance["id"])

    def windows(self, instance: Row, keep_days: int) -> list[tuple[datetime, datetime]]:
        """Return the spans of time to which an instance can be restored, the earliest first (databases section 7).

        They begin with a good backup; the time that a restore in place took is missing.

        :param instance: row of the instance.
        :param keep_days: days that automatic backups stay; with 0 there are no windows.
        """
        now = self._state.now()
        ends = [
            datetime.fromisoformat(row["ready_at"])
            for row in self._store.all([("instance_id", instance["id"])])
            if self._store.status(row) == "COMPLETED"
        ]
        if not ends or not keep_days:
            return []
        begin, last = max(min(ends), now - timedelta(days=keep_days)), now - _LOG_BACKUPS_LAG
        found = []
        for times in self._state.table(f"{self._service}.overwritten").get(instance["id"], {"restores": []})[
            "restores"
        ]:
            if times["failure"] is None:
                found.append((begin, datetime.fromisoformat(times["started_at"])))
                begin = max(begin, datetime.fromisoformat(times["ready_at"]))
        found.append((begin, last))
        return [(first, end) for first, end in found if first < end]

    def version_at(self, instance_id: str, moment: datetime) -> int:
        """Return the content that an instance had at a moment."""
        return self._contents.version_at(instance_id, moment)
