"""The copy of CBR backups to a vault in another region as a long-running operation (CBR sections 7.1 and 7.5).

How a copy goes is told by the ``replication_records`` of the backup that is copied; its own status stays ``available``.
A backup has one copy in each region: what is copied already, or being copied, is never sent again, even
if another client began it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, TypedDict

from airflow_provider_backup.cloud.errors import BackupError, InvalidRequestError, Violation
from airflow_provider_backup.cloud.operations.backup import (
    OperationReference,
    OperationState,
    SingleBackup,
)
from airflow_provider_backup.cloud.operations.listing import BackupLists, one_read
from airflow_provider_backup.cloud.operations.operation import Capabilities
from airflow_provider_backup.cloud.operations.row_checks import is_same_id
from airflow_provider_backup.cloud.operations.status import LIVE, Phase
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.schema.fields import EARLIEST
from airflow_provider_backup.cloud.services.cbr.manifest import phase_of
from airflow_provider_backup.cloud.services.cbr.models import (
    Backup,
    BackupReplication,
    Destination,
    ReplicationRecord,
)

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.cbr.backups import Backups

NOT_RECORDED = "not recorded yet"
"""Status of a copy as long as no record tells of it: that takes seconds (CBR section 7.5)."""

_DISK = "OS::Cinder::Volume"
_NOTHING_COPIED = "skip"


@dataclass(frozen=True, slots=True)
class CbrReplicationRequest:
    """What is copied, and where to.

    :param backup: the backup, or a checkpoint, of which each backup is copied.
    :param copy: the region, project and vault, name and description; of several backups, ``-0001``, ``-0002`` ...
        follow the name.
    """

    backup: OperationReference
    copy: BackupReplication


@dataclass(frozen=True, slots=True)
class BackupCopy:
    """A backup and the record of its copy.

    :param backup: the backup that is copied.
    :param record: how the copy goes; ``None`` before it is recorded.
    """

    backup: Backup
    record: ReplicationRecord | None

    @property
    def phase(self) -> Phase:
        """Where the copy stands; that the service copied nothing counts as failed."""
        return _phase(self.record) if self.record is not None else Phase.IN_PROGRESS

    @property
    def status(self) -> str:
        """The service's own text."""
        return (self.record.status or "") if self.record is not None else NOT_RECORDED

    @property
    def reason(self) -> str | None:
        """Why the copy failed; ``None`` for one that has not."""
        if self.phase is not Phase.FAILED or self.record is None:
            return None
        told = self.record.extra_info
        if told.fail_reason and told.fail_code:
            return f"{told.fail_reason} ({told.fail_code})"
        if self.record.status == _NOTHING_COPIED:
            return told.fail_reason or told.fail_code or "the service copied nothing (skip)"
        return told.fail_reason or told.fail_code or "the service gives no reason"


@dataclass(frozen=True, slots=True)
class ReplicationState(OperationState):
    """How the copies of a backup, or of those of a checkpoint, stand.

    :param copies: each backup with its record.
    """

    copies: tuple[BackupCopy, ...] = ()


class CopiedBackup(TypedDict):
    """A backup and its copy.

    ``backup_id`` is the backup that was copied, ``resource_id`` what it is of, ``copy_id`` the copy (``None`` before it
    is there), ``status`` the service's own text, ``created_at`` when copying began, ISO 8601 in UTC; the service does
    not tell when it ended.
    """

    backup_id: str
    resource_id: str | None
    copy_id: str | None
    status: str
    created_at: str | None


class ReplicationResult(TypedDict):
    """What was copied, and where to.

    ``service``, ``kind`` and ``backup_id`` name the backup or the checkpoint that was copied, ``backup_ids`` its
    backups. ``source_region`` is ``None`` when the service does not tell it. ``copy_ids`` are the backups in the
    destination, each with more in ``copies``.
    """

    service: str
    kind: str
    backup_id: str
    backup_ids: list[str]
    status: str
    source_region: str | None
    destination_region: str
    destination_project_id: str
    destination_vault_id: str
    copy_ids: list[str]
    copies: list[CopiedBackup]
    created_at: str | None


class CbrReplicationOperation:
    """Copy a backup, or each backup of a checkpoint, to a vault in another region (CBR section 7.5).

    :param backups: the backups of the project.
    """

    name: ClassVar[str] = "replication"
    capabilities: ClassVar[Capabilities] = Capabilities(carries_name=False, is_idempotent=True)
    lists: ClassVar[BackupLists] = BackupLists(reads=one_read)

    def __init__(self, backups: Backups) -> None:
        self._backups = backups
        self._prepared: tuple[CbrReplicationRequest, Sequence[Backup]] | None = None

    def subject(self, request: CbrReplicationRequest) -> str:
        """Return the backup and the region."""
        return f"{request.backup} to region {request.copy.destination_region}"

    def name_in(self, request: CbrReplicationRequest) -> str | None:
        """Return ``None``: no record shows the name of a copy."""
        return None

    async def prepare(self, request: CbrReplicationRequest) -> None:
        """Read the backups and whether the region takes copies, and refuse what cannot be copied.

        :raises NotFoundError: there is no such backup.
        :raises InvalidRequestError: the region takes no copies from here, or a backup cannot be copied.
        :raises BackupError: a backup has failed, or has a copy in another vault of the region.
        """
        await self._check_region(request.copy.destination_region)
        backups = await self._sources(request.backup)
        for number, backup in enumerate(backups, start=1):
            _check(backup, request.copy)
            _replication(request, number if len(backups) > 1 else None)
        self._prepared = request, backups

    async def submit(self, request: CbrReplicationRequest) -> OperationReference:
        """Begin each copy that is not there and not being made.

        :raises ResourceBusyError: a backup is still being made or restored from.
        """
        if self._prepared is None or self._prepared[0] is not request:
            await self.prepare(request)
        assert self._prepared is not None  # noqa: S101 - prepared just now
        backups, self._prepared = self._prepared[1], None
        records: dict[str, str | None] = {}
        for number, backup in enumerate(backups, start=1):
            found = _newest(backup, request.copy.destination_region, LIVE)
            if found is not None and found.id:
                records[backup.id] = found.id
                continue
            replication = _replication(request, number if len(backups) > 1 else None)
            records[backup.id] = (await self._backups.replicate(backup.id, replication)).replication_record_id
        return _reference(request.backup, records)

    async def find(
        self,
        request: CbrReplicationRequest,
        *,
        since: datetime,
        phases: Collection[Phase] = LIVE,
        by_anyone: bool = False,
    ) -> OperationReference | None:
        """Return the copies in the region, if each backup has one in these phases, however old it is."""
        records: dict[str, str | None] = {}
        for backup in await self._sources(request.backup):
            record = _newest(backup, request.copy.destination_region, phases)
            if record is None:
                return None
            records[backup.id] = record.id
        return _reference(request.backup, records)

    async def find_running(self, request: CbrReplicationRequest) -> OperationReference | None:
        """Return the copies in the region, if all of them are being made or there, whatever submitted them."""
        return await self.find(request, since=EARLIEST)

    async def find_conflict(self, request: CbrReplicationRequest) -> OperationReference | None:
        """Look for a backup that is still being made."""
        for backup in await self._sources(request.backup):
            if phase_of(backup.status) is Phase.IN_PROGRESS:
                return OperationReference("cbr", backup.id)
        return None

    async def observe(self, reference: OperationReference) -> ReplicationState:
        """Read the backups with their records.

        It is over when all copies are; it has succeeded when each has.

        :param reference: of a replication.
        :raises NotFoundError: there is no such backup (any more).
        """
        backups = {backup.id: backup for backup in await self._sources(reference)}
        copies = tuple(
            BackupCopy(backups[backup_id], _recorded(backups[backup_id], record_id))
            for backup_id, record_id in zip(reference.parts, reference.replication_ids, strict=False)
            if backup_id in backups
        )
        lost = [backup_id for backup_id in reference.parts if backup_id not in backups]
        phase = _whole([*(copy.phase for copy in copies), *(Phase.FAILED for _ in lost)])
        reasons = [f"{copy.backup.id}: {copy.reason}" for copy in copies if copy.reason]
        reasons += [f"{backup_id}: the backup was deleted while it was copied" for backup_id in lost]
        return ReplicationState(
            reference,
            _status(copies, phase),
            phase,
            reason="; ".join(reasons) or None,
            progress=_progress(copies),
            backup_ids=tuple(copy.backup.id for copy in copies),
            resource_ids=tuple(copy.backup.resource_id for copy in copies if copy.backup.resource_id),
            created_at=min((begun for copy in copies if (begun := _begun(copy.record))), default=None),
            parts=tuple(
                SingleBackup(copy.backup.id, copy.backup.name, copy.backup.resource_id, copy.backup.resource_name)
                for copy in copies
            ),
            copies=copies,
        )

    async def _sources(self, reference: OperationReference) -> Sequence[Backup]:
        if reference.kind == "backup":
            return [await self._backups.get(reference.backup_id)]
        return [
            backup
            async for backup in self._backups.list(checkpoint_id=reference.backup_id, show_replication=True)
            if backup.parent_id is None
        ]

    async def _check_region(self, region: str) -> None:
        possible = {
            each for known in await self._backups.replication_capabilities() for each in known.replication_destinations
        }
        if region not in possible:
            rule = f"must be a region that takes copies: {', '.join(sorted(possible)) or 'there is none'}"
            raise InvalidRequestError("CBR replication", [Violation("destination_region", rule, region)])


def replication_result(state: OperationState, destination: Destination) -> ReplicationResult:
    """Return what was copied, and where to.

    :param state: how the copies stand; one that was not read yet names none.
    :param destination: where they go.
    """
    copies = state.copies if isinstance(state, ReplicationState) else ()
    copied = [_copied(copy) for copy in copies]
    regions = [copy.record.source_region for copy in copies if copy.record and copy.record.source_region]
    return ReplicationResult(
        service=state.reference.service,
        kind=state.reference.kind,
        backup_id=state.reference.backup_id,
        backup_ids=list(state.reference.parts),
        status=state.status,
        source_region=next(iter(regions), None),
        destination_region=destination.destination_region,
        destination_project_id=destination.destination_project_id,
        destination_vault_id=destination.destination_vault_id,
        copy_ids=[copy["copy_id"] for copy in copied if copy["copy_id"]],
        copies=copied,
        created_at=state.created_at.isoformat() if state.created_at else None,
    )


def _copied(copy: BackupCopy) -> CopiedBackup:
    record = copy.record
    return CopiedBackup(
        backup_id=copy.backup.id,
        resource_id=copy.backup.resource_id,
        copy_id=(record.destination_backup_id or None) if record else None,
        status=copy.status,
        created_at=record.created_at.isoformat() if record and record.created_at else None,
    )


def _check(backup: Backup, destination: Destination) -> None:
    region = destination.destination_region
    if backup.resource_type == _DISK or backup.image_type == "replication":
        what = "a copy itself" if backup.image_type == "replication" else "one of a disk"
        rule = f"must be the backup of a server: it is {what}, which the service does not copy"
        raise InvalidRequestError("CBR replication", [Violation("backup", rule, backup.id)])
    if phase_of(backup.status) not in LIVE:
        raise BackupError(
            f"Nothing was sent: cbr backup {backup.id} is {backup.status} and cannot be copied.",
            next_step="Copy a good backup; CbrGetLatestBackupOperator finds the newest.",
        )
    record = _newest(backup, region, LIVE)
    if record is not None and not is_same_id(record.destination_vault_id or "", destination.destination_vault_id):
        raise BackupError(
            f"Nothing was sent: cbr backup {backup.id} has a copy in region {region} already, in vault "
            f"{record.destination_vault_id} (status: {record.status}), and can have one there only.",
            next_step="Use that copy, or delete it there and copy the backup again.",
        )


def _replication(request: CbrReplicationRequest, number: int | None) -> BackupReplication:
    """Return what is sent to copy one backup.

    :param number: which of several it is.
    """
    if request.copy.name is None or number is None:
        return request.copy
    named = {**request.copy.to_wire(), "name": f"{request.copy.name}-{number:04}"}
    return validated(BackupReplication, "CBR replication", named)


def _reference(backup: OperationReference, records: dict[str, str | None]) -> OperationReference:
    return OperationReference(
        "cbr",
        backup.backup_id,
        backup.kind,
        operation=CbrReplicationOperation.name,
        parts=tuple(records),
        replication_ids=tuple(record_id or "" for record_id in records.values()),
    )


def _newest(backup: Backup, region: str, phases: Collection[Phase]) -> ReplicationRecord | None:
    """Return the newest record of a copy to a region, if its phase is one of these."""
    # The service lists an earlier attempt before a later one, should their times be equal.
    records = [record for record in backup.replication_records if record.destination_region == region]
    newest = max(enumerate(records), key=lambda each: (_begun(each[1]) or EARLIEST, each[0]), default=None)
    return newest[1] if newest is not None and _phase(newest[1]) in phases else None


def _recorded(backup: Backup, record_id: str) -> ReplicationRecord | None:
    return next((record for record in backup.replication_records if record.id == record_id), None)


def _begun(record: ReplicationRecord | None) -> datetime | None:
    return record.created_at if record is not None else None


def _phase(record: ReplicationRecord) -> Phase:
    return Phase.FAILED if record.status == _NOTHING_COPIED else phase_of(record.status)


def _whole(phases: Iterable[Phase]) -> Phase:
    found = set(phases)
    # Each is reported, so that the others are waited for after one has failed.
    if Phase.IN_PROGRESS in found or not found:
        return Phase.IN_PROGRESS
    return Phase.SUCCEEDED if found == {Phase.SUCCEEDED} else Phase.FAILED


def _status(copies: Sequence[BackupCopy], phase: Phase) -> str:
    return next((copy.status for copy in copies if copy.phase is phase), NOT_RECORDED)


def _progress(copies: Sequence[BackupCopy]) -> int | None:
    known = [copy.record.extra_info.progress for copy in copies if copy.record is not None]
    numbers = [number for number in known if number is not None]
    return min(numbers) if numbers else None
