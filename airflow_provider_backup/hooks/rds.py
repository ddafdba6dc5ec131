"""The hook of RDS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_backup.hooks.databases import DatabaseHook

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.rds.models import Backup, Policy  # noqa: F401
    from airflow_provider_backup.cloud.services.rds.service import RdsService  # noqa: F401


class RdsHook(DatabaseHook["RdsService", "Backup", "Policy"]):
    """RDS of the account behind a connection; see :class:`~airflow_provider_backup.hooks.base.BackupCloudHook`."""

    service = "rds"
