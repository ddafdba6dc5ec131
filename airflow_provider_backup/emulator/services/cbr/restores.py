"""The route that restores: what it refuses, and what it overwrites (CBR section 7.4).

The ``restore`` of a backup's row is none, or its last restore: ``resource_ids`` (what it overwrites) and the members of
:meth:`CloudState.started`. A restore that failed leaves backup and content as they were; the operation log shows it.
"""

from __future__ import annotations

from aiohttp import web

from airflow_provider_backup.cloud.services.cbr.models import RestoreCreate
from airflow_provider_backup.emulator.core.contents import Contents
from airflow_provider_backup.emulator.core.inventory import Inventory
from airflow_provider_backup.emulator.core.service import checked, json_object
from airflow_provider_backup.emulator.core.state import CloudState, Row
from airflow_provider_backup.emulator.services.cbr.backups import Backups
from airflow_provider_backup.emulator.services.cbr.operation_logs import OperationLogs
from airflow_provider_backup.emulator.services.cbr.refusals import INVALID, refusal
from airflow_provider_backup.emulator.services.cbr.schema import RESTORE_CREATE, refuse_incomplete
from airflow_provider_backup.emulator.services.cbr.vaults import FILE_SYSTEM_TYPE, SERVER_TYPE, VOLUME_TYPE, Vaults

_RESTORABLE_SERVERS = ("ACTIVE", "SHUTOFF")


class RestoreRoutes:
    """The route ``/backups/{backup_id}/restore``.

    :param state: gives the time.
    :param inventory: the servers, disks and file systems.
    :param vaults: the vaults that hold the backups.
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
        return [web.post("/v3/{project_id}/backups/{backup_id}/restore", self.restore)]

    async def restore(self, request: web.Request) -> web.Response:
        """Begin to overwrite a server, a disk or a file system; the ``job_id`` of the answer is that of its log."""
        backup = self._backups.get(request.match_info["backup_id"])
        body = await json_object(request, code=INVALID, envelope="restore")
        refuse_incomplete(body, RESTORE_CREATE)
        order = checked(RestoreCreate, body, code=INVALID)
        is_server = backup["resource_type"] == SERVER_TYPE
        find_target = {SERVER_TYPE: self._server, VOLUME_TYPE: self._disk, FILE_SYSTEM_TYPE: self._file_system}
        target, sources = find_target[backup["resource_type"]](backup, order)
        overwritten = list(dict.fromkeys([target["id"], *sources]))
        self._refuse_busy(backup, overwritten)
        times = self._state.started("cbr.restore")
        backup["restore"] = {"resource_ids": overwritten, **times}
        self._contents.restore({disk: backup["contents"][source] for disk, source in sources.items()}, times)
        if is_server:
            target["status"] = "SHUTOFF" if order.power_on is False else "ACTIVE"
        details = {
            "restore": {
                "backup_id": backup["id"],
                "backup_name": backup["name"],
                "target_resource_id": target["id"],
                "target_resource_name": target["name"],
            }
        }
        vault = self._vaults.get(backup["vault_id"])
        log_id = self._logs.add("restore", vault, times, backup=backup, details=details)
        return web.json_response({"job_id": log_id}, status=202)

    def _server(self, backup: Row, order: RestoreCreate) -> tuple[Row, dict[str, str]]:
        """Return the server, and the disk whose backup is written to each disk."""
        if order.server_id is None:
            raise refusal("9900", "server_id must be given for the backup of a server")
        server = self._inventory.servers.get(order.server_id)
        if server is None:
            raise refusal("7100", order.server_id)
        if server["id"] != backup["resource_id"]:
            raise refusal("2003", server["id"])
        if server["status"] not in _RESTORABLE_SERVERS:
            raise refusal("2008", server["id"])
        children = {child["id"]: child["volume"] for child in backup["children"]}
        sources = {}
        for mapping in order.mappings or ():
            source = children.get(mapping.backup_id)
            if source is None:
                raise refusal("6200", mapping.backup_id)
            disk = self._existing_disk(mapping.volume_id, source["size_gb"])
            if disk["server_id"] != server["id"]:
                raise refusal("7201", disk["id"])
            if disk["bootable"] and not source["bootable"]:
                raise refusal("2013", mapping.backup_id, disk["id"])
            sources[disk["id"]] = source["id"]
        return server, sources

    def _disk(self, backup: Row, order: RestoreCreate) -> tuple[Row, dict[str, str]]:
        if order.volume_id is None:
            raise refusal("9900", "volume_id must be given for the backup of a disk")
        disk = self._existing_disk(order.volume_id, backup["resource_size"])
        if disk["status"] != "available":
            raise refusal("2011", disk["id"], disk["status"])
        return disk, {disk["id"]: backup["resource_id"]}

    def _file_system(self, backup: Row, order: RestoreCreate) -> tuple[Row, dict[str, str]]:
        if order.resource_id is None:
            raise refusal("9900", "resource_id must be given for the backup of a file system")
        file_system = self._inventory.file_systems.get(order.resource_id)
        if file_system is None:
            raise refusal("6302", order.resource_id)
        if file_system["size_gb"] < backup["resource_size"]:
            raise refusal("2001", order.resource_id)
        return file_system, {file_system["id"]: backup["resource_id"]}

    def _existing_disk(self, volume_id: str, least_gb: int) -> Row:
        disk = self._inventory.volumes.get(volume_id)
        if disk is None:
            raise refusal("7000", volume_id)
        if disk["size_gb"] < least_gb:
            raise refusal("2001", volume_id)
        return disk

    def _refuse_busy(self, backup: Row, resource_ids: list[str]) -> None:
        status = self._backups.status(backup)
        if status == "restoring":
            raise refusal("2010", backup["resource_id"])
        if status != "available":
            raise refusal("2005", backup["id"], status)
        for resource_id in resource_ids:
            if self._backups.is_restored(resource_id):
                raise refusal("2010", resource_id)
            if any(self._backups.is_running(row) for row in self._backups.of(resource_id=resource_id)):
                raise refusal("2002", resource_id)
