"""What keeps disks of VBS busy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.schema.fields import EARLIEST
from airflow_provider_backup.cloud.services.vbs.manifest import phase_of

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.vbs.backups import Backups


async def backup_in_progress(backups: Backups, volume_id: str) -> OperationReference | None:
    """Return the newest backup of a disk that is being made; ``None`` when there is none.

    :param backups: the backups of the project.
    :param volume_id: the disk.
    """
    listed = backups.list(volume_id=volume_id)
    found = [backup async for backup in listed if phase_of(backup.status) is Phase.IN_PROGRESS]
    newest = max(found, key=lambda backup: backup.created_at or EARLIEST, default=None)
    return OperationReference("vbs", newest.id) if newest else None
