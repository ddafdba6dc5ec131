"""The hook of TaurusDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_backup.hooks.databases import DatabaseHook

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.taurusdb.models import Backup, Policy  # noqa: F401
    from airflow_provider_backup.cloud.services.taurusdb.service import TaurusDbService  # noqa: F401


class TaurusDbHook(DatabaseHook["TaurusDbService", "Backup", "Policy"]):
    """TaurusDB of the account behind a connection; see :class:`~airflow_provider_backup.hooks.base.BackupCloudHook`."""

    service = "taurusdb"
