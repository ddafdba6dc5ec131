"""The routes of what is in a vault: add, remove, migrate, pause (CBR section 5.7)."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from airflow_provider_backup.cloud.services.cbr.models import (
    MOST_RESOURCES,
    ResourceAddition,
    ResourceMigration,
    ResourceRemoval,
    ResourceSetting,
)
from airflow_provider_backup.emulator.core.service import checked, json_object
from airflow_provider_backup.emulator.core.state import CloudState, Row
from airflow_provider_backup.emulator.services.cbr.backups import Backups
from airflow_provider_backup.emulator.services.cbr.operation_logs import OperationLogs
from airflow_provider_backup.emulator.services.cbr.refusals import INVALID, refusal
from airflow_provider_backup.emulator.services.cbr.vaults import Vaults


class ResourceRoutes:
    """The routes below ``/vaults/{vault_id}`` that change which resources are in it.

    :param state: gives the time.
    :param vaults: keeps the vaults.
    :param backups: the backups in them.
    :param logs: keeps the operation logs.
    """

    def __init__(self, state: CloudState, vaults: Vaults, backups: Backups, logs: OperationLogs) -> None:
        self._state = state
        self._vaults = vaults
        self._backups = backups
        self._logs = logs

    def routes(self) -> list[web.RouteDef]:
        """Return the routes with full paths."""
        vault = "/v3/{project_id}/vaults/{vault_id}"
        return [
            web.post(f"{vault}/addresources", self.add_resources),
            web.post(f"{vault}/removeresources", self.remove_resources),
            web.post(f"{vault}/migrateresources", self.migrate_resources),
            web.put(f"{vault}/set-resources", self.set_resources),
        ]

    async def add_resources(self, request: web.Request) -> web.Response:
        """Put resources into a vault, all or none."""
        row = self._vault(request)
        addition = checked(ResourceAddition, await json_object(request, code=INVALID), code=INVALID)
        self._vaults.admit(row, addition.resources)
        return web.json_response({"add_resource_ids": [resource.id for resource in addition.resources]})

    async def remove_resources(self, request: web.Request) -> web.Response:
        """Begin to take resources and their backups out of a vault."""
        row = self._vault(request)
        removal = checked(ResourceRemoval, await json_object(request, code=INVALID), code=INVALID)
        if row["locked"]:
            raise refusal("6110", row["id"])
        leaving = self._held(row, removal.resource_ids)
        times = self._state.started("cbr.deletion")
        for resource in leaving:
            resource["removal"] = times
            for backup in self._backups.of(vault_id=row["id"], resource_id=resource["id"]):
                backup["deletion"] = times
        resources = [{name: resource[name] for name in ("id", "type", "name")} for resource in leaving]
        failed = len(resources) if times["failure"] else 0
        details = {"remove_resources": {"fail_count": failed, "total_count": len(resources), "resources": resources}}
        self._logs.add("remove_resource", row, times, details=details)
        return web.json_response({"remove_resource_ids": [resource["id"] for resource in leaving]})

    async def migrate_resources(self, request: web.Request) -> web.Response:
        """Move resources to another vault of the same kind, with their backups, all or none."""
        row = self._vault(request)
        migration = checked(ResourceMigration, await json_object(request, code=INVALID), code=INVALID)
        destination = self._vaults.get(migration.destination_vault_id)
        if destination["id"] == row["id"]:
            raise refusal("9900", "destination_vault_id: must be another vault")
        moving = self._held(row, migration.resource_ids)
        kind, other_kind = (
            tuple(vault["billing"][name] for name in ("object_type", "protect_type")) for vault in (row, destination)
        )
        if kind != other_kind:
            raise refusal("6102", moving[0]["type"])
        if len(destination["resources"]) + len(moving) > MOST_RESOURCES:
            raise refusal("6100", MOST_RESOURCES)
        backups = [
            backup for resource in moving for backup in self._backups.of(vault_id=row["id"], resource_id=resource["id"])
        ]
        needed = self._vaults.used_megabytes(destination) + sum(map(self._backups.size_megabytes, backups))
        if needed > destination["billing"]["size"] * 1024:
            raise refusal("6129", destination["id"])
        row["resources"] = [resource for resource in row["resources"] if resource not in moving]
        destination["resources"] += moving
        for backup in backups:
            backup["vault_id"] = destination["id"]
        return web.json_response({"migrated_resources": [resource["id"] for resource in moving]})

    async def set_resources(self, request: web.Request) -> web.Response:
        """Pause or continue the automatic backups of resources."""
        row = self._vault(request)
        setting = checked(ResourceSetting, await json_object(request, code=INVALID), code=INVALID)
        held = {resource["id"]: resource for resource in row["resources"]}
        for resource_id in setting.resource_ids:
            if resource_id not in held:
                raise refusal("6135", resource_id)
        for resource_id in setting.resource_ids:
            held[resource_id]["suspended"] = setting.action == "suspend"
        return web.json_response({"set_resource_ids": setting.resource_ids})

    def _held(self, row: Row, resource_ids: Sequence[str]) -> list[Row]:
        """Return resources of a vault that nothing is being done to."""
        held = {resource["id"]: resource for resource in row["resources"]}
        found = []
        for resource_id in dict.fromkeys(resource_ids):
            if resource_id not in held:
                raise refusal("6135", resource_id)
            if self._vaults.resource_view(row, held[resource_id])["protect_status"] == "removing":
                raise refusal("6134", resource_id)
            backups = self._backups.of(vault_id=row["id"], resource_id=resource_id)
            if running := [backup for backup in backups if self._backups.is_running(backup)]:
                raise refusal("6203", running[0]["id"])
            found.append(held[resource_id])
        return found

    def _vault(self, request: web.Request) -> Row:
        return self._vaults.get(request.match_info["vault_id"])
