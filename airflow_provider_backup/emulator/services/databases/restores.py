"""Restores of RDS, GaussDB and TaurusDB, and the deletion of instances (databases sections 7, 8 and 11)."""

from __future__ import annotations

import uuid
from abc import abstractmethod
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, ClassVar

from aiohttp import web

from airflow_provider_backup.cloud.services.databases.restore_models import (
    DatabaseNewInstance,
    DatabaseRestorePoint,
    milliseconds_of,
)
from airflow_provider_backup.emulator.core.service import ServiceError, json_object
from airflow_provider_backup.emulator.core.state import Row
from airflow_provider_backup.emulator.services.databases.instance_changes import OPERATIONS
from airflow_provider_backup.emulator.services.databases.requests import (
    BAD_PARAMETER,
    checked_fields,
    refuse_malformed_instance_id,
)
from airflow_provider_backup.emulator.services.databases.service import EMPTY_REQUEST, EmulatedDatabaseService

_ENGINE_MISMATCH = (400, "DBS.201207", "The engine or its version does not support this operation.")


class RestorableDatabaseService(EmulatedDatabaseService):
    """One database service of the local cloud that restores as well."""

    operations: ClassVar[tuple[str, ...]] = OPERATIONS
    restore_paths: ClassVar[Mapping[str, int]]
    """Where restores to existing instances are posted to, with the status of the answer."""
    new_status: ClassVar[int] = 202
    deletion_status: ClassVar[int] = 202
    windows_member: ClassVar[str] = "restore_time"
    windows_need_day: ClassVar[bool] = False
    no_backup_for_moment: ClassVar[str] = BAD_PARAMETER
    days_without_strategy: ClassVar[int] = 0
    """Days that automatic backups of a new instance stay, unless the request tells."""
    job_names: ClassVar[Mapping[str, str]] = {
        "same": "RestoreInstance",
        "existing": "RestoreToExistingInstance",
        "new": "RestoreToNewInstance",
        "deletion": "DeleteInstance",
    }
    """Names of jobs; they are documented for GaussDB only."""

    def routes(self) -> list[web.RouteDef]:
        """Return the routes with full paths."""
        project = "/v3/{project_id}"
        return [
            *super().routes(),
            *(web.post(path, self.restore) for path in self.restore_paths),
            web.post(f"{project}/instances", self.restore_to_new),
            web.get(f"{project}/instances/{{instance_id}}/restore-time", self.list_windows),
            web.delete(f"{project}/instances/{{instance_id}}", self.delete_instance),
        ]

    async def list_windows(self, request: web.Request) -> web.Response:
        """Show to which moments an instance can be restored, all of them or those of one day."""
        instance = self._instance(request.match_info["instance_id"])
        day = self._day(request.query.get("date"))
        if day is None and self.windows_need_day:
            raise ServiceError(400, BAD_PARAMETER, "date must be given.")
        windows = self.changes.windows(instance, int(self._policy(instance)["keep_days"]))
        items = [
            {"start_time": milliseconds_of(begin), "end_time": milliseconds_of(end)}
            for begin, end in windows
            if day is None or begin.astimezone(UTC).date() <= day <= end.astimezone(UTC).date()
        ]
        return web.json_response({self.windows_member: items})

    async def restore(self, request: web.Request) -> web.Response:
        """Begin to overwrite an existing instance."""
        source_id, target_id, point = self.read_restore(await self._body(request))
        target = self._instance(target_id)
        engine, version, size_gb, content = self._source(source_id, point)
        if engine != target["engine"] or not self.accepts_version(engine, version, target["version"]):
            raise ServiceError(*_ENGINE_MISMATCH)
        if target["size_gb"] < size_gb:
            raise ServiceError(400, "DBS.200306", "The storage of the instance is smaller than the original.")
        self._check_point(point, target)
        for instance in (target, self._instances.get(source_id, target)):
            self._refuse_other_status(instance)
        name = self.job_names["same" if source_id == target_id else "existing"]
        job = self.changes.begin("restore", target, job_name=name, version=content, source=_origin(source_id, point))
        return web.json_response({"job_id": job["id"]}, status=self.restore_paths[self._route(request)])

    async def restore_to_new(self, request: web.Request) -> web.Response:
        """Begin to create an instance with the data of a backup or a moment."""
        wanted, source_id, point = self.read_new(await self._body(request))
        engine, version, size_gb, content = self._source(source_id, point)
        values = wanted.to_wire()
        volume = values.get("volume", {})
        if volume.get("size", size_gb) < size_gb:
            raise ServiceError(400, "DBS.200306", "The storage of the instance is smaller than the original.")
        if engine == "SQLServer" and any(row["name"] == wanted.name for row in self._instances.values()):
            raise ServiceError(409, "DBS.200022", f"The instance name {wanted.name} already exists.")
        like = self._instances.get(source_id) or next(
            row for row in self._instances.values() if row["engine"] == engine
        )
        given = ("vpc_id", "subnet_id", "security_group_id", "time_zone", "enterprise_project_id", "tags")
        instance: Row = {
            **{name: value for name, value in like.items() if name not in ("address", "change", "tags")},
            **{name: values[name] for name in given if name in values},
            "id": f"{uuid.uuid4().hex}{source_id[-4:]}",
            "name": wanted.name,
            "status": "ACTIVE",
            "version": version,
            "type": self.type_of(values, like),
            "flavor_ref": wanted.flavor_ref,
            "size_gb": volume.get("size", size_gb),
            "volume_type": volume.get("type", "CLOUDSSD"),
            "zones": self.zones_of(values),
            "port": int(values["port"]) if "port" in values else like["port"],
            **self.kept(values),
            "created": self._state.now().strftime("%Y-%m-%dT%H:%M:%S+0000"),
        }
        strategy = values.get("backup_strategy", {})
        self._policies[instance["id"]] = {
            **self.first_policy,
            "start_time": strategy.get("start_time", self.first_policy["start_time"]),
            "keep_days": int(strategy.get("keep_days") or self.days_without_strategy),
        }
        self._content_store.admit(instance, values.get("password"))
        self._instances[instance["id"]] = instance
        self._state.schedule(self.name, instance["id"])
        job = self.changes.begin(
            "creation",
            instance,
            job_name=self.job_names["new"],
            version=content,
            source=_origin(source_id, point),
        )
        answer = {"instance": self.created_instance(instance, values), "job_id": job["id"]}
        return web.json_response(answer, status=self.new_status)

    async def delete_instance(self, request: web.Request) -> web.Response:
        """Begin to delete an instance."""
        instance = self._instance(request.match_info["instance_id"])
        status = self._status(instance, is_busy=self.store.is_running_on(instance["id"]))
        if self.changes.is_changing(instance) or status == "BACKING UP":
            raise ServiceError(409, "DBS.201202", f"Another operation is being performed on the instance: {status}.")
        job = self.changes.begin("deletion", instance, job_name=self.job_names["deletion"])
        return web.json_response({"job_id": job["id"]}, status=self.deletion_status)

    # What differs between the services

    @abstractmethod
    def read_restore(self, body: Row) -> tuple[str, str, DatabaseRestorePoint]:
        """Return source, target and what is restored of a request that overwrites an instance."""

    @abstractmethod
    def read_new(self, body: Row) -> tuple[DatabaseNewInstance, str, DatabaseRestorePoint]:
        """Return a request for a new instance, its source and what is restored."""

    @abstractmethod
    def created_instance(self, row: Row, values: Row) -> Row:
        """Return a new instance as the answer to its creation shows it.

        :param row: the instance.
        :param values: the request.
        """

    def type_of(self, values: Row, like: Row) -> str:
        """Return the type of a new instance.

        :param values: the request.
        :param like: the instance that was backed up.
        """
        return str(like["type"])

    def kept(self, values: Row) -> Row:
        """Return what else the row of a new instance keeps of its request."""
        return {}

    def zones_of(self, values: Row) -> list[str]:
        """Return the zones of the nodes of a new instance."""
        return str(values["availability_zone"]).split(",")

    def accepts_version(self, engine: str, source: str, target: str) -> bool:
        """Whether an instance of one version takes the data of another."""
        return source == target

    def _check_point(self, point: DatabaseRestorePoint, target: Row) -> None:
        """Refuse what a certain engine does not restore to an existing instance."""

    # Helpers

    async def _body(self, request: web.Request) -> Row:
        body = await json_object(request, code=BAD_PARAMETER)
        if not body:
            raise ServiceError(400, EMPTY_REQUEST, "The request is empty.")
        return body

    def _part(self, body: Row, name: str) -> Row:
        part = body.get(name)
        if not isinstance(part, dict):
            raise ServiceError(400, BAD_PARAMETER, f"The request body has no object {name}.")
        return part

    def _route(self, request: web.Request) -> str:
        resource = request.match_info.route.resource
        return resource.canonical if resource is not None else ""

    def _day(self, text: str | None) -> date | None:
        try:
            return date.fromisoformat(text) if text else None
        except ValueError:
            raise ServiceError(400, BAD_PARAMETER, "date must be yyyy-mm-dd.") from None

    def _source(self, source_id: str, point: DatabaseRestorePoint) -> tuple[str, str, int, int]:
        """Return engine, version, size in GB and content of what is restored."""
        refuse_malformed_instance_id(source_id)
        self.changes.forget_deleted()
        source = self._instances.get(source_id)
        if point.restore_time is not None:
            if source is None:
                raise ServiceError(404, "DBS.200013", f"The original instance {source_id} does not exist.")
            return (*self._outline(source), self._version_at(source, point.restore_time))
        backup = self.store.find(str(point.backup_id))
        if backup is None:
            raise ServiceError(*self.codes.unknown_backup, f"The backup {point.backup_id} does not exist.")
        if backup["instance_id"] != source_id:
            raise ServiceError(404, "DBS.200013", f"The backup is not one of the original instance {source_id}.")
        if self.store.status(backup) != "COMPLETED":
            raise ServiceError(400, "DBS.201208", "The backup status does not allow this operation.")
        return (*self._outline(backup), int(backup["contents"][source_id]))

    def _outline(self, row: Row) -> tuple[str, str, int]:
        return row["engine"], row["version"], row["size_gb"]

    def _version_at(self, source: Row, moment: datetime) -> int:
        windows = self.changes.windows(source, int(self._policy(source)["keep_days"]))
        if not any(begin <= moment <= end for begin, end in windows):
            raise ServiceError(400, self.no_backup_for_moment, "There is no backup for this time.")
        return self.changes.version_at(source["id"], moment)


def _origin(source_id: str, point: DatabaseRestorePoint) -> Row:
    if point.restore_time is not None:
        return {"instance_id": source_id, "moment": point.restore_time.isoformat()}
    return {"instance_id": source_id, "backup_id": point.backup_id}


def checked_part(model: type[Any], values: Row) -> Any:
    """Hold a part of a request against the wire contract.

    :param model: the part's model.
    :param values: its members by wire name.
    """
    return checked_fields(model, values, {"instance_id": "DBS.280404", "backup_id": "DBS.280124"})
