"""The hook of GaussDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_backup.hooks.base import BackupServiceHook

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud
    from airflow_provider_backup.cloud.gaussdb.service import GaussDbService


class GaussDbHook(BackupServiceHook["GaussDbService"]):
    """GaussDB of the account behind a connection; see :class:`~airflow_provider_backup.hooks.base.BackupCloudHook`."""

    def service_of(self, cloud: BackupCloud) -> GaussDbService:
        """Return GaussDB of an open client."""
        return cloud.gaussdb
