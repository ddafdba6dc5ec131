"""Many backups of VBS at once, for the shared poller: the detailed list of backups, filtered (VBS section 4.5)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.listing import BackupLists, Row, RowPage
from airflow_provider_backup.cloud.operations.status import Phase, phase_of
from airflow_provider_backup.cloud.schema.base import parsed, timestamp_of
from airflow_provider_backup.cloud.services.vbs.backups import PAGES, Backups
from airflow_provider_backup.cloud.services.vbs.models import Backup
from airflow_provider_backup.cloud.services.vbs.observations import observation_of_backup

RUNNING_STATUS = "creating"
"""What a backup is called until it is made (VBS section 4.6)."""

DELETING_STATUS = "deleting"
"""What a backup is called until it is gone (VBS section 4.6)."""


def backup_lists(backups: Backups) -> BackupLists:
    """Return the lists that answer for many backups; a job is looked at by itself until it names its backup.

    :param backups: the backups of the project.
    """
    return BackupLists(
        reads=lambda reference: 2 if reference.kind == "job" else 1,
        running=VbsBackupList("VBS backups in progress", backups, RUNNING_STATUS),
        recent=VbsBackupList("VBS backups", backups),
        existing=VbsBackupList("VBS backups that are being deleted", backups, DELETING_STATUS),
    )


class VbsBackupList:
    """The list of backups; a row tells of one. The service cannot filter it by time.

    :param title: what it lists.
    :param backups: the backups of the project.
    :param status: the status that it is filtered by.
    """

    page_size = PAGES.page_size
    shows_backups = True

    def __init__(self, title: str, backups: Backups, status: str | None = None) -> None:
        self.title = title
        self._backups = backups
        self._status = status

    async def pages(self, since: datetime | None) -> AsyncIterator[RowPage]:
        """Read it page by page; the newest come first, so it ends where the older ones begin."""
        async for page in self._backups.pages(status=self._status):
            yield page
            begun = [timestamp_of(row.get("created_at")) for row in page.rows[-1:] if isinstance(row, dict)]
            if since is not None and any(moment is not None and moment < since for moment in begun):
                return

    def key_of(self, reference: OperationReference) -> str | None:
        """Return the id of the backup; a job does not tell it."""
        return None if reference.kind == "job" else reference.backup_id

    def keys_of(self, row: Row) -> Sequence[object]:
        """Return the id of the backup."""
        return (row.get("id"),)

    def running_status(self, row: Row) -> str | None:
        """Return the status of a backup in progress."""
        return RUNNING_STATUS if row.get("status") == RUNNING_STATUS else None

    def begun_at(self, row: Row) -> datetime | None:
        """Return when the backup was created."""
        return timestamp_of(row.get("created_at"))

    def good(self, reference: OperationReference, rows: Sequence[Row]) -> OperationState | None:
        """Return a good backup."""
        row = rows[0]
        return (
            observation_of_backup(parsed(Backup, row)) if phase_of(str(row.get("status"))) is Phase.SUCCEEDED else None
        )
