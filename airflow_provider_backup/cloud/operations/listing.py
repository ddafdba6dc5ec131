"""How a service tells about many backups at once: what the shared poller needs to know of its lists."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from airflow_provider_backup.cloud.operations.backup import BackupKind, OperationReference, OperationState
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.schema.fields import timestamp_of

Row = Mapping[str, Any]
"""A row as the service sent it: only what is looked at is ever checked, as most rows are of no interest."""


@dataclass(frozen=True, slots=True)
class RowPage:
    """One page of a list.

    :param rows: its rows as they came.
    :param total: rows of the whole list, when the service tells.
    :param request_id: id to quote to the provider's support, when one came with the page.
    """

    rows: Sequence[Any]
    total: int | None = None
    request_id: str | None = None


class BackupList(Protocol):
    """A list that tells how many backups stand."""

    title: str
    """What it lists, for logs."""
    page_size: int
    """Rows that a page holds at most."""
    shows_backups: bool
    """Whether rows show the backups themselves; what is backed up may be busy with another backup."""

    def pages(self, since: datetime | None) -> AsyncIterator[RowPage]:
        """Read it page by page.

        :param since: older backups are of no interest; with a time zone. Lists of work in progress need none.
        """

    def key_of(self, reference: OperationReference) -> str | None:
        """Return what the rows of a backup are found by; ``None`` when this list does not show it."""

    def keys_of(self, row: Row) -> Sequence[Any]:
        """Return what a row belongs to, in the words of :meth:`key_of`."""

    def running_status(self, row: Row) -> str | None:
        """Return the status of a backup that is still in progress; ``None`` for all others."""

    def phase_of(self, row: Row) -> Phase:
        """Return the phase of a row's backup; in progress when the row does not tell."""

    def started_at(self, row: Row) -> datetime | None:
        """Return when the backup of a row began, in UTC; ``None`` when the row does not tell."""

    def succeeded_state(self, reference: OperationReference, rows: Sequence[Row]) -> OperationState | None:
        """Return how a backup stands that these rows prove to be good, whole and without anything left out.

        ``None`` is always a right answer: then the backup is read by itself.

        :param reference: which backup.
        :param rows: its rows, from all pages that were read.
        """


@dataclass(slots=True, eq=False)
class Listing:
    """A list of backups whose rows show id, status and begin; a :class:`BackupList` that is described by data.

    :param title: what it lists, for logs.
    :param page_size: rows that a page holds at most.
    :param read: reads it page by page; takes the moment before which backups are of no interest.
    :param id_members: the members of a row that it is found by: the id of its backup, and of the checkpoint.
    :param kinds: the kinds of references whose ids are among these.
    :param is_running: whether a status is that of a backup in progress.
    :param phase_of_status: the phases of the service's statuses.
    :param started_members: the members of a row that tell when its backup began; the first one that has a value counts.
    :param to_state: how a backup stands whose rows, one or more, all say that they succeeded; ``None`` when they do not
        prove that it did, whole and without anything left out.
    """

    title: str
    page_size: int
    read: Callable[[datetime | None], AsyncIterator[RowPage]]
    id_members: tuple[str, ...]
    kinds: tuple[BackupKind, ...]
    is_running: Callable[[Any], bool]
    phase_of_status: Callable[[str | None], Phase]
    started_members: tuple[str, ...]
    to_state: Callable[[OperationReference, Sequence[Row]], OperationState | None]
    shows_backups: bool = True

    def pages(self, since: datetime | None) -> AsyncIterator[RowPage]:
        """Read it page by page."""
        return self.read(since)

    def key_of(self, reference: OperationReference) -> str | None:
        """Return the id of the checkpoint or backup."""
        return reference.backup_id if reference.kind in self.kinds else None

    def keys_of(self, row: Row) -> Sequence[Any]:
        """Return the ids of the backup and of its checkpoint."""
        return tuple(map(row.get, self.id_members))

    def running_status(self, row: Row) -> str | None:
        """Return the status of a backup in progress."""
        status = row.get("status")
        if not self.is_running(status):
            return None
        return status if isinstance(status, str) else str(status)

    def phase_of(self, row: Row) -> Phase:
        """Return the phase of the backup."""
        return self.phase_of_status(str(row.get("status")))

    def started_at(self, row: Row) -> datetime | None:
        """Return when the backup began."""
        return timestamp_of(next((value for member in self.started_members if (value := row.get(member))), None))

    def succeeded_state(self, reference: OperationReference, rows: Sequence[Row]) -> OperationState | None:
        """Return how a backup stands that succeeded."""
        # Rows are found by both ids: only its own row shows how a backup stands, and only those of its backups how a
        # checkpoint does. None are left where a checkpoint's id is given as a backup's: that takes a single read.
        member = "checkpoint_id" if reference.kind == "checkpoint" else "id"
        own = [row for row in rows if row.get(member) == reference.backup_id]
        if not own or any(self.phase_of(row) is not Phase.SUCCEEDED for row in own):
            return None
        return self.to_state(reference, own)


@dataclass(frozen=True, slots=True)
class BackupLists:
    """The lists of a service that answer for many backups.

    :param reads: how many requests one look at a backup by itself takes.
    :param running: what is in progress; what is not in it has news.
    :param recent: everything that began since a moment.
    :param terminal: what of this is not in progress any more.
    :param existing: what is being deleted, or a list that also shows other backups, but none that is gone.
    """

    reads: Callable[[OperationReference], int]
    running: BackupList | None = None
    recent: BackupList | None = None
    terminal: BackupList | None = None
    existing: BackupList | None = None


def one_read(reference: OperationReference) -> int:
    """A look at any backup takes one request."""
    return 1


def lists_of_restores(
    service: str,
    pages: Callable[[], AsyncIterator[RowPage]],
    statuses: Collection[str],
    phase_of_status: Callable[[str | None], Phase],
    *,
    page_size: int,
    reads: int,
) -> BackupLists:
    """Return the list that answers for many restores: as long as a backup is restored from, its restore is in progress.

    :param service: the service's title, for logs.
    :param pages: reads the backups that are restored from, page by page.
    :param statuses: what a backup is called while it is restored from.
    :param phase_of_status: the phases of the service's statuses.
    :param page_size: rows that a page holds at most.
    :param reads: how many requests one look at a restore by itself takes.
    """
    restoring = Listing(
        title=f"{service} backups that are restored from",
        page_size=page_size,
        read=lambda since: pages(),
        id_members=("id",),
        kinds=("backup",),
        is_running=lambda status: status in statuses,
        phase_of_status=phase_of_status,
        started_members=(),
        to_state=lambda reference, rows: None,
    )
    return BackupLists(reads=lambda reference: reads, running=restoring)
