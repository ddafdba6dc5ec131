"""Many backups of databases at once, for the shared poller (databases sections 4 and 11).

GaussDB and TaurusDB list the backups of all instances. RDS lists those of one instance only, but an instance is
``BACKING UP`` while its backup is in progress, and instances are listed for all.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.listing import BackupLists, Listing, Row, RowPage
from airflow_provider_backup.cloud.operations.row_checks import matches
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.services.databases.backups import Backups
from airflow_provider_backup.cloud.services.databases.instances import Instances
from airflow_provider_backup.cloud.services.databases.manifest import phase_of
from airflow_provider_backup.cloud.services.databases.models import DatabaseBackup
from airflow_provider_backup.cloud.services.databases.paging import PAGES
from airflow_provider_backup.cloud.services.databases.states import to_state

BACKING_UP = "BACKING UP"
"""Status of an instance while a backup of it is in progress (databases section 11)."""


def lists_of_all_instances(title: str, backups: Backups[Any, Any]) -> BackupLists:
    """Return the lists of a service that lists the backups of all instances.

    :param title: the service, for logs.
    :param backups: the backups of the project.
    """
    return BackupLists(
        reads=_reads,
        recent=_listing(f"Recent {title} backups", backups),
        # There is no filter by status (databases section 4).
        existing=_listing(f"All {title} backups", backups),
    )


def lists_of_busy_instances(title: str, instances: Instances) -> BackupLists:
    """Return the lists of a service that lists backups for one instance only.

    :param title: the service, for logs.
    :param instances: the instances of the project.
    """
    return BackupLists(reads=_reads, running=BusyInstanceList(f"{title} instances", instances))


def _reads(reference: OperationReference) -> int:
    # The job tells the progress.
    return 2 if reference.job_id else 1


def _listing(title: str, backups: Backups[Any, Any]) -> Listing:
    def pages(since: datetime | None) -> AsyncIterator[RowPage]:
        # The service takes both times or none.
        until = None if since is None else datetime.now(UTC) + timedelta(days=1)
        return backups.pages(backup_type="manual", begin_time=since, end_time=until)

    def state_of(reference: OperationReference, rows: Sequence[Row]) -> OperationState | None:
        backup: DatabaseBackup = backups.of_row(rows[0])
        is_meant = matches(backup, {}, {"instance_id": reference.instance_id})
        return to_state(reference, backup) if is_meant else None

    return Listing(
        title=title,
        page_size=PAGES.page_size,
        read=pages,
        id_members=("id",),
        kinds=("backup",),
        is_running=lambda status: phase_of(str(status)) is Phase.IN_PROGRESS,
        phase_of_status=phase_of,
        started_members=("begin_time",),
        to_state=state_of,
    )


class BusyInstanceList:
    """The list of instances: one that is backed up has nothing new, whatever backup of it is waited for.

    :param title: what it lists.
    :param instances: the instances of the project.
    """

    page_size = PAGES.page_size
    shows_backups = False

    def __init__(self, title: str, instances: Instances) -> None:
        self.title = title
        self._instances = instances

    def pages(self, since: datetime | None) -> AsyncIterator[RowPage]:
        """Read it page by page."""
        return self._instances.pages()

    def key_of(self, reference: OperationReference) -> str | None:
        """Return the id of the backup's instance."""
        return reference.instance_id

    def keys_of(self, row: Row) -> Sequence[object]:
        """Return the id of the instance."""
        return (row.get("id"),)

    def running_status(self, row: Row) -> str | None:
        """Return that a backup is being built."""
        return "BUILDING" if row.get("status") == BACKING_UP else None

    def phase_of(self, row: Row) -> Phase:
        """An instance does not tell how its backup stands."""
        return Phase.IN_PROGRESS

    def started_at(self, row: Row) -> datetime | None:
        """An instance does not tell when its backup began."""
        return None

    def succeeded_state(self, reference: OperationReference, rows: Sequence[Row]) -> OperationState | None:
        """An instance does not tell how its backup ended."""
        return None
