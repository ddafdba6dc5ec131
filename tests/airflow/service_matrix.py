"""Every service's way to take, await and delete a backup, so that one test speaks for all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from airflow_provider_backup.cloud.services.cbr.models import VaultCreate
from airflow_provider_backup.emulator.core.state import Row, system_time
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.hooks.cbr import CbrHook
from airflow_provider_backup.operators.cbr import CbrCreateBackupOperator, CbrDeleteBackupOperator
from airflow_provider_backup.operators.create_backup import CreateBackupOperator
from airflow_provider_backup.operators.csbs import (
    CsbsCreatePolicyOperator,
    CsbsDeleteBackupOperator,
    CsbsExecutePolicyOperator,
)
from airflow_provider_backup.operators.delete_backup import DeleteBackupOperator
from airflow_provider_backup.operators.gaussdb import GaussDbCreateBackupOperator, GaussDbDeleteBackupOperator
from airflow_provider_backup.operators.rds import RdsCreateBackupOperator, RdsDeleteBackupOperator
from airflow_provider_backup.operators.taurusdb import TaurusDbCreateBackupOperator, TaurusDbDeleteBackupOperator
from airflow_provider_backup.operators.vbs import VbsCreateBackupOperator, VbsDeleteBackupOperator
from airflow_provider_backup.sensors.base import BackupSensor
from airflow_provider_backup.sensors.cbr import CbrBackupSensor
from airflow_provider_backup.sensors.csbs import CsbsBackupSensor
from airflow_provider_backup.sensors.gaussdb import GaussDbBackupSensor
from airflow_provider_backup.sensors.rds import RdsBackupSensor
from airflow_provider_backup.sensors.taurusdb import TaurusDbBackupSensor
from airflow_provider_backup.sensors.vbs import VbsBackupSensor
from tests.airflow.task_runs import Deferred, TaskRun

SERVICES = ("vbs", "csbs", "cbr", "rds", "gaussdb", "taurusdb")
DATABASES = ("rds", "gaussdb", "taurusdb")
NAMED = ("vbs", "cbr", *DATABASES)
"""The services whose backups carry a name."""

CREATE: Mapping[str, Callable[..., CreateBackupOperator]] = {
    "vbs": VbsCreateBackupOperator,
    "csbs": CsbsExecutePolicyOperator,
    "cbr": CbrCreateBackupOperator,
    "rds": RdsCreateBackupOperator,
    "gaussdb": GaussDbCreateBackupOperator,
    "taurusdb": TaurusDbCreateBackupOperator,
}
SENSORS: Mapping[str, Callable[..., BackupSensor]] = {
    "vbs": VbsBackupSensor,
    "csbs": CsbsBackupSensor,
    "cbr": CbrBackupSensor,
    "rds": RdsBackupSensor,
    "gaussdb": GaussDbBackupSensor,
    "taurusdb": TaurusDbBackupSensor,
}
DELETE: Mapping[str, Callable[..., DeleteBackupOperator]] = {
    "vbs": VbsDeleteBackupOperator,
    "csbs": CsbsDeleteBackupOperator,
    "cbr": CbrDeleteBackupOperator,
    "rds": RdsDeleteBackupOperator,
    "gaussdb": GaussDbDeleteBackupOperator,
    "taurusdb": TaurusDbDeleteBackupOperator,
}
_TARGETS = {"volume_id", "policy_id", "vault_id", "instance_id"}
_TABLES = {
    "vbs": "vbs.backups",
    "csbs": "csbs.items",
    "cbr": "cbr.backups",
    **{service: f"{service}.backups" for service in DATABASES},
}


def resources(cloud: RunningCloud, kind: str) -> list[str]:
    """Return the ids of the seeded resources.

    :param kind: ``servers``, ``volumes``, ``rds_instances`` ...
    """
    ids: list[str] = cloud.describe()["resources"][kind]
    return ids


def csbs_policy(cloud: RunningCloud, *, servers: int = 1, name: str = "servers") -> str:
    """Make a CSBS policy and return its id."""
    policy = CsbsCreatePolicyOperator(
        task_id="policy",
        name=name,
        schedule="daily at 02:00",
        servers=[{"id": server, "name": "app"} for server in resources(cloud, "servers")[:servers]],
    )
    return str(TaskRun(policy).execute()["policy_id"])


def cbr_vault(cloud: RunningCloud, *, servers: int = 1) -> str:
    """Make a CBR vault with servers in it and return its id."""
    new = VaultCreate.model_validate(
        {
            "name": "vault",
            "billing": {
                "consistent_level": "crash_consistent",
                "object_type": "server",
                "protect_type": "backup",
                "size": 1000,
            },
            "resources": [
                {"id": server, "type": "OS::Nova::Server"} for server in resources(cloud, "servers")[:servers]
            ],
        }
    )
    return CbrHook().run(lambda cbr: cbr.vaults.create(new)).id


def target(cloud: RunningCloud, service: str) -> dict[str, str]:
    """Return the arguments that say what to back up; what is missing for that is made."""
    if service == "vbs":
        return {"volume_id": resources(cloud, "volumes")[0]}
    if service == "csbs":
        return {"policy_id": csbs_policy(cloud)}
    if service == "cbr":
        return {"vault_id": cbr_vault(cloud)}
    return {"instance_id": resources(cloud, f"{service}_instances")[0]}


def create_operator(cloud: RunningCloud, service: str, **arguments: Any) -> CreateBackupOperator:
    """Return an operator that takes a backup of something; it asks often."""
    usual = {"task_id": "backup", "poll_interval": 0.05, "deferrable": True}
    what = {} if arguments.keys() & _TARGETS else target(cloud, service)
    return CREATE[service](**{**usual, **what, **arguments})


def started(cloud: RunningCloud, service: str, **arguments: Any) -> Deferred:
    """Begin a backup of an hour, and return the deferral of its task."""
    cloud.set_backup_seconds(3600)
    ended = TaskRun(create_operator(cloud, service, **arguments)).execute()
    assert isinstance(ended, Deferred)
    return ended


def taken(cloud: RunningCloud, service: str, *, wait: bool = False, **arguments: Any) -> dict[str, Any]:
    """Take a backup and return the operator's result.

    :param wait: whether to wait until it is good.
    """
    operator = create_operator(cloud, service, deferrable=False, wait_for_completion=wait, **arguments)
    result: dict[str, Any] = TaskRun(operator).execute()
    return result


def rows(cloud: RunningCloud, service: str) -> list[Row]:
    """Return the cloud's rows of the backups that were asked for, oldest first."""
    return [row for row in cloud.state.table(_TABLES[service]).values() if row.get("type") != "auto"]


def finish_backups(cloud: RunningCloud) -> None:
    """Let every backup be over now; the clock stays, as signatures depend on it."""
    now = cloud.state.now().isoformat()
    for name in json.loads(cloud.state.to_json()):
        for row in list(cloud.state.table(name).values()):
            if "ready_at" in row:
                row["ready_at"] = min(row["ready_at"], now)


def let_time_pass(cloud: RunningCloud) -> None:
    """Let so much time pass in the cloud that every backup of an hour is over."""
    cloud.state.now = lambda: system_time() + timedelta(hours=2)
