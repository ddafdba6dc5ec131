"""Reading backups: list, count, get (CSBS section 5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web
from pydantic import TypeAdapter

from airflow_provider_backup.cloud.wire import Timestamp
from airflow_provider_backup.emulator.csbs.backups import SERVER_TYPE, Backups
from airflow_provider_backup.emulator.csbs.refusals import refusal
from airflow_provider_backup.emulator.csbs.requests import INVALID, linked_page
from airflow_provider_backup.emulator.service import ServiceError, in_order
from airflow_provider_backup.emulator.state import Row

_SORT_KEYS = ("created_at", "updated_at", "name", "status", "protected_at", "id")
_EXACT: dict[str, Callable[[Row], Any]] = {
    "status": lambda view: view["status"],
    "resource_id": lambda view: view["resource_id"],
    "checkpoint_id": lambda view: view["checkpoint_id"],
    "az": lambda view: view["extend_info"]["resource_az"],
    "image_type": lambda view: view["extend_info"]["image_type"],
    "ip": lambda view: view["backup_data"]["private_ip"],
}
_FUZZY: dict[str, Callable[[Row], str]] = {
    "name": lambda view: str(view["name"]),
    "resource_name": lambda view: str(view["extend_info"]["resource_name"]),
}
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
        return web.json_response(linked_page(rows, request, "checkpoint_items"))

    async def count_items(self, request: web.Request) -> web.Response:
        """Count the backups that match."""
        return web.json_response({"count": len(self._matching(request))})

    async def get_item(self, request: web.Request) -> web.Response:
        """Read one backup; the id of a checkpoint that holds a single one is taken for it (CSBS section 4.3)."""
        wanted = request.match_info["item_id"]
        rows = [row for row in self._backups.items() if wanted in (row["id"], row["checkpoint_id"])]
        if len(rows) != 1:
            raise refusal("CSBS.3001", wanted)
        return web.json_response({"checkpoint_item": self._backups.view(rows[0])})

    def _matching(self, request: web.Request) -> list[Row]:
        query = request.query
        begin, end = _moment(request, "start_time"), _moment(request, "end_time")
        rows = self._backups.items()
        if policy_id := query.get("policy_id"):
            rows = [row for row in rows if row["policy_id"] == policy_id]
        if query.get("resource_type") and SERVER_TYPE not in query.getall("resource_type"):
            rows = []
        return [
            view
            for view in map(self._backups.view, rows)
            if all(read(view) == query[name] for name, read in _EXACT.items() if query.get(name))
            and all(query[name] in read(view) for name, read in _FUZZY.items() if query.get(name))
            and (begin is None or begin <= _created_at(view))
            and (end is None or _created_at(view) <= end)
        ]


def _created_at(view: Row) -> Any:
    return _TIMESTAMP.validate_python(view["created_at"])


def _moment(request: web.Request, name: str) -> Any:
    text = request.query.get(name)
    moment = _TIMESTAMP.validate_python(text) if text else None
    if text and moment is None:
        raise ServiceError(400, INVALID, f"{name} must be a time such as 2026-04-18T01:21:52.701973, not {text!r}.")
    return moment
