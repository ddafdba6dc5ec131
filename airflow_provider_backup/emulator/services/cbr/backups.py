"""Backups: how they come to be, what state they are in now, how they go (CBR section 7).

Rows of ``cbr.backups``, one for each backed-up resource: ``id``, ``checkpoint_id``, ``vault_id``, ``name``,
``description``, ``resource_id``, ``resource_name``, ``resource_type``, ``resource_az``, ``resource_size`` (GB),
``provider_id``, ``enterprise_project_id``, ``auto_trigger``, ``incremental``, ``size`` (MB), ``expired_at``,
``volume`` (of a disk: as it was), ``children`` (of a server: one for each disk with ``id``, ``snapshot_id`` and
``volume``), ``contents`` (what it holds, see :meth:`Contents.snapshot`), the members of :meth:`CloudState.started`, and
``deletion`` (none, or a second set of those members), ``restore`` (see ``restores.py``), and ``image_ids`` when images
were made from it.

A copy of a backup of another region has ``replicated_from`` (id of that backup), too; it shows up once it is there. The
backup that was copied has ``copies`` (see ``replications.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from airflow_provider_backup.cloud.schema.fields import format_utc
from airflow_provider_backup.emulator.core.state import CloudState, Row
from airflow_provider_backup.emulator.services.cbr.refusals import refusal

REPLICATION_FAILED = "BackupService.1006"
"""The code that a failed copy is recorded with: "replica import failed" (CBR section 14.2)."""


class Backups:
    """All backups of the service.

    :param state: keeps them, and gives the time.
    """

    def __init__(self, state: CloudState) -> None:
        self._state = state

    def all(self) -> list[Row]:
        """Return the backups that exist; those whose deletion ended are taken away."""
        return self._existing(list(self._state.table("cbr.backups").values()))

    def of(self, **members: str) -> list[Row]:
        """Return the backups whose members have these values."""
        rows = list(self._state.table("cbr.backups").values())
        for name, value in members.items():
            rows = [row for row in rows if row[name] == value]
        return self._existing(rows)

    def get(self, backup_id: str) -> Row:
        """Return a backup of a resource."""
        row = self._state.table("cbr.backups").get(backup_id)
        for existing in self._existing([row] if row is not None else []):
            return existing
        raise refusal("6200", backup_id)

    def parent_of(self, disk_backup_id: str) -> Row | None:
        """Return the backup of a resource that holds the backup of a disk."""
        for row in self.all():
            if any(child["id"] == disk_backup_id for child in row["children"]):
                return row
        return None

    def add(self, row: Row) -> None:
        """Keep a new backup."""
        self._state.table("cbr.backups")[row["id"]] = row

    def forget(self, vault_id: str) -> None:
        """Take away all backups of a vault at once."""
        for row in self.of(vault_id=vault_id):
            del self._state.table("cbr.backups")[row["id"]]

    def status(self, row: Row) -> str:
        """Return the status of a backup now (CBR section 3)."""
        if row["deletion"] is not None:
            return "error" if self._state.is_ready(row["deletion"]) else "deleting"
        if not self._state.is_ready(row):
            return "protecting"
        # Rows of an earlier release have no such member.
        if (restore := row.get("restore")) and not self._state.is_ready(restore):
            return "restoring"
        return "error" if row["failure"] else "available"

    def is_restored(self, resource_id: str) -> bool:
        """Whether a resource is being overwritten with a backup."""
        return any(
            resource_id in row["restore"]["resource_ids"]
            for row in self._state.table("cbr.backups").values()
            if row.get("restore") and self.status(row) == "restoring"
        )

    def is_running(self, row: Row) -> bool:
        """Whether a backup is still being made."""
        return self.status(row) == "protecting"

    def size_megabytes(self, row: Row) -> int:
        """Return how much room a backup takes: none until it is good."""
        return int(row["size"]) if self._state.is_ready(row) and not row["failure"] else 0

    def outline(self, row: Row) -> dict[str, Any]:
        """Return the members of :meth:`view` that lists are filtered and ordered by; times are as they are stored."""
        return {
            **row,
            "parent_id": None,
            "status": self.status(row),
            "image_type": _image_type(row),
            "created_at": row["started_at"],
            "updated_at": self._changed_at(row),
            "protected_at": None,
        }

    def view(self, row: Row, project_id: str) -> dict[str, Any]:
        """Return a backup as it goes over the wire (CBR section 7.1)."""
        common = self._common_view(row, project_id)
        extend_info = common["extend_info"]
        children = [
            {
                **common,
                "id": child["id"],
                "name": f"{row['name']}_{child['volume']['name']}",
                "parent_id": row["id"],
                "resource_id": child["volume"]["id"],
                "resource_name": child["volume"]["name"],
                "resource_type": "OS::Cinder::Volume",
                "resource_size": child["volume"]["size_gb"],
                "resource_az": child["volume"]["availability_zone"],
                "children": [],
                "extend_info": {**extend_info, **_disk_info(child["volume"]), "snapshot_id": child["snapshot_id"]},
            }
            for child in row["children"]
        ]
        return {**common, "children": children}

    def _existing(self, rows: list[Row]) -> list[Row]:
        gone = [row["id"] for row in rows if self._is_deleted(row) or self._is_failed_copy(row)]
        for identifier in gone:
            del self._state.table("cbr.backups")[identifier]
        return [row for row in rows if row["id"] not in gone and not self._is_arriving(row)]

    def _is_failed_copy(self, row: Row) -> bool:
        return "replicated_from" in row and bool(row["failure"]) and self._state.is_ready(row)

    def _is_arriving(self, row: Row) -> bool:
        return "replicated_from" in row and not self._state.is_ready(row)

    def _changed_at(self, row: Row) -> str:
        if row["deletion"]:
            return str(row["deletion"]["started_at"])
        if restore := row.get("restore"):
            return str(restore["ready_at" if self._state.is_ready(restore) else "started_at"])
        return str(row["ready_at" if self._state.is_ready(row) else "started_at"])

    def _is_deleted(self, row: Row) -> bool:
        deletion = row["deletion"]
        return deletion is not None and self._state.is_ready(deletion) and not deletion["failure"]

    def _common_view(self, row: Row, project_id: str) -> dict[str, Any]:
        is_good = self._state.is_ready(row) and not row["failure"]
        return {
            "id": row["id"],
            "checkpoint_id": row["checkpoint_id"],
            "vault_id": row["vault_id"],
            "project_id": project_id,
            "provider_id": row["provider_id"],
            "parent_id": None,
            "name": row["name"],
            "description": row["description"],
            "resource_id": row["resource_id"],
            "resource_name": row["resource_name"],
            "resource_type": row["resource_type"],
            "resource_az": row["resource_az"],
            "resource_size": row["resource_size"],
            "status": self.status(row),
            "image_type": _image_type(row),
            "created_at": wire_time(row["started_at"]),
            "updated_at": wire_time(self._changed_at(row)),
            "expired_at": wire_time(row["expired_at"]) if row["expired_at"] else None,
            "protected_at": None,
            "enterprise_project_id": row["enterprise_project_id"],
            "incremental": row["incremental"],
            "version": 3,
            # Rows of an earlier release have no copies.
            "replication_records": [self._record(row, copy, project_id) for copy in row.get("copies", ())],
            "extend_info": {
                "auto_trigger": row["auto_trigger"],
                "bootable": False,
                "contain_system_disk": any(child["volume"]["bootable"] for child in row["children"]),
                "encrypted": False,
                "incremental": row["incremental"],
                "is_multi_az": False,
                "os_images_data": [{"image_id": image_id} for image_id in row.get("image_ids", ())] or None,
                "progress": self._state.progress(row) if not row["failure"] else 0,
                "snapshot_id": None,
                "support_lld": True,
                "supported_restore_mode": "backup" if is_good else "na",
                "system_disk": False,
                **(_disk_info(row["volume"]) if row["volume"] else {}),
            },
        }

    def _record(self, row: Row, copy: Row, project_id: str) -> dict[str, Any]:
        failure = copy["failure"] if self._state.is_ready(copy) else None
        status = ("fail" if failure else "success") if self._state.is_ready(copy) else "replicating"
        is_there = status == "success"
        return {
            "id": copy["id"],
            "status": status,
            "created_at": wire_time(copy["started_at"]),
            "vault_id": row["vault_id"],
            "source_backup_id": row["id"],
            "source_checkpoint_id": row["checkpoint_id"],
            "source_project_id": project_id,
            "source_region": self._state.region,
            # Nothing is there before the copy is (CBR section 7.5).
            "destination_backup_id": copy["destination_backup_id"] if is_there else None,
            "destination_checkpoint_id": copy["destination_checkpoint_id"] if is_there else None,
            "destination_project_id": copy["destination_project_id"],
            "destination_region": copy["destination_region"],
            "destination_vault_id": copy["destination_vault_id"],
            "extra_info": {
                "progress": self._state.progress(copy) if not copy["failure"] else 0,
                "fail_code": REPLICATION_FAILED if failure else None,
                "fail_reason": failure,
                "auto_trigger": copy["auto_trigger"],
                "destination_vault_id": copy["destination_vault_id"],
            },
        }


def _image_type(row: Row) -> str:
    return "replication" if "replicated_from" in row else "backup"


def _disk_info(volume: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "bootable": volume["bootable"],
        "system_disk": volume["bootable"],
        "contain_system_disk": volume["bootable"],
    }


def wire_time(text: str) -> str:
    """Write a stored time as the service does: UTC with microseconds, without a zone."""
    return format_utc(datetime.fromisoformat(text), suffix="", timespec="microseconds")
