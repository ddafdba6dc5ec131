"""RDS of the local cloud: what differs from the other database services."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from aiohttp import web

from airflow_provider_backup.cloud.schema.fields import format_utc
from airflow_provider_backup.cloud.services.databases.models import (
    DatabaseBackupCreate,
    DatabaseBackupQuery,
    DatabasePolicyUpdate,
)
from airflow_provider_backup.cloud.services.databases.restore_models import DatabaseNewInstance, DatabaseRestorePoint
from airflow_provider_backup.cloud.services.rds.models import BackupCreate, BackupQuery, InstanceQuery, PolicyUpdate
from airflow_provider_backup.cloud.services.rds.restore_models import (
    RestoredInstance,
    RestorePoint,
    RestoreSource,
    RestoreTarget,
)
from airflow_provider_backup.cloud.services.rds.table_restore_models import (
    DatabaseRestore,
    MySqlTableRestore,
    PostgreSqlTableRestore,
)
from airflow_provider_backup.emulator.core.accounts import REGION
from airflow_provider_backup.emulator.core.inventory import SeededInstance
from airflow_provider_backup.emulator.core.service import ServiceError, json_object
from airflow_provider_backup.emulator.core.state import Row
from airflow_provider_backup.emulator.services.databases.requests import BAD_PARAMETER, backup_ids_of
from airflow_provider_backup.emulator.services.databases.restores import RestorableDatabaseService, checked_part
from airflow_provider_backup.emulator.services.databases.service import Codes, offset_stamp

_ENGINE_CODES = {"MySQL": "mysql", "PostgreSQL": "pg", "SQLServer": "mssql"}
_SIZES = {"2": "large", "4": "xlarge"}
_REPLICATION_MODES = {"MySQL": "async", "PostgreSQL": "async", "SQLServer": "sync"}


class EmulatedRds(RestorableDatabaseService):
    """Relational Database Service; ``databases`` counts for SQL Server and PostgreSQL and is ignored for the others."""

    name = "rds"
    protects = ("rds_instances",)
    first_instances = (
        SeededInstance("orders-mysql", "in01", "MySQL", "8.0", "Ha", "4", "16", 200, 3306),
        SeededInstance("billing-postgresql", "in03", "PostgreSQL", "16", "Single", "2", "8", 100, 5432),
        SeededInstance("crm-sqlserver", "in04", "SQLServer", "2022_SE", "Single", "4", "16", 120, 1433),
        SeededInstance("catalog-mysql", "in01", "MySQL", "8.0", "Single", "2", "4", 40, 3306),
    )
    codes = Codes(
        name="DBS.201210",
        name_used="DBS.201201",
        unknown_backup=(404, "DBS.201010"),
        policy={"keep_days": "DBS.201106", "start_time": "DBS.201103", "period": "DBS.201101"},
    )
    created_status = 200
    backup_create = BackupCreate
    backup_query = BackupQuery
    instance_query = InstanceQuery
    policy_update = PolicyUpdate
    first_policy: ClassVar[Row] = {"keep_days": 7, "start_time": "01:00-02:00", "period": "1,2,3,4,5,6,7"}

    restore_paths: ClassVar[dict[str, int]] = {
        "/v3/{project_id}/instances/recovery": 200,
        "/v3.1/{project_id}/instances/recovery": 202,
    }
    no_backup_for_moment = "RDS.3029"
    # A last backup goes to the recycle bin first.
    deleting_status = "BACKING UP"

    def routes(self) -> list[web.RouteDef]:
        """Return the routes with full paths."""
        batch = "/v3/{project_id}/instances/batch/restore"
        return [
            web.post("/v3/{project_id}/backups/batch-delete", self.delete_backups),
            web.post("/v3.1/{project_id}/instances/{instance_id}/restore/tables", self.restore_mysql_tables),
            web.post(f"{batch}/tables", self.restore_postgresql_tables),
            web.post(f"{batch}/databases", self.restore_databases),
            *super().routes(),
        ]

    async def restore_mysql_tables(self, request: web.Request) -> web.Response:
        """Begin to restore tables of a MySQL instance to new names; contents have no tables, so only the job shows."""
        restore: MySqlTableRestore = checked_part(MySqlTableRestore, await self._body(request))
        job = self._begin_beside(request.match_info["instance_id"], restore.restore_time, ("MySQL",))
        return web.json_response({"job_id": job["id"]})

    async def restore_postgresql_tables(self, request: web.Request) -> web.Response:
        """Begin to restore tables of PostgreSQL instances to new names."""
        return await self._restore_batch(request, PostgreSqlTableRestore, ("PostgreSQL",))

    async def restore_databases(self, request: web.Request) -> web.Response:
        """Begin to restore databases of instances to new names."""
        return await self._restore_batch(request, DatabaseRestore, ("MySQL", "PostgreSQL"))

    async def delete_backups(self, request: web.Request) -> web.Response:
        """Start the deletion of several backups of SQL Server; each has a result of its own."""
        identifiers = backup_ids_of(await json_object(request, code=BAD_PARAMETER))
        return web.json_response({"delete_results": [self._deletion_result(each) for each in identifiers]})

    def stamp(self, moment: str) -> str:
        """Write a moment of the state as lists of RDS do."""
        return offset_stamp(moment)

    def size(self, megabytes: float) -> float:
        """Write a size in KB."""
        return int(megabytes * 1024)

    def deleted(self, row: Row) -> web.Response:
        """Return the empty answer to a deletion."""
        return web.Response()

    def databases_of(self, wanted: DatabaseBackupCreate, instance: Row) -> list[Row]:
        """Return the databases that a backup is limited to; empty for all."""
        if instance["engine"] not in ("SQLServer", "PostgreSQL"):
            return []
        return [{"name": database["name"]} for database in wanted.to_wire().get("databases", [])]

    def created_item(self, row: Row) -> Row:
        """Return a backup as the answer to its creation shows it: the zone is ``Z``, what was not given is absent."""
        item = {
            **super().created_item(row),
            "begin_time": format_utc(datetime.fromisoformat(row["started_at"])),
            "databases": row["databases"],
        }
        return {name: value for name, value in item.items() if value or name not in ("description", "databases")}

    def listed_item(self, row: Row) -> Row:
        """Return a backup as lists show it."""
        item = {**super().listed_item(row), "associated_with_ddm": False}
        return {**item, "databases": row["databases"]} if row["databases"] else item

    def matches(self, row: Row, query: DatabaseBackupQuery) -> bool:
        """Whether a backup passes a list's filters; the status counts for SQL Server only."""
        status = getattr(query, "status", None)
        return super().matches(row, query) and (
            status is None or row["engine"] != "SQLServer" or self.store.status(row) == status
        )

    def policy_set(self, instance: Row, wanted: DatabasePolicyUpdate) -> web.Response:
        """Delete automatic backups when switching off asks for it, and return the empty answer."""
        if wanted.to_body().get("reserve_backups") is False:
            for row in self.store.all():
                if row["instance_id"] == instance["id"] and row["type"] == "auto":
                    self.store.begin_deletion(row)
        return web.Response()

    def instance_item(self, row: Row, *, is_busy: bool) -> Row:
        """Return an instance as lists show it."""
        return {
            **super().instance_item(row, is_busy=is_busy),
            "related_instance": [],
            "enable_ssl": False,
            "disk_encryption_id": "",
            **({"ha": {"replication_mode": _REPLICATION_MODES[row["engine"]]}} if row["type"] == "Ha" else {}),
            "cpu": row["cpu"],
            "mem": row["memory_gb"],
            "switch_strategy": "reliability",
            "maintenance_window": "02:00-06:00",
            "backup_used_space": 0.0,
            "associated_with_ddm": False,
        }

    def datastore_item(self, row: Row) -> Row:
        """Return engine and version; SQL Server has no complete version."""
        item = super().datastore_item(row)
        return item if row["engine"] != "SQLServer" else {name: item[name] for name in ("type", "version")}

    def flavor_of(self, row: Row) -> str:
        """Return the specification code, such as ``rds.mysql.x1.xlarge.4.ha`` (4 GB of memory for each core)."""
        size, ratio = _SIZES[row["cpu"]], int(row["memory_gb"]) // int(row["cpu"])
        code = f"rds.{_ENGINE_CODES[row['engine']]}.x1.{size}.{ratio}"
        return f"{code}.ha" if row["type"] == "Ha" else code

    def read_restore(self, body: Row) -> tuple[str, str, DatabaseRestorePoint]:
        """Return source, target and what is restored of a request that overwrites an instance."""
        source: RestoreSource = checked_part(RestoreSource, self._part(body, "source"))
        target: RestoreTarget = checked_part(RestoreTarget, self._part(body, "target"))
        return source.instance_id, target.instance_id, source

    def read_new(self, body: Row) -> tuple[DatabaseNewInstance, str, DatabaseRestorePoint]:
        """Return a request for a new instance, its source and what is restored."""
        point = self._part(body, "restore_point")
        if not point.get("type"):
            raise ServiceError(400, BAD_PARAMETER, "restore_point.type must be backup or timestamp.")
        source: RestorePoint = checked_part(RestorePoint, point)
        return checked_part(RestoredInstance, body), source.instance_id, source

    def created_instance(self, row: Row, values: Row) -> Row:
        """Return a new instance as the answer to its creation shows it; the port is a text."""
        item = self.instance_item(row, is_busy=False)
        copied = ("id", "name", "status", "flavor_ref", "volume", "vpc_id", "subnet_id", "security_group_id")
        return {
            **{name: item[name] for name in copied},
            "datastore": {name: item["datastore"][name] for name in ("type", "version")},
            "port": str(item["port"]),
            "region": REGION,
            "availability_zone": values["availability_zone"],
            "backup_strategy": item["backup_strategy"],
            "enterprise_project_id": item["enterprise_project_id"],
            "charge_info": item["charge_info"],
            **({"ha": values["ha"]} if "ha" in values else {}),
        }

    def type_of(self, values: Row, like: Row) -> str:
        """Return ``Ha`` for a primary with a standby."""
        return "Ha" if "ha" in values else "Single"

    def accepts_version(self, engine: str, source: str, target: str) -> bool:
        """Whether an instance takes the data of another version: MySQL of the same or a lower one."""
        return source == target or (engine == "MySQL" and _numbers(source) < _numbers(target))

    def _check_point(self, point: DatabaseRestorePoint, target: Row) -> None:
        if (
            target["engine"] == "SQLServer"
            and isinstance(point, RestoreSource)
            and not (point.database_name or point.restore_all_database)
        ):
            raise ServiceError(400, BAD_PARAMETER, "SQL Server needs database_name or restore_all_database.")

    async def _restore_batch(
        self,
        request: web.Request,
        model: type[PostgreSqlTableRestore] | type[DatabaseRestore],
        engines: tuple[str, ...],
    ) -> web.Response:
        parts = (await self._body(request)).get("instances")
        if not isinstance(parts, list) or not parts or not all(isinstance(part, dict) for part in parts):
            raise ServiceError(400, BAD_PARAMETER, "instances must be a list of objects.")
        restores = [checked_part(model, part) for part in parts]
        jobs = [self._begin_beside(each.instance_id, each.restore_time, engines) for each in restores]
        results = [{"instance_id": job["instance_id"], "job_id": job["id"]} for job in jobs]
        return web.json_response({"restore_result": results})

    def _begin_beside(self, instance_id: str, moment: datetime, engines: tuple[str, ...]) -> Row:
        instance = self._instance(instance_id)
        if instance["engine"] not in engines:
            raise ServiceError(400, "DBS.201207", "The engine does not support this operation.")
        self._version_at(instance, moment)
        self._refuse_other_status(instance)
        return self.changes.begin_beside(instance, job_name="RestoreTables")

    def _deletion_result(self, backup_id: str) -> Row:
        try:
            row = self.store.find(backup_id)
            if row is not None and row["engine"] != "SQLServer":
                raise ServiceError(400, "DBS.201207", "The engine does not support this operation.")
            self.deletable(backup_id)
        except ServiceError as error:
            return {"backup_id": backup_id, "error_code": error.code, "error_msg": error.message}
        return {"backup_id": backup_id, "error_code": "0", "error_msg": "Success"}


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


SERVICE = EmulatedRds
