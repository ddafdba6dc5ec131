"""CBR for the tests that speak for all services."""

from __future__ import annotations

from airflow_provider_backup.cloud.services.cbr.models import VaultCreate
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.hooks.cbr import CbrHook
from airflow_provider_backup.operators.cbr import (
    CbrCreateBackupOperator,
    CbrDeleteBackupOperator,
    CbrPruneBackupsOperator,
)
from airflow_provider_backup.sensors.cbr import CbrBackupSensor
from tests.airflow.service_case import ServiceCase, resources


def cbr_vault(cloud: RunningCloud, *, servers: int = 1) -> str:
    """Make a CBR vault with servers in it and return its id."""
    return _vault(cloud, "server", "OS::Nova::Server", resources(cloud, "servers")[:servers])


def cbr_vault_of_file_system(cloud: RunningCloud) -> str:
    """Make a CBR vault with a file system in it and return its id."""
    return _vault(cloud, "turbo", "OS::Sfs::Turbo", resources(cloud, "file_systems")[:1])


def _vault(cloud: RunningCloud, object_type: str, resource_type: str, resource_ids: list[str]) -> str:
    new = VaultCreate.model_validate(
        {
            "name": "vault",
            "billing": {
                "consistent_level": "crash_consistent",
                "object_type": object_type,
                "protect_type": "backup",
                "size": 1000,
            },
            "resources": [{"id": each, "type": resource_type} for each in resource_ids],
        }
    )
    return CbrHook().run(lambda cbr: cbr.vaults.create(new)).id


CASE = ServiceCase(
    create=CbrCreateBackupOperator,
    sensor=CbrBackupSensor,
    delete=CbrDeleteBackupOperator,
    prune=CbrPruneBackupsOperator,
    hook=CbrHook,
    target_argument="vault_id",
    target=lambda cloud: cbr_vault(cloud),
    list_path="/v3/{project_id}/backups",
    table="cbr.backups",
)
