"""Reading backups: list, count, get (CSBS section 5)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from aiohttp import web
from pydantic import TypeAdapter

from airflow_provider_backup.cloud.schema.fields import Timestamp
from airflow_provider_backup.emulator.core.service import ServiceError, in_order
from airflow_provider_backup.emulator.core.state import Row
from airflow_provider_backup.emulator.services.csbs.backups import SERVER_TYPE, Backups
from airflow_provider_backup.emulator.services.csbs.refusals import refusal
from airflow_provider_backup.emulator.services.csbs.requests import INVALID, linked_page

_SORT_KEYS = ("created_at", "updated_at", "name", "status", "protected_at", "id")
_EXACT = {
    "status": "status",
    "resource_id": "resource_id",
    "checkpoint_id": "checkpoint_id",
    "az": "resource_az",
    "ip": "private_ip",
}
_FUZZY = ("name", "resource_name")
_IMAGE_TYPE = "backup"
_TIMESTAMP: TypeAdapter[Timestamp] = TypeAdapter(Timestamp)


class CheckpointItemRoutes:
    """The routes below ``/checkpoint_items``.

    :param backups: keeps the backups.
    """

    def __init__(self, backups: Backups) -> None:
        self._backups = backups

    def routes(self) -> list[web.RouteDef]:
        """Return the routes with full paths."""
        return [
            web.get("/v1/{project_id}/checkpoint_items", self.list_items),
            web.get("/v1/{project_id}/checkpoint_items/count", self.count_items),
            web.get("/v1/{project_id}/checkpoint_items/{item_id}", self.get_item),
        ]

    async def list_items(self, request: web.Request) -> web.Response:
        """List the backups that match, newest first."""
        rows = in_order(self._matching(request), request.query.get("sort"), keys=_SORT_KEYS, code=INVALID)
        return web.json_response(linked_page(rows, request, "checkpoint_items", self._backups.views))

    async def count_items(self, request: web.Request) -> web.Response:
        """Count the backups that match."""
        return web.json_response({"count": len(self._matching(request))})

    async def get_item(self, request: web.Request) -> web.Response:
        """Read one backup; the id of a checkpoint that holds a single one is taken for it (CSBS section 4.3)."""
        wanted = request.match_info["item_id"]
        rows = [row for row in self._backups.items() if wanted in (row["id"], row["checkpoint_id"])]
        if len(rows) != 1:
            raise refusal("CSBS.3001", wanted)
        return web.json_response({"checkpoint_item": self._backups.views(rows)[0]})

    def _matching(self, request: web.Request) -> list[Row]:
        query = request.query
        begin, end = _moment(request, "start_time"), _moment(request, "end_time")
        rows = self._backups.items()
        if policy_id := query.get("policy_id"):
            rows = [row for row in rows if row["policy_id"] == policy_id]
        if query.get("resource_type") and SERVER_TYPE not in query.getall("resource_type"):
            rows = []
        if query.get("image_type", _IMAGE_TYPE) not in ("", _IMAGE_TYPE):
            rows = []
        exact = [(member, query[name]) for name, member in _EXACT.items() if query.get(name)]
        fuzzy = [(name, query[name]) for name in _FUZZY if query.get(name)]
        # Only the page that is asked for is written out, later.
        return [
            outline
            for outline in map(self._backups.outline, rows)
            if all(outline[member] == value for member, value in exact)
            and all(value in str(outline[name]) for name, value in fuzzy)
            and (begin is None or begin <= datetime.fromisoformat(outline["created_at"]))
            and (end is None or datetime.fromisoformat(outline["created_at"]) <= end)
        ]


def _moment(request: web.Request, name: str) -> Any:
    text = request.query.get(name)
    moment = _TIMESTAMP.validate_python(text) if text else None
    if text and moment is None:
        raise ServiceError(400, INVALID, f"{name} must be a time such as 2026-04-18T01:21:52.701973, not {text!r}.")
    return moment
