"""The routes that copy backups to the other region (CBR sections 6.3, 7.5 and 12).

The ``copies`` of a backup's row are what it was copied to: ``id`` (of the record), ``destination_region``,
``destination_project_id``, ``destination_vault_id``, ``destination_backup_id``, ``destination_checkpoint_id``,
``auto_trigger``, and the members of :meth:`CloudState.started`. The row of the copy is in the other region's
``cbr.backups`` from the start, and shows up there when it has succeeded. ``copied_to`` of a vault's row are the regions
that the whole vault was copied to, which is possible once for each (user manual, CBR section 6.3).

What is refused, in this order: no such backup (6200), one that is still made (6203), restored from (2010), deleted
(6216), that has failed (9900), that is a copy itself or not of a server (6122); no such region (1005), a project of
another region (1011), no such vault there (6120), one that takes no copies (6119), of another kind (6128), that is full
(6129); a copy that is being made (6130), or is there (9900, no code is documented).
"""

from __future__ import annotations

from typing import NamedTuple

from aiohttp import web

from airflow_provider_backup.cloud.services.cbr.models import BackupReplication, VaultReplication
from airflow_provider_backup.emulator.core.regions import REGIONS
from airflow_provider_backup.emulator.core.service import ServiceError, checked, json_object
from airflow_provider_backup.emulator.core.state import CloudState, Row
from airflow_provider_backup.emulator.services.cbr.backups import Backups
from airflow_provider_backup.emulator.services.cbr.operation_logs import OperationLogs
from airflow_provider_backup.emulator.services.cbr.refusals import INVALID, refusal
from airflow_provider_backup.emulator.services.cbr.schema import (
    BACKUP_REPLICATION,
    VAULT_REPLICATION,
    refuse_incomplete,
)
from airflow_provider_backup.emulator.services.cbr.vaults import SERVER_TYPE, Vaults


class _Destination(NamedTuple):
    state: CloudState
    project_id: str
    vault: Row


class ReplicationRoutes:
    """The routes that copy backups, and the one that shows where to.

    :param state: gives the time, and leads to the other region.
    :param vaults: the vaults that hold the backups.
    :param backups: keeps the backups.
    :param logs: keeps the operation logs.
    """

    def __init__(self, state: CloudState, vaults: Vaults, backups: Backups, logs: OperationLogs) -> None:
        self._state = state
        self._vaults = vaults
        self._backups = backups
        self._logs = logs

    def routes(self) -> list[web.RouteDef]:
        """Return the routes with full paths."""
        return [
            web.post("/v3/{project_id}/backups/{backup_id}/replicate", self.replicate_backup),
            web.post("/v3/{project_id}/checkpoints/replicate", self.replicate_vault),
            web.get("/v3/{project_id}/replication-capabilities", self.show_capabilities),
        ]

    async def replicate_backup(self, request: web.Request) -> web.Response:
        """Begin to copy a backup."""
        backup = self._backups.get(request.match_info["backup_id"])
        body = await json_object(request, code=INVALID, envelope="replicate")
        refuse_incomplete(body, BACKUP_REPLICATION)
        order = checked(BackupReplication, body, code=INVALID)
        self._refuse_unfit(backup)
        destination = self._destination(order)
        self._refuse_twice(backup, order.destination_region)
        name, description = order.name or backup["name"], order.description or backup["description"]
        copy = self._begin(backup, order, destination, name, description)
        return web.json_response(
            {
                "replication": {
                    "backup_id": backup["id"],
                    "replication_record_id": copy["id"],
                    **self._common(request, order, backup["provider_id"]),
                }
            }
        )

    async def replicate_vault(self, request: web.Request) -> web.Response:
        """Begin to copy every backup of a vault that is not copied yet."""
        body = await json_object(request, code=INVALID, envelope="replicate")
        refuse_incomplete(body, VAULT_REPLICATION)
        order = checked(VaultReplication, body, code=INVALID)
        vault = self._vaults.get(order.vault_id)
        destination = self._destination(order)
        if order.destination_region in vault.get("copied_to", ()):
            raise refusal("0001")
        possible = [row for row in self._backups.of(vault_id=vault["id"]) if self._can_go(row, order)]
        if not possible:
            raise refusal("0001")
        vault["copied_to"] = [*vault.get("copied_to", ()), order.destination_region]
        copies = {row["id"]: self._begin(row, order, destination, row["name"], row["description"]) for row in possible}
        return web.json_response(
            {
                "replication": {
                    "backups": [
                        {"backup_id": backup_id, "replication_record_id": copy["id"]}
                        for backup_id, copy in copies.items()
                    ],
                    "vault_id": vault["id"],
                    **self._common(request, order, possible[0]["provider_id"]),
                }
            }
        )

    async def show_capabilities(self, request: web.Request) -> web.Response:
        """Tell from which region to which others backups can be copied."""
        regions = [
            {"name": name, "replication_destinations": [other for other in REGIONS if other != name]}
            for name in REGIONS
        ]
        return web.json_response({"regions": regions})

    def _common(self, request: web.Request, order: BackupReplication | VaultReplication, provider_id: str) -> Row:
        return {
            "provider_id": provider_id,
            "project_id": request.match_info["project_id"],
            "source_region": self._state.region,
            "destination_region": order.destination_region,
            "destination_project_id": order.destination_project_id,
            "destination_vault_id": order.destination_vault_id,
        }

    def _refuse_unfit(self, backup: Row) -> None:
        status = self._backups.status(backup)
        if status == "protecting":
            raise refusal("6203", backup["id"])
        if status == "restoring":
            raise refusal("2010", backup["resource_id"])
        if status == "deleting":
            raise refusal("6216", backup["id"])
        if status != "available":
            raise refusal("9900", f"the backup {backup['id']} is {status}")
        if "replicated_from" in backup:
            raise refusal("6122", "replication")
        if backup["resource_type"] != SERVER_TYPE:
            raise refusal("6122", backup["resource_type"])

    def _refuse_twice(self, backup: Row, region: str) -> None:
        for copy in backup.get("copies", ()):
            if copy["destination_region"] != region:
                continue
            if not self._state.is_ready(copy):
                raise refusal("6130", backup["id"], region)
            if not copy["failure"] and self._is_there(copy):
                raise refusal("9900", f"the backup {backup['id']} has a copy in the region {region}")

    def _is_there(self, copy: Row) -> bool:
        there = Backups(self._state.in_region(copy["destination_region"]))
        return any(row["id"] == copy["destination_backup_id"] for row in there.all())

    def _can_go(self, backup: Row, order: VaultReplication) -> bool:
        try:
            self._refuse_unfit(backup)
            self._refuse_twice(backup, order.destination_region)
        except ServiceError:
            return False
        return True

    def _destination(self, order: BackupReplication | VaultReplication) -> _Destination:
        region = REGIONS.get(order.destination_region)
        if region is None or region.name == self._state.region:
            raise refusal("1005", self._state.region, order.destination_region)
        if order.destination_project_id != region.project_id:
            raise refusal("1011", order.destination_project_id, region.name)
        there = self._state.in_region(region.name)
        vault = there.table("cbr.vaults").get(order.destination_vault_id)
        if vault is None:
            raise refusal("6120", order.destination_vault_id, region.name)
        if vault["billing"]["protect_type"] != "replication":
            raise refusal("6119", vault["id"])
        if vault["billing"]["object_type"] != "server":
            raise refusal("6128", vault["id"], "servers")
        backups = Backups(there)
        used = sum(backups.size_megabytes(row) for row in backups.of(vault_id=vault["id"]))
        if used >= vault["billing"]["size"] * 1024:
            raise refusal("6129", vault["id"])
        return _Destination(there, region.project_id, vault)

    def _begin(
        self,
        backup: Row,
        order: BackupReplication | VaultReplication,
        destination: _Destination,
        name: str,
        description: str,
    ) -> Row:
        times = self._state.started("cbr.replication")
        copied: Row = {
            **backup,
            "id": self._state.new_uuid(),
            "checkpoint_id": self._state.new_uuid(),
            "vault_id": destination.vault["id"],
            "name": name,
            "description": description,
            "auto_trigger": False,
            "children": [{**child, "id": self._state.new_uuid()} for child in backup["children"]],
            "replicated_from": backup["id"],
            "copies": [],
            "image_ids": [],
            "deletion": None,
            "restore": None,
            **times,
        }
        destination.state.table("cbr.backups")[copied["id"]] = copied
        copy: Row = {
            "id": self._state.new_uuid(),
            "destination_region": destination.state.region,
            "destination_project_id": destination.project_id,
            "destination_vault_id": destination.vault["id"],
            "destination_backup_id": copied["id"],
            "destination_checkpoint_id": copied["checkpoint_id"],
            "auto_trigger": bool(getattr(order, "auto_trigger", None)),
            **times,
        }
        backup["copies"] = [*backup.get("copies", ()), copy]
        self._log(backup, copy, name, times)
        return copy

    def _log(self, backup: Row, copy: Row, name: str, times: Row) -> None:
        vault = self._vaults.get(backup["vault_id"])
        details = {
            "replication": {
                "source_backup_id": backup["id"],
                "source_backup_name": backup["name"],
                "source_checkpoint_id": backup["checkpoint_id"],
                "source_project_id": REGIONS[self._state.region].project_id,
                "source_region": self._state.region,
                "destination_backup_id": copy["destination_backup_id"],
                "destination_backup_name": name,
                "destination_checkpoint_id": copy["destination_checkpoint_id"],
                "destination_project_id": copy["destination_project_id"],
                "destination_region": copy["destination_region"],
            }
        }
        self._logs.add("replication", vault, times, backup=backup, details=details)
