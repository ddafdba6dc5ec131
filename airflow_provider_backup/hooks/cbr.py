"""The hook of CBR."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_backup.hooks.base import BackupServiceHook

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.cbr.service import CbrService
    from airflow_provider_backup.cloud.client import BackupCloud


class CbrHook(BackupServiceHook["CbrService"]):
    """CBR of the account behind a connection; see :class:`~airflow_provider_backup.hooks.base.BackupCloudHook`."""

    def service_of(self, cloud: BackupCloud) -> CbrService:
        """Return CBR of an open client."""
        return cloud.cbr
