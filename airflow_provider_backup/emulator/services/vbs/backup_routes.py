"""Taking backups, restoring, reading jobs, and the native calls for backups (VBS sections 4.1, 4.2, 4.4 and 4.5)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from airflow_provider_backup.cloud.schema.base import violations_of
from airflow_provider_backup.cloud.services.vbs.models import BackupCreate, NativeBackupCreate
from airflow_provider_backup.emulator.core.service import json_object, page
from airflow_provider_backup.emulator.core.state import Row
from airflow_provider_backup.emulator.services.vbs.backups import Backups, Order
from airflow_provider_backup.emulator.services.vbs.refusals import backup_refusal, native_refusal, refusal
from airflow_provider_backup.emulator.services.vbs.requests import wire_values

_MOST_PER_PAGE = 1000
_FILTERS = ("name", "status", "volume_id")
_SORT_KEYS = ("created_at", "updated_at", "name", "status", "size", "id", "container_format", "disk_format")
# The microversions in which OpenStack learned these things.
_PARTIAL_FILTERS, _COUNT = 31, 45


class BackupRoutes:
    """The calls for backups and jobs.

    :param backups: the backups.
    """

    def __init__(self, backups: Backups) -> None:
        self._backups = backups

    def routes(self) -> list[web.RouteDef]:
        """Return the routes with full paths."""
        native = [
            route
            for version in ("v2", "v3")
            for route in (
                web.post(f"/{version}/{{project_id}}/backups", self.create_natively),
                web.get(f"/{version}/{{project_id}}/backups", self.list_summaries),
                web.get(f"/{version}/{{project_id}}/backups/detail", self.list_details),
                web.get(f"/{version}/{{project_id}}/backups/{{backup_id}}", self.get),
                web.delete(f"/{version}/{{project_id}}/backups/{{backup_id}}", self.delete),
                web.post(f"/{version}/{{project_id}}/backups/{{backup_id}}/restore", self.restore_natively),
            )
        ]
        return [
            web.post("/v2/{project_id}/cloudbackups", self.create),
            web.post("/v2/{project_id}/cloudbackups/{backup_id}/restore", self.restore),
            # The page has POST, and older clients of the vendor send DELETE (VBS section 4.3).
            web.post("/v2/{project_id}/cloudbackups/{backup_id}", self.delete_by_job),
            web.delete("/v2/{project_id}/cloudbackups/{backup_id}", self.delete_by_job),
            web.get("/v1/{project_id}/jobs/{job_id}", self.get_job),
            *native,
        ]

    async def create(self, request: web.Request) -> web.Response:
        """Start a backup of a disk; answers with a job."""
        body = await json_object(request, code="VolumeBackup.0002", envelope="backup")
        if "volume_id" in body and not _is_uuid(body["volume_id"]):
            raise refusal("VolumeBackup.0011" if body["volume_id"] else "VolumeBackup.0010")
        if str(body.get("name")).startswith("auto"):
            raise refusal("VolumeBackup.0005")
        try:
            order = BackupCreate.model_validate(wire_values(BackupCreate, body))
        except ValidationError as error:
            raise backup_refusal(error) from None
        job = self._backups.start(
            Order(
                volume_id=order.volume_id,
                name=order.name,
                description=order.description or "",
                snapshot_id=order.snapshot_id,
                is_full=order.extend_param is not None and order.extend_param.full_backup,
                tags=[tag.to_wire() for tag in order.tags or ()],
            )
        )
        return web.json_response({"job_id": job["id"]})

    async def create_natively(self, request: web.Request) -> web.Response:
        """Start a backup of a snapshot by OpenStack's call; answers with the backup."""
        body = await json_object(request, code="400", envelope="backup")
        try:
            order = NativeBackupCreate.model_validate(wire_values(NativeBackupCreate, body))
        except ValidationError as error:
            raise native_refusal(400, f"Invalid input: {violations_of(error)[0]}") from None
        job = self._backups.start(
            Order(
                volume_id=order.volume_id,
                name=order.name or "",
                description=order.description or "",
                snapshot_id=order.snapshot_id,
            )
        )
        row = self._view(request, self._backups.get(job["backup_id"]))
        return web.json_response({"backup": {name: row[name] for name in ("id", "name", "links")}}, status=202)

    async def restore(self, request: web.Request) -> web.Response:
        """Start to overwrite a disk with a backup; answers with a job."""
        job = await self._restore(request)
        return web.json_response({"job_id": job["id"]})

    async def restore_natively(self, request: web.Request) -> web.Response:
        """Do the same by OpenStack's call, which answers with backup and disk."""
        job = await self._restore(request)
        restore = {
            "backup_id": job["backup_id"],
            "volume_id": job["volume_id"],
            "volume_name": self._backups.volume_name(job["volume_id"]),
        }
        return web.json_response({"restore": restore}, status=202)

    async def _restore(self, request: web.Request) -> Row:
        body = await json_object(request, code="VolumeBackup.0210", envelope="restore")
        volume_id = body.get("volume_id")
        if not _is_uuid(volume_id):
            raise refusal("VolumeBackup.0208")
        return self._backups.restore(request.match_info["backup_id"], str(volume_id))

    async def get_job(self, request: web.Request) -> web.Response:
        """Answer with one job."""
        return web.json_response(self._backups.job_view(self._backups.job(request.match_info["job_id"])))

    async def list_summaries(self, request: web.Request) -> web.Response:
        """Answer with ids, names and links."""
        return self._list(request, lambda row: {name: row[name] for name in ("id", "name", "links")})

    async def list_details(self, request: web.Request) -> web.Response:
        """Answer with everything about each backup."""
        return self._list(request, lambda row: row)

    async def get(self, request: web.Request) -> web.Response:
        """Answer with one backup."""
        row = self._backups.get(request.match_info["backup_id"])
        return web.json_response({"backup": self._view(request, row)})

    async def delete(self, request: web.Request) -> web.Response:
        """Start a deletion."""
        self._backups.delete(request.match_info["backup_id"])
        return web.Response(status=202)

    async def delete_by_job(self, request: web.Request) -> web.Response:
        """Start a deletion; answers with a job."""
        job = self._backups.delete_by_job(request.match_info["backup_id"])
        return web.json_response({"job_id": job["id"]})

    def _list(self, request: web.Request, shorten: Callable[[Row], Row]) -> web.Response:
        # Most of a long list is not on the page that is asked for, so that only the page is written out.
        outlines = [self._backups.outline(row) for row in self._backups.rows()]
        found = [outline for outline in outlines if _passes_filters(outline, request)]
        ordered = _ordered(found, request)
        # A page that is too long is cut, not refused, as OpenStack does.
        part = page(ordered, request, code="400", default_limit=_MOST_PER_PAGE, maximum=10**9)[:_MOST_PER_PAGE]
        body: dict[str, Any] = {"backups": [shorten(self._view(request, row)) for row in part]}
        if part and part[-1] is not ordered[-1]:
            following = {**request.query, "marker": part[-1]["id"], "limit": str(len(part))}
            following.pop("offset", None)
            body["backups_links"] = [{"rel": "next", "href": str(request.url.with_query(following))}]
        if _version(request) == "v3" and request.query.get("with_count") and _microversion(request) >= _COUNT:
            body["count"] = len(found)
        return web.json_response(body)

    def _view(self, request: web.Request, row: Row) -> Row:
        version, project_id = _version(request), request.match_info["project_id"]
        owner = "os-bak-tenant-attr:tenant_id" if version == "v2" else "os-backup-project-attr:project_id"
        origin = request.url.origin()
        return {
            **self._backups.view(row, version),
            owner: project_id,
            "links": [
                {"rel": "self", "href": f"{origin}/{version}/{project_id}/backups/{row['id']}"},
                {"rel": "bookmark", "href": f"{origin}/{project_id}/backups/{row['id']}"},
            ],
        }


def _version(request: web.Request) -> str:
    return "v3" if "/v3/" in request.path else "v2"


def _microversion(request: web.Request) -> int:
    match = re.fullmatch(r"volume 3\.(\d+)", request.headers.get("OpenStack-API-Version", ""))
    return int(match[1]) if match else 0


def _is_uuid(value: object) -> bool:
    try:
        uuid.UUID(str(value))
    except ValueError:
        return False
    return True


def _passes_filters(outline: Row, request: web.Request) -> bool:
    query = request.query
    if any(name in query and query[name] != outline[name] for name in _FILTERS):
        return False
    if _version(request) == "v2" or _microversion(request) < _PARTIAL_FILTERS:
        return True
    return all(query[f"{name}~"] in outline[name] for name in _FILTERS if f"{name}~" in query)


def _ordered(outlines: list[Row], request: web.Request) -> list[Row]:
    key, direction = request.query.get("sort_key", "created_at"), request.query.get("sort_dir", "desc")
    if key not in _SORT_KEYS or direction not in ("asc", "desc"):
        raise native_refusal(400, f"sort_key must be one of {', '.join(_SORT_KEYS)}, and sort_dir asc or desc.")
    # Backups have no formats: all are equal there.
    ordered = sorted(outlines, key=lambda outline: outline.get(key, ""))
    return ordered if direction == "asc" else ordered[::-1]
