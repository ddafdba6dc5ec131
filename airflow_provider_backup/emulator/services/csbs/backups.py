"""Backups of servers: how they come to be, what state they are in now, how they go.

Rows of ``csbs.items``, one for each backed-up server: ``id``, ``checkpoint_id``, ``policy_id`` (``None`` for a single
server), ``name``, ``description``, ``resource_id``, ``resource_name``, ``resource_az``, ``private_ip``,
``auto_trigger``, ``incremental``, ``size`` (MB), ``tags``, ``contents`` (what it holds, see :meth:`Contents.snapshot`),
``task_id``, the members of :meth:`CloudState.started`, ``deletion`` (none, or a second set of those members), and
``restore`` (described in ``restores.py``).

Rows of ``csbs.volume_backups``, one for each disk in them: ``id``, ``item_id``, ``name``, ``snapshot_id``,
``source_volume_id``, ``source_volume_name``, ``source_volume_size`` (GB), ``availability_zone``, ``bootable``,
``incremental``, ``size`` (MB). They stand and fall with their item, whose times and state are theirs.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_provider_backup.cloud.schema.fields import format_utc
from airflow_provider_backup.emulator.core.contents import Contents
from airflow_provider_backup.emulator.core.inventory import Inventory
from airflow_provider_backup.emulator.core.service import ServiceError
from airflow_provider_backup.emulator.core.state import CloudState, Row
from airflow_provider_backup.emulator.services.csbs.refusals import refusal

SERVER_TYPE = "OS::Nova::Server"
CONCURRENT_DELETIONS = 5
"""Deletions that run at the same time; the rest waits (CSBS section 6.3)."""

_PROTECTABLE_STATUSES = ("ACTIVE", "SHUTOFF")


@dataclass(frozen=True, slots=True)
class Order:
    """What a request wants of each of its backups.

    :param policy_id: id of the policy; ``None`` for a single server.
    :param name: name of the backups; none makes one.
    :param description: description of the backups.
    :param incremental: false for full backups.
    :param auto_trigger: whether they count as scheduled.
    :param tags: their labels.
    """

    policy_id: str | None = None
    name: str | None = None
    description: str = ""
    incremental: bool = True
    auto_trigger: bool = False
    tags: Sequence[Row] = ()


class Backups:
    """All backups of the service.

    :param state: keeps them, and gives the time.
    :param inventory: the servers and their disks.
    """

    def __init__(self, state: CloudState, inventory: Inventory) -> None:
        self._state = state
        self._inventory = inventory

    def items(self) -> list[Row]:
        """Return the backups that exist; those whose deletion ended are taken away."""
        table = self._state.table("csbs.items")
        self.take_away([row for row in table.values() if row["deletion"] and self.status(row) == "deleted"])
        return list(table.values())

    def status(self, row: Row) -> str:
        """Return the status of a backup now (CSBS section 6.1)."""
        deletion = row["deletion"]
        if deletion is None:
            if not self._state.is_ready(row):
                return "protecting"
            if row["failure"]:
                return "error"
            restore = row.get("restore")
            return "restoring" if restore and not self._state.is_ready(restore) else "available"
        if self._state.now() < datetime.fromisoformat(deletion["started_at"]):
            return "waiting_delete"
        if not self._state.is_ready(deletion):
            return "deleting"
        return "error" if deletion["failure"] else "deleted"

    def running(self, policy_id: str) -> list[Row]:
        """Return the backups that a policy is making now."""
        return [row for row in self.items() if row["policy_id"] == policy_id and self.status(row) == "protecting"]

    def obstacle(self, server_id: str, resource_type: str = SERVER_TYPE) -> ServiceError | None:
        """Return why a server cannot be backed up now; ``None`` when it can."""
        if resource_type != SERVER_TYPE:
            return refusal("CSBS.6003", server_id, resource_type)
        server = self._inventory.servers.get(server_id)
        if server is None:
            return refusal("CSBS.6000")
        if server["status"] not in _PROTECTABLE_STATUSES:
            return refusal("CSBS.6006", server_id, server["status"])
        if not server["volumes"]:
            return refusal("CSBS.6007", server_id)
        if self.is_backed_up(server_id) or self.is_restored(server_id):
            return refusal("CSBS.6005", server_id)
        return None

    def is_backed_up(self, server_id: str) -> bool:
        """Return whether a backup of a server is being made."""
        return any(row["resource_id"] == server_id and self.status(row) == "protecting" for row in self.items())

    def is_restored(self, server_id: str) -> bool:
        """Return whether a server is being overwritten."""
        return any(
            row["restore"]["server_id"] == server_id
            for row in self.items()
            if row.get("restore") and self.status(row) == "restoring"
        )

    def disks(self, item_id: str) -> list[Row]:
        """Return the disk backups in a backup."""
        return [disk for disk in self._state.table("csbs.volume_backups").values() if disk["item_id"] == item_id]

    def server_name(self, server_id: str) -> str:
        """Return the name of a server that exists."""
        return str(self._inventory.servers[server_id]["name"])

    def start(self, checkpoint_id: str, servers: Iterable[Row], order: Order) -> list[Row]:
        """Begin to back up servers, and return the backups: one for each.

        :param checkpoint_id: id of the checkpoint that holds them.
        :param servers: servers without an :meth:`obstacle`, as a policy names them: ``id``, and ``extra_info`` with the
            disks to leave out (``exclude_volumes``).
        :param order: what is wanted of each.
        """
        prefix = "autobk" if order.auto_trigger else "manualbk"
        name = order.name or f"{prefix}_{self._state.new_suffix()}"
        rows = []
        for server in servers:
            excluded = server["extra_info"].get("exclude_volumes")
            left_out = excluded if isinstance(excluded, list) else ()
            rows.append(self._start_one(checkpoint_id, server["id"], name, order, left_out))
        return rows

    def _start_one(self, checkpoint_id: str, server_id: str, name: str, order: Order, excluded: Collection[str]) -> Row:
        server = self._inventory.servers[server_id]
        item_id = self._state.new_uuid()
        # The first backup of a server is always full (CSBS section 4.1).
        incremental = order.incremental and any(
            row["resource_id"] == server_id and self.status(row) in ("available", "restoring") for row in self.items()
        )
        size = 0
        for volume_id in server["volumes"]:
            if volume_id in excluded:
                continue
            volume = self._inventory.volumes[volume_id]
            disk_backup: Row = {
                "id": self._state.new_uuid(),
                "item_id": item_id,
                "name": f"{name}_{volume['name']}",
                "snapshot_id": self._state.new_uuid(),
                "source_volume_id": volume_id,
                "source_volume_name": volume["name"],
                "source_volume_size": volume["size_gb"],
                "availability_zone": volume["availability_zone"],
                "bootable": volume["bootable"],
                "incremental": incremental,
                "size": volume["size_gb"] * (32 if incremental else 512),
            }
            size += disk_backup["size"]
            self._state.table("csbs.volume_backups")[disk_backup["id"]] = disk_backup
        row: Row = {
            "id": item_id,
            "checkpoint_id": checkpoint_id,
            "policy_id": order.policy_id,
            "name": name,
            "description": order.description,
            "resource_id": server_id,
            "resource_name": server["name"],
            "resource_az": server["availability_zone"],
            "private_ip": f"192.168.0.{10 + list(self._inventory.servers).index(server_id)}",
            "auto_trigger": order.auto_trigger,
            "incremental": incremental,
            "size": size,
            "tags": list(order.tags),
            "contents": Contents(self._state).snapshot(server_id),
            "task_id": str(uuid.uuid1()),
            "deletion": None,
            "restore": None,
            **self._state.started("csbs"),
        }
        self._state.table("csbs.items")[item_id] = row
        return row

    def take_away(self, rows: Iterable[Row]) -> None:
        """Take backups away at once, with the disk backups in them."""
        table, disks = self._state.table("csbs.items"), self._state.table("csbs.volume_backups")
        gone = {row["id"] for row in rows}
        for item_id in gone:
            del table[item_id]
        for disk_id in [disk["id"] for disk in disks.values() if disk["item_id"] in gone] if gone else ():
            del disks[disk_id]

    def delete(self, rows: Iterable[Row]) -> None:
        """Begin to delete backups; :meth:`CloudState.plan_failure` for ``csbs.deletion`` lets a deletion fail."""
        for row in rows:
            ends = sorted(
                datetime.fromisoformat(other["deletion"]["ready_at"])
                for other in self.items()
                if self.status(other) in ("waiting_delete", "deleting")
            )
            times = self._state.started("csbs.deletion")
            if len(ends) >= CONCURRENT_DELETIONS:
                delay = ends[-CONCURRENT_DELETIONS] - self._state.now()
                for name in ("started_at", "ready_at"):
                    times[name] = (datetime.fromisoformat(times[name]) + delay).isoformat()
            row["deletion"] = times

    def outline(self, row: Row) -> dict[str, Any]:
        """Return the row with what lists are filtered and ordered by: ``status`` and times, as they are stored."""
        return {
            **row,
            "status": self.status(row),
            "created_at": row["started_at"],
            "updated_at": self._changed_at(row),
            "protected_at": row["started_at"],
        }

    def views(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """Return backups as they go over the wire (CSBS section 5)."""
        disks: dict[str, list[Row]] = {row["id"]: [] for row in rows}
        for disk in self._state.table("csbs.volume_backups").values():
            if disk["item_id"] in disks:
                disks[disk["item_id"]].append(disk)
        return [self._view(row, disks[row["id"]]) for row in rows]

    def _changed_at(self, row: Row) -> str:
        deletion = row["deletion"]
        if deletion is not None:
            return str(deletion["started_at"])
        if restore := row.get("restore"):
            return str(restore["ready_at" if self._state.is_ready(restore) else "started_at"])
        return str(row["ready_at" if self._state.is_ready(row) else "started_at"])

    def _view(self, row: Row, disks: Sequence[Row]) -> dict[str, Any]:
        status = self.status(row)
        deletion = row["deletion"] or {"failure": None}
        is_over = self._state.is_ready(row)
        is_good = is_over and not row["failure"]
        restore = row.get("restore") or {"failure": None}
        reason, operation = None, ""
        if status == "error":
            reason, operation = row["failure"] or deletion["failure"], "delete" if deletion["failure"] else "backup"
        elif status == "available" and restore["failure"]:
            reason, operation = restore["failure"], "restore"
        return {
            "id": row["id"],
            "checkpoint_id": row["checkpoint_id"],
            "name": row["name"],
            "description": row["description"],
            "status": status,
            "resource_id": row["resource_id"],
            "resource_type": SERVER_TYPE,
            "created_at": wire_time(row["started_at"]),
            "updated_at": wire_time(self._changed_at(row)),
            "protected_at": wire_time(row["started_at"]),
            "tags": row["tags"],
            "backup_data": {
                "__openstack_region_name": "",
                "cloudservicetype": "QEMU",
                "disk": 0,
                "ram": 8192,
                "vcpus": 4,
                "imagetype": "gold",
                "eip": "",
                "private_ip": row["private_ip"],
            },
            "extend_info": {
                "auto_trigger": row["auto_trigger"],
                "progress": self._state.progress(row) if not row["failure"] else 0,
                # The live service sends fractions here although integers are documented (CSBS section 11, row 7).
                "average_speed": 25.2 if is_good else 0,
                "space_saving_ratio": 6.5 if is_good else 0,
                "size": row["size"] if is_good else None,
                "incremental": row["incremental"],
                "image_type": "backup",
                "resource_az": row["resource_az"],
                "resource_name": row["resource_name"],
                "resource_type": SERVER_TYPE,
                "copy_from": "",
                "copy_status": "na",
                "fail_code": {"Code": "CSBS.9999", "Description": reason} if reason else {},
                "fail_op": operation,
                "fail_reason": reason or "",
                "finished_at": wire_time(row["ready_at"]) if is_over else None,
                "hypervisor_type": "QEMU",
                "supported_restore_mode": "backup" if is_good else "na",
                "support_lld": True,
                "taskid": row["task_id"],
                "os_images_data": [],
                "volume_backups": [_volume_backup(disk) for disk in disks] if is_good else [],
            },
        }


def wire_time(text: str) -> str:
    """Write a stored time as the service does: UTC with microseconds, without a zone."""
    return format_utc(datetime.fromisoformat(text), suffix="", timespec="microseconds")


def _volume_backup(disk: Row) -> dict[str, Any]:
    inner = {name: value for name, value in disk.items() if name not in ("item_id", "availability_zone")}
    return {**inner, "status": "available", "image_type": "backup", "average_speed": 16, "space_saving_ratio": 1}
