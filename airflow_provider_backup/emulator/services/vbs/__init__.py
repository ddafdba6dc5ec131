"""The Volume Backup Service of the local cloud.

Tables of the state: ``vbs.policies`` and ``vbs.tasks`` (see ``policies.py``), ``vbs.backups`` and ``vbs.jobs`` (see
``backups.py``), ``vbs.shares`` (see ``share_routes.py``).
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from airflow_provider_backup.emulator.core.catalog import CatalogEntry
from airflow_provider_backup.emulator.core.inventory import Inventory
from airflow_provider_backup.emulator.core.service import EmulatedBackupService
from airflow_provider_backup.emulator.core.state import CloudState
from airflow_provider_backup.emulator.services.vbs.backup_routes import BackupRoutes
from airflow_provider_backup.emulator.services.vbs.backups import Backups
from airflow_provider_backup.emulator.services.vbs.policies import Policies
from airflow_provider_backup.emulator.services.vbs.policy_routes import PolicyRoutes
from airflow_provider_backup.emulator.services.vbs.refusals import error_body
from airflow_provider_backup.emulator.services.vbs.share_routes import ShareRoutes

_EVS_PATH_PREFIX = "/evs"
"""Clients of OpenStack look for backups at the disk service."""

_VBS_PATH_PREFIX = "/vbs"
"""Go clients take the disk service's URL and replace ``evs`` by ``vbs`` in it; here that is a piece of the path."""


class EmulatedVbs(EmulatedBackupService):
    """VBS v2: policies, and taking, reading and deleting backups of disks.

    :param state: where policies and backups are kept.
    :param inventory: the disks.
    """

    name = "vbs"
    protects = ("volumes",)
    operations = ("deletion", "restore")
    path_prefixes = ("", _EVS_PATH_PREFIX, _VBS_PATH_PREFIX)
    catalog_entries = (
        CatalogEntry("vbs", "volume-backup", "/v2/"),
        CatalogEntry("vbsv2", "vbsv2", "/v2/{project_id}"),
        CatalogEntry("volumev2", "cinderv2", _EVS_PATH_PREFIX + "/v2/{project_id}"),
        CatalogEntry("volumev3", "cinderv3", _EVS_PATH_PREFIX + "/v3/{project_id}"),
    )

    def __init__(self, state: CloudState, inventory: Inventory) -> None:
        backups = Backups(state, inventory)
        policies = Policies(state, inventory, backups)
        self.schedules = policies
        self._parts = (PolicyRoutes(policies), BackupRoutes(backups), ShareRoutes(state))

    def routes(self) -> list[web.RouteDef]:
        """Return the routes with full paths."""
        return [route for part in self._parts for route in part.routes()]

    def error_body(self, status: int, code: str, message: str) -> dict[str, Any]:
        """Return an error body: the vendor's form, or OpenStack's for the native calls (VBS section 6.1)."""
        return error_body(status, code, message)


SERVICE = EmulatedVbs
