"""Many backups of CBR at once, for the shared poller: the list of backups, filtered (CBR section 7.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, get_args

from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.listing import BackupLists, Row, RowPage
from airflow_provider_backup.cloud.operations.status import Phase, phase_of
from airflow_provider_backup.cloud.schema.base import parsed, timestamp_of
from airflow_provider_backup.cloud.services.cbr.backups import Backups
from airflow_provider_backup.cloud.services.cbr.models import Backup, BackupStatus
from airflow_provider_backup.cloud.services.cbr.observations import observe_backup, observe_covering_backups
from airflow_provider_backup.cloud.services.cbr.paging import LARGEST_PAGE

RUNNING_STATUSES = ("waiting_protect", "protecting")
"""What a backup is called until it is made (CBR section 3)."""

DELETING_STATUSES = ("waiting_delete", "deleting")
"""What a backup is called until it is gone (CBR section 3)."""

OVER_STATUSES = tuple(status for status in get_args(BackupStatus) if status not in RUNNING_STATUSES)
"""What it can be called later."""


def backup_lists(backups: Backups) -> BackupLists:
    """Return the lists that answer for many backups and checkpoints.

    :param backups: the backups of the project.
    """
    return BackupLists(
        reads=lambda reference: 2 if reference.kind == "checkpoint" else 1,
        running=CbrBackupList("CBR backups in progress", backups, {"status": RUNNING_STATUSES}),
        recent=CbrBackupList("Recent CBR backups", backups),
        over=CbrBackupList("Recent CBR backups that are over", backups, {"status": OVER_STATUSES}),
        existing=CbrBackupList("CBR backups that are being deleted", backups, {"status": DELETING_STATUSES}),
    )


class CbrBackupList:
    """The list of backups; a row tells of its backup and of the checkpoint that this belongs to.

    :param title: what it lists.
    :param backups: the backups of the project.
    :param filters: what else it is filtered by.
    """

    page_size = LARGEST_PAGE
    shows_backups = True

    def __init__(self, title: str, backups: Backups, filters: dict[str, Any] | None = None) -> None:
        self.title = title
        self._backups = backups
        self._filters = filters or {}

    def pages(self, since: datetime | None) -> AsyncIterator[RowPage]:
        """Read it page by page."""
        return self._backups.pages(**self._filters, start_time=since)

    def key_of(self, reference: OperationReference) -> str | None:
        """Return the id of the checkpoint or backup."""
        return reference.backup_id

    def keys_of(self, row: Row) -> Sequence[Any]:
        """Return the ids of the backup and of its checkpoint."""
        return row.get("id"), row.get("checkpoint_id")

    def running_status(self, row: Row) -> str | None:
        """Return the status of a backup in progress."""
        status = row.get("status")
        return status if status in RUNNING_STATUSES else None

    def begun_at(self, row: Row) -> datetime | None:
        """Return when the backup was created."""
        return timestamp_of(row.get("created_at"))

    def good(self, reference: OperationReference, rows: Sequence[Row]) -> OperationState | None:
        """Return a good backup, or a checkpoint whose every resource has a good backup.

        What a checkpoint left out is not in this list: it is told by whoever knows all that was to be backed up.
        """
        # The rows are found by both ids; of a backup only its own row tells, of a checkpoint those of its backups. None
        # are left where a checkpoint's id is given as a backup's: a look at it tells.
        member = "id" if reference.kind == "backup" else "checkpoint_id"
        rows = [row for row in rows if row.get(member) == reference.backup_id]
        if not rows or any(phase_of(str(row.get("status"))) is not Phase.SUCCEEDED for row in rows):
            return None
        backups = [parsed(Backup, row) for row in rows]
        if reference.kind == "backup":
            return observe_backup(reference, backups[0])
        return observe_covering_backups(reference, backups)
