"""Policies, the disks under them, and what their runs did.

Rows of ``vbs.policies``: ``id``, ``name``, ``scheduled_policy`` (as on the wire), ``time_zone`` (or none), ``tags``,
``volumes`` (ids of disks).

Rows of ``vbs.tasks``: ``id``, ``policy_id``, ``volume_id``, ``backup_name``, ``created_at``, ``job_id`` (``None``
when the backup was not even started), ``code`` and ``message`` (why it was not).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import time
from typing import Any

from airflow_provider_backup.cloud.operations.schedules import Weekday
from airflow_provider_backup.cloud.operations.time_zones import read_time_zone
from airflow_provider_backup.emulator.core.inventory import Inventory
from airflow_provider_backup.emulator.core.run_times import RunTimes
from airflow_provider_backup.emulator.core.service import ServiceError
from airflow_provider_backup.emulator.core.state import CloudState, Row
from airflow_provider_backup.emulator.services.vbs.backups import Backups, Order, milliseconds
from airflow_provider_backup.emulator.services.vbs.refusals import refusal

MOST_POLICIES = 32
"""The user manual's number; the API page says 10 (VBS section 3.1)."""

_ALTERNATIVES = (("frequency", "week_frequency"), ("rentention_num", "rentention_day"))
_NOT_ASSOCIABLE = (
    "awaiting-transfer",
    "error",
    "error_deleting",
    "error_extending",
    "error_restoring",
    "error_rollbacking",
)
_TASK_STATUSES = {"INIT": "WAITING", "RUNNING": "RUNNING", "SUCCESS": "EXECUTE_SUCCESS", "FAIL": "EXECUTE_FAIL"}
_UNFINISHED_BACKUP = "VolumeBackup.0013"


class Policies:
    """All policies of the service.

    :param state: keeps them, and gives the time.
    :param inventory: the disks.
    :param backups: takes the backups.
    """

    def __init__(self, state: CloudState, inventory: Inventory, backups: Backups) -> None:
        self._state = state
        self._inventory = inventory
        self._backups = backups

    def rows(self) -> list[Row]:
        """Return the policies, oldest first."""
        return list(self._state.table("vbs.policies").values())

    def get(self, policy_id: str, code: str = "AutoBackup.0205") -> Row:
        """Return a policy.

        :param code: the code to refuse with.
        :raises ServiceError: there is none with this id.
        """
        row = self._state.table("vbs.policies").get(policy_id)
        if row is None:
            raise refusal(code)
        return row

    def create(self, policy: Row) -> str:
        """Keep a new policy and return its id.

        :param policy: a whole, valid request.
        :raises ServiceError: there are too many already.
        """
        if len(self.rows()) >= MOST_POLICIES:
            raise refusal("AutoBackup.0203")
        policy_id = self._state.new_uuid()
        self._state.table("vbs.policies")[policy_id] = {
            "id": policy_id,
            "name": policy["backup_policy_name"],
            "scheduled_policy": {"remain_first_backup_of_curMonth": "N", **policy["scheduled_policy"]},
            "time_zone": policy.get("time_zone"),
            "tags": policy.get("tags", []),
            "volumes": [],
        }
        self._state.schedule("vbs", policy_id)
        return policy_id

    def update(self, policy_id: str, change: Row) -> None:
        """Merge a valid change into a policy; of two alternatives the new one replaces the old one.

        :raises ServiceError: there is no such policy.
        """
        row = self.get(policy_id)
        row["name"] = change.get("backup_policy_name", row["name"])
        row["time_zone"] = change.get("time_zone", row["time_zone"])
        stored, scheduled = row["scheduled_policy"], change.get("scheduled_policy", {})
        for pair in _ALTERNATIVES:
            if any(name in scheduled for name in pair):
                for name in pair:
                    stored.pop(name, None)
        stored.update(scheduled)
        self._state.schedule("vbs", policy_id)

    def delete(self, policy_id: str) -> None:
        """Delete a policy and its tasks; the backups stay.

        :raises ServiceError: there is no such policy.
        """
        self.get(policy_id)
        del self._state.table("vbs.policies")[policy_id]
        tasks = self._state.table("vbs.tasks")
        for row in [row for row in tasks.values() if row["policy_id"] == policy_id]:
            del tasks[row["id"]]

    def view(self, row: Row) -> dict[str, Any]:
        """Return a policy as it goes over the wire (VBS section 3.1)."""
        return {
            "backup_policy_id": row["id"],
            "backup_policy_name": row["name"],
            "scheduled_policy": row["scheduled_policy"],
            "policy_resource_count": len(row["volumes"]),
            **({"time_zone": row["time_zone"]} if row["time_zone"] else {}),
        }

    def associate(self, policy_id: str, volume_id: str) -> Row:
        """Put a disk under a policy, taking it from any other.

        :return: the disk.
        :raises ServiceError: there is no such disk, or it is in no state for this.
        """
        volume = self._inventory.volumes.get(volume_id)
        if volume is None:
            raise refusal("AutoBackup.1400")
        if volume["status"] in _NOT_ASSOCIABLE:
            raise refusal("AutoBackup.0206")
        for row in self.rows():
            row["volumes"] = [each for each in row["volumes"] if each != volume_id]
        self.get(policy_id)["volumes"].append(volume_id)
        return volume

    def disassociate(self, policy_id: str, volume_id: str) -> None:
        """Take a disk from a policy.

        :raises ServiceError: the disk does not belong to it.
        """
        volumes = self.get(policy_id)["volumes"]
        if volume_id not in volumes:
            raise refusal("AutoBackup.1400")
        volumes.remove(volume_id)

    def execute(self, policy_id: str) -> None:
        """Start a backup of every disk under a policy, whether its schedule runs or not.

        :raises ServiceError: there is no such policy, or it is being executed.
        """
        policy = self.get(policy_id)
        if any(self._task_status(row) in ("WAITING", "RUNNING") for row in self._task_rows(policy_id)):
            raise refusal("AutoBackup.0225")
        for volume_id in policy["volumes"]:
            self._start_task(policy, volume_id)

    def run_times(self, policy_id: str) -> Sequence[RunTimes]:
        """Return when a policy runs by its schedule (VBS section 3.1)."""
        row = self._state.table("vbs.policies").get(policy_id)
        if row is None or row["scheduled_policy"]["status"] != "ON":
            return ()
        scheduled = row["scheduled_policy"]
        times = tuple(time.fromisoformat(text.strip()) for text in scheduled["start_time"].split(","))
        weekdays = frozenset(int(Weekday[name]) for name in scheduled.get("week_frequency") or ())
        # Intervals begin anew with each month.
        return [
            RunTimes(
                times,
                weekdays,
                interval=scheduled.get("frequency") or 1,
                zone=read_time_zone(row["time_zone"] or "UTC"),
            )
        ]

    def run(self, policy_id: str) -> None:
        """Start a backup of every disk under a policy, unless an earlier run is in progress."""
        with suppress(ServiceError):
            self.execute(policy_id)

    def expire(self) -> None:
        """Take away the backups of policies that they no longer keep, as each reading of backups does."""
        self._backups.rows()

    def tasks(self, policy_id: str) -> list[Row]:
        """Return what the runs of a policy did, oldest first, as it goes over the wire (VBS section 3.5).

        :raises ServiceError: there is no such policy.
        """
        self.get(policy_id, "AutoBackup.1100")
        return [self._task_view(row) for row in self._task_rows(policy_id)]

    def _start_task(self, policy: Row, volume_id: str) -> None:
        name = f"autobk_{self._state.new_suffix()}"
        task: Row = {
            "id": self._state.new_uuid(),
            "policy_id": policy["id"],
            "volume_id": volume_id,
            "backup_name": name,
            "created_at": self._state.now().isoformat(),
            "job_id": None,
            "code": None,
            "message": None,
        }
        try:
            order = Order(volume_id, name, tags=policy["tags"], policy_id=policy["id"])
            task["job_id"] = self._backups.start(order)["id"]
        except ServiceError as error:
            task |= {"code": error.code, "message": error.message}
        self._state.table("vbs.tasks")[task["id"]] = task

    def _task_rows(self, policy_id: str) -> list[Row]:
        return [row for row in self._state.table("vbs.tasks").values() if row["policy_id"] == policy_id]

    def _task_status(self, row: Row) -> str:
        if row["job_id"] is None:
            return "SKIP" if row["code"] == _UNFINISHED_BACKUP else "EXECUTE_FAIL"
        return _TASK_STATUSES[self._backups.job_status(self._backups.job(row["job_id"]))]

    def _task_view(self, row: Row) -> Row:
        status = self._task_status(row)
        view = {
            "job_id": row["id"],
            "status": status,
            "created_at": milliseconds(row["created_at"]),
            "backup_name": row["backup_name"],
            "resource_id": row["volume_id"],
            "resource_type": "volume",
        }
        # A failed task has no end on the live service (VBS section 3.5).
        if row["job_id"] is None:
            return {**view, "code": row["code"], "message": row["message"]}
        job = self._backups.job_view(self._backups.job(row["job_id"]))
        view["vbs_job_id"] = row["job_id"]
        if status == "EXECUTE_SUCCESS":
            view["finished_at"] = job["end_time"].removesuffix("Z")
        if status == "EXECUTE_FAIL":
            view |= {"code": job["error_code"], "message": job["fail_reason"]}
        return view
