"""RDS for the tests that speak for all services."""

from __future__ import annotations

from airflow_provider_backup.hooks.rds import RdsHook
from airflow_provider_backup.operators.rds import (
    RdsCreateBackupOperator,
    RdsDeleteBackupOperator,
    RdsPruneBackupsOperator,
)
from airflow_provider_backup.sensors.rds import RdsBackupSensor
from tests.airflow.service_case import ServiceCase, resources

CASE = ServiceCase(
    create=RdsCreateBackupOperator,
    sensor=RdsBackupSensor,
    delete=RdsDeleteBackupOperator,
    prune=RdsPruneBackupsOperator,
    hook=RdsHook,
    target_argument="instance_id",
    target=lambda cloud: resources(cloud, "rds_instances")[0],
    list_path="/v3/{project_id}/instances",
    table="rds.backups",
    tells_reason=False,
    reads_need_instance=True,
    is_database=True,
)
