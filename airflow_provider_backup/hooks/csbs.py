"""The hook of CSBS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_backup.hooks.base import BackupServiceHook

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud
    from airflow_provider_backup.cloud.csbs.service import CsbsService


class CsbsHook(BackupServiceHook["CsbsService"]):
    """CSBS of the account behind a connection; see :class:`~airflow_provider_backup.hooks.base.BackupCloudHook`."""

    def service_of(self, cloud: BackupCloud) -> CsbsService:
        """Return CSBS of an open client."""
        return cloud.csbs
