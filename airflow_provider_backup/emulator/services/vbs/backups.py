"""Backups of disks and the jobs that take them: how they come to be, what state they are in now, how they go.

Rows of ``vbs.backups``: ``id``, ``name``, ``description``, ``volume_id``, ``snapshot_id``, ``size`` (GB),
``availability_zone``, ``bootable``, ``incremental``, ``tags``, ``policy_id`` (``None`` for a manual one), ``contents``
(what it holds, see :meth:`Contents.snapshot`), the times of :meth:`CloudState.started`, and ``deletion`` (none, or
times of the same form) and ``restore`` (none, or ``volume_id`` and times of the same form: its last restore).

Rows of ``vbs.jobs``: ``id``, ``type``, ``backup_id``, ``volume_id`` (what is backed up, overwritten or whose backup is
deleted), ``snapshot_id`` and the times of the backup, restore or deletion, which they outlive.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from airflow_provider_backup.cloud.schema.fields import format_utc
from airflow_provider_backup.emulator.core.contents import Contents
from airflow_provider_backup.emulator.core.inventory import Inventory
from airflow_provider_backup.emulator.core.state import CloudState, Row
from airflow_provider_backup.emulator.services.vbs.refusals import native_refusal, refusal
from airflow_provider_backup.emulator.services.vbs.retention import expired

MOST_BACKUPS_OF_A_DISK = 20
"""VBS section 6.2, code VolumeBackup.0040."""

_INIT_PERCENT = 10
"""How far a job gets before it names its backup."""

_LONGEST_INIT = timedelta(seconds=10)
"""How long that takes at most, however long the backup takes."""

_DELETABLE = ("available", "error", "error_deleting", "error_restoring")
_BACKING_UP, _RESTORING, _DELETING = "bksCreateBackup", "bksRestoreBackup", "bksDeleteBackup"
_FAILURES = {_BACKING_UP: "VolumeBackup.0064", _RESTORING: "VolumeBackup.0200", _DELETING: "VolumeBackup.0102"}


@dataclass(frozen=True, slots=True)
class Order:
    """What a request wants to be backed up, and how.

    :param volume_id: id of the disk.
    :param name: name of the backup.
    :param description: description of the backup.
    :param snapshot_id: the snapshot to back up; none makes one.
    :param is_full: true for a full backup.
    :param tags: its labels.
    :param policy_id: the policy that wants it; ``None`` for a manual backup.
    """

    volume_id: str
    name: str
    description: str = ""
    snapshot_id: str | None = None
    is_full: bool = False
    tags: Sequence[Row] = field(default_factory=tuple)
    policy_id: str | None = None


class Backups:
    """All backups and jobs of the service.

    :param state: keeps them, and gives the time.
    :param inventory: the disks.
    """

    def __init__(self, state: CloudState, inventory: Inventory) -> None:
        self._state = state
        self._inventory = inventory
        self._contents = Contents(state)

    def rows(self) -> list[Row]:
        """Return the backups that exist, oldest first; those that are deleted or have expired are taken away."""
        table = self._state.table("vbs.backups")
        gone = [row for row in table.values() if row["deletion"] and self.status(row) == "deleted"]
        # Manual ones never expire.
        good = [row for row in table.values() if row["policy_id"] and self.status(row) == "available"]
        for row in (*gone, *expired(good, self._state.table("vbs.policies"), self._state.now())):
            del table[row["id"]]
        return list(table.values())

    def get(self, backup_id: str) -> Row:
        """Return a backup.

        :raises ServiceError: there is none with this id.
        """
        self.rows()
        row = self._state.table("vbs.backups").get(backup_id)
        if row is None:
            raise native_refusal(404, f"Backup {backup_id} could not be found.")
        return row

    def status(self, row: Row) -> str:
        """Return the status of a backup now (VBS section 4.6)."""
        if row["deletion"] is not None:
            if not self._state.is_ready(row["deletion"]):
                return "deleting"
            return "error_deleting" if row["deletion"]["failure"] else "deleted"
        if not self._state.is_ready(row):
            return "creating"
        # Rows of an earlier release have no such member.
        if restore := row.get("restore"):
            if not self._state.is_ready(restore):
                return "restoring"
            return "error_restoring" if restore["failure"] else "available"
        return "error" if row["failure"] else "available"

    def start(self, order: Order) -> Row:
        """Begin to back up a disk and return the job's row.

        :raises ServiceError: the disk cannot be backed up now.
        """
        volume = self._inventory.volumes.get(order.volume_id)
        if volume is None:
            raise refusal("VolumeBackup.0021")
        if volume["status"] not in ("available", "in-use"):
            raise refusal("VolumeBackup.0012")
        if self._is_restored(order.volume_id):
            raise refusal("VolumeBackup.0012")
        of_disk = [row for row in self.rows() if row["volume_id"] == order.volume_id]
        if any(self.status(row) == "creating" for row in of_disk):
            raise refusal("VolumeBackup.0013")
        if len(of_disk) >= MOST_BACKUPS_OF_A_DISK:
            raise refusal("VolumeBackup.0040")
        if order.snapshot_id is not None and order.snapshot_id not in {row["snapshot_id"] for row in of_disk}:
            # Backups make the only snapshots that there are in the local cloud.
            raise refusal("VolumeBackup.0020")
        times = self._state.started("vbs")
        # The first backup of a disk is always full (VBS section 4.1).
        is_incremental = not order.is_full and any(self.status(row) == "available" for row in of_disk)
        backup: Row = {
            "id": self._state.new_uuid(),
            "name": order.name,
            "description": order.description,
            "volume_id": order.volume_id,
            "snapshot_id": order.snapshot_id or self._state.new_uuid(),
            "size": volume["size_gb"],
            "availability_zone": volume["availability_zone"],
            "bootable": volume["bootable"],
            "incremental": is_incremental,
            "tags": list(order.tags),
            "policy_id": order.policy_id,
            "contents": self._contents.snapshot(order.volume_id),
            "deletion": None,
            "restore": None,
            **times,
        }
        job: Row = {
            "id": self._state.new_hex(),
            "type": _BACKING_UP,
            "backup_id": backup["id"],
            "volume_id": order.volume_id,
            "snapshot_id": backup["snapshot_id"],
            **times,
        }
        self._state.table("vbs.backups")[backup["id"]] = backup
        self._state.table("vbs.jobs")[job["id"]] = job
        return job

    def restore(self, backup_id: str, volume_id: str) -> Row:
        """Begin to overwrite a disk with a backup and return the job's row.

        :raises ServiceError: that is not possible now (VBS sections 4.2 and 6.2).
        """
        backup = next((row for row in self.rows() if row["id"] == backup_id), None)
        if backup is None:
            raise refusal("VolumeBackup.0111")
        if self.status(backup) != "available":
            raise refusal("VolumeBackup.0089")
        volume = self._inventory.volumes.get(volume_id)
        if volume is None:
            raise refusal("VolumeBackup.0207")
        if volume["status"] == "error":
            raise refusal("VolumeBackup.0202")
        if volume["status"] != "available" or self._is_restored(volume_id):
            raise refusal("VolumeBackup.0205")
        if any(row["volume_id"] == volume_id and self.status(row) == "creating" for row in self.rows()):
            raise refusal("VolumeBackup.0206")
        if volume["size_gb"] < backup["size"]:
            raise refusal("VolumeBackup.0209")
        times = self._state.started("vbs.restore")
        backup["restore"] = {"volume_id": volume_id, **times}
        self._contents.restore({volume_id: backup["contents"][backup["volume_id"]]}, times)
        job: Row = {
            "id": self._state.new_hex(),
            "type": _RESTORING,
            "backup_id": backup_id,
            "volume_id": volume_id,
            "snapshot_id": None,
            **times,
        }
        self._state.table("vbs.jobs")[job["id"]] = job
        return job

    def volume_name(self, volume_id: str) -> str:
        """Return the name of a disk that exists."""
        return str(self._inventory.volumes[volume_id]["name"])

    def _is_restored(self, volume_id: str) -> bool:
        return any(
            row["restore"]["volume_id"] == volume_id
            for row in self._state.table("vbs.backups").values()
            if row.get("restore") and self.status(row) == "restoring"
        )

    def delete(self, backup_id: str) -> None:
        """Begin to delete a backup; :meth:`CloudState.plan_failure` for ``vbs.deletion`` lets that fail.

        :raises ServiceError: there is none with this id, or it is busy.
        """
        row = self.get(backup_id)
        if self.status(row) not in _DELETABLE:
            raise native_refusal(400, f"Invalid backup: Backup status must be one of {', '.join(_DELETABLE)}.")
        row["deletion"] = self._state.started("vbs.deletion")

    def delete_by_job(self, backup_id: str) -> Row:
        """Begin to delete a backup and return the job's row.

        :raises ServiceError: there is none with this id, or it is busy.
        """
        row = next((row for row in self.rows() if row["id"] == backup_id), None)
        if row is None:
            raise refusal("VolumeBackup.0110")
        if self.status(row) not in _DELETABLE:
            raise refusal("VolumeBackup.0125")
        self.delete(backup_id)
        job: Row = {
            "id": self._state.new_hex(),
            "type": _DELETING,
            "backup_id": backup_id,
            "volume_id": row["volume_id"],
            "snapshot_id": row["snapshot_id"],
            **row["deletion"],
        }
        self._state.table("vbs.jobs")[job["id"]] = job
        return job

    def outline(self, row: Row) -> dict[str, Any]:
        """Return the row with what lists are filtered and ordered by: ``status`` and times, as they are stored."""
        return {
            **row,
            "status": self.status(row),
            "created_at": row["started_at"],
            "updated_at": self._changed_at(row),
        }

    def view(self, row: Row, version: str) -> dict[str, Any]:
        """Return a backup as it goes over the wire (VBS section 4.5).

        :param version: ``v2`` or ``v3`` of the call; each has members of its own.
        """
        status = self.status(row)
        deletion = row["deletion"]
        began = _microseconds(row["started_at"])
        common = {
            "id": row["id"],
            "name": row["name"],
            "status": status,
            "size": row["size"],
            "volume_id": row["volume_id"],
            "snapshot_id": row["snapshot_id"],
            "container": row["snapshot_id"],
            "availability_zone": row["availability_zone"],
            "object_count": 0,
            "description": json.dumps({"DESC": row["description"], "INC": int(row["incremental"])}),
            "fail_reason": {
                "error": row["failure"],
                "error_deleting": (deletion or row)["failure"],
                "error_restoring": (row.get("restore") or row)["failure"],
            }.get(status),
            "created_at": began,
            "updated_at": _microseconds(self._changed_at(row)),
            "data_timestamp": began,
            "has_dependent_backups": False,
            "is_incremental": row["incremental"],
        }
        if version == "v3":
            return common
        metadata = {
            "bootable": row["bootable"],
            "progress": str(self._state.progress(row)),
            "Type": int(row["incremental"]),
            "ST": 0,
        }
        # The vendor's own examples have blanks around the JSON text.
        return {**common, "service_metadata": f" {json.dumps(metadata)} "}

    def _changed_at(self, row: Row) -> str:
        deletion = row["deletion"]
        if deletion:
            return str(deletion["started_at"])
        if restore := row.get("restore"):
            return str(restore["ready_at" if self._state.is_ready(restore) else "started_at"])
        return str(row["ready_at" if self._state.is_ready(row) else "started_at"])

    def job(self, job_id: str) -> Row:
        """Return a job.

        :raises ServiceError: there is none with this id.
        """
        row = self._state.table("vbs.jobs").get(job_id)
        if row is None:
            raise refusal("common.0011")
        return row

    def job_status(self, row: Row) -> str:
        """Return the status of a job now (VBS section 4.4)."""
        if self._state.is_ready(row):
            return "FAIL" if row["failure"] else "SUCCESS"
        age = self._state.now() - datetime.fromisoformat(row["started_at"])
        is_new = self._state.progress(row) < _INIT_PERCENT and age < _LONGEST_INIT
        return "INIT" if is_new else "RUNNING"

    def job_view(self, row: Row) -> dict[str, Any]:
        """Return a job as it goes over the wire (VBS section 4.4)."""
        status = self.job_status(row)
        # Rows of an earlier release have no type: they are of backups.
        job_type = row.get("type", _BACKING_UP)
        entities = {"volume_id": row["volume_id"]}
        if job_type != _BACKING_UP or status != "INIT":
            entities["backup_id"] = row["backup_id"]
        if job_type == _BACKING_UP and status != "INIT":
            entities["snapshot_id"] = row["snapshot_id"]
            entities["bks_create_volume_name"] = f"autobk_volume_{row['id'][:8]}"
        return {
            "job_id": row["id"],
            "job_type": job_type,
            "status": status,
            "entities": entities,
            "begin_time": milliseconds(row["started_at"], suffix="Z"),
            "end_time": milliseconds(row["ready_at"], suffix="Z") if status in ("SUCCESS", "FAIL") else None,
            "error_code": _FAILURES[job_type] if status == "FAIL" else None,
            "fail_reason": row["failure"] if status == "FAIL" else None,
            "sub_jobs": [],
        }


def milliseconds(text: str, suffix: str = "") -> str:
    """Write a stored time as jobs (suffix ``Z``) and tasks (no suffix) do."""
    return format_utc(datetime.fromisoformat(text), suffix=suffix, timespec="milliseconds")


def _microseconds(text: str) -> str:
    return format_utc(datetime.fromisoformat(text), suffix="", timespec="microseconds")
