"""The hook of VBS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_backup.hooks.base import BackupServiceHook

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud
    from airflow_provider_backup.cloud.vbs.service import VbsService


class VbsHook(BackupServiceHook["VbsService"]):
    """VBS of the account behind a connection; see :class:`~airflow_provider_backup.hooks.base.BackupCloudHook`."""

    def service_of(self, cloud: BackupCloud) -> VbsService:
        """Return VBS of an open client."""
        return cloud.vbs
