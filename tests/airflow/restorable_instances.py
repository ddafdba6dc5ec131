"""A database instance to restore in the local cloud, and the operators that restore and delete instances."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_backup.emulator.core.state import Row
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.operators.delete_instance import DatabaseDeleteInstanceOperator
from airflow_provider_backup.operators.gaussdb import GaussDbDeleteInstanceOperator, GaussDbRestoreInstanceOperator
from airflow_provider_backup.operators.rds import RdsDeleteInstanceOperator, RdsRestoreInstanceOperator
from airflow_provider_backup.operators.restore_instance import DatabaseRestoreInstanceOperator
from airflow_provider_backup.operators.taurusdb import TaurusDbDeleteInstanceOperator, TaurusDbRestoreInstanceOperator
from tests.airflow.service_matrix import DATABASES, create_operator, resources
from tests.airflow.task_runs import TaskRun, TaskStateStore

RESTORE_INSTANCE: dict[str, type[DatabaseRestoreInstanceOperator]] = {
    "rds": RdsRestoreInstanceOperator,
    "gaussdb": GaussDbRestoreInstanceOperator,
    "taurusdb": TaurusDbRestoreInstanceOperator,
}
DELETE_INSTANCE: dict[str, type[DatabaseDeleteInstanceOperator]] = {
    "rds": RdsDeleteInstanceOperator,
    "gaussdb": GaussDbDeleteInstanceOperator,
    "taurusdb": TaurusDbDeleteInstanceOperator,
}
IN_PLACE_ROUTES = {
    "rds": "/v3.1/{project_id}/instances/recovery",
    "gaussdb": "/v3/{project_id}/instances/recovery",
    "taurusdb": "/v3/{project_id}/instances/restore",
}
NEW_ROUTE = "/v3/{project_id}/instances"
JOBS_ROUTE = "/v3/{project_id}/jobs"
ADMINISTRATOR = "database_admin"
"""Id of the connection with the password of new instances."""

PASSWORD = "VERY-SECRET-of-the-administrator-1"


def set_password(monkeypatch: pytest.MonkeyPatch, password: str | None = PASSWORD) -> None:
    """Define the connection with the password of new instances."""
    connection = {"conn_type": "generic", **({"password": password} if password else {})}
    monkeypatch.setenv(f"AIRFLOW_CONN_{ADMINISTRATOR.upper()}", json.dumps(connection))


class RestorableInstance:
    """An instance with a good backup, whose content has changed since from 1 to 2.

    :param cloud: the local cloud.
    :param service: name of the service.
    :param engine: RDS only: the engine; ``None`` for the first instance.
    """

    def __init__(self, cloud: RunningCloud, service: str, engine: str | None = None) -> None:
        assert service in DATABASES
        self.cloud = cloud
        self.service = service
        self._seeded = resources(cloud, f"{service}_instances")
        rows = [self.rows[each] for each in self._seeded]
        self.instance_id = next(row["id"] for row in rows if engine in (None, row["engine"]))
        create = create_operator(cloud, service, instance_id=self.instance_id, deferrable=False)
        self.backup = TaskRun(create, run_id="before").execute()
        self.began = datetime.now(UTC)
        cloud.change_content(self.instance_id, 2)

    @property
    def rows(self) -> dict[str, Row]:
        """The instances that exist."""
        return self.cloud.state.table(f"inventory.{self.service}_instances")

    def operator(self, **arguments: Any) -> DatabaseRestoreInstanceOperator:
        """Return the operator; without a source it restores the backup, without a target in place."""
        given: dict[str, Any] = {"poll_interval": 0.05, "deferrable": False}
        if not {"backup", "backup_id", "restore_time"} & arguments.keys():
            given["backup"] = self.backup
        if "new_instance_name" in arguments:
            given["password_conn_id"] = ADMINISTRATOR
            if self.service == "gaussdb":
                given["availability_zone"] = "eu-de-01,eu-de-02,eu-de-03"
        else:
            given |= {"target_instance_id": self.instance_id, "overwrite": True}
        return RESTORE_INSTANCE[self.service](task_id="restore", **{**given, **arguments})

    def run(self, *, with_store: bool = True, run_id: str = "manual__1", **arguments: Any) -> TaskRun:
        """Return a task instance of :meth:`operator`."""
        return TaskRun(self.operator(**arguments), run_id=run_id, store=TaskStateStore() if with_store else None)

    @property
    def content(self) -> int:
        """The content of the instance."""
        return self.cloud.content(self.instance_id)

    @property
    def requests(self) -> int:
        """How many requests for a restore in place were sent."""
        return self.cloud.requests[self.service, "POST", IN_PLACE_ROUTES[self.service]]

    @property
    def creations(self) -> int:
        """How many requests for a new instance were sent."""
        return self.cloud.requests[self.service, "POST", NEW_ROUTE]

    @property
    def restores(self) -> int:
        """How many restores were started."""
        jobs = self.cloud.state.table(f"{self.service}.jobs").values()
        return sum("estore" in (row["name"] or "") or "Clone" in (row["name"] or "") for row in jobs)

    @property
    def made(self) -> Sequence[Row]:
        """The instances that were created."""
        return [row for row in self.rows.values() if row["id"] not in self._seeded]

    def misbehave(self, kind: Any, *, route: str | None = None, method: str = "POST", **parameters: Any) -> str:
        """Arm a fault for the requests that restore, those in place unless another route is given."""
        where = route or IN_PLACE_ROUTES[self.service]
        return self.cloud.misbehave(kind, service=self.service, method=method, route=where, **parameters)
