"""GaussDB (openGauss) of the local cloud: what differs from the other database services."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import ClassVar

from aiohttp import web

from airflow_provider_backup.cloud.services.databases.restore_models import DatabaseNewInstance, DatabaseRestorePoint
from airflow_provider_backup.cloud.services.gaussdb.models import BackupCreate, BackupQuery, InstanceQuery, PolicyUpdate
from airflow_provider_backup.cloud.services.gaussdb.restore_models import (
    RestoredInstance,
    RestorePoint,
    RestoreSource,
    RestoreTarget,
)
from airflow_provider_backup.emulator.core.inventory import SeededInstance
from airflow_provider_backup.emulator.core.service import ServiceError
from airflow_provider_backup.emulator.core.state import Row
from airflow_provider_backup.emulator.services.databases.requests import BAD_PARAMETER
from airflow_provider_backup.emulator.services.databases.restores import RestorableDatabaseService, checked_part
from airflow_provider_backup.emulator.services.databases.service import Codes

# GaussDB's samples stamp times in China's zone; clients have to read the offset.
_ZONE = timezone(timedelta(hours=8))
_SIZES = {"4": "xlarge", "8": "2xlarge", "16": "4xlarge"}


class EmulatedGaussDb(RestorableDatabaseService):
    """GaussDB (openGauss)."""

    name = "gaussdb"
    protects = ("gaussdb_instances",)
    first_instances = (
        SeededInstance("ledger", "in14", "GaussDB", "8.201", "Ha", "8", "64", 160, 8000),
        SeededInstance("payments", "in14", "GaussDB", "8.201", "Enterprise", "16", "128", 480, 8000),
        SeededInstance("reporting", "in14", "GaussDB", "3.206", "Ha", "4", "16", 80, 8000),
    )
    codes = Codes(
        name="DBS.280277",
        name_used="DBS.201201",
        unknown_backup=(400, "DBS.201203"),
        policy={
            "keep_days": "DBS.280214",
            "start_time": "DBS.280216",
            "period": "DBS.280215",
            "differential_period": "DBS.280618",
        },
    )
    created_status = 202
    backup_create = BackupCreate
    backup_query = BackupQuery
    instance_query = InstanceQuery
    policy_update = PolicyUpdate
    first_policy: ClassVar[Row] = {
        "keep_days": 7,
        "start_time": "01:00-02:00",
        "period": "1,2,3,4,5,6,7",
        "differential_period": "30",
        "rate_limit": 75,
        "prefetch_block": 64,
        "file_split_size": 4,
        "enable_standby_backup": False,
    }
    job_name = "BackupSnapshotGaussDBV5InInstance"
    job_progress = "progress"
    restore_paths: ClassVar[dict[str, int]] = {"/v3/{project_id}/instances/recovery": 200}
    windows_need_day = True
    days_without_strategy = 7
    job_names: ClassVar[dict[str, str]] = {
        "same": "RestoreGaussDBV5InInstance",
        "existing": "RestoreGaussDBV5InInstanceToExistedInst",
        "new": "CloneGaussDBV5NewInstance",
        "deletion": "DeleteGaussDBV5Instance",
    }

    def stamp(self, moment: str) -> str:
        """Write a moment of the state with an offset: ``2031-04-02T17:15:07+0800``."""
        return datetime.fromisoformat(moment).astimezone(_ZONE).strftime("%Y-%m-%dT%H:%M:%S%z")

    def size(self, megabytes: float) -> float:
        """Write a size in MB."""
        return float(megabytes)

    def deleted(self, row: Row) -> web.Response:
        """Return the empty object that answers a deletion."""
        return web.json_response({}, status=202)

    def listed_item(self, row: Row) -> Row:
        """Return a backup as lists show it."""
        return {**super().listed_item(row), "description": row["description"]}

    def policy_item(self, policy: Row) -> Row:
        """Return a policy as it is read: a number for the text that was set, and two deprecated twins."""
        return {
            **policy,
            "differential_period": int(policy["differential_period"]),
            "differential_priod": policy["differential_period"],
            "filesplit_size": policy["file_split_size"],
        }

    def instance_item(self, row: Row, *, is_busy: bool) -> Row:
        """Return an instance as lists show it; its times have a form of their own."""
        created = f"{datetime.fromisoformat(row['created']):%Y-%m-%d %H:%M:%S} UTC"
        item = super().instance_item(row, is_busy=is_busy)
        addresses = {"private_ip": item["private_ips"][0], "public_ip": ""}
        return {
            **item,
            "created": created,
            "updated": created,
            "nodes": [{**node, **addresses} for node in item["nodes"]],
            "ha": {"replication_mode": "sync", "consistency": "strong"},
            "flavor_info": {"vcpu": int(row["cpu"]), "mem": int(row["memory_gb"])},
            "instance_mode": "enterprise",
            "switch_strategy": "reliability",
            "maintenance_window": "02:00-06:00",
            "disk_encryption_id": "",
        }

    def read_restore(self, body: Row) -> tuple[str, str, DatabaseRestorePoint]:
        """Return source, target and what is restored of a request that overwrites an instance."""
        part = self._part(body, "source")
        if not part.get("type"):
            raise ServiceError(400, BAD_PARAMETER, "source.type must be backup or timestamp.")
        source: RestoreSource = checked_part(RestoreSource, part)
        target: RestoreTarget = checked_part(RestoreTarget, self._part(body, "target"))
        return source.instance_id, target.instance_id, source

    def read_new(self, body: Row) -> tuple[DatabaseNewInstance, str, DatabaseRestorePoint]:
        """Return a request for a new instance, its source and what is restored."""
        source: RestorePoint = checked_part(RestorePoint, self._part(body, "restore_point"))
        return checked_part(RestoredInstance, body), source.instance_id, source

    def created_instance(self, row: Row, values: Row) -> Row:
        """Return a new instance as the answer to its creation shows it; the port is a text."""
        item = self.instance_item(row, is_busy=False)
        copied = (
            *("id", "name", "status", "region", "flavor_ref", "volume", "vpc_id", "subnet_id", "security_group_id"),
            *("backup_strategy", "charge_info"),
        )
        return {
            **{name: item[name] for name in copied},
            "datastore": {name: item["datastore"][name] for name in ("type", "version")},
            "ha": {"mode": row["type"], **item["ha"]},
            "port": str(row["port"]),
            "replica_num": 3,
            "availability_zone": values["availability_zone"],
        }

    def flavor_of(self, row: Row) -> str:
        """Return the specification code, such as ``gaussdb.opengauss.ee.dn.m6.2xlarge.8.in``."""
        ratio = int(row["memory_gb"]) // int(row["cpu"])
        return f"gaussdb.opengauss.ee.dn.m6.{_SIZES[row['cpu']]}.{ratio}.in"


SERVICE = EmulatedGaussDb
