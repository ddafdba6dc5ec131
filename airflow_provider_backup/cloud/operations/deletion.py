"""The deletion of a backup as an operation, the same for every service.

Its outcome is read from the backup: one that is gone is the success of its deletion, one that is still there is a
deletion in progress, and one that failed without having been failed before is a failed deletion.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar, Protocol

from airflow_provider_backup.cloud.errors import (
    BadRequestError,
    InvalidRequestError,
    NotFoundError,
    ResourceBusyError,
    Violation,
)
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.listing import BackupList, BackupLists, Row, RowPage, one_read
from airflow_provider_backup.cloud.operations.operation import Capabilities, Operation
from airflow_provider_backup.cloud.operations.status import LIVE, Phase

DELETED = "deleted"
"""Status of a deletion that succeeded; the services answer that there is no such backup."""


class DeletingService(Protocol):
    """A service whose backups can be deleted."""

    name: str
    lists: BackupLists

    async def observe(self, reference: OperationReference) -> OperationState:
        """Read once how a backup stands."""

    async def observe_single(self, reference: OperationReference) -> OperationState:
        """Read a single backup once, by no other id than its own."""

    async def delete_backup(self, reference: OperationReference) -> None:
        """Start the deletion of a backup; one that is being deleted already counts as done."""


class DeletionOperation(Operation[Any], Protocol):
    """The deletion of something that is read before."""

    @property
    def before(self) -> OperationState:
        """How it stood before its deletion was submitted; known after ``prepare``."""

    def reference_to(self, before: OperationState) -> OperationReference:
        """Return the reference of the deletion of something.

        :param before: how it was seen before its deletion.
        """

    async def is_running(self, reference: OperationReference) -> bool:
        """Return whether a deletion that was submitted before certainly runs.

        :param reference: of the deletion.
        """


def target_of(reference: OperationReference) -> OperationReference:
    """Return the reference of what a deletion is about.

    :param reference: of a deletion, or of its target.
    """
    return replace(reference, operation="backup", parts=(), was_failed=False)


def deletion_of(backup: OperationState) -> OperationReference:
    """Return the reference of the deletion of a backup.

    :param backup: how the backup was seen before its deletion.
    """
    return replace(
        backup.reference,
        operation=Deletion.name,
        parts=tuple(part.backup_id for part in backup.parts),
        was_failed=backup.phase is Phase.FAILED,
    )


class Deletion:
    """The deletion of one backup, or of all backups of a checkpoint or job; its request is the backup's reference.

    :param service: the service that has the backup.
    """

    name: ClassVar[str] = "deletion"
    capabilities: ClassVar[Capabilities] = Capabilities(carries_name=False, is_destructive=True, is_idempotent=True)

    def __init__(self, service: DeletingService) -> None:
        self._service = service
        self._before: OperationState | None = None
        existing = service.lists.existing
        self.lists = BackupLists(reads=one_read, running=existing and DeletionList(existing))

    @property
    def service_name(self) -> str:
        """Name of the service that has the backup."""
        return self._service.name

    def subject(self, request: OperationReference) -> str:
        """Return which backup is deleted."""
        return str(request)

    def name_in(self, request: OperationReference) -> str | None:
        """Return ``None``: a deletion carries no name."""
        return None

    async def prepare(self, request: OperationReference) -> None:
        """Read the backup; its state is :attr:`before` from then on.

        :param request: the backup.
        :raises NotFoundError: there is no such backup.
        """
        self._before = await self._service.observe(request)

    @property
    def before(self) -> OperationState:
        """How the backup stood before its deletion was submitted; known after :meth:`prepare`."""
        if self._before is None:
            raise AssertionError("prepare comes first")
        return self._before

    async def submit(self, request: OperationReference) -> OperationReference:
        """Submit the deletion; one that is under way already counts as submitted.

        :param request: the backup.
        :raises NotFoundError: there is no such backup (any more).
        :raises ResourceBusyError: the backup is still being taken, or restored from.
        """
        try:
            await self._service.delete_backup(self.before.reference)
        except BadRequestError as refusal:
            if self.before.phase is Phase.IN_PROGRESS:
                # Not every service says that it is busy; meanwhile the backup may have become good.
                raise ResourceBusyError(f"{self.before}: {refusal.message}", next_step=refusal.next_step) from refusal
            raise
        return deletion_of(self.before)

    def reference_to(self, before: OperationState) -> OperationReference:
        """Return the reference of the deletion of a backup, see :func:`deletion_of`."""
        return deletion_of(before)

    async def find(
        self,
        request: OperationReference,
        *,
        since: datetime | None = None,
        phases: Collection[Phase] = LIVE,
        by_anyone: bool = False,
    ) -> OperationReference | None:
        """Return the deletion that is under way, whatever submitted it; ``None`` when there is none.

        Of several backups some may not be deleted yet, so that their deletion has to be submitted again.

        :param request: the backup.
        """
        before = self.before
        is_under_way = before.phase is Phase.DELETING and len(before.parts) == 1
        return deletion_of(before) if is_under_way and Phase.IN_PROGRESS in phases else None

    async def find_running(self, request: OperationReference) -> OperationReference | None:
        """Return the deletion that is under way, see :meth:`find`."""
        return await self.find(request)

    async def find_conflict(self, request: OperationReference) -> OperationReference | None:
        """Return the backup while it is being taken; ``None`` too if it could not even be read."""
        before = self._before
        return before.reference if before is not None and before.phase is Phase.IN_PROGRESS else None

    async def is_running(self, reference: OperationReference) -> bool:
        """Return whether one of the backups is still there."""
        return (await self.observe(reference)).phase is Phase.IN_PROGRESS

    async def observe(self, reference: OperationReference) -> OperationState:
        """Read once how a deletion stands: whether its backups are still there, in their order up to the first that is.

        :param reference: of a deletion. The reference of the returned state lacks the backups that are gone.
        :raises InvalidRequestError: it does not say which backups are deleted.
        """
        if not reference.parts:
            raise InvalidRequestError(str(reference), [Violation("parts", "must name a backup", list(reference.parts))])
        for number, backup_id in enumerate(reference.parts):
            backup = replace(target_of(reference), backup_id=backup_id, kind="backup", job_id=None, expected_ids=())
            seen = await self._read(backup)
            if seen is not None:
                return _state(replace(reference, parts=reference.parts[number:]), seen)
        return OperationState(reference, DELETED, Phase.SUCCEEDED)

    async def _read(self, backup: OperationReference) -> OperationState | None:
        try:
            # A backup may have the id of its checkpoint: it is gone when only the checkpoint is left.
            seen = await self._service.observe_single(backup)
        except NotFoundError:
            return None
        return None if seen.phase is Phase.DELETED else seen


def _state(reference: OperationReference, backup: OperationState) -> OperationState:
    has_failed = backup.phase is Phase.FAILED and not reference.was_failed
    if backup.phase is Phase.DELETING and len(reference.parts) == 1:
        # A failed status that follows is that of its deletion.
        reference = replace(reference, was_failed=False)
    return OperationState(
        reference,
        backup.status,
        Phase.FAILED if has_failed else Phase.IN_PROGRESS,
        name=backup.name,
        reason=backup.reason if has_failed else None,
        backup_ids=backup.backup_ids,
        resource_ids=backup.resource_ids,
        parts=backup.parts,
    )


class DeletionList:
    """A list of backups, read for what of them is still there.

    A backup that is not in it may be gone, or its deletion may have failed: a single read tells.

    :param backups: shows at least what is being deleted, and nothing that is gone.
    """

    shows_backups = True

    def __init__(self, backups: BackupList) -> None:
        self._backups = backups
        self.title = backups.title
        self.page_size = backups.page_size

    def pages(self, since: datetime | None) -> AsyncIterator[RowPage]:
        """Read it page by page, whenever the backups began."""
        return self._backups.pages(None)

    def key_of(self, reference: OperationReference) -> str | None:
        """Return the id of the single backup that is left, or that of the checkpoint of several."""
        return reference.parts[0] if len(reference.parts) == 1 else reference.backup_id

    def keys_of(self, row: Row) -> Sequence[Any]:
        """Return the ids of the backup and of its checkpoint."""
        return self._backups.keys_of(row)

    def running_status(self, row: Row) -> str | None:
        """Return the status of a backup that is still there; ``None`` for one whose deletion may have failed."""
        status = row.get("status")
        is_there = isinstance(status, str) and self.phase_of(row) not in (Phase.FAILED, Phase.DELETED)
        return status if is_there else None

    def phase_of(self, row: Row) -> Phase:
        """Return the phase of the backup."""
        return self._backups.phase_of(row)

    def started_at(self, row: Row) -> datetime | None:
        """A row does not tell when the deletion began."""
        return None

    def succeeded_state(self, reference: OperationReference, rows: Sequence[Row]) -> OperationState | None:
        """A row does not tell that its backup is gone."""
        return None
