"""The restore of a CSBS backup as a long-running operation (CSBS sections 4.4, 6.1 and 6.4).

No documented call reads a restore: its backup is all that shows how it goes. Its status alone proves nothing, as it is
``available`` before the restore begins, too. Two of its members must agree: the status says ``available``, and the
backup changed (``updated_at``) after the submission. Where the service leaves ``updated_at`` out, a backup that is
still available ``longest_restore_start`` of :class:`~airflow_provider_backup.cloud.limits.Limits` after the submission
has been restored. Nothing shows which server is overwritten: a restore whose answer got lost cannot be found again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal

from pydantic import Field

from airflow_provider_backup.cloud.errors import (
    ApiError,
    BadRequestError,
    InvalidRequestError,
    ResourceBusyError,
    Violation,
)
from airflow_provider_backup.cloud.http.clock_skew import CloudClock
from airflow_provider_backup.cloud.limits import current_limits
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState, SingleBackup
from airflow_provider_backup.cloud.operations.listing import BackupLists
from airflow_provider_backup.cloud.operations.operation import Capabilities
from airflow_provider_backup.cloud.operations.row_checks import is_same_id
from airflow_provider_backup.cloud.operations.status import LIVE, Phase
from airflow_provider_backup.cloud.schema.base import RequestModel, validated
from airflow_provider_backup.cloud.schema.constraints import Identifier
from airflow_provider_backup.cloud.schema.fields import EARLIEST
from airflow_provider_backup.cloud.services.csbs.conflicts import RUNNING_STATUSES
from airflow_provider_backup.cloud.services.csbs.manifest import MANIFEST
from airflow_provider_backup.cloud.services.csbs.models import (
    CheckpointItem,
    RestorableQuestion,
    RestoreCreate,
)

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.csbs.checkpoint_items import CheckpointItems
    from airflow_provider_backup.cloud.services.csbs.checkpoints import Checkpoints

RESTORING_STATUSES: Final[tuple[Literal["waiting_restore", "restoring"], ...]] = ("waiting_restore", "restoring")
"""What a backup is called while it is restored from (CSBS section 6.1)."""

NOT_BEGUN = "not begun yet"
"""Status of a restore as long as its backup has not changed since the submission."""

_ONE_MOMENT = timedelta(microseconds=1)
_AVAILABLE, _SERVER = "available", "OS::Nova::Server"


class RestoreTarget(RequestModel):
    """What is overwritten; the server that was backed up, unless given otherwise.

    :param server_id: the server.
    :param mappings: the disk that is overwritten by id of the disk that was backed up, or by id of its backup; each
        disk that was backed up must be named. ``None`` overwrites the disks that were backed up.
    :param power_on: whether the server is started afterwards.
    """

    server_id: Identifier | None = None
    mappings: Annotated[dict[Identifier, Identifier], Field(min_length=1)] | None = None
    power_on: bool = True


@dataclass(frozen=True, slots=True)
class CsbsRestoreRequest:
    """What is restored, and what is overwritten with it.

    :param backup: the backup, or a checkpoint with a backup of the server that is overwritten.
    :param target: what is overwritten.
    """

    backup: OperationReference
    target: RestoreTarget


class CsbsRestoreOperation:
    """Overwrite a server with a backup (CSBS section 6.4).

    :param items: the backups of the project.
    :param checkpoints: the calls that check and restore.
    :param clock: the cloud's clock.
    :param lists: the list that answers for many restores.
    """

    name: ClassVar[str] = "restore"
    capabilities: ClassVar[Capabilities] = Capabilities(carries_name=False, is_destructive=True)

    def __init__(self, items: CheckpointItems, checkpoints: Checkpoints, clock: CloudClock, lists: BackupLists) -> None:
        self._items = items
        self._checkpoints = checkpoints
        self._clock = clock
        self._resolved: tuple[CsbsRestoreRequest, CheckpointItem, RestoreCreate] | None = None
        self._not_before: datetime | None = None
        self._refusal: ApiError | ResourceBusyError | None = None
        self.lists = lists

    def subject(self, request: CsbsRestoreRequest) -> str:
        """Return the server and the backup."""
        return f"{request.target.server_id or 'what was backed up'} from {request.backup}"

    def name_in(self, request: CsbsRestoreRequest) -> str | None:
        """Return ``None``: a restore carries no name."""
        return None

    async def prepare(self, request: CsbsRestoreRequest) -> None:
        """Read the backup, settle which disks are overwritten, and ask whether that is possible.

        :raises NotFoundError: there is no such backup.
        :raises InvalidRequestError: the request does not fit the backup.
        :raises ApiError: the service answers that the backup cannot be restored to this server, for a reason that
            does not pass.
        """
        item, restore = await self._resolve(request)
        self._refusal = await self._what_refuses(restore)
        if self._refusal is not None and not isinstance(self._refusal, ResourceBusyError):
            raise self._refusal
        # After the question: a change that is seen here is not one of the restore that is submitted next.
        item = await self._items.get(item.id)
        if self._refusal is None and item.status in RESTORING_STATUSES:
            self._refusal = ResourceBusyError(
                f"The csbs backup {item.id} is {item.status}.",
                next_step="Wait until the running task on the resource has ended, then repeat.",
            )
        self._not_before = max(self._clock.earliest(datetime.now(UTC)), (item.updated_at or EARLIEST) + _ONE_MOMENT)

    async def submit(self, request: CsbsRestoreRequest) -> OperationReference:
        """Submit the restore, unless the service answered before that the server or the backup is busy.

        :raises ResourceBusyError: the server or the backup is busy.
        """
        if self._not_before is None:
            await self.prepare(request)
        item, restore = await self._resolve(request)
        not_before, self._not_before = self._not_before or EARLIEST, None
        if self._refusal is not None:
            raise self._refusal
        job_id = await self._checkpoints.restore(restore)
        return _reference(item.id, restore.parameters.targets.server_id, not_before, job_id)

    async def find(
        self,
        request: CsbsRestoreRequest,
        *,
        since: datetime,
        phases: Collection[Phase] = LIVE,
        by_anyone: bool = False,
    ) -> OperationReference | None:
        """Return ``None``: nothing in the service says which server a backup is restored to."""
        return None

    async def find_running(self, request: CsbsRestoreRequest) -> OperationReference | None:
        """Return ``None``, as :meth:`find`."""
        return None

    async def find_conflict(self, request: CsbsRestoreRequest) -> OperationReference | None:
        """Look for a backup of the server that is being made, or a restore from this backup or one of the server."""
        item, restore = await self._resolve(request)
        server_id = restore.parameters.targets.server_id
        for status in RUNNING_STATUSES:
            async for each in self._items.list(resource_id=server_id, status=status):
                return OperationReference("csbs", each.id)
        return await self.running_on([server_id, item.id])

    async def running_on(self, ids: Collection[str]) -> OperationReference | None:
        """Return the newest restore that runs now from one of these backups, or from a backup of one of these servers.

        :param ids: ids of backups and servers.
        """
        found = [
            each
            for status in RESTORING_STATUSES
            async for each in self._items.list(status=status)
            if any(is_same_id(each.id, wanted) or is_same_id(each.resource_id, wanted) for wanted in ids)
        ]
        newest = max(found, key=lambda each: each.updated_at or EARLIEST, default=None)
        if newest is None:
            return None
        began = newest.updated_at or self._clock.earliest(datetime.now(UTC))
        return _reference(newest.id, newest.resource_id or "", began)

    async def observe(self, reference: OperationReference) -> OperationState:
        """Read the backup of a restore.

        :param reference: of a restore.
        :raises NotFoundError: there is no such backup (any more).
        """
        item = await self._items.get(reference.backup_id)
        (target_id,) = reference.expected_ids or ("",)
        status, phase, reason = self._outcome(item, reference)
        return OperationState(
            reference,
            status,
            phase,
            name=item.name,
            reason=reason,
            backup_ids=(item.id,),
            resource_ids=(target_id,),
            created_at=datetime.fromisoformat(reference.submitted_at) if reference.submitted_at else None,
            finished_at=item.updated_at if phase.is_terminal else None,
            parts=(SingleBackup(item.id, item.name, target_id),),
        )

    def _outcome(self, item: CheckpointItem, reference: OperationReference) -> tuple[str, Phase, str | None]:
        status = item.status or ""
        if status in RESTORING_STATUSES:
            return status, Phase.IN_PROGRESS, None
        if not self._has_changed(item, reference):
            return NOT_BEGUN, Phase.IN_PROGRESS, None
        if status == _AVAILABLE and item.extend_info.fail_op != "restore":
            return status, Phase.SUCCEEDED, None
        reason = item.failure or f"the backup is {status or 'without a status'}: how the restore ended is not known"
        return status, Phase.FAILED, reason

    def _has_changed(self, item: CheckpointItem, reference: OperationReference) -> bool:
        since = datetime.fromisoformat(reference.submitted_at) if reference.submitted_at else EARLIEST
        if item.updated_at is not None:
            return item.updated_at >= since
        return self._clock.now() - since >= timedelta(seconds=current_limits().longest_restore_start)

    async def _what_refuses(self, restore: RestoreCreate) -> ApiError | None:
        targets = restore.parameters.targets
        question = {
            "checkpoint_item_id": restore.parameters.checkpoint_item_id,
            "target": {
                "resource_id": targets.server_id,
                "resource_type": _SERVER,
                "volumes": [volume.to_wire() for volume in targets.volumes],
            },
        }
        answers = await self._checkpoints.check_restorable([validated(RestorableQuestion, "CSBS restore", question)])
        refused = next((answer for answer in answers if answer.result is False), None)
        if refused is None:
            return None
        code = refused.error_code or "200"
        error_class = MANIFEST.error_classes.get(code, BadRequestError)
        return error_class(
            service="csbs",
            status=200,
            code=code,
            detail=refused.error_msg or "the backup cannot be restored to this server",
            next_step="Nothing was sent that overwrites data. Change what the message names; a busy server or backup "
            "can be restored later.",
        )

    async def _resolve(self, request: CsbsRestoreRequest) -> tuple[CheckpointItem, RestoreCreate]:
        if self._resolved is None or self._resolved[0] is not request:
            item = await self._item_of(request)
            self._resolved = request, item, _restore_of(item, request.target)
        return self._resolved[1:]

    async def _item_of(self, request: CsbsRestoreRequest) -> CheckpointItem:
        reference = request.backup
        if reference.kind == "backup":
            return await self._items.get(reference.backup_id)
        server_id = request.target.server_id
        found = [
            item
            async for item in self._items.list(checkpoint_id=reference.backup_id)
            if server_id is None or is_same_id(item.resource_id, server_id)
        ]
        if len(found) != 1:
            rule = f"must name one backup: {len(found)} of {reference} fit; give backup_id, or server_id"
            raise InvalidRequestError("CSBS restore", [Violation("backup", rule, reference.backup_id)])
        return found[0]


def _reference(item_id: str, server_id: str, since: datetime, job_id: str | None = None) -> OperationReference:
    return OperationReference(
        "csbs",
        item_id,
        job_id=job_id,
        expected_ids=(server_id,),
        operation=CsbsRestoreOperation.name,
        submitted_at=since.isoformat(),
    )


def _restore_of(item: CheckpointItem, target: RestoreTarget) -> RestoreCreate:
    """Return what is sent to restore a backup.

    :raises InvalidRequestError: the target does not fit the backup.
    """
    disks = {disk.id: disk.source_volume_id for disk in item.extend_info.volume_backups if disk.id}
    if not disks:
        rule = f"must be one that shows the backups of disks; this one is {item.status}"
        raise InvalidRequestError("CSBS restore", [Violation("backup", rule, item.id)])
    is_other_server = target.server_id is not None and not is_same_id(item.resource_id, target.server_id)
    if is_other_server and target.mappings is None:
        rule = "must be given when the server is not the one that was backed up"
        raise InvalidRequestError("CSBS restore", [Violation("mappings", rule, target.mappings)])
    volumes = [{"backup_id": each, "volume_id": disk} for each, disk in _mapped(disks, target.mappings).items()]
    return validated(
        RestoreCreate,
        "CSBS restore",
        {
            "checkpoint_id": item.checkpoint_id,
            "parameters": {
                "checkpoint_item_id": item.id,
                "power_on": target.power_on,
                "targets": {"server_id": target.server_id or item.resource_id, "volumes": volumes},
            },
        },
    )


def _mapped(disks: dict[str, str | None], mappings: dict[str, str] | None) -> dict[str, str | None]:
    if mappings is None:
        return disks
    backups = {name: backup for backup, disk in disks.items() for name in (backup, disk) if name}
    rule = f"must name disks of the backup, or their backups: {', '.join(sorted(backups))}"
    violations = [Violation("mappings", rule, name) for name in mappings if name not in backups]
    named = {backups[name]: disk for name, disk in mappings.items() if name in backups}
    if left_out := [disks[backup] or backup for backup in disks if backup not in named]:
        rule = f"must name every disk that was backed up (CSBS.6018); not named: {', '.join(left_out)}"
        violations.append(Violation("mappings", rule, mappings))
    if len(named) < len(mappings) and not violations:
        violations.append(Violation("mappings", "must name each disk that was backed up once", mappings))
    if violations:
        raise InvalidRequestError("CSBS restore", violations)
    return dict(named)
