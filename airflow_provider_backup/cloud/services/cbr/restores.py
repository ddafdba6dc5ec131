"""The restore of a CBR backup as a long-running operation (CBR sections 7.4 and 8).

Two kinds of evidence must agree before a restore counts as good: its operation log says ``success``, and its backup is
not being restored from any more. The status of the backup alone proves nothing: it is ``available`` before the restore
begins, and after a restore that failed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal

from pydantic import Field, model_validator

from airflow_provider_backup.cloud.errors import InvalidRequestError, NotFoundError, Violation
from airflow_provider_backup.cloud.http.clock_skew import CloudClock
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState, SingleBackup
from airflow_provider_backup.cloud.operations.listing import BackupLists
from airflow_provider_backup.cloud.operations.operation import Capabilities
from airflow_provider_backup.cloud.operations.row_checks import is_same_id
from airflow_provider_backup.cloud.operations.status import LIVE, Phase
from airflow_provider_backup.cloud.schema.base import RequestModel, validated
from airflow_provider_backup.cloud.schema.constraints import Identifier
from airflow_provider_backup.cloud.schema.fields import EARLIEST
from airflow_provider_backup.cloud.services.cbr.conflicts import backup_in_progress
from airflow_provider_backup.cloud.services.cbr.manifest import phase_of
from airflow_provider_backup.cloud.services.cbr.models import Backup, OperationLog, RestoreCreate

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.cbr.backups import Backups
    from airflow_provider_backup.cloud.services.cbr.operation_logs import OperationLogs

RESTORING_STATUSES = ("waiting_restore", "restoring")
"""What a backup is called while it is restored from (CBR section 3)."""

NOT_LOGGED = "not logged yet"
"""Status of a restore as long as no operation log tells of it."""

_RUNNING_LOGS: Final[tuple[Literal["waiting", "running"], ...]] = ("waiting", "running")
_ONE_MOMENT = timedelta(microseconds=1)
_KINDS = {"server_id": "a server", "volume_id": "a disk", "resource_id": "a file system"}
_SERVER, _DISK, _FILE_SYSTEM = "OS::Nova::Server", "OS::Cinder::Volume", "OS::Sfs::Turbo"


class RestoreTarget(RequestModel):
    """What is overwritten; what was backed up, unless given otherwise.

    :param server_id: the server.
    :param volume_id: the disk, for the backup of a disk.
    :param resource_id: the file system, for the backup of a file system.
    :param mappings: for a server: the disk that is overwritten by id of the disk that was backed up, or by id of its
        backup; disks that are not named are left alone. ``None`` overwrites each disk that was backed up.
    :param power_on: whether the server is started afterwards; ``None`` leaves that to the service, which starts it.
    """

    server_id: Identifier | None = None
    volume_id: Identifier | None = None
    resource_id: Identifier | None = None
    mappings: Annotated[dict[Identifier, Identifier], Field(min_length=1)] | None = None
    power_on: bool | None = None

    @model_validator(mode="after")
    def _has_one_kind(self) -> RestoreTarget:
        is_of_server = self.server_id is not None or self.mappings is not None
        if sum((is_of_server, self.volume_id is not None, self.resource_id is not None)) > 1:
            raise ValueError(
                "volume_id is for the backup of a disk, resource_id for that of a file system, server_id and mappings "
                "for that of a server"
            )
        return self

    @property
    def target_id(self) -> str | None:
        """Id of what is overwritten; ``None`` for what was backed up."""
        return self.server_id or self.volume_id or self.resource_id


@dataclass(frozen=True, slots=True)
class CbrRestoreRequest:
    """What is restored, and what is overwritten with it.

    :param backup: the backup, or a checkpoint with a backup of the resource that is overwritten.
    :param target: what is overwritten.
    """

    backup: OperationReference
    target: RestoreTarget


class CbrRestoreOperation:
    """Overwrite a server, a disk or a file system with a backup (CBR section 7.4).

    :param backups: the backups of the project.
    :param logs: the operation logs of the project.
    :param clock: the cloud's clock.
    :param lists: the lists that answer for many restores.
    """

    name: ClassVar[str] = "restore"
    capabilities: ClassVar[Capabilities] = Capabilities(carries_name=False, is_destructive=True)

    def __init__(self, backups: Backups, logs: OperationLogs, clock: CloudClock, lists: BackupLists) -> None:
        self._backups = backups
        self._logs = logs
        self._clock = clock
        self._resolved: tuple[CbrRestoreRequest, Backup, RestoreCreate] | None = None
        self._not_before: datetime | None = None
        self._submitted_since = EARLIEST
        self.lists = lists

    def subject(self, request: CbrRestoreRequest) -> str:
        """Return the target and the backup."""
        target = request.target.target_id or "what was backed up"
        return f"{target} from {request.backup}"

    def name_in(self, request: CbrRestoreRequest) -> str | None:
        """Return ``None``: a restore carries no name."""
        return None

    async def prepare(self, request: CbrRestoreRequest) -> None:
        """Read the backup, settle which disks are overwritten, and read which restores are logged already.

        :raises NotFoundError: there is no such backup.
        :raises InvalidRequestError: the request does not fit the backup.
        """
        backup, restore = await self._resolve(request)
        begins = self._clock.earliest(datetime.now(UTC))
        # What is logged by now is not the restore that is submitted next, however close in time it is. That the logs
        # can be read is known, too, before anything is overwritten.
        earlier = await self._matching(backup.id, restore.target_id, since=begins - timedelta(minutes=1))
        self._not_before = max([begins, *(_began(log) + _ONE_MOMENT for log in earlier)])

    async def submit(self, request: CbrRestoreRequest) -> OperationReference:
        """Submit the restore.

        :raises ResourceBusyError: the resource is being backed up or restored.
        """
        if self._not_before is None:
            await self.prepare(request)
        backup, restore = await self._resolve(request)
        # A submission whose answer is lost is not found among the restores that were logged before it.
        self._submitted_since, self._not_before = self._not_before or EARLIEST, None
        job_id = await self._backups.restore(backup.id, restore)
        return _reference(backup.id, restore.target_id, job_id, self._submitted_since)

    async def find(
        self,
        request: CbrRestoreRequest,
        *,
        since: datetime,
        phases: Collection[Phase] = LIVE,
        by_anyone: bool = False,
    ) -> OperationReference | None:
        """Return the newest logged restore of this backup to this resource that began since then.

        After a submission, only one that began since it.
        """
        backup, restore = await self._resolve(request)
        begun = max(self._clock.earliest(since), self._submitted_since)
        logs = await self._matching(backup.id, restore.target_id, since=begun)
        return await self._newest(backup.id, restore.target_id, logs, phases)

    async def find_running(self, request: CbrRestoreRequest) -> OperationReference | None:
        """Return the restore of this backup to this resource that runs now, whatever submitted it."""
        backup, restore = await self._resolve(request)
        logs = await self._matching(backup.id, restore.target_id, since=None)
        running = [log for log in logs if phase_of(log.status) is Phase.IN_PROGRESS]
        return await self._newest(backup.id, restore.target_id, running, (Phase.IN_PROGRESS,))

    async def find_conflict(self, request: CbrRestoreRequest) -> OperationReference | None:
        """Look for a backup of the target that is being made, or a restore to it."""
        _, restore = await self._resolve(request)
        running = await backup_in_progress(self._backups, resource_id=restore.target_id)
        return running or await self.running_on([restore.target_id])

    async def running_on(self, resource_ids: Collection[str]) -> OperationReference | None:
        """Return the newest logged restore that runs now and overwrites one of these resources.

        :param resource_ids: ids of servers, disks and file systems.
        """
        found: list[tuple[datetime, OperationReference]] = []
        for status in _RUNNING_LOGS:
            async for log in self._logs.list(operation_type="restore", status=status):
                details = log.extra_info.restore
                target_id = _target_of(log)
                if details.backup_id and target_id and target_id in resource_ids:
                    began = _began(log)
                    found.append((began, _reference(details.backup_id, target_id, log.id, began)))
        return max(found, key=lambda each: each[0])[1] if found else None

    async def observe(self, reference: OperationReference) -> OperationState:
        """Read the operation log of a restore, and its backup once the log says that it is good.

        A restore that no log tells of yet is in progress.

        :param reference: of a restore.
        """
        (target_id,) = reference.expected_ids or ("",)
        log = await self._log_of(reference, target_id)
        if log is None:
            return OperationState(
                reference,
                NOT_LOGGED,
                Phase.IN_PROGRESS,
                backup_ids=(reference.backup_id,),
                resource_ids=(target_id,),
                parts=(SingleBackup(reference.backup_id, resource_id=target_id),),
            )
        status, phase = log.status or "", phase_of(log.status)
        reason = _reason(log) if phase is Phase.FAILED else None
        if phase is Phase.SUCCEEDED:
            backup_status = await self._backup_status(reference.backup_id)
            if backup_status in RESTORING_STATUSES:
                status, phase = str(backup_status), Phase.IN_PROGRESS
            elif phase_of(backup_status) is Phase.FAILED:
                phase = Phase.FAILED
                reason = f"the operation log says {status}, but the backup is {backup_status}"
        details = log.extra_info.restore
        return OperationState(
            replace(reference, job_id=log.id),
            status,
            phase,
            name=details.backup_name,
            reason=reason,
            progress=log.extra_info.common.progress,
            backup_ids=(reference.backup_id,),
            resource_ids=(target_id,),
            created_at=log.created_at or log.started_at,
            finished_at=log.ended_at if phase.is_terminal else None,
            parts=(SingleBackup(reference.backup_id, details.backup_name, target_id, details.target_resource_name),),
        )

    async def _log_of(self, reference: OperationReference, target_id: str) -> OperationLog | None:
        if reference.job_id is not None:
            try:
                return await self._logs.get(reference.job_id)
            except NotFoundError:
                # The log may show up later than its id.
                pass
        since = datetime.fromisoformat(reference.submitted_at) if reference.submitted_at else None
        logs = await self._matching(reference.backup_id, target_id, since=since)
        # While it runs, the resource takes no other restore: the first one since then is this.
        return min(logs, key=_began, default=None)

    async def _matching(self, backup_id: str, target_id: str, *, since: datetime | None) -> list[OperationLog]:
        """Return the logged restores of a backup to a resource."""
        # The filter knows whole seconds.
        start = since - timedelta(seconds=1) if since is not None else None
        return [
            log
            async for log in self._logs.list(operation_type="restore", start_time=start)
            if is_same_id(log.extra_info.restore.backup_id, backup_id)
            and is_same_id(_target_of(log), target_id)
            and (since is None or _began(log) >= since)
        ]

    async def _newest(
        self, backup_id: str, target_id: str, logs: Sequence[OperationLog], phases: Collection[Phase]
    ) -> OperationReference | None:
        for log in sorted(logs, key=_began, reverse=True):
            reference = _reference(backup_id, target_id, log.id, _began(log))
            if (await self.observe(reference)).phase in phases:
                return reference
        return None

    async def _backup_status(self, backup_id: str) -> str | None:
        try:
            return (await self._backups.get(backup_id)).status
        except NotFoundError:
            # A backup that is restored from cannot be deleted: this one was deleted afterwards.
            return None

    async def _resolve(self, request: CbrRestoreRequest) -> tuple[Backup, RestoreCreate]:
        if self._resolved is None or self._resolved[0] is not request:
            backup = await self._backup_of(request)
            self._resolved = request, backup, _restore_of(backup, request.target)
        return self._resolved[1:]

    async def _backup_of(self, request: CbrRestoreRequest) -> Backup:
        reference = request.backup
        if reference.kind == "backup":
            return await self._backups.get(reference.backup_id)
        target_id = request.target.target_id
        found = [
            backup
            async for backup in self._backups.list(checkpoint_id=reference.backup_id)
            if backup.parent_id is None and target_id in (None, backup.resource_id)
        ]
        if len(found) != 1:
            rule = f"must name one backup: {len(found)} of {reference} fit; give backup_id, or what is overwritten"
            raise InvalidRequestError("CBR restore", [Violation("backup", rule, reference.backup_id)])
        return found[0]


def _reference(backup_id: str, target_id: str, job_id: str | None, since: datetime) -> OperationReference:
    return OperationReference(
        "cbr",
        backup_id,
        job_id=job_id,
        expected_ids=(target_id,),
        operation=CbrRestoreOperation.name,
        submitted_at=since.isoformat(),
    )


def _restore_of(backup: Backup, target: RestoreTarget) -> RestoreCreate:
    """Return what is sent to restore a backup.

    :raises InvalidRequestError: the target does not fit the backup.
    """
    members = {_SERVER: ("server_id", "mappings"), _DISK: ("volume_id",), _FILE_SYSTEM: ("resource_id",)}
    own = members.get(backup.resource_type or "")
    if own is None:
        rule = "must be a backup of a server, a disk or a file system; the client's backups.restore() takes others"
        raise InvalidRequestError("CBR restore", [Violation("backup", rule, backup.resource_type)])
    others = [name for names in members.values() if names is not own for name in names]
    violations = [
        Violation(name, f"the backup is one of {_KINDS[own[0]]}", value)
        for name in others
        if (value := getattr(target, name)) is not None
    ]
    if violations:
        raise InvalidRequestError("CBR restore", violations)
    values: dict[str, object] = {"power_on": target.power_on, own[0]: target.target_id or backup.resource_id}
    if backup.resource_type == _SERVER:
        values["mappings"] = _mappings(backup, target)
    return validated(RestoreCreate, "CBR restore", values)


def _mappings(backup: Backup, target: RestoreTarget) -> list[dict[str, str | None]]:
    if target.mappings is None:
        return [{"backup_id": child.id, "volume_id": child.resource_id} for child in backup.children]
    children = {name: child for child in backup.children for name in (child.id, child.resource_id) if name}
    if unknown := [name for name in target.mappings if name not in children]:
        rule = f"must name disks of the backup, or their backups: {', '.join(sorted(children))}"
        raise InvalidRequestError("CBR restore", [Violation("mappings", rule, name) for name in unknown])
    return [{"backup_id": children[name].id, "volume_id": disk} for name, disk in target.mappings.items()]


def _began(log: OperationLog) -> datetime:
    return log.created_at or log.started_at or EARLIEST


def _target_of(log: OperationLog) -> str | None:
    # The resource of a log is the one that was backed up, which need not be the one that is overwritten.
    return log.extra_info.restore.target_resource_id or log.extra_info.resource.id


def _reason(log: OperationLog) -> str | None:
    code, message = log.error_info.code, log.error_info.message
    if code and message:
        return f"{message} ({code})"
    return message or code or ("the service skipped it" if log.status == "skipped" else None)
