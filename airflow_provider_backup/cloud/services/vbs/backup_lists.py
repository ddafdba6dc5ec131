"""Many backups of VBS at once, for the shared poller: the detailed list of backups, filtered (VBS section 4.5)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from airflow_provider_backup.cloud.operations.listing import BackupLists, Listing, RowPage
from airflow_provider_backup.cloud.schema.answers import parsed
from airflow_provider_backup.cloud.schema.fields import timestamp_of
from airflow_provider_backup.cloud.services.vbs.backups import Backups
from airflow_provider_backup.cloud.services.vbs.manifest import phase_of
from airflow_provider_backup.cloud.services.vbs.models import Backup
from airflow_provider_backup.cloud.services.vbs.paging import BACKUP_PAGES
from airflow_provider_backup.cloud.services.vbs.states import to_state

RUNNING_STATUS = "creating"
"""What a backup is called until it is made (VBS section 4.6)."""

DELETING_STATUS = "deleting"
"""What a backup is called until it is gone (VBS section 4.6)."""

_CREATED_AT = "created_at"


def backup_lists(backups: Backups) -> BackupLists:
    """Return the lists that answer for many backups; a job is read by itself until it names its backup.

    :param backups: the backups of the project.
    """

    def listing(title: str, status: str | None = None) -> Listing:
        return Listing(
            title=title,
            page_size=BACKUP_PAGES.page_size,
            read=lambda since: _pages(backups, status, since),
            id_members=("id",),
            kinds=("backup",),
            is_running=lambda found: found == RUNNING_STATUS,
            phase_of_status=phase_of,
            started_members=(_CREATED_AT,),
            to_state=lambda reference, rows: to_state(parsed(Backup, rows[0])),
        )

    return BackupLists(
        reads=lambda reference: 2 if reference.kind == "job" else 1,
        running=listing("VBS backups in progress", RUNNING_STATUS),
        recent=listing("VBS backups"),
        existing=listing("VBS backups that are being deleted", DELETING_STATUS),
    )


async def _pages(backups: Backups, status: str | None, since: datetime | None) -> AsyncIterator[RowPage]:
    # The service cannot filter by time; the newest come first, so the list ends where the older ones begin.
    async for page in backups.pages(status=status):
        yield page
        begun = [timestamp_of(row.get(_CREATED_AT)) for row in page.rows[-1:] if isinstance(row, dict)]
        if since is not None and any(moment is not None and moment < since for moment in begun):
            return
