"""Many backups of CSBS at once, for the shared poller: the list of checkpoint items, filtered (CSBS section 5)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.listing import BackupLists, Row, RowPage, one_read
from airflow_provider_backup.cloud.operations.status import Phase, phase_of
from airflow_provider_backup.cloud.schema.base import parsed, timestamp_of
from airflow_provider_backup.cloud.services.csbs.checkpoint_items import CheckpointItems
from airflow_provider_backup.cloud.services.csbs.models import CheckpointItem, ItemStatus
from airflow_provider_backup.cloud.services.csbs.observations import observation_of
from airflow_provider_backup.cloud.services.csbs.paging import PAGES

RUNNING_STATUS: ItemStatus = "protecting"
"""What a backup is called until it is made (CSBS section 6.1)."""

DELETING_STATUSES: tuple[ItemStatus, ...] = ("waiting_delete", "deleting")
"""What a backup is called until it is gone, in this order (CSBS section 6.1)."""


def backup_lists(items: CheckpointItems) -> BackupLists:
    """Return the lists that answer for many backups and checkpoints.

    :param items: the backups of the project.
    """
    return BackupLists(
        reads=one_read,
        running=CsbsBackupList("CSBS backups in progress", items, [RUNNING_STATUS]),
        recent=CsbsBackupList("Recent CSBS backups", items),
        existing=CsbsBackupList("CSBS backups that are being deleted", items, DELETING_STATUSES),
    )


class CsbsBackupList:
    """The list of checkpoint items; a row tells of its backup and of the checkpoint that this belongs to.

    :param title: what it lists.
    :param items: the backups of the project.
    :param statuses: the statuses that it is filtered by, one after the other: the filter takes one.
    """

    page_size = PAGES.page_size
    shows_backups = True

    def __init__(self, title: str, items: CheckpointItems, statuses: Sequence[ItemStatus] = ()) -> None:
        self.title = title
        self._items = items
        self._statuses = statuses

    async def pages(self, since: datetime | None) -> AsyncIterator[RowPage]:
        """Read it page by page."""
        for status in self._statuses or (None,):
            async for page in self._items.pages(status=status, start_time=since):
                yield page

    def key_of(self, reference: OperationReference) -> str | None:
        """Return the id of the checkpoint or backup."""
        return reference.backup_id

    def keys_of(self, row: Row) -> Sequence[object]:
        """Return the ids of the backup and of its checkpoint."""
        return row.get("id"), row.get("checkpoint_id")

    def running_status(self, row: Row) -> str | None:
        """Return the status of a backup in progress."""
        return RUNNING_STATUS if row.get("status") == RUNNING_STATUS else None

    def begun_at(self, row: Row) -> datetime | None:
        """Return when the backup began."""
        return timestamp_of(row.get("created_at") or row.get("protected_at"))

    def good(self, reference: OperationReference, rows: Sequence[Row]) -> OperationState | None:
        """Return a good backup, or a checkpoint in which every server that was asked for has a good backup."""
        # The rows are found by both ids; of a backup only its own row tells, of a checkpoint those of its backups. None
        # are left where a checkpoint's id is given as a backup's: a look at it tells.
        member = "id" if reference.kind == "backup" else "checkpoint_id"
        rows = [row for row in rows if row.get(member) == reference.backup_id]
        if not rows or any(phase_of(str(row.get("status"))) is not Phase.SUCCEEDED for row in rows):
            return None
        observation = observation_of(reference, [parsed(CheckpointItem, row) for row in rows])
        is_whole = reference.kind == "backup" or (reference.expected_ids and not observation.skipped)
        return observation if is_whole else None
