"""CSBS for the tests that speak for all services."""

from __future__ import annotations

from dataclasses import replace

from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.hooks.csbs import CsbsHook
from airflow_provider_backup.operators.csbs import (
    CsbsCreateBackupOperator,
    CsbsCreatePolicyOperator,
    CsbsDeleteBackupOperator,
    CsbsExecutePolicyOperator,
    CsbsPruneBackupsOperator,
)
from airflow_provider_backup.sensors.csbs import CsbsBackupSensor
from tests.airflow.service_case import ServiceCase, resources
from tests.airflow.task_runs import TaskRun


def csbs_policy(cloud: RunningCloud, *, servers: int = 1, name: str = "servers") -> str:
    """Make a CSBS policy and return its id."""
    policy = CsbsCreatePolicyOperator(
        task_id="policy",
        name=name,
        schedule="daily at 02:00",
        # For manual execution only: what a test sees must not depend on the time of day.
        enabled=False,
        servers=[{"id": server, "name": "app"} for server in resources(cloud, "servers")[:servers]],
    )
    return str(TaskRun(policy).execute()["policy_id"])


CASE = ServiceCase(
    create=CsbsExecutePolicyOperator,
    sensor=CsbsBackupSensor,
    delete=CsbsDeleteBackupOperator,
    prune=CsbsPruneBackupsOperator,
    hook=CsbsHook,
    target_argument="policy_id",
    target=lambda cloud: csbs_policy(cloud),
    list_path="/v1/{project_id}/checkpoint_items",
    table="csbs.items",
    has_names=False,
)

SERVER_CASE = replace(
    CASE,
    create=CsbsCreateBackupOperator,
    target_argument="server_id",
    target=lambda cloud: resources(cloud, "servers")[0],
    has_names=True,
)
"""One server without a policy."""
