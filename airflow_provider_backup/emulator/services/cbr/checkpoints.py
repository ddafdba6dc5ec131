"""Checkpoints: backing up resources of a vault together (CBR section 6).

Rows of ``cbr.checkpoints``: ``id``, ``created_at``, ``vault`` (``id``, ``name``, ``provider_id``), ``resources`` (those
that are backed up, as they were in the vault), ``skipped`` (those that are not) and ``extra_info``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from airflow_provider_backup.cloud.services.cbr.models import CheckpointCreate, CheckpointParameters
from airflow_provider_backup.emulator.core.contents import Contents
from airflow_provider_backup.emulator.core.inventory import Inventory
from airflow_provider_backup.emulator.core.service import checked, json_object
from airflow_provider_backup.emulator.core.state import CloudState, Row
from airflow_provider_backup.emulator.services.cbr.backups import Backups, wire_time
from airflow_provider_backup.emulator.services.cbr.operation_logs import OperationLogs
from airflow_provider_backup.emulator.services.cbr.refusals import INVALID, refusal
from airflow_provider_backup.emulator.services.cbr.schema import CHECKPOINT_CREATE, refuse_incomplete
from airflow_provider_backup.emulator.services.cbr.vaults import SERVER_TYPE, VOLUME_TYPE, Vaults, provider_id

# MB for each GB of the resource; no source says, so a vault fills neither at once nor never.
_FULL_SIZE, _INCREMENTAL_SIZE = 100, 10


class CheckpointRoutes:
    """The routes below ``/checkpoints``.

    :param state: keeps the checkpoints, and gives the time.
    :param inventory: the servers and their disks.
    :param vaults: what is backed up.
    :param backups: keeps the backups.
    :param logs: keeps the operation logs.
    """

    def __init__(
        self, state: CloudState, inventory: Inventory, vaults: Vaults, backups: Backups, logs: OperationLogs
    ) -> None:
        self._state = state
        self._inventory = inventory
        self._vaults = vaults
        self._backups = backups
        self._logs = logs
        self._contents = Contents(state)

    def routes(self) -> list[web.RouteDef]:
        """Return the routes with full paths."""
        return [
            web.post("/v3/{project_id}/checkpoints", self.create_checkpoint),
            web.get("/v3/{project_id}/checkpoints/{checkpoint_id}", self.get_checkpoint),
        ]

    async def create_checkpoint(self, request: web.Request) -> web.Response:
        """Begin to back up a vault's resources, or some of them; those that cannot be backed up are skipped."""
        body = await json_object(request, code=INVALID, envelope="checkpoint")
        refuse_incomplete(body, CHECKPOINT_CREATE)
        row = self.begin(checked(CheckpointCreate, body, code=INVALID))
        checkpoint = self._view(row, request.match_info["project_id"])
        # The provider is shown only when a checkpoint is read (CBR section 6.1).
        del checkpoint["vault"]["provider_id"]
        return web.json_response({"checkpoint": checkpoint})

    def begin(self, order: CheckpointCreate) -> Row:
        """Begin to back up a vault's resources, or some of them, and return the checkpoint's row.

        :param order: what is wanted.
        :raises ServiceError: the vault cannot be backed up now.
        """
        parameters = order.parameters or CheckpointParameters()
        vault = self._vaults.get(order.vault_id)
        self._refuse_unready(vault, parameters)
        chosen = _chosen(vault, parameters)
        for resource in chosen:
            if self._backups.is_restored(resource["id"]):
                raise refusal("2010", resource["id"])
        skipped = [
            {
                "id": resource["id"],
                "type": resource["type"],
                "name": resource["name"],
                "code": obstacle.code,
                "reason": obstacle.message,
            }
            for resource in chosen
            if (obstacle := self._vaults.obstacle(resource)) is not None
        ]
        left_out = {resource["id"] for resource in skipped}
        possible = [resource for resource in chosen if resource["id"] not in left_out]
        name = parameters.name or self._automatic_name(vault, parameters)
        row: Row = {
            "id": self._state.new_uuid(),
            "created_at": self._state.now().isoformat(),
            "vault": {"id": vault["id"], "name": vault["name"], "provider_id": provider_id(vault)},
            "resources": possible,
            "skipped": skipped,
            "extra_info": {
                "name": name,
                "description": parameters.description or "",
                "retention_duration": parameters.retention_duration_days or -1,
            },
        }
        self._state.table("cbr.checkpoints")[row["id"]] = row
        # Several backups get numbers (OTC user manual, "Creating a Cloud Server Backup").
        for number, resource in enumerate(possible, start=1):
            suffix = f"-{number:04}" if len(possible) > 1 else ""
            self._back_up(row, vault, resource, parameters, name + suffix)
        return row

    async def get_checkpoint(self, request: web.Request) -> web.Response:
        """Read a checkpoint."""
        checkpoint_id = request.match_info["checkpoint_id"]
        row = self._state.table("cbr.checkpoints").get(checkpoint_id)
        if row is None:
            raise refusal("6217", checkpoint_id)
        return web.json_response({"checkpoint": self._view(row, request.match_info["project_id"])})

    def _refuse_unready(self, vault: Row, parameters: CheckpointParameters) -> None:
        if vault["billing"]["protect_type"] == "replication":
            raise refusal("6124", vault["id"])
        if parameters.policy_id is not None and parameters.policy_id not in self._state.table("cbr.policies"):
            raise refusal("6000", parameters.policy_id)
        if any(self._backups.is_running(backup) for backup in self._backups.of(vault_id=vault["id"])):
            raise refusal("6125", vault["id"])
        used = self._vaults.used_megabytes(vault)
        if used >= vault["billing"]["size"] * 1024:
            if not vault["auto_expand"]:
                raise refusal("6114", vault["id"])
            while used >= vault["billing"]["size"] * 1024:
                # To 1.25 of its size (CBR section 5.4).
                vault["billing"]["size"] = -(-vault["billing"]["size"] * 5 // 4)

    def _automatic_name(self, vault: Row, parameters: CheckpointParameters) -> str:
        name = f"{'autobk' if parameters.auto_trigger else 'manualbk'}_{self._state.new_suffix()}"
        return f"{vault['backup_name_prefix']}_{name}" if vault["backup_name_prefix"] else name

    def _back_up(self, checkpoint: Row, vault: Row, resource: Row, parameters: CheckpointParameters, name: str) -> None:
        is_server = resource["type"] == SERVER_TYPE
        # What is not there was left out.
        source = self._vaults.source(resource["type"], resource["id"]) or {}
        earlier = self._backups.of(vault_id=vault["id"], resource_id=resource["id"])
        # The first backup of a resource is always full.
        incremental = parameters.incremental is not False and any(
            self._backups.status(backup) == "available" for backup in earlier
        )
        times = self._state.started("cbr")
        days = parameters.retention_duration_days or -1
        expiry = datetime.fromisoformat(times["started_at"]) + timedelta(days=days)
        backup: Row = {
            "id": self._state.new_uuid(),
            "checkpoint_id": checkpoint["id"],
            "vault_id": vault["id"],
            "name": name,
            "description": parameters.description or "",
            "resource_id": resource["id"],
            "resource_name": resource["name"],
            "resource_type": resource["type"],
            "resource_az": source["availability_zone"],
            "resource_size": resource["size"],
            "provider_id": provider_id(vault),
            "enterprise_project_id": vault["enterprise_project_id"],
            "auto_trigger": bool(parameters.auto_trigger),
            "incremental": incremental,
            "size": resource["size"] * (_INCREMENTAL_SIZE if incremental else _FULL_SIZE),
            "expired_at": expiry.isoformat() if days > 0 else None,
            "volume": source if resource["type"] == VOLUME_TYPE else None,
            "children": self._children(source, resource) if is_server else [],
            "contents": self._contents.snapshot(resource["id"]),
            "deletion": None,
            "restore": None,
            **times,
        }
        self._backups.add(backup)
        details = {
            "backup": {
                "backup_id": backup["id"],
                "backup_name": name,
                "incremental": str(incremental).lower(),
                "app_consistency_status": "0",
                "app_consistency_error_code": "",
                "app_consistency_error_message": "",
            }
        }
        self._logs.add("backup", vault, times, details=details, backup=backup, policy_id=parameters.policy_id)

    def _children(self, server: Row, resource: Row) -> list[Row]:
        extra_info = resource["extra_info"]
        included = [volume["id"] for volume in extra_info.get("include_volumes") or []] or server["volumes"]
        excluded = extra_info.get("exclude_volumes") or []
        return [
            {
                "id": self._state.new_uuid(),
                "snapshot_id": self._state.new_uuid(),
                "volume": self._inventory.volumes[volume_id],
            }
            for volume_id in server["volumes"]
            if volume_id in included and volume_id not in excluded
        ]

    def _view(self, row: Row, project_id: str) -> dict[str, Any]:
        return {
            "id": row["id"],
            "project_id": project_id,
            "status": self._status(row),
            "created_at": wire_time(row["created_at"]),
            "vault": {
                **row["vault"],
                "resources": [self._resource_view(row, resource) for resource in row["resources"]],
                "skipped_resources": row["skipped"],
            },
            "extra_info": row["extra_info"],
        }

    def _status(self, row: Row) -> str:
        statuses = {self._backups.status(backup) for backup in self._backups.of(checkpoint_id=row["id"])}
        if "restoring" in statuses:
            # Restored from: the backup is as good as it was.
            statuses.add("available")
        for status in ("protecting", "error", "available", "deleting"):
            if status in statuses:
                return status
        return "deleted" if row["resources"] else "available"

    def _resource_view(self, row: Row, resource: Row) -> dict[str, Any]:
        view = self._vaults.resource_view(row["vault"], resource)
        # The schema makes texts of these three numbers.
        return {
            "id": view["id"],
            "name": view["name"],
            "type": view["type"],
            "protect_status": view["protect_status"],
            "resource_size": str(view["size"]),
            "backup_size": str(view["backup_size"]),
            "backup_count": str(view["backup_count"]),
            "extra_info": None,
        }


def _chosen(vault: Row, parameters: CheckpointParameters) -> Sequence[Row]:
    held = {resource["id"]: resource for resource in vault["resources"]}
    details = {resource.id: resource for resource in parameters.resource_details or []}
    wanted = dict.fromkeys([*(parameters.resources or []), *details]) or held
    chosen = []
    for resource_id in wanted:
        if resource_id not in held:
            raise refusal("6135", resource_id)
        detail = details.get(resource_id)
        extra_info = detail.extra_info.to_wire() if detail and detail.extra_info else held[resource_id]["extra_info"]
        chosen.append({**held[resource_id], "extra_info": extra_info})
    if not chosen:
        raise refusal("0001")
    return chosen
