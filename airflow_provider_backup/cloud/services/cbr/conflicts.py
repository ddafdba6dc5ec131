"""What keeps vaults and resources of CBR busy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Unpack

from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.schema.fields import EARLIEST
from airflow_provider_backup.cloud.services.cbr.manifest import phase_of

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.cbr.backups import BackupFilters, Backups

RUNNING_STATUSES: Final = ("waiting_protect", "protecting")
"""What a backup is called until it is made (CBR section 3)."""


async def backup_in_progress(backups: Backups, **filters: Unpack[BackupFilters]) -> OperationReference | None:
    """Return the newest backup that is being made; ``None`` when there is none.

    :param backups: the backups of the project.
    :param filters: which vault or resource.
    """
    filters["status"] = RUNNING_STATUSES
    found = [backup async for backup in backups.list(**filters) if phase_of(backup.status) is Phase.IN_PROGRESS]
    newest = max(found, key=lambda backup: backup.created_at or EARLIEST, default=None)
    return OperationReference("cbr", newest.id) if newest else None
