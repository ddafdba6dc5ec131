"""VBS for the tests that speak for all services."""

from __future__ import annotations

from airflow_provider_backup.hooks.vbs import VbsHook
from airflow_provider_backup.operators.vbs import (
    VbsCreateBackupOperator,
    VbsDeleteBackupOperator,
    VbsPruneBackupsOperator,
)
from airflow_provider_backup.sensors.vbs import VbsBackupSensor
from tests.airflow.service_case import ServiceCase, resources

CASE = ServiceCase(
    create=VbsCreateBackupOperator,
    sensor=VbsBackupSensor,
    delete=VbsDeleteBackupOperator,
    prune=VbsPruneBackupsOperator,
    hook=VbsHook,
    target_argument="volume_id",
    target=lambda cloud: resources(cloud, "volumes")[0],
    list_path="/v2/{project_id}/backups/detail",
    table="vbs.backups",
)
