"""TaurusDB for the tests that speak for all services."""

from __future__ import annotations

from airflow_provider_backup.hooks.taurusdb import TaurusDbHook
from airflow_provider_backup.operators.taurusdb import (
    TaurusDbCreateBackupOperator,
    TaurusDbDeleteBackupOperator,
    TaurusDbPruneBackupsOperator,
)
from airflow_provider_backup.sensors.taurusdb import TaurusDbBackupSensor
from tests.airflow.service_case import ServiceCase, resources

CASE = ServiceCase(
    create=TaurusDbCreateBackupOperator,
    sensor=TaurusDbBackupSensor,
    delete=TaurusDbDeleteBackupOperator,
    prune=TaurusDbPruneBackupsOperator,
    hook=TaurusDbHook,
    target_argument="instance_id",
    target=lambda cloud: resources(cloud, "taurusdb_instances")[0],
    list_path="/v3/{project_id}/instances",
    table="taurusdb.backups",
    is_database=True,
)
