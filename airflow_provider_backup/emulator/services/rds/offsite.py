"""Copies of backups of RDS in another region (databases section 8.6); nothing of HTTP.

Rows of ``rds.offsite_policies`` by id of the instance: ``days`` by type of backup, ``destination_region``,
``destination_project_id``. Rows of ``rds.offsite_backups`` by id of the copy: the members of the backup, where it is,
and the times of the copying, which begins when the backup is good. There are no incremental backups here.

| policy | request | becomes |
|---|---|---|
| off | ``auto`` or ``all`` with days | on for those types |
| off | ``incremental`` with days | refused |
| ``auto`` on | ``incremental`` or ``all`` with days | both on; the days have to be the same |
| on | another destination | ignored: only the days change |
| both on | ``incremental`` with 0 days | ``auto`` on; incremental copies are deleted |
| both on | ``auto`` with 0 days | refused: incremental first |
| on | ``all`` with 0 days | off; full copies stay |
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from operator import itemgetter

from airflow_provider_backup.cloud.services.rds.offsite_models import OffsitePolicyUpdate
from airflow_provider_backup.emulator.core.service import ServiceError
from airflow_provider_backup.emulator.core.state import CloudState, Row

PLAN = "rds.offsite"
_TYPES: Mapping[str, tuple[str, ...]] = {
    "MySQL": ("auto", "incremental"),
    "PostgreSQL": ("auto", "incremental"),
    "SQLServer": ("auto", "incremental", "manual"),
}
"""The types of backups that are copied, by engine."""
_NOT_ALLOWED = (409, "DBS.200402")


class OffsiteCopies:
    """Policies and copies in the state's tables.

    :param state: tables and clock.
    """

    def __init__(self, state: CloudState) -> None:
        self._state = state
        self._policies = state.table("rds.offsite_policies")
        self._copies = state.table("rds.offsite_backups")

    def policy_rows(self, instance_id: str) -> list[Row]:
        """Return the policy of an instance, a row for each type that is on."""
        policy = self._policies.get(instance_id, {"days": {}})
        place: Row = {name: policy[name] for name in ("destination_region", "destination_project_id") if name in policy}
        return [{"backup_type": kind, "keep_days": days, **place} for kind, days in policy["days"].items()]

    def set_policy(self, instance: Row, wanted: OffsitePolicyUpdate) -> None:
        """Set the policy of an instance.

        :param instance: its row.
        :param wanted: the checked request.
        :raises ServiceError: engine, type or days are not allowed.
        """
        known = _TYPES.get(instance["engine"])
        if known is None:
            raise ServiceError(400, "DBS.201207", "The engine does not support this operation.")
        if known == _TYPES["SQLServer"] and wanted.backup_type != "all":
            raise ServiceError(400, "DBS.201204", "SQL Server supports the backup type all only.")
        held: Row = self._policies.get(instance["id"], {"days": {}})
        changed = dict.fromkeys(known if wanted.backup_type == "all" else (wanted.backup_type,), wanted.keep_days)
        days = {kind: number for kind, number in {**held["days"], **changed}.items() if number}
        if "incremental" in days and "auto" not in days:
            raise ServiceError(*_NOT_ALLOWED, "Incremental backups are copied only where full ones are copied too.")
        if len(set(days.values())) > 1:
            raise ServiceError(400, "DBS.201106", "Full and incremental backups must have the same retention days.")
        place = held if held["days"] else wanted.to_wire()
        self._policies[instance["id"]] = {
            "days": days,
            "destination_region": place["destination_region"],
            "destination_project_id": place["destination_project_id"],
        }

    def copy(self, backup: Row) -> None:
        """Copy a backup, once it is good, if its instance has a policy that says so."""
        policy = self._policies.get(backup["instance_id"])
        # A backup that never ends is never copied either.
        if policy is None or backup["type"] not in policy["days"] or backup["failure"] or self._is_stuck(backup):
            return
        row = {
            **backup,
            "id": f"{uuid.uuid4().hex}{backup['id'][-4:]}",
            "destination_region": policy["destination_region"],
            "destination_project_id": policy["destination_project_id"],
            "copied": self._state.standing_at(datetime.fromisoformat(backup["ready_at"])).started(PLAN),
        }
        self._copies[row["id"]] = row

    def copies(self, project_id: str) -> list[Row]:
        """Return the copies in a project that exist now, the newest first.

        :param project_id: the project that backups are copied to.
        """
        found = [row for row in self._copies.values() if row["destination_project_id"] == project_id]
        found = [row for row in found if self._has_begun(row) and not self._is_outlived(row)]
        return sorted(found, key=itemgetter("started_at"), reverse=True)

    def status(self, row: Row) -> str:
        """Return where a copy stands now, in the service's words."""
        if not self._state.is_ready(row["copied"]):
            return "BUILDING"
        return "FAILED" if row["copied"]["failure"] else "COMPLETED"

    def _is_stuck(self, backup: Row) -> bool:
        return datetime.fromisoformat(backup["ready_at"]) - self._state.now() > timedelta(days=365)

    def _has_begun(self, row: Row) -> bool:
        return self._state.now() >= datetime.fromisoformat(row["copied"]["started_at"])

    def _is_outlived(self, row: Row) -> bool:
        # Without a policy, copies stay.
        days = self._policies[row["instance_id"]]["days"].get(row["type"])
        return days is not None and self._state.now() - datetime.fromisoformat(row["started_at"]) > timedelta(days=days)
