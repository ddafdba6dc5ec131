"""Many backups of CSBS at once, for the shared poller: the list of checkpoint items, filtered (CSBS section 5)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.listing import BackupLists, Listing, Row, RowPage, one_read
from airflow_provider_backup.cloud.schema.answers import parsed
from airflow_provider_backup.cloud.services.csbs.checkpoint_items import CheckpointItems
from airflow_provider_backup.cloud.services.csbs.manifest import phase_of
from airflow_provider_backup.cloud.services.csbs.models import CheckpointItem, ItemStatus
from airflow_provider_backup.cloud.services.csbs.paging import PAGES
from airflow_provider_backup.cloud.services.csbs.states import to_state

RUNNING_STATUSES: tuple[ItemStatus, ...] = ("protecting",)
"""What a backup is called until it is made (CSBS section 6.1)."""

DELETING_STATUSES: tuple[ItemStatus, ...] = ("waiting_delete", "deleting")
"""What a backup is called until it is gone, in this order (CSBS section 6.1)."""


def backup_lists(items: CheckpointItems) -> BackupLists:
    """Return the lists that answer for many backups and checkpoints.

    :param items: the backups of the project.
    """

    def listing(title: str, statuses: Sequence[ItemStatus | None] = (None,)) -> Listing:
        return Listing(
            title=title,
            page_size=PAGES.page_size,
            read=lambda since: pages_of_statuses(items, statuses, since),
            id_members=("id", "checkpoint_id"),
            kinds=("backup", "checkpoint"),
            is_running=RUNNING_STATUSES.__contains__,
            phase_of_status=phase_of,
            started_members=("created_at", "protected_at"),
            to_state=_to_state,
        )

    return BackupLists(
        reads=one_read,
        running=listing("CSBS backups in progress", RUNNING_STATUSES),
        recent=listing("Recent CSBS backups"),
        existing=listing("CSBS backups that are being deleted", DELETING_STATUSES),
    )


async def pages_of_statuses(
    items: CheckpointItems, statuses: Sequence[ItemStatus | None], since: datetime | None = None
) -> AsyncIterator[RowPage]:
    """Read the backups that have one of several statuses, page by page.

    :param items: the backups of the project.
    :param statuses: the statuses; ``None`` for any.
    :param since: only backups that began then or later, with a time zone; ``None`` for all.
    """
    # The filter takes one status.
    for status in statuses:
        async for page in items.pages(status=status, start_time=since):
            yield page


def _to_state(reference: OperationReference, rows: Sequence[Row]) -> OperationState | None:
    state = to_state(reference, [parsed(CheckpointItem, row) for row in rows])
    # The service does not tell what a checkpoint was to hold (CSBS section 2).
    is_whole = reference.kind == "backup" or (reference.expected_ids and not state.skipped)
    return state if is_whole else None
