"""RDS of the local cloud: what differs from the other database services."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from aiohttp import web

from airflow_provider_backup.cloud.schema.fields import format_utc
from airflow_provider_backup.cloud.services.databases.models import (
    DatabaseBackupCreate,
    DatabaseBackupQuery,
    DatabasePolicyUpdate,
)
from airflow_provider_backup.cloud.services.databases.restore_models import (
    DatabaseNewInstance,
    DatabaseRestorePoint,
    milliseconds_of,
)
from airflow_provider_backup.cloud.services.rds.models import BackupCreate, BackupQuery, InstanceQuery, PolicyUpdate
from airflow_provider_backup.cloud.services.rds.offsite_models import (
    OffsiteBackupQuery,
    OffsiteInstanceQuery,
    OffsitePolicyUpdate,
)
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
from airflow_provider_backup.emulator.core.accounts import PROJECT_ID, REGION
from airflow_provider_backup.emulator.core.inventory import Inventory, SeededInstance
from airflow_provider_backup.emulator.core.service import ServiceError, json_object
from airflow_provider_backup.emulator.core.state import CloudState, Row
from airflow_provider_backup.emulator.services.databases.instance_changes import OPERATIONS
from airflow_provider_backup.emulator.services.databases.requests import (
    BAD_PARAMETER,
    backup_ids_of,
    checked_fields,
    checked_query,
    page_of,
    refuse_malformed_backup_id,
    refuse_malformed_instance_id,
)
from airflow_provider_backup.emulator.services.databases.restores import RestorableDatabaseService, checked_part
from airflow_provider_backup.emulator.services.databases.service import Codes, offset_stamp
from airflow_provider_backup.emulator.services.rds.offsite import OffsiteCopies

_ENGINE_CODES = {"MySQL": "mysql", "PostgreSQL": "pg", "SQLServer": "mssql"}
_SIZES = {"2": "large", "4": "xlarge"}
_REPLICATION_MODES = {"MySQL": "async", "PostgreSQL": "async", "SQLServer": "sync"}


class EmulatedRds(RestorableDatabaseService):
    """Relational Database Service; ``databases`` counts for SQL Server and PostgreSQL and is ignored for the others."""

    name = "rds"
    protects = ("rds_instances",)
    operations = (*OPERATIONS, "offsite")
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

    def __init__(self, state: CloudState, inventory: Inventory) -> None:
        super().__init__(state, inventory)
        self.offsite = OffsiteCopies(state)

    def routes(self) -> list[web.RouteDef]:
        """Return the routes with full paths."""
        batch = "/v3/{project_id}/instances/batch/restore"
        instance = "/v3/{project_id}/instances/{instance_id}"
        return [
            web.get(f"{instance}/backups/offsite-policy", self.get_offsite_policy),
            web.put(f"{instance}/backups/offsite-policy", self.set_offsite_policy),
            web.get(f"{instance}/offsite-restore-time", self.list_offsite_windows),
            web.get("/v3/{project_id}/offsite-backups", self.list_offsite_backups),
            web.get("/v3/backups/offsite-backup-instance", self.list_offsite_instances),
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

    async def get_offsite_policy(self, request: web.Request) -> web.Response:
        """Show how backups of an instance are copied to another region."""
        instance = self._instance(request.match_info["instance_id"])
        rows = self.offsite.policy_rows(instance["id"])
        return web.json_response({"policy_para": rows})

    async def set_offsite_policy(self, request: web.Request) -> web.Response:
        """Set how backups of an instance are copied to another region."""
        instance = self._instance(request.match_info["instance_id"])
        part = self._part(await self._body(request), "policy_para")
        wanted = checked_fields(OffsitePolicyUpdate, part, {"keep_days": "DBS.201106", "backup_type": "DBS.201004"})
        if self.changes.is_changing(instance) or self.store.is_running_on(instance["id"]):
            raise ServiceError(500, "DBS.280228", "Another operation is being performed on the instance.")
        self.offsite.set_policy(instance, wanted)
        return web.json_response({"resp": "successful"})

    async def list_offsite_backups(self, request: web.Request) -> web.Response:
        """List the copies of an instance that are in this project, the newest first."""
        query = checked_query(OffsiteBackupQuery, request)
        refuse_malformed_instance_id(query.instance_id)
        if query.backup_id:
            refuse_malformed_backup_id(query.backup_id)
        found = [
            row
            for row in self.offsite.copies(request.match_info["project_id"])
            if row["instance_id"] == query.instance_id
            and query.backup_id in (None, row["id"])
            and query.backup_type in (None, row["type"])
            and self.matches(row, query)
        ]
        items = [self._offsite_item(row) for row in page_of(found, query)]
        return web.json_response({"backups": items, "total_count": len(found)})

    async def list_offsite_instances(self, request: web.Request) -> web.Response:
        """List the instances of all regions that have copies in the caller's project."""
        query = checked_query(OffsiteInstanceQuery, request)
        project_id = request.headers.get("X-Project-Id", PROJECT_ID)
        newest = {row["instance_id"]: row for row in reversed(self.offsite.copies(project_id))}
        rows = [self._offsite_instance_item(row) for row in newest.values()]
        return web.json_response({"offsite_backup_instances": page_of(rows, query), "total_count": len(rows)})

    async def list_offsite_windows(self, request: web.Request) -> web.Response:
        """Show to which moments an instance can be restored in this region; incremental copies are needed for that."""
        instance_id = request.match_info["instance_id"]
        refuse_malformed_instance_id(instance_id)
        day = self._day(request.query.get("date"))
        copies = self.offsite.copies(request.match_info["project_id"])
        good = [
            datetime.fromisoformat(row["ready_at"])
            for row in copies
            if row["instance_id"] == instance_id and self.offsite.status(row) == "COMPLETED"
        ]
        last = self._state.now() - timedelta(minutes=5)
        types = {row["backup_type"] for row in self.offsite.policy_rows(instance_id)}
        windows = [(min(good), last)] if good and "incremental" in types and min(good) < last else []
        items = [
            {"start_time": milliseconds_of(begin), "end_time": milliseconds_of(end)}
            for begin, end in windows
            if day is None or begin.date() <= day <= end.date()
        ]
        return web.json_response({"restore_time": items})

    def automatic_backup_taken(self, row: Row) -> None:
        """Copy an automatic backup to another region, if the instance has a policy that says so."""
        self.offsite.copy(row)

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
        jobs = [self._begin_beside(each.instance_id, each.restore_time, engines, _source_of(each)) for each in restores]
        results = [{"instance_id": job["instance_id"], "job_id": job["id"]} for job in jobs]
        return web.json_response({"restore_result": results})

    def _begin_beside(
        self, instance_id: str, moment: datetime, engines: tuple[str, ...], source: Row | None = None
    ) -> Row:
        instance = self._instance(instance_id)
        if instance["engine"] not in engines:
            raise ServiceError(400, "DBS.201207", "The engine does not support this operation.")
        self._version_at(instance, moment)
        self._refuse_other_status(instance)
        return self.changes.begin_beside(instance, job_name="RestoreTables", source=source)

    def _offsite_item(self, row: Row) -> Row:
        status = self.offsite.status(row)
        return {
            **self.listed_item(row),
            "status": status,
            "end_time": None if status == "BUILDING" else self.stamp(row["ready_at"]),
            "databases": row["databases"],
        }

    def _offsite_instance_item(self, row: Row) -> Row:
        days = {each["backup_type"]: each["keep_days"] for each in self.offsite.policy_rows(row["instance_id"])}
        return {
            "id": row["instance_id"],
            "name": row["instance_name"],
            "source_region": REGION,
            "source_project_id": PROJECT_ID,
            "datastore": {"type": row["engine"], "version": row["version"]},
            "destination_region": row["destination_region"],
            "destination_project_id": row["destination_project_id"],
            "keep_days": days.get("auto", 0),
        }

    def _deletion_result(self, backup_id: str) -> Row:
        try:
            row = self.store.find(backup_id)
            if row is not None and row["engine"] != "SQLServer":
                raise ServiceError(400, "DBS.201207", "The engine does not support this operation.")
            self.deletable(backup_id)
        except ServiceError as error:
            return {"backup_id": backup_id, "error_code": error.code, "error_msg": error.message}
        return {"backup_id": backup_id, "error_code": "0", "error_msg": "Success"}


def _source_of(restore: PostgreSqlTableRestore | DatabaseRestore) -> Row | None:
    if isinstance(restore, DatabaseRestore):
        return None
    tables: dict[str, list[Row]] = {}
    for database in restore.databases:
        tables.setdefault(database.database, []).extend(
            {"schema": schema.schema_name, "name": table.old_name, "new_name": table.new_name}
            for schema in database.schemas
            for table in schema.tables
        )
    return {"moment": restore.restore_time.isoformat(), "tables": tables}


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


SERVICE = EmulatedRds
