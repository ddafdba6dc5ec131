"""The routes that tell how much is used: of all vaults together, and by each resource (CBR section 12)."""

from __future__ import annotations

from aiohttp import web

from airflow_provider_backup.cloud.services.cbr.models import StorageUsageQuery
from airflow_provider_backup.emulator.core.service import page
from airflow_provider_backup.emulator.core.state import Row
from airflow_provider_backup.emulator.services.cbr.backups import Backups
from airflow_provider_backup.emulator.services.cbr.lists import LARGEST_PAGE, asked
from airflow_provider_backup.emulator.services.cbr.refusals import INVALID
from airflow_provider_backup.emulator.services.cbr.vaults import Vaults


class UsageRoutes:
    """``/vaults/summary`` and ``/storage_usage``.

    :param vaults: keeps the vaults.
    :param backups: the backups in them.
    """

    def __init__(self, vaults: Vaults, backups: Backups) -> None:
        self._vaults = vaults
        self._backups = backups

    def routes(self) -> list[web.RouteDef]:
        """Return the routes with full paths."""
        return [
            web.get("/v3/{project_id}/vaults/summary", self.summary),
            web.get("/v3/{project_id}/storage_usage", self.storage_usage),
        ]

    async def summary(self, request: web.Request) -> web.Response:
        """Add up the sizes of all vaults; as in a vault, in GB, and what is used in MB."""
        rows = self._vaults.all()
        size = sum(row["billing"]["size"] for row in rows)
        return web.json_response({"size": size, "used_size": sum(map(self._vaults.used_megabytes, rows))})

    async def storage_usage(self, request: web.Request) -> web.Response:
        """List how much the backups of each resource take, in MB."""
        query = asked(StorageUsageQuery, request)
        usages: dict[str, Row] = {}
        for backup in self._backups.all():
            if query.resource_id not in (None, backup["resource_id"]):
                continue
            if query.resource_type not in (None, backup["resource_type"]):
                continue
            usage = usages.setdefault(
                backup["resource_id"],
                {
                    **{name: backup[name] for name in ("resource_id", "resource_name", "resource_type")},
                    "backup_count": 0,
                    "backup_size": 0,
                    "backup_size_multiaz": 0,
                },
            )
            usage["backup_count"] += 1
            usage["backup_size"] += self._backups.size_megabytes(backup)
        shown = page(list(usages.values()), request, code=INVALID, maximum=LARGEST_PAGE)
        return web.json_response({"resource_count": len(usages), "storage_usage": shown})
