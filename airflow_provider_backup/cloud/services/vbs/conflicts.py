"""What keeps disks of VBS busy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.row_checks import is_same_id
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.schema.fields import EARLIEST
from airflow_provider_backup.cloud.services.vbs.manifest import phase_of

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.vbs.backups import Backups
    from airflow_provider_backup.cloud.services.vbs.models import Backup

RESTORING = "restoring"
"""What a backup is called while it is restored from (VBS section 4.5)."""


async def backup_in_progress(backups: Backups, volume_id: str) -> OperationReference | None:
    """Return the newest backup of a disk that is being made; ``None`` when there is none.

    :param backups: the backups of the project.
    :param volume_id: the disk.
    """
    listed = backups.list(volume_id=volume_id)
    found = [backup async for backup in listed if phase_of(backup.status) is Phase.IN_PROGRESS]
    newest = max(found, key=lambda backup: backup.created_at or EARLIEST, default=None)
    return OperationReference("vbs", newest.id) if newest else None


async def backup_in_restore(backups: Backups, backup_id: str, volume_id: str) -> Backup | None:
    """Return a backup that is being restored from: a certain one, or any of a disk; ``None`` when there is none.

    Nothing shows to which disk a backup is restored; most are restored to the disk that they are of.

    :param backups: the backups of the project.
    :param backup_id: the backup.
    :param volume_id: the disk.
    """
    listed = backups.list(status=RESTORING)
    found = [each async for each in listed if is_same_id(each.id, backup_id) or is_same_id(each.volume_id, volume_id)]
    return found[0] if found else None
