"""The calls that RDS, GaussDB and TaurusDB share (databases sections 3 to 6, 10 to 12)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, NamedTuple

from aiohttp import web

from airflow_provider_backup.cloud.schema.fields import format_utc
from airflow_provider_backup.cloud.services.databases.models import (
    DatabaseBackupCreate,
    DatabaseBackupQuery,
    DatabaseInstanceQuery,
    DatabasePolicyUpdate,
)
from airflow_provider_backup.emulator.core.accounts import DATABASE_USER, REGION
from airflow_provider_backup.emulator.core.inventory import Inventory, SeededInstance
from airflow_provider_backup.emulator.core.service import EmulatedBackupService, ServiceError, json_object
from airflow_provider_backup.emulator.core.state import CloudState, Row
from airflow_provider_backup.emulator.services.databases.instance_changes import InstanceChanges
from airflow_provider_backup.emulator.services.databases.requests import (
    BAD_PARAMETER,
    checked_fields,
    checked_query,
    page_of,
    refuse_malformed_backup_id,
    refuse_malformed_instance_id,
)
from airflow_provider_backup.emulator.services.databases.schedules import Schedules
from airflow_provider_backup.emulator.services.databases.store import BackupStore

EMPTY_REQUEST = "DBS.200006"
# Filters of lists of backups, and the member of a row that each compares.
_FILTERS = {
    "instance_id": "instance_id",
    "backup_id": "id",
    "backup_type": "type",
    "name": "name",
    "instance_name": "instance_name",
}
# Statuses of an instance that stand in the way of a backup (databases sections 11 and 12).
_STATUS_REFUSALS = {
    "STORAGE FULL": (409, "DBS.200316", "The storage of the instance is full."),
    "FROZEN": (400, "DBS.280449", "The instance is frozen."),
    "FAILED": (400, "DBS.200086", "The instance status does not allow this operation."),
    "CREATE FAIL": (400, "DBS.200086", "The instance status does not allow this operation."),
    "SHUTDOWN": (400, "DBS.200086", "The instance status does not allow this operation."),
}


class Codes(NamedTuple):
    """The codes that differ between the services.

    :param name: a backup's name breaks a rule.
    :param name_used: a backup's name is taken.
    :param unknown_backup: status and code for a backup that does not exist.
    :param policy: a field of a policy breaks a rule, by field.
    """

    name: str
    name_used: str
    unknown_backup: tuple[int, str]
    policy: Mapping[str, str]


class EmulatedDatabaseService(EmulatedBackupService):
    """One database service of the local cloud.

    :param state: tables and clock.
    :param inventory: the instances.
    """

    first_instances: ClassVar[tuple[SeededInstance, ...]]
    codes: ClassVar[Codes]
    create_path: ClassVar[str] = "backups"
    created_status: ClassVar[int]
    policy_update_path: ClassVar[str] = "backups/policy"
    backup_create: ClassVar[type[DatabaseBackupCreate]]
    backup_query: ClassVar[type[DatabaseBackupQuery]]
    instance_query: ClassVar[type[DatabaseInstanceQuery]]
    policy_update: ClassVar[type[DatabasePolicyUpdate]]
    first_policy: ClassVar[Row]
    job_name: ClassVar[str | None] = None
    job_progress: ClassVar[str] = "process"
    deleting_status: ClassVar[str] = "ACTIVE"
    """There is no status for it (databases section 11)."""

    def __init__(self, state: CloudState, inventory: Inventory) -> None:
        inventory.seed_instances(self.name, self.first_instances)
        self._instances = inventory.instances(self.name)
        self._policies = state.table(f"{self.name}.policies")
        self._state = state
        self._content_store = inventory.content_store
        self.store = BackupStore(state, self.name)
        self.changes = InstanceChanges(state, self.name, self._instances, self.store, self.deleting_status)
        self.schedules = Schedules(
            self._instances,
            self._policies,
            self.store,
            self.changes,
            self._refuse_other_status,
            self.automatic_backup_taken,
        )
        for instance in self._instances.values():
            # An instance with a policy is one that an earlier start has seen.
            if instance["id"] not in self._policies:
                self._policies[instance["id"]] = dict(self.first_policy)
                self.store.add_nightly(instance)

    # The protocol of an emulated service

    def routes(self) -> list[web.RouteDef]:
        """Return the routes with full paths."""
        project = "/v3/{project_id}"
        instance = project + "/instances/{instance_id}"
        return [
            web.post(f"{project}/{self.create_path}", self.create_backup),
            web.get(f"{project}/backups", self.list_backups),
            web.delete(f"{project}/backups/{{backup_id}}", self.delete_backup),
            web.get(f"{instance}/backups/policy", self.get_policy),
            web.put(f"{instance}/{self.policy_update_path}", self.set_policy),
            web.get(f"{project}/jobs", self.get_job),
            web.get(f"{project}/instances", self.list_instances),
        ]

    def error_body(self, status: int, code: str, message: str) -> dict[str, Any]:
        """Return an error body in this service's form."""
        return {"error_code": code, "error_msg": message}

    # Backups

    async def create_backup(self, request: web.Request) -> web.Response:
        """Start a manual backup."""
        body = await json_object(request, code=BAD_PARAMETER)
        if not body:
            raise ServiceError(400, EMPTY_REQUEST, "The request is empty.")
        codes = {"instance_id": "DBS.280404", "name": self.codes.name, "description": "DBS.280127"}
        wanted = checked_fields(self.backup_create, body, codes)
        instance = self._instance(wanted.instance_id)
        if instance["type"] == "Replica":
            raise ServiceError(409, "DBS.280406", "Manual backups of read replicas are not supported.")
        if self.store.all([("name", wanted.name)]):
            raise ServiceError(409, self.codes.name_used, f"The backup name {wanted.name} already exists.")
        if self.store.is_running_on(instance["id"]):
            raise ServiceError(409, "DBS.201205", "Another backup of the instance is running.")
        self._refuse_other_status(instance)
        row = self.store.start(
            instance,
            name=wanted.name,
            description=wanted.description,
            databases=self.databases_of(wanted, instance),
        )
        answer: dict[str, Any] = {"backup": self.created_item(row)}
        if self.job_name is not None:
            answer["job_id"] = self.store.start_job(row, name=self.job_name)["id"]
        return web.json_response(answer, status=self.created_status)

    async def list_backups(self, request: web.Request) -> web.Response:
        """List the backups that match, the newest first."""
        query = checked_query(self.backup_query, request)
        if query.backup_id:
            refuse_malformed_backup_id(query.backup_id)
        # Manual backups outlive their instance, so an instance with backups is known.
        self.changes.forget_deleted()
        of_instance = query.instance_id
        if of_instance and of_instance not in self._instances and not self.store.all([("instance_id", of_instance)]):
            self._instance(of_instance)
        given = query.model_dump(exclude_none=True)
        wanted = [(column, given[name]) for name, column in _FILTERS.items() if name in given]
        found = [row for row in self.store.all(wanted) if self.matches(row, query)]
        items = [self.listed_item(row) for row in page_of(found, query)]
        return web.json_response({"backups": items, "total_count": len(found)})

    async def delete_backup(self, request: web.Request) -> web.Response:
        """Start the deletion of a manual backup."""
        return self.deleted(self.deletable(request.match_info["backup_id"]))

    def deletable(self, backup_id: str) -> Row:
        """Begin the deletion of a backup and return it.

        :raises ServiceError: it does not exist, is not a manual one, or runs or goes already.
        """
        refuse_malformed_backup_id(backup_id)
        row = self.store.find(backup_id)
        if row is None:
            raise ServiceError(*self.codes.unknown_backup, f"The backup {backup_id} does not exist.")
        if row["type"] != "manual":
            raise ServiceError(400, "DBS.201218", "Only manual backups can be deleted.")
        if self.store.status(row) not in ("COMPLETED", "FAILED"):
            raise ServiceError(400, "DBS.201208", "The backup status does not allow this operation.")
        self.store.begin_deletion(row)
        return row

    def matches(self, row: Row, query: DatabaseBackupQuery) -> bool:
        """Whether a backup passes those filters of a list that compare more than one member."""
        if query.begin_time is None or query.end_time is None:
            return True
        return query.begin_time <= datetime.fromisoformat(row["started_at"]) <= query.end_time

    # Policies, jobs, instances

    async def get_policy(self, request: web.Request) -> web.Response:
        """Show the automatic backup policy of an instance."""
        instance = self._instance(request.match_info["instance_id"])
        return web.json_response({"backup_policy": self.policy_item(self._policy(instance))})

    async def set_policy(self, request: web.Request) -> web.Response:
        """Replace the automatic backup policy of an instance."""
        instance = self._instance(request.match_info["instance_id"])
        body = await json_object(request, code=BAD_PARAMETER)
        policy = body.get("backup_policy")
        if not isinstance(policy, dict):
            raise ServiceError(400, BAD_PARAMETER, "The request body has no object backup_policy.")
        wanted = checked_fields(self.policy_update, {**body, **policy}, self.codes.policy)
        self._policies[instance["id"]] = {**self._policy(instance), **wanted.to_body()["backup_policy"]}
        self._state.schedule(self.name, instance["id"])
        return self.policy_set(instance, wanted)

    async def get_job(self, request: web.Request) -> web.Response:
        """Show a job."""
        row = self.store.find_job(request.query.get("id", ""))
        if row is None:
            raise ServiceError(400, "DBS.200543", "The job does not exist.")
        status = self.store.job_status(row)
        job = {
            "id": row["id"],
            "name": row.get("name", self.job_name),
            "status": status,
            "created": self.stamp(row["started_at"]),
            "ended": "" if status == "Running" else self.stamp(row["ready_at"]),
            self.job_progress: f"{self.store.progress(row)}%" if status == "Running" else "",
            "instance": {"id": row["instance_id"], "name": row["instance_name"]},
            "entities": {},
            "fail_reason": row["failure"] if status == "Failed" else "",
        }
        return web.json_response({"job": job})

    async def list_instances(self, request: web.Request) -> web.Response:
        """List the instances that match."""
        query = checked_query(self.instance_query, request)
        self.changes.forget_deleted()
        found = [row for row in self._instances.values() if _passes(row, query)]
        busy = self.store.busy_instances()
        items = [self.instance_item(row, is_busy=row["id"] in busy) for row in page_of(found, query)]
        return web.json_response({"instances": items, "total_count": len(found)})

    # What differs between the services

    def automatic_backup_taken(self, row: Row) -> None:
        """Do what follows an automatic backup that began."""

    @abstractmethod
    def stamp(self, moment: str) -> str:
        """Write a moment of the state as this service does."""

    @abstractmethod
    def size(self, megabytes: float) -> float:
        """Write the size of a backup in this service's unit."""

    @abstractmethod
    def deleted(self, row: Row) -> web.Response:
        """Return the answer to a deletion."""

    def databases_of(self, wanted: DatabaseBackupCreate, instance: Row) -> list[Row]:
        """Return the databases that a backup is limited to; empty for all."""
        return []

    def created_item(self, row: Row) -> Row:
        """Return a backup as the answer to its creation shows it."""
        return {
            "id": row["id"],
            "name": row["name"],
            "description": row["description"] or "",
            "begin_time": self.stamp(row["started_at"]),
            "status": "BUILDING",
            "type": row["type"],
            "instance_id": row["instance_id"],
        }

    def listed_item(self, row: Row) -> Row:
        """Return a backup as lists show it."""
        status = self.store.status(row)
        # A tenth of the instance's storage; a backup that is not good has no size.
        megabytes = row["size_gb"] * 102.4 if status in ("COMPLETED", "DELETING") else 0
        return {
            "id": row["id"],
            "name": row["name"],
            "instance_id": row["instance_id"],
            "type": row["type"],
            "status": status,
            "size": self.size(megabytes),
            "begin_time": self.stamp(row["started_at"]),
            "end_time": None if status == "BUILDING" else self.stamp(row["ready_at"]),
            "datastore": {"type": row["engine"], "version": row["version"]},
        }

    def policy_item(self, policy: Row) -> Row:
        """Return a policy as it is read."""
        return policy

    def policy_set(self, instance: Row, wanted: DatabasePolicyUpdate) -> web.Response:
        """Return the answer to a change of a policy."""
        return web.Response()

    def instance_item(self, row: Row, *, is_busy: bool) -> Row:
        """Return an instance as lists show it.

        :param row: the instance.
        :param is_busy: whether it is being backed up now.
        """
        policy = self._policy(row)
        address = row.get("address") or {"host": "192.168.0.10", "port": row["port"]}
        zones = row.get("zones") or [f"{REGION}-0{number}" for number in (1, 2)]
        nodes = ("master", "slave") if row["type"] != "Single" else ("master",)
        return {
            "id": row["id"],
            "name": row["name"],
            "status": self._status(row, is_busy=is_busy),
            "type": row["type"],
            "datastore": self.datastore_item(row),
            "created": row["created"],
            "updated": row["created"],
            "region": REGION,
            "port": address["port"],
            "private_ips": [address["host"]],
            "public_ips": [],
            "db_user_name": DATABASE_USER,
            "vpc_id": row["vpc_id"],
            "subnet_id": row["subnet_id"],
            "security_group_id": row["security_group_id"],
            "flavor_ref": row.get("flavor_ref") or self.flavor_of(row),
            "volume": {"type": row.get("volume_type", "CLOUDSSD"), "size": row["size_gb"]},
            "backup_strategy": {"start_time": policy["start_time"], "keep_days": policy["keep_days"]},
            "nodes": [
                {
                    "id": f"{row['id'][:31]}{number}no{row['id'][-2:]}",
                    "name": f"{row['name']}_node{number}",
                    "role": role,
                    "status": "ACTIVE",
                    "availability_zone": zone,
                }
                for number, (role, zone) in enumerate(zip(nodes, zones, strict=False))
            ],
            "charge_info": {"charge_mode": "postPaid"},
            "enterprise_project_id": row.get("enterprise_project_id", "0"),
            "time_zone": row.get("time_zone", "UTC"),
            "tags": row.get("tags", []),
        }

    def datastore_item(self, row: Row) -> Row:
        """Return engine and version of an instance."""
        return {"type": row["engine"], "version": row["version"], "complete_version": row["version"]}

    @abstractmethod
    def flavor_of(self, row: Row) -> str:
        """Return the specification code of an instance."""

    # Helpers

    def _instance(self, instance_id: str) -> Row:
        refuse_malformed_instance_id(instance_id)
        self.changes.forget_deleted()
        instance = self._instances.get(instance_id)
        if instance is None:
            raise ServiceError(404, "DBS.200045", f"The instance {instance_id} does not exist.")
        return instance

    def _policy(self, instance: Row) -> Row:
        return self._policies.get(instance["id"], self.first_policy)

    def _status(self, instance: Row, *, is_busy: bool) -> str:
        if is_busy:
            return "BACKING UP"
        # "normal" is what v3.1 of TaurusDB says.
        own = "ACTIVE" if instance["status"] == "normal" else str(instance["status"])
        return self.changes.status(instance) or own

    def _refuse_other_status(self, instance: Row) -> None:
        status = self._status(instance, is_busy=self.store.is_running_on(instance["id"]))
        if status != "ACTIVE" or self.changes.is_changing(instance):
            other = (409, "DBS.201202", f"Another operation is being performed on the instance: {status}.")
            raise ServiceError(*_STATUS_REFUSALS.get(status, other))


def offset_stamp(moment: str) -> str:
    """Write a moment with the offset of UTC: ``2031-04-02T09:15:07+0000``."""
    return format_utc(datetime.fromisoformat(moment), "+0000")


def _passes(row: Row, query: DatabaseInstanceQuery) -> bool:
    if query.name and query.name.startswith("*"):
        name_fits = query.name[1:] in row["name"]
    else:
        name_fits = query.name in (None, row["name"])
    tags = {f"{tag['key']}={tag['value']}" for tag in row.get("tags", [])}
    wanted = {
        "id": query.id,
        "type": query.type,
        "engine": query.datastore_type,
        "vpc_id": query.vpc_id,
        "subnet_id": query.subnet_id,
        "group_type": query.model_dump().get("group_type"),
    }
    return (
        name_fits
        and all(value is None or row.get(column) == value for column, value in wanted.items())
        and (query.tags is None or tags.issuperset(query.tags.split(",")))
    )
