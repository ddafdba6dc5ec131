"""The routes of backups: list, read, delete (CBR sections 7.2 and 7.3)."""

from __future__ import annotations

from aiohttp import web

from airflow_provider_backup.cloud.cbr.models import BackupQuery
from airflow_provider_backup.emulator.cbr.backups import Backups
from airflow_provider_backup.emulator.cbr.lists import (
    asked,
    begun_between,
    in_enterprise_project,
    listed,
    matches,
    ordered,
)
from airflow_provider_backup.emulator.cbr.operation_logs import OperationLogs
from airflow_provider_backup.emulator.cbr.refusals import refusal
from airflow_provider_backup.emulator.cbr.vaults import Vaults
from airflow_provider_backup.emulator.state import CloudState, Row


class BackupRoutes:
    """The routes below ``/backups``.

    :param state: tells the time.
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
            web.delete("/v3/{project_id}/backups/{backup_id}", self.delete_backup),
        ]

    async def list_backups(self, request: web.Request) -> web.Response:
        """List the backups of resources that match; the disk backups inside one when ``parent_id`` names it."""
        query = asked(BackupQuery, request)
        views = [
            view
            for row in self._backups.all()
            if begun_between(row, query.start_time, query.end_time)
            and in_enterprise_project(row, query.enterprise_project_id)
            and (query.used_percent is None or self._used_percent(row) >= query.used_percent)
            for view in self._rows(request, row, query.parent_id)
            if matches(
                view,
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
        # Nothing is shared here, and there is no dedicated cloud.
        if query.own_type == "shared" or query.member_status is not None or query.dec:
            views = []
        return listed(request, "backups", ordered(views, query.sort))

    async def get_backup(self, request: web.Request) -> web.Response:
        """Read a backup of a resource, or a disk backup inside one."""
        backup_id = request.match_info["backup_id"]
        for row in self._backups.all():
            view = self._backups.view(row, request.match_info["project_id"])
            for found in (view, *view["children"]):
                if found["id"] == backup_id:
                    return web.json_response({"backup": found})
        raise refusal("6200", backup_id)

    async def delete_backup(self, request: web.Request) -> web.Response:
        """Begin to delete a backup."""
        backup_id = request.match_info["backup_id"]
        if any(child["id"] == backup_id for row in self._backups.all() for child in row["children"]):
            raise refusal("6201", backup_id)
        row = self._backups.get(backup_id)
        status, vault = self._backups.status(row), self._vaults.get(row["vault_id"])
        if status == "protecting":
            raise refusal("6203", backup_id)
        if status == "deleting":
            raise refusal("6201", backup_id)
        if vault["locked"] and row["auto_trigger"]:
            raise refusal("6220", vault["id"])
        row["deletion"] = self._state.started("cbr.deletion")
        details = {"delete": {"backup_id": backup_id, "backup_name": row["name"]}}
        self._logs.add("delete", vault, row["deletion"], backup=row, details=details)
        return web.Response(status=204)

    def _rows(self, request: web.Request, row: Row, parent_id: str | None) -> list[Row]:
        view = self._backups.view(row, request.match_info["project_id"])
        children: list[Row] = view["children"]
        return [view] if parent_id is None else children

    def _used_percent(self, row: Row) -> float:
        vault = self._vaults.get(row["vault_id"])
        return float(100 * self._vaults.used_megabytes(vault) / (1024 * vault["billing"]["size"]))
