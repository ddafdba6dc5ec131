"""The hook of GaussDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_backup.hooks.databases import DatabaseHook

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.gaussdb.models import Backup, Policy  # noqa: F401
    from airflow_provider_backup.cloud.services.gaussdb.service import GaussDbService  # noqa: F401


class GaussDbHook(DatabaseHook["GaussDbService", "Backup", "Policy"]):
    """GaussDB of the account behind a connection; see :class:`~airflow_provider_backup.hooks.base.BackupCloudHook`."""

    service = "gaussdb"
