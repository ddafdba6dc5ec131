"""GaussDB for the tests that speak for all services."""

from __future__ import annotations

from airflow_provider_backup.hooks.gaussdb import GaussDbHook
from airflow_provider_backup.operators.gaussdb import (
    GaussDbCreateBackupOperator,
    GaussDbDeleteBackupOperator,
    GaussDbPruneBackupsOperator,
)
from airflow_provider_backup.sensors.gaussdb import GaussDbBackupSensor
from tests.airflow.service_case import ServiceCase, resources

CASE = ServiceCase(
    create=GaussDbCreateBackupOperator,
    sensor=GaussDbBackupSensor,
    delete=GaussDbDeleteBackupOperator,
    prune=GaussDbPruneBackupsOperator,
    hook=GaussDbHook,
    target_argument="instance_id",
    target=lambda cloud: resources(cloud, "gaussdb_instances")[0],
    list_path="/v3/{project_id}/instances",
    table="gaussdb.backups",
    is_database=True,
)
