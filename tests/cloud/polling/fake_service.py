"""A scripted service in memory: for races and odd listings that the local cloud cannot produce."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from airflow_provider_backup.cloud.errors import ApiNotFoundError, BackupError
from airflow_provider_backup.cloud.http.clock_skew import CloudClock
from airflow_provider_backup.cloud.limits import Limits
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.listing import BackupLists, Row, RowPage, one_read
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.polling.list_poller import ListPoller
from airflow_provider_backup.cloud.polling.shared_poller import SharedPoller
from airflow_provider_backup.cloud.polling.waiter import Waiter
from airflow_provider_backup.cloud.schema.fields import timestamp_of
from airflow_provider_backup.cloud.services.cbr.manifest import phase_of
from tests.virtual_clock import VIRTUAL_CLOCK


@dataclass
class Service:
    """Backups by id, with their statuses; listings and single reads that fail on demand.

    :param statuses: how each backup stands.
    :param awaits: how often a request gives up its turn on the event loop before it is answered.
    :param seconds: how long a request takes.
    :param hanging: ids of backups whose single read never ends.
    :param refusals: the error of a single read, by the backup's id.
    :param rows: the rows of its lists, in place of those that the statuses make; by title.
    :param troubles: the error of a listing, by its title.
    :param requests: how often a page of a listing was read, or a single backup.
    :param instances: the id in the rows of lists that a backup is found by, if it is not its own.
    :param reads: ids of the backups that were read one by one, in this order.
    :param windows: from when on backups were listed, for each time that a list was read.
    """

    statuses: dict[str, str] = field(default_factory=dict)
    awaits: int = 1
    seconds: float = 0.0
    page_size: int = 1000
    has_running: bool = True
    has_recent: bool = True
    has_terminal: bool = False
    shows_backups: bool = True
    hanging: set[str] = field(default_factory=set)
    refusals: dict[str, BackupError] = field(default_factory=dict)
    rows: dict[str, Sequence[Any]] = field(default_factory=dict)
    troubles: dict[str, BackupError] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)
    instances: dict[str, str] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)
    windows: list[datetime | None] = field(default_factory=list)
    name: str = "scripted"

    def __post_init__(self) -> None:
        self.lists = BackupLists(
            reads=one_read,
            running=_List("running", self) if self.has_running else None,
            recent=_List("recent", self) if self.has_recent else None,
            terminal=_List("terminal", self) if self.has_terminal else None,
        )

    async def answer(self, what: str) -> None:
        """Take a request and let it take its time."""
        self.requests[what] += 1
        for _ in range(self.awaits):
            await asyncio.sleep(0)
        if self.seconds:
            await asyncio.sleep(self.seconds)

    async def observe(self, reference: OperationReference) -> OperationState:
        """Read one backup."""
        self.reads.append(reference.backup_id)
        await self.answer("reads")
        if reference.backup_id in self.hanging:
            await asyncio.Event().wait()
        if reference.backup_id in self.refusals:
            raise self.refusals[reference.backup_id]
        if reference.backup_id not in self.statuses:
            raise ApiNotFoundError(service=self.name, status=404, code="404", detail="no such backup")
        status = self.statuses[reference.backup_id]
        return OperationState(reference=reference, status=status, phase=phase_of(status))


class _List:
    """One of the lists: rows are ``{"id", "part", "status", "created_at"}``; several may be of one backup."""

    def __init__(self, title: str, service: Service) -> None:
        self.title = title
        self.page_size = service.page_size
        self.shows_backups = service.shows_backups
        self._service = service

    async def pages(self, since: datetime | None) -> AsyncIterator[RowPage]:
        rows = self._rows()
        self._service.windows.append(since)
        for first in range(0, max(len(rows), 1), self.page_size):
            await self._service.answer(self.title)
            if self.title in self._service.troubles:
                raise self._service.troubles[self.title]
            yield RowPage(rows[first : first + self.page_size])

    def _rows(self) -> Sequence[Any]:
        if self.title in self._service.rows:
            return self._service.rows[self.title]
        return [
            {"id": identifier, "status": status}
            for identifier, status in self._service.statuses.items()
            if self.title == "recent" or (status == "protecting") == (self.title == "running")
        ]

    def key_of(self, reference: OperationReference) -> str | None:
        own = self._service.instances.get(reference.backup_id, reference.backup_id)
        return None if reference.kind == "job" else own

    def keys_of(self, row: Row) -> Sequence[Any]:
        return (row.get("id"),)

    def running_status(self, row: Row) -> str | None:
        return "protecting" if row.get("status") == "protecting" else None

    def phase_of(self, row: Row) -> Phase:
        return phase_of(str(row.get("status")))

    def started_at(self, row: Row) -> datetime | None:
        return timestamp_of(row.get("created_at"))

    def succeeded_state(self, reference: OperationReference, rows: Sequence[Row]) -> OperationState | None:
        if any(row.get("status") != "available" for row in rows) or len(rows) < len(reference.expected_ids):
            return None
        return OperationState(reference=reference, status="available", phase=Phase.SUCCEEDED)


def waiter_of(reference: OperationReference, **arguments: Any) -> Waiter:
    """Return a waiter in virtual time for a backup that was just started."""
    usual = {"poll_interval": 1.0, "started_at": VIRTUAL_CLOCK.time(), "clock": VIRTUAL_CLOCK}
    return Waiter(reference, **{**usual, **arguments})


def poller_of(service: Service, **limits: Any) -> SharedPoller:
    """Return a shared poller in virtual time.

    :param limits: fields of :class:`Limits` that differ.
    """
    return SharedPoller(service, clock=VIRTUAL_CLOCK, limits=Limits(**limits))


def list_poller_of(service: Service, cloud_clock: CloudClock | None = None) -> ListPoller:
    """Return a list poller in virtual time."""
    return ListPoller(service.lists, cloud_clock, clock=VIRTUAL_CLOCK)


async def wait_in(poller: SharedPoller, waiter: Waiter) -> OperationState:
    """Wait until a backup is terminal."""
    poller.add(waiter)
    try:
        await waiter.done
        return waiter.result()
    finally:
        poller.remove(waiter)
