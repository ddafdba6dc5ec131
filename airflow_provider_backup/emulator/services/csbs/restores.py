"""The route that restores, and the question whether a backup can be restored (CSBS sections 4.4 and 6.4).

The ``restore`` of a backup's row is none, or its last restore: ``server_id`` (what it overwrites) and the members of
:meth:`CloudState.started`. A restore that failed leaves content and status of the backup as they were; ``fail_op``,
``fail_reason`` and ``fail_code`` show it until the next one begins. Rows of ``csbs.restores``, one for each restore,
which no route reads: ``id``, ``item_id`` and the members of that ``restore``.
"""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from airflow_provider_backup.cloud.services.csbs.models import RestoreCreate, RestoreVolume
from airflow_provider_backup.emulator.core.contents import Contents
from airflow_provider_backup.emulator.core.inventory import Inventory
from airflow_provider_backup.emulator.core.service import ServiceError, json_object
from airflow_provider_backup.emulator.core.state import CloudState, Row
from airflow_provider_backup.emulator.services.csbs.backups import SERVER_TYPE, Backups
from airflow_provider_backup.emulator.services.csbs.refusals import refusal
from airflow_provider_backup.emulator.services.csbs.requests import INVALID, lenient

_RESTORABLE_SERVERS = ("ACTIVE", "SHUTOFF")
_BUSY = ("protecting", "restoring", "waiting_delete", "deleting")


class Restores:
    """Restores of backups to servers.

    :param state: gives the time.
    :param inventory: the servers and their disks.
    :param backups: keeps the backups.
    """

    def __init__(self, state: CloudState, inventory: Inventory, backups: Backups) -> None:
        self._state = state
        self._inventory = inventory
        self._backups = backups

    def routes(self) -> list[web.RouteDef]:
        """Return the routes with full paths."""
        return [web.post("/v1/{project_id}/restores", self.restore)]

    async def restore(self, request: web.Request) -> web.Response:
        """Begin to overwrite a server with a backup."""
        order = lenient(RestoreCreate, await json_object(request, code=INVALID, envelope="restore"))
        parameters = order.parameters
        item_id, targets = parameters.checkpoint_item_id, parameters.targets
        row = self._row(item_id)
        if row is None or row["checkpoint_id"] != order.checkpoint_id:
            raise refusal("CSBS.3001", item_id)
        if obstacle := self.obstacle(item_id, targets.server_id, SERVER_TYPE, targets.volumes):
            raise obstacle
        server = self._inventory.servers[targets.server_id]
        times = self._state.started("csbs.restore")
        restore_id = self._state.new_uuid()
        row["restore"] = {"server_id": server["id"], **times}
        self._state.table("csbs.restores")[restore_id] = {"id": restore_id, "item_id": item_id, **row["restore"]}
        sources = {disk["id"]: disk["source_volume_id"] for disk in self._backups.disks(item_id)}
        versions = {volume.volume_id: row["contents"][sources[volume.backup_id]] for volume in targets.volumes}
        Contents(self._state).restore(versions, times)
        server["status"] = "ACTIVE" if parameters.power_on else "SHUTOFF"
        answer = {
            "id": restore_id,
            "status": "in_progress",
            "checkpoint_id": order.checkpoint_id,
            "project_id": request.match_info["project_id"],
            "provider_id": order.provider_id,
            "parameters": parameters.to_wire(),
            "restore_target": order.restore_target,
            "resources_status": {},
            "resources_reason": {},
        }
        return web.json_response({"restore": answer})

    def obstacle(
        self, item_id: str, server_id: str, resource_type: str, volumes: Sequence[RestoreVolume]
    ) -> ServiceError | None:
        """Return why a backup cannot be restored to a server now; ``None`` when it can.

        :param item_id: id of the backup.
        :param server_id: id of the server.
        :param resource_type: its type.
        :param volumes: which disk each disk backup is written to.
        """
        row = self._row(item_id)
        if row is None:
            return refusal("CSBS.3001", item_id)
        if resource_type != SERVER_TYPE:
            return refusal("CSBS.6013", server_id, resource_type)
        server = self._inventory.servers.get(server_id)
        if server is None:
            return refusal("CSBS.6000")
        return (
            self._busy(row, server)
            or self._wrong_volumes(row, server, volumes)
            or self._unfit_disk(row, server, volumes)
        )

    def _row(self, item_id: str) -> Row | None:
        return next((row for row in self._backups.items() if row["id"] == item_id), None)

    def _busy(self, row: Row, server: Row) -> ServiceError | None:
        if self._backups.is_restored(server["id"]) or server["status"] not in _RESTORABLE_SERVERS:
            return refusal("CSBS.6015")
        status = self._backups.status(row)
        if status in _BUSY or self._backups.is_backed_up(server["id"]):
            return refusal("CSBS.2003")
        return None if status == "available" else refusal("CSBS.4000")

    def _wrong_volumes(self, row: Row, server: Row, volumes: Sequence[RestoreVolume]) -> ServiceError | None:
        if not server["volumes"]:
            return refusal("CSBS.6020", server["id"])
        if server["availability_zone"] != row["resource_az"]:
            return refusal("CSBS.6025", row["id"], server["id"])
        held = [disk["id"] for disk in self._backups.disks(row["id"])]
        named = [volume.backup_id for volume in volumes]
        if unknown := [backup_id for backup_id in named if backup_id not in held]:
            return refusal("CSBS.6017", ",".join(unknown), row["id"])
        if absent := [volume.volume_id for volume in volumes if volume.volume_id not in server["volumes"]]:
            return refusal("CSBS.6014", ",".join(absent))
        left_out = [backup_id for backup_id in held if backup_id not in named]
        return refusal("CSBS.6018", ",".join(left_out)) if left_out else None

    def _unfit_disk(self, row: Row, server: Row, volumes: Sequence[RestoreVolume]) -> ServiceError | None:
        disks = {disk["id"]: disk for disk in self._backups.disks(row["id"])}
        for volume in volumes:
            source, target = disks[volume.backup_id], self._inventory.volumes[volume.volume_id]
            if target["bootable"] and not source["bootable"]:
                return refusal("CSBS.6023", server["id"])
            sizes = str(target["size_gb"]), str(source["source_volume_size"])
            if target["size_gb"] < source["source_volume_size"]:
                return refusal("CSBS.6024", target["id"], sizes[0], source["id"], sizes[1])
        return None
