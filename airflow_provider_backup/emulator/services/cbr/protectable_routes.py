"""The routes of what can be backed up (CBR section 9): the servers, disks and file systems of the local cloud."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from aiohttp import web

from airflow_provider_backup.cloud.services.cbr.models import MOST_PROTECTABLES_IN_PAGE, ProtectableQuery
from airflow_provider_backup.emulator.core.inventory import Inventory
from airflow_provider_backup.emulator.core.service import page
from airflow_provider_backup.emulator.core.state import Row
from airflow_provider_backup.emulator.services.cbr.lists import asked
from airflow_provider_backup.emulator.services.cbr.refusals import INVALID, refusal
from airflow_provider_backup.emulator.services.cbr.vaults import (
    FILE_SYSTEM_TYPE,
    SERVER_TYPE,
    VOLUME_TYPE,
    Vaults,
)

_RESOURCE_TYPES = {"server": SERVER_TYPE, "disk": VOLUME_TYPE, "turbo": FILE_SYSTEM_TYPE}
_EMPTY_TYPES = ("workspace", "workspace_v2")
"""Types that the local cloud has nothing of."""
_MISSING = {"server": "7100", "disk": "7000"}


class ProtectableRoutes:
    """The routes below ``/protectables``.

    :param inventory: what can be backed up.
    :param vaults: in which vault it is.
    """

    def __init__(self, inventory: Inventory, vaults: Vaults) -> None:
        self._vaults = vaults
        self._tables = {
            "server": inventory.servers,
            "disk": inventory.volumes,
            "turbo": inventory.file_systems,
        }

    def routes(self) -> list[web.RouteDef]:
        """Return the routes with full paths."""
        path = "/v3/{project_id}/protectables/{protectable_type}/instances"
        return [web.get(path, self.list_protectables), web.get(f"{path}/{{instance_id}}", self.get_protectable)]

    async def list_protectables(self, request: web.Request) -> web.Response:
        """List the resources of a type that match."""
        kind = request.match_info["protectable_type"]
        if kind not in (*_RESOURCE_TYPES, *_EMPTY_TYPES):
            raise refusal("9900", f"protectable_type: is not known ({kind!r})")
        query = asked(ProtectableQuery, request, protectable_type=kind)
        rows = [
            row
            for row in self._tables.get(kind, {}).values()
            if query.server_id in (None, row.get("server_id"))
            and query.name in (None, row["name"])
            and query.id in (None, row["id"])
            # The text of the filter says available, the schema says active (CBR section 3).
            and query.status in (None, _status(row), "available" if _status(row) == "active" else None)
        ]
        maximum = MOST_PROTECTABLES_IN_PAGE
        shown = page(rows, request, code=INVALID, default_limit=maximum, maximum=maximum)
        # Most of a page is in the same few vaults, and a vault sums up its backups to be shown.
        vault_view = cache(partial(self._vault_view, project_id=request.match_info["project_id"]))
        return web.json_response({"instances": [self._view(kind, row, vault_view) for row in shown]})

    async def get_protectable(self, request: web.Request) -> web.Response:
        """Read a server or a disk."""
        kind, instance_id = request.match_info["protectable_type"], request.match_info["instance_id"]
        if kind not in _MISSING:
            raise refusal("9900", f"protectable_type: must be server or disk (given: {kind!r})")
        row = self._tables[kind].get(instance_id)
        if row is None:
            raise refusal(_MISSING[kind], instance_id)
        vault_view = partial(self._vault_view, project_id=request.match_info["project_id"])
        return web.json_response({"instance": self._view(kind, row, vault_view)})

    def _vault_view(self, vault_id: str, project_id: str) -> dict[str, Any]:
        # Only here the schema of a vault has such a time.
        return {**self._vaults.view(self._vaults.get(vault_id), project_id), "updated_at": None}

    def _view(self, kind: str, row: Row, vault_view: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
        resource_type = _RESOURCE_TYPES[kind]
        obstacle = self._vaults.obstacle({"id": row["id"], "type": resource_type, "removal": None})
        vault = self._vaults.holder_of(row["id"])
        if vault is not None and obstacle is None:
            obstacle = refusal("6103", row["id"], vault["id"])
        return {
            "id": row["id"],
            "name": row["name"],
            "type": resource_type,
            "size": row["size_gb"],
            "status": _status(row),
            "children": [
                {"id": volume_id, "type": VOLUME_TYPE, "size": self._tables["disk"][volume_id]["size_gb"]}
                for volume_id in row.get("volumes", ())
            ],
            "detail": {"id": row["id"], "name": row["name"], "status": row["status"]},
            "protectable": {
                "result": obstacle is None,
                "code": obstacle.code if obstacle else "",
                "reason": obstacle.message if obstacle else "",
                "message": obstacle.message if obstacle else "",
                "vault": vault_view(vault["id"]) if vault else None,
            },
        }


def _status(row: Row) -> str:
    return "error" if row["status"] == "error" else "active"
