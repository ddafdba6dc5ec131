"""TaurusDB of the local cloud: what differs from the other database services."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from aiohttp import web

from airflow_provider_backup.cloud.services.databases.models import DatabasePolicyUpdate
from airflow_provider_backup.cloud.services.databases.restore_models import DatabaseNewInstance, DatabaseRestorePoint
from airflow_provider_backup.cloud.services.taurusdb.models import (
    BackupCreate,
    BackupQuery,
    InstanceQuery,
    PolicyUpdate,
)
from airflow_provider_backup.cloud.services.taurusdb.restore_models import Restore, RestoredInstance, RestorePoint
from airflow_provider_backup.emulator.core.accounts import PROJECT_ID, REGION
from airflow_provider_backup.emulator.core.inventory import SeededInstance
from airflow_provider_backup.emulator.core.service import ServiceError, json_object
from airflow_provider_backup.emulator.core.state import Row
from airflow_provider_backup.emulator.services.databases.requests import BAD_PARAMETER, backup_ids_of
from airflow_provider_backup.emulator.services.databases.restores import RestorableDatabaseService, checked_part
from airflow_provider_backup.emulator.services.databases.service import Codes, offset_stamp

_KERNEL_VERSION = "2.0.57.240900"
_SIZES = {"2": "large", "4": "xlarge", "8": "2xlarge"}


class EmulatedTaurusDb(RestorableDatabaseService):
    """TaurusDB, also known as GaussDB for MySQL. The name of the backup job is not documented."""

    name = "taurusdb"
    protects = ("taurusdb_instances",)
    first_instances = (
        SeededInstance("shop", "in07", "gaussdb-mysql", "8.0", "Cluster", "4", "16", 64, 3306),
        SeededInstance("sessions", "in07", "gaussdb-mysql", "8.0", "Cluster", "2", "8", 32, 3306),
        SeededInstance("analytics", "in07", "gaussdb-mysql", "8.0", "Cluster", "8", "32", 128, 3306),
    )
    codes = Codes(
        name="DBS.280277",
        name_used="DBS.201209",
        unknown_backup=(400, "DBS.201203"),
        policy={"keep_days": "DBS.280250", "start_time": "DBS.280253", "period": "DBS.280251"},
    )
    create_path = "backups/create"
    created_status = 201
    policy_update_path = "backups/policy/update"
    backup_create = BackupCreate
    backup_query = BackupQuery
    instance_query = InstanceQuery
    policy_update = PolicyUpdate
    first_policy: ClassVar[Row] = {
        "keep_days": 7,
        "start_time": "01:00-02:00",
        "period": "1,2,3,4,5,6,7",
        "retention_num_backup_level1": 0,
    }
    job_name = "BackupGaussDBforMySQLInstance"
    restore_paths: ClassVar[dict[str, int]] = {"/v3/{project_id}/instances/restore": 200}
    windows_member = "restore_times"
    new_status = 201
    deletion_status = 200

    def routes(self) -> list[web.RouteDef]:
        """Return the routes with full paths."""
        return [
            *super().routes(),
            web.delete("/v3/{project_id}/backups", self.delete_backups),
            web.get("/v3/{project_id}/instances/{instance_id}", self.show_instance),
        ]

    async def show_instance(self, request: web.Request) -> web.Response:
        """Show an instance with its nodes."""
        row = self._instance(request.match_info["instance_id"])
        item = self.instance_item(row, is_busy=self.store.is_running_on(row["id"]))
        copied = (
            *("id", "name", "status", "type", "port", "datastore", "created", "updated", "db_user_name", "vpc_id"),
            *("subnet_id", "security_group_id", "backup_strategy", "charge_info", "enterprise_project_id"),
            *("time_zone", "tags"),
        )
        count, zone = row.get("node_count", 2), row.get("master_az_code") or f"{REGION}-01"
        details = {
            **{name: item[name] for name in copied},
            "project_id": PROJECT_ID,
            "node_count": count,
            "configuration_id": row.get("configuration_id", f"{row['id'][:32]}pr07"),
            "az_mode": row.get("az_mode", "single"),
            "master_az_code": zone,
            "private_write_ips": item["private_ips"],
            "public_ips": "",
            "nodes": [
                {
                    "id": f"{row['id'][:31]}{number}no07",
                    "name": f"{row['name']}_node{number}",
                    "type": "slave" if number else "master",
                    "status": "ACTIVE",
                    "az_code": zone,
                    "flavor_ref": item["flavor_ref"],
                }
                for number in range(count)
            ],
        }
        return web.json_response({"instance": details})

    async def delete_backups(self, request: web.Request) -> web.Response:
        """Start the deletion of several backups and count what failed."""
        identifiers = backup_ids_of(await json_object(request, code=BAD_PARAMETER))
        failures = []
        for identifier in identifiers:
            try:
                self.deletable(identifier)
            except ServiceError as error:
                failures.append({"backup_id": identifier, "error_code": error.code, "error_msg": error.message})
        return web.json_response(
            {
                "success_count": len(identifiers) - len(failures),
                "failed_count": len(failures),
                "failed_results": failures,
            }
        )

    def stamp(self, moment: str) -> str:
        """Write a moment of the state with an offset."""
        return offset_stamp(moment)

    def size(self, megabytes: float) -> float:
        """Write a size in MB."""
        return float(megabytes)

    def deleted(self, row: Row) -> web.Response:
        """Return id and name of a backup whose deletion began."""
        return web.json_response({"backup_id": row["id"], "backup_name": row["name"]})

    def listed_item(self, row: Row) -> Row:
        """Return a backup as lists show it."""
        duration = datetime.fromisoformat(row["ready_at"]) - datetime.fromisoformat(row["started_at"])
        return {
            **super().listed_item(row),
            "description": row["description"] or "",
            "instance_name": row["instance_name"],
            "take_up_time": round(duration.total_seconds() / 60),
        }

    def policy_set(self, instance: Row, wanted: DatabasePolicyUpdate) -> web.Response:
        """Return the answer to a change of a policy."""
        return web.json_response(
            {"status": "COMPLETED", "instance_id": instance["id"], "instance_name": instance["name"]}
        )

    def datastore_item(self, row: Row) -> Row:
        """Return engine, and the versions of MySQL and of the kernel."""
        return {"type": row["engine"], "version": row["version"], "kernel_version": _KERNEL_VERSION}

    def read_restore(self, body: Row) -> tuple[str, str, DatabaseRestorePoint]:
        """Return source, target and what is restored of a request that overwrites an instance."""
        if not body.get("type"):
            raise ServiceError(400, BAD_PARAMETER, "type must be backup or timestamp.")
        restore: Restore = checked_part(Restore, body)
        return restore.source_instance_id, restore.target_instance_id, restore

    def read_new(self, body: Row) -> tuple[DatabaseNewInstance, str, DatabaseRestorePoint]:
        """Return a request for a new instance, its source and what is restored."""
        source: RestorePoint = checked_part(RestorePoint, self._part(body, "restore_point"))
        return checked_part(RestoredInstance, body), source.source_instance_id, source

    def kept(self, values: Row) -> Row:
        """Return how many nodes a new instance has, and where."""
        given = {
            "az_mode": values["availability_zone_mode"],
            "master_az_code": values.get("master_availability_zone"),
            "configuration_id": values.get("configuration_id"),
            "node_count": values["slave_count"] + 1,
        }
        return {name: value for name, value in given.items() if value is not None}

    def zones_of(self, values: Row) -> list[str]:
        """Return nothing: lists do not show the nodes."""
        return []

    def created_instance(self, row: Row, values: Row) -> Row:
        """Return a new instance as the answer to its creation shows it."""
        item = self.instance_item(row, is_busy=False)
        copied = (
            *("id", "name", "status", "region", "flavor_ref", "vpc_id", "subnet_id", "security_group_id"),
            *("backup_strategy", "charge_info", "datastore", "port", "enterprise_project_id"),
        )
        return {
            **{name: item[name] for name in copied},
            "mode": row["type"],
            "availability_zone_mode": values["availability_zone_mode"],
        }

    def flavor_of(self, row: Row) -> str:
        """Return the specification code, such as ``gaussdb.mysql.xlarge.x86.4``."""
        return f"gaussdb.mysql.{_SIZES[row['cpu']]}.x86.{int(row['memory_gb']) // int(row['cpu'])}"

    def instance_item(self, row: Row, *, is_busy: bool) -> Row:
        """Return an instance as lists show it; port and days are texts, nodes are not listed."""
        item = super().instance_item(row, is_busy=is_busy)
        del item["nodes"]
        strategy = item["backup_strategy"]
        return {
            **item,
            "flavor_info": {"vcpus": row["cpu"], "ram": row["memory_gb"]},
            "port": str(row["port"]),
            "volume": {"type": "DL6", "size": str(row["size_gb"])},
            "backup_strategy": {**strategy, "keep_days": str(strategy["keep_days"])},
        }


SERVICE = EmulatedTaurusDb
