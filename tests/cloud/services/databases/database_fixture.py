"""One of the three database services of a local cloud, with instances to back up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airflow_provider_backup.cloud.services.databases.models import DatabaseBackup, DatabaseBackupCreate
from airflow_provider_backup.cloud.services.databases.service import DatabaseService
from airflow_provider_backup.cloud.services.gaussdb.models import BackupCreate as GaussDbBackupCreate
from airflow_provider_backup.cloud.services.rds.models import BackupCreate as RdsBackupCreate
from airflow_provider_backup.cloud.services.taurusdb.models import BackupCreate as TaurusDbBackupCreate
from airflow_provider_backup.emulator.threaded import RunningCloud

CREATE_MODELS: dict[str, type[DatabaseBackupCreate]] = {
    "rds": RdsBackupCreate,
    "gaussdb": GaussDbBackupCreate,
    "taurusdb": TaurusDbBackupCreate,
}


@dataclass(frozen=True)
class Family:
    """One of the three services, with an instance to back up."""

    name: str
    service: DatabaseService
    instance_id: str
    other_instance_id: str
    local_cloud: RunningCloud

    async def start(self, name: str = "before-upgrade", instance_id: str | None = None) -> DatabaseBackup:
        """Start a backup."""
        request = CREATE_MODELS[self.name](instance_id=instance_id or self.instance_id, name=name)
        backup: DatabaseBackup = await self.service.backups.create(request)
        return backup

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        """The rows of the service's backups in the local cloud."""
        return self.local_cloud.state.table(f"{self.name}.backups")

    def finish_everything(self) -> None:
        """Let all running backups be over."""
        for row in self.rows.values():
            row["ready_at"] = row["started_at"]
