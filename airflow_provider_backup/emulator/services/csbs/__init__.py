"""The Cloud Server Backup Service of the local cloud.

Tables of the state: ``csbs.policies`` (as they go over the wire), ``csbs.items`` (backups of servers),
``csbs.volume_backups`` (the disk backups inside), described in ``backups.py``, and ``csbs.restores``, in
``restores.py``.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from airflow_provider_backup.emulator.core.catalog import CatalogEntry
from airflow_provider_backup.emulator.core.inventory import Inventory
from airflow_provider_backup.emulator.core.service import EmulatedBackupService
from airflow_provider_backup.emulator.core.state import CloudState
from airflow_provider_backup.emulator.services.csbs.backups import Backups
from airflow_provider_backup.emulator.services.csbs.checkpoint_items import CheckpointItemRoutes
from airflow_provider_backup.emulator.services.csbs.checkpoints import CheckpointRoutes
from airflow_provider_backup.emulator.services.csbs.policies import PolicyRoutes
from airflow_provider_backup.emulator.services.csbs.restores import Restores
from airflow_provider_backup.emulator.services.csbs.schedules import Schedules


class EmulatedCsbs(EmulatedBackupService):
    """CSBS v1: policies, taking, reading, restoring and deleting backups.

    :param state: where policies and backups are kept.
    :param inventory: the servers and their disks.
    """

    name = "csbs"
    protects = ("servers",)
    operations = ("deletion", "restore")
    catalog_entries = (CatalogEntry("data-protect", "karbor", "/v1/{project_id}"),)

    def __init__(self, state: CloudState, inventory: Inventory) -> None:
        backups = Backups(state, inventory)
        restores = Restores(state, inventory, backups)
        self.schedules = Schedules(state, backups)
        self._parts = (
            PolicyRoutes(state, inventory),
            CheckpointRoutes(state, backups, restores),
            CheckpointItemRoutes(backups),
            restores,
        )

    def routes(self) -> list[web.RouteDef]:
        """Return the routes with full paths."""
        return [route for part in self._parts for route in part.routes()]

    def error_body(self, status: int, code: str, message: str) -> dict[str, Any]:
        """Return an error body (CSBS section 10)."""
        return {"error_code": code, "error_msg": message}


SERVICE = EmulatedCsbs
