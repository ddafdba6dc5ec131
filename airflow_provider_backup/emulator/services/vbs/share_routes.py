"""The route of shared backups: list (VBS section 4.8).

Rows of ``vbs.shares`` are as they go over the wire: ``id``, ``backup_id``, ``from_project_id``, ``to_project_id``.
"""

from __future__ import annotations

from aiohttp import web

from airflow_provider_backup.emulator.core.service import page
from airflow_provider_backup.emulator.core.state import CloudState

_MOST_PER_PAGE = 1000


class ShareRoutes:
    """The calls for shares.

    :param state: keeps the shares.
    """

    def __init__(self, state: CloudState) -> None:
        self._state = state

    def routes(self) -> list[web.RouteDef]:
        """Return the routes with full paths."""
        return [web.get("/v2/{project_id}/os-vendor-backup-sharing/detail", self.list_details)]

    async def list_details(self, request: web.Request) -> web.Response:
        """List what the project shares; nothing is shared with it."""
        own = request.query.get("share_to_me", "false").lower() != "true"
        rows = list(self._state.table("vbs.shares").values()) if own else []
        found = page(rows, request, code="400", default_limit=_MOST_PER_PAGE, maximum=_MOST_PER_PAGE)
        return web.json_response({"shared": found})
