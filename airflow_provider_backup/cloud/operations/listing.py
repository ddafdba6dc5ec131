"""How a service tells about many backups at once: what the shared poller needs to know of its lists."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState

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
        """Return what the rows of a backup are found by; none when this list does not show it."""

    def keys_of(self, row: Row) -> Sequence[Any]:
        """Return what a row belongs to, in the words of :meth:`key_of`."""

    def running_status(self, row: Row) -> str | None:
        """Return the status of a backup that is still in progress; none for all others."""

    def begun_at(self, row: Row) -> datetime | None:
        """Return when the backup of a row began, in UTC; none when the row does not tell."""

    def good(self, reference: OperationReference, rows: Sequence[Row]) -> OperationState | None:
        """Return how a backup stands that these rows prove to be good, whole and without anything left out.

        None is always a right answer: then the backup is looked at by itself.

        :param reference: which backup.
        :param rows: its rows, from all pages that were read.
        """


@dataclass(frozen=True, slots=True)
class BackupLists:
    """The lists of a service that answer for many backups.

    :param reads: how many requests one look at a backup by itself takes.
    :param running: what is in progress; what is not in it has news.
    :param recent: everything that began since a moment.
    :param over: what of this is not in progress any more.
    :param existing: what is being deleted, or a list that also shows other backups, but none that is gone.
    """

    reads: Callable[[OperationReference], int]
    running: BackupList | None = None
    recent: BackupList | None = None
    over: BackupList | None = None
    existing: BackupList | None = None


def one_read(reference: OperationReference) -> int:
    """A look at any backup takes one request."""
    return 1
