"""Cloud Backup and Recovery of the local cloud.

Tables of the state: ``cbr.policies``, ``cbr.vaults``, ``cbr.checkpoints``, ``cbr.backups``, ``cbr.members`` and
``cbr.operation_logs``; each is described in the file that keeps it.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from airflow_provider_backup.emulator.core.inventory import Inventory
from airflow_provider_backup.emulator.core.regions import SECOND
from airflow_provider_backup.emulator.core.service import EmulatedBackupService
from airflow_provider_backup.emulator.core.state import CloudState
from airflow_provider_backup.emulator.services.cbr.backup_routes import BackupRoutes
from airflow_provider_backup.emulator.services.cbr.backups import Backups
from airflow_provider_backup.emulator.services.cbr.checkpoints import CheckpointRoutes
from airflow_provider_backup.emulator.services.cbr.member_routes import MemberRoutes
from airflow_provider_backup.emulator.services.cbr.operation_logs import OperationLogs
from airflow_provider_backup.emulator.services.cbr.policies import PolicyRoutes
from airflow_provider_backup.emulator.services.cbr.protectable_routes import ProtectableRoutes
from airflow_provider_backup.emulator.services.cbr.replications import ReplicationRoutes
from airflow_provider_backup.emulator.services.cbr.resource_routes import ResourceRoutes
from airflow_provider_backup.emulator.services.cbr.restores import RestoreRoutes
from airflow_provider_backup.emulator.services.cbr.schedules import Schedules
from airflow_provider_backup.emulator.services.cbr.tag_routes import TagRoutes
from airflow_provider_backup.emulator.services.cbr.usage_routes import UsageRoutes
from airflow_provider_backup.emulator.services.cbr.vault_routes import VaultRoutes
from airflow_provider_backup.emulator.services.cbr.vaults import Vaults


class EmulatedCbr(EmulatedBackupService):
    """CBR v3: policies, vaults, what can be backed up, taking, copying, restoring and deleting backups, logs.

    :param state: where everything is kept.
    :param inventory: the servers, disks and file systems.
    """

    name = "cbr"
    protects = ("servers", "volumes", "file_systems")
    operations = ("deletion", "restore", "replication")

    def __init__(self, state: CloudState, inventory: Inventory) -> None:
        backups, logs = Backups(state), OperationLogs(state)
        vaults = Vaults(state, inventory, backups)
        checkpoints = CheckpointRoutes(state, inventory, vaults, backups, logs)
        self.schedules = Schedules(state, vaults, backups, checkpoints)
        self._parts = (
            PolicyRoutes(state, vaults),
            # Paths of their own come before those with an id in the same place.
            UsageRoutes(vaults, backups),
            VaultRoutes(state, vaults, backups, logs),
            ResourceRoutes(state, vaults, backups, logs),
            TagRoutes(vaults),
            ProtectableRoutes(inventory, vaults),
            checkpoints,
            BackupRoutes(state, vaults, backups, logs),
            MemberRoutes(state, vaults, backups),
            ReplicationRoutes(state, vaults, backups, logs),
            RestoreRoutes(state, inventory, vaults, backups, logs),
            logs,
        )

    def routes(self) -> list[web.RouteDef]:
        """Return the routes with full paths."""
        return [route for part in self._parts for route in part.routes()]

    def error_body(self, status: int, code: str, message: str) -> dict[str, Any]:
        """Return an error body (CBR section 14.1)."""
        return {"error_code": code, "error_msg": message}


class SecondRegionCbr(EmulatedCbr):
    """CBR in the second region; requests and faults know it by this name."""

    name = f"cbr@{SECOND.name}"


SERVICE = EmulatedCbr
SECOND_REGION_SERVICE = SecondRegionCbr
