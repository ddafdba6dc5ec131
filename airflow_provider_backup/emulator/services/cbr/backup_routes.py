"""The routes of backups: list, read, rename, delete (CBR sections 7.2 and 7.3)."""

from __future__ import annotations

import json

from aiohttp import web

from airflow_provider_backup.cloud.services.cbr.models import BackupQuery, BackupUpdate
from airflow_provider_backup.emulator.core.service import checked, json_object
from airflow_provider_backup.emulator.core.state import CloudState, Row
from airflow_provider_backup.emulator.services.cbr.backups import Backups
from airflow_provider_backup.emulator.services.cbr.lists import (
    asked,
    begun_between,
    in_enterprise_project,
    listed,
    matches,
    ordered,
)
from airflow_provider_backup.emulator.services.cbr.operation_logs import OperationLogs
from airflow_provider_backup.emulator.services.cbr.refusals import INVALID, refusal
from airflow_provider_backup.emulator.services.cbr.vaults import SERVER_TYPE, Vaults


class BackupRoutes:
    """The routes below ``/backups``.

    :param state: gives the time.
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
            web.get("/v3/{project_id}/backups", self.list_backups),
            web.get("/v3/{project_id}/backups/{backup_id}", self.get_backup),
            web.put("/v3/{project_id}/backups/{backup_id}", self.rename_backup),
            web.delete("/v3/{project_id}/backups/{backup_id}", self.delete_backup),
            web.get("/v3/{project_id}/backups/{backup_id}/metadata", self.get_metadata),
        ]

    async def list_backups(self, request: web.Request) -> web.Response:
        """List the backups of resources that match; the disk backups inside one when ``parent_id`` names it."""
        query = asked(BackupQuery, request)
        project_id = request.match_info["project_id"]

        def view(row: Row) -> Row:
            shown = self._backups.view(row, project_id)
            return shown if query.show_replication else {**shown, "replication_records": []}

        # Most of a long list is not on the page that is asked for, so that only the page is written out.
        rows = [
            outline
            for row in self._backups.all()
            if begun_between(row, query.start_time, query.end_time)
            and in_enterprise_project(row, query.enterprise_project_id)
            and (query.used_percent is None or self._used_percent(row) >= query.used_percent)
            and query.parent_id in (None, row["id"])
            for outline in ([self._backups.outline(row)] if query.parent_id is None else view(row)["children"])
            if matches(
                outline,
                checkpoint_id=query.checkpoint_id,
                vault_id=query.vault_id,
                resource_id=query.resource_id,
                resource_name=query.resource_name,
                resource_az=query.resource_az,
                resource_type=query.resource_type,
                name=query.name,
                parent_id=query.parent_id,
                image_type=query.image_type,
                status=query.status,
                incremental=query.incremental,
            )
        ]
        # Nothing is shared with the one project here, and there is no dedicated cloud.
        if query.own_type == "shared" or query.member_status is not None or query.dec:
            rows = []
        whole = view if query.parent_id is None else (lambda child: child)
        return listed(request, "backups", ordered(rows, query.sort), whole)

    async def get_backup(self, request: web.Request) -> web.Response:
        """Read a backup of a resource, or a disk backup inside one."""
        backup_id, project_id = request.match_info["backup_id"], request.match_info["project_id"]
        parent = self._backups.parent_of(backup_id)
        if parent is None:
            return web.json_response({"backup": self._backups.view(self._backups.get(backup_id), project_id)})
        children = self._backups.view(parent, project_id)["children"]
        return web.json_response({"backup": next(child for child in children if child["id"] == backup_id)})

    async def rename_backup(self, request: web.Request) -> web.Response:
        """Give a backup another name."""
        row = self._backups.get(request.match_info["backup_id"])
        content = await json_object(request, code=INVALID, envelope="backup")
        row["name"] = checked(BackupUpdate, content, code=INVALID).name
        return web.json_response({"backup": self._backups.view(row, request.match_info["project_id"])})

    async def get_metadata(self, request: web.Request) -> web.Response:
        """Read what a server was like when it was backed up; most values are JSON texts."""
        row = self._backups.get(request.match_info["backup_id"])
        status = self._backups.status(row)
        if status not in ("available", "restoring"):
            raise refusal("6206", row["id"], status)
        server = {"id": row["resource_id"], "name": row["resource_name"]}
        return web.json_response(
            {
                "backup_id": row["id"],
                "backups": json.dumps([{"id": child["id"]} for child in row["children"]]),
                "flavor": json.dumps({}),
                "floatingips": [],
                "interface": json.dumps([]),
                "ports": [],
                "server": json.dumps(server if row["resource_type"] == SERVER_TYPE else {}),
                "volumes": [
                    json.dumps({"id": child["volume"]["id"], "size": child["volume"]["size_gb"]})
                    for child in row["children"]
                ],
            }
        )

    async def delete_backup(self, request: web.Request) -> web.Response:
        """Begin to delete a backup."""
        backup_id = request.match_info["backup_id"]
        if self._backups.parent_of(backup_id) is not None:
            raise refusal("6201", backup_id)
        row = self._backups.get(backup_id)
        status, vault = self._backups.status(row), self._vaults.get(row["vault_id"])
        if status == "protecting":
            raise refusal("6203", backup_id)
        if status == "restoring":
            raise refusal("6216", backup_id)
        if status == "deleting":
            raise refusal("6201", backup_id)
        if row.get("image_ids"):
            raise refusal("6204", backup_id)
        if vault["locked"] and row["auto_trigger"]:
            raise refusal("6220", vault["id"])
        row["deletion"] = self._state.started("cbr.deletion")
        details = {"delete": {"backup_id": backup_id, "backup_name": row["name"]}}
        self._logs.add("delete", vault, row["deletion"], backup=row, details=details)
        return web.Response(status=204)

    def _used_percent(self, row: Row) -> float:
        vault = self._vaults.get(row["vault_id"])
        return float(100 * self._vaults.used_megabytes(vault) / (1024 * vault["billing"]["size"]))
