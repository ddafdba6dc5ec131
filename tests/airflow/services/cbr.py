"""CBR for the tests that speak for all services."""

from __future__ import annotations

from airflow_provider_backup.cloud.services.cbr.models import VaultCreate
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.hooks.cbr import CbrHook
from airflow_provider_backup.operators.cbr import CbrCreateBackupOperator, CbrDeleteBackupOperator
from airflow_provider_backup.sensors.cbr import CbrBackupSensor
from tests.airflow.service_case import ServiceCase, resources


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


CASE = ServiceCase(
    create=CbrCreateBackupOperator,
    sensor=CbrBackupSensor,
    delete=CbrDeleteBackupOperator,
    hook=CbrHook,
    target_argument="vault_id",
    target=lambda cloud: cbr_vault(cloud),
    list_path="/v3/{project_id}/backups",
    table="cbr.backups",
)
