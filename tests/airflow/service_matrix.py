"""Every service's way to take, await and delete a backup, so that one test speaks for all."""

from __future__ import annotations

import json
from datetime import timedelta
from importlib import import_module
from importlib.util import find_spec
from typing import Any, cast

from airflow_provider_backup.cloud.services.registry import SERVICES as REGISTERED
from airflow_provider_backup.emulator.core.state import Row, system_time
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.operators.create_backup import CreateBackupOperator
from tests.airflow.service_case import ServiceCase
from tests.airflow.service_case import resources as resources
from tests.airflow.services.cbr import cbr_vault as cbr_vault
from tests.airflow.services.csbs import SERVER_CASE
from tests.airflow.services.csbs import csbs_policy as csbs_policy
from tests.airflow.task_runs import Deferred, TaskRun

SERVICES = tuple(name for name in REGISTERED if find_spec(f"tests.airflow.services.{name}"))
"""The services that have a case; ``test_registered_services.py`` fails for one that has none."""
CASES: dict[str, ServiceCase] = {name: import_module(f"tests.airflow.services.{name}").CASE for name in SERVICES}
"""What the tests know of each."""
CASES["csbs_server"] = SERVER_CASE
"""A second way to take a backup, which is tested with those that carry a name."""
DATABASES = tuple(name for name, case in CASES.items() if case.is_database)
NAMED = tuple(name for name, case in CASES.items() if case.has_names)
"""The cases whose backups carry a name."""

CREATE = {name: case.create for name, case in CASES.items()}
SENSORS = {name: case.sensor for name, case in CASES.items()}
FRESH: dict[str, Any] = {
    name: getattr(
        import_module(case.sensor.__module__), case.sensor.__name__.replace("BackupSensor", "FreshBackupSensor")
    )
    for name, case in CASES.items()
}
"""The sensors of fresh backups."""
DELETE = {name: case.delete for name, case in CASES.items()}
SERVICE_OF: dict[str, str] = {name: cast("Any", case.delete).service_name for name, case in CASES.items()}
"""Which service each case is of."""
PRUNE = {name: case.prune for name, case in CASES.items()}
OPERATIONS: dict[str, Any] = {name: cast("Any", case.create).operation for name, case in CASES.items()}
_TARGETS = {case.target_argument for case in CASES.values()}


def target(cloud: RunningCloud, service: str) -> dict[str, str]:
    """Return the arguments that say what to back up; what is missing for that is made."""
    case = CASES[service]
    return {case.target_argument: case.target(cloud)}


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
    return [row for row in cloud.state.table(CASES[service].table).values() if row.get("type") != "auto"]


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
