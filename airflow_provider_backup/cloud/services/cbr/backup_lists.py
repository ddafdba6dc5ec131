"""Many backups of CBR at once, for the shared poller: the list of backups, filtered (CBR section 7.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.listing import BackupLists, Listing, Row
from airflow_provider_backup.cloud.schema.answers import parsed
from airflow_provider_backup.cloud.services.cbr.backups import Backups
from airflow_provider_backup.cloud.services.cbr.manifest import phase_of
from airflow_provider_backup.cloud.services.cbr.models import Backup, BackupStatus
from airflow_provider_backup.cloud.services.cbr.paging import LARGEST_PAGE
from airflow_provider_backup.cloud.services.cbr.states import covering_backups_to_state, to_state

RUNNING_STATUSES = ("waiting_protect", "protecting")
"""What a backup is called until it is made (CBR section 3)."""

DELETING_STATUSES = ("waiting_delete", "deleting")
"""What a backup is called until it is gone (CBR section 3)."""

TERMINAL_STATUSES = tuple(status for status in get_args(BackupStatus) if status not in RUNNING_STATUSES)
"""What it is called afterwards."""


def backup_lists(backups: Backups) -> BackupLists:
    """Return the lists that answer for many backups and checkpoints.

    :param backups: the backups of the project.
    """

    def listing(title: str, statuses: Sequence[str] | None = None) -> Listing:
        return Listing(
            title=title,
            page_size=LARGEST_PAGE,
            read=lambda since: backups.pages(status=statuses, start_time=since),
            id_members=("id", "checkpoint_id"),
            kinds=("backup", "checkpoint"),
            is_running=RUNNING_STATUSES.__contains__,
            phase_of_status=phase_of,
            started_members=("created_at",),
            to_state=_to_state,
        )

    return BackupLists(
        reads=lambda reference: 2 if reference.kind == "checkpoint" else 1,
        running=listing("CBR backups in progress", RUNNING_STATUSES),
        recent=listing("Recent CBR backups"),
        terminal=listing("Recent terminal CBR backups", TERMINAL_STATUSES),
        existing=listing("CBR backups that are being deleted", DELETING_STATUSES),
    )


def _to_state(reference: OperationReference, rows: Sequence[Row]) -> OperationState | None:
    # What a checkpoint left out is not in this list: only what knows all that was to be backed up reports it.
    backups = [parsed(Backup, row) for row in rows]
    if reference.kind == "backup":
        return to_state(reference, backups[0])
    return covering_backups_to_state(reference, backups)
