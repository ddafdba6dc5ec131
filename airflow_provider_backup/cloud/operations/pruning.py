"""Deleting the backups that no rule keeps, the same for every service: plan, delete, wait until they are gone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, Protocol, TypedDict

from airflow_provider_backup.cloud.errors import ApiError, AuthenticationError, BackupError, NotFoundError
from airflow_provider_backup.cloud.http.retry_policy import is_passing
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState, SkippedResource
from airflow_provider_backup.cloud.operations.listing import BackupLists, one_read
from airflow_provider_backup.cloud.operations.retention import RetentionDecision, RetentionRule, StoredBackup, decide
from airflow_provider_backup.cloud.operations.status import Phase

_NO_REASON = "its deletion failed, and the service gives no reason"


class PrunedBackup(TypedDict):
    """A backup in the result of a prune.

    :param backup_id: its id.
    :param resource_id: what is backed up.
    :param name: its name; ``None`` when it has none.
    :param status: the service's own text, from before the deletion.
    :param created_at: when it began, ISO 8601 in UTC; ``None`` when the service does not tell.
    :param expires_at: when the service deletes it by itself; ``None`` when it never does or does not tell.
    """

    backup_id: str
    resource_id: str
    name: str | None
    status: str
    created_at: str | None
    expires_at: str | None


class KeptBackup(PrunedBackup):
    """A backup that stays; ``rules`` are those that kept it, such as ``keep_daily``, ``minimum`` or ``shared``."""

    rules: list[str]


class RefusedBackup(PrunedBackup):
    """A backup that was to go and is still there; ``reason`` is the service's answer."""

    reason: str


class PruneResult(TypedDict):
    """What a prune did.

    :param service: name of the service.
    :param dry_run: whether nothing was sent; then ``deleted`` is what would be deleted.
    :param kept: the backups in the scope that stay, newest first, resource by resource.
    :param deleted: those whose deletion began, or was under way already, in the order of deletion.
    :param refused: those whose deletion the service refused, or whose deletion failed.
    """

    service: str
    dry_run: bool
    kept: list[KeptBackup]
    deleted: list[PrunedBackup]
    refused: list[RefusedBackup]


def described(backup: StoredBackup) -> PrunedBackup:
    """Return a backup for the result of a prune.

    :param backup: as a list showed it.
    """
    state = backup.state
    return PrunedBackup(
        backup_id=backup.backup_id,
        resource_id=backup.resource_id,
        name=state.name,
        status=state.status,
        created_at=state.created_at.isoformat() if state.created_at else None,
        expires_at=state.expires_at.isoformat() if state.expires_at else None,
    )


@dataclass(frozen=True, slots=True)
class DeletionOutcome:
    """What a service answered to the request to delete one backup.

    :param backup: the backup.
    :param refusal: the service's answer; ``None`` when the deletion began, or there was nothing left to delete.
    """

    backup: StoredBackup
    refusal: BackupError | None = None


class StoredBackups(Protocol):
    """The backups of a service, as a prune needs them."""

    async def read(self, target_ids: Sequence[str]) -> list[StoredBackup]:
        """Read all backups of some instances, disks, servers or vaults, at the cost of pages.

        :param target_ids: their ids, one or more.
        """

    async def use_of(self, backup: StoredBackup) -> tuple[str, ...]:
        """Return what depends on a backup and is not in the lists, such as ``shared``."""

    def delete(self, backups: Sequence[StoredBackup]) -> AsyncIterator[DeletionOutcome]:
        """Start deletions, one after the other or several with one request, and report each.

        One that is refused does not stop the others.

        :param backups: in the order of deletion.
        :raises BackupError: the service cannot be reached, or the credentials are wrong; the others are left alone.
        """


class PruningService(Protocol):
    """A service whose backups can be pruned."""

    name: str

    @property
    def stored_backups(self) -> StoredBackups:
        """All backups of resources."""

    async def observe_single(self, reference: OperationReference) -> OperationState:
        """Read a single backup once, by no other id than its own."""


async def plan(
    service: PruningService,
    target_ids: Sequence[str],
    rule: RetentionRule,
    counts: Callable[[StoredBackup], bool],
    now: Callable[[], datetime],
) -> list[RetentionDecision]:
    """Decide which backups of some targets stay.

    :param service: the service.
    :param target_ids: ids of instances, disks, servers or vaults, one or more.
    :param rule: which backups stay.
    :param counts: whether a backup is in the scope of the prune at all.
    :param now: what the cloud's clock shows, which the answers teach.
    :return: newest first, resource by resource.
    """
    backups = [backup for backup in await service.stored_backups.read(target_ids) if counts(backup)]
    decisions = decide(backups, rule, now())
    # Only those that would go cost a look of their own, and only where the lists do not tell enough.
    return [
        decision if decision.is_kept else replace(decision, rules=await service.stored_backups.use_of(decision.backup))
        for decision in decisions
    ]


async def delete_each(
    backups: Sequence[StoredBackup], delete: Callable[[StoredBackup], Awaitable[None]]
) -> AsyncIterator[DeletionOutcome]:
    """Start deletions one after the other; one that is refused does not stop the others.

    :param backups: in the order of deletion.
    :param delete: starts the deletion of one; one that is being deleted already counts as done.
    """
    for backup in backups:
        try:
            await delete(backup)
        except NotFoundError:
            yield DeletionOutcome(backup)
        except BackupError as error:
            if not isinstance(error, ApiError) or isinstance(error, AuthenticationError) or is_passing(error):
                raise
            yield DeletionOutcome(backup, error)
        else:
            yield DeletionOutcome(backup)


class Pruning:
    """The deletions of a prune as one operation that can be waited for.

    It has succeeded when each backup is gone, or its deletion has failed. While the backup whose deletion was submitted
    last is there, it costs one read; then the list tells of all.

    :param service: the service that has the backups.
    """

    name: ClassVar[str] = "pruning"

    def __init__(self, service: PruningService) -> None:
        self._service = service
        self.lists = BackupLists(reads=one_read)

    async def observe(self, reference: OperationReference) -> OperationState:
        """Read once how the deletions stand.

        :param reference: from :func:`pruning_of`. That of the returned state lacks the backups that are gone.
        :return: ``skipped`` names the backups whose deletion failed, by their ids.
        """
        if reference.parts and await self._is_last_there(reference):
            return _in_progress(reference)
        asked = set(reference.parts)
        listed = await self._service.stored_backups.read(reference.expected_ids)
        left = [backup for backup in listed if backup.backup_id in asked and backup.state.phase is not Phase.DELETED]
        failed = [
            backup
            for backup in left
            if backup.state.phase is Phase.FAILED and backup.backup_id not in reference.failed_before
        ]
        going = [backup for backup in left if backup not in failed]
        if going:
            # The last one is read by itself, so that it must be one that is awaited.
            return _in_progress(pruning_of(reference.service, reference.expected_ids, [*failed, *going], reference))
        return OperationState(
            reference,
            "finished",
            Phase.SUCCEEDED,
            skipped=tuple(
                SkippedResource(resource_id=backup.backup_id, reason=backup.state.reason or _NO_REASON)
                for backup in failed
            ),
        )

    async def _is_last_there(self, reference: OperationReference) -> bool:
        last = OperationReference(reference.service, reference.parts[-1], instance_id=reference.instance_id)
        try:
            seen = await self._service.observe_single(last)
        except NotFoundError:
            return False
        # What failed may be the backup or its deletion: the list decides.
        return seen.phase not in (Phase.FAILED, Phase.DELETED)


def pruning_of(
    service: str,
    target_ids: Sequence[str],
    backups: Sequence[StoredBackup],
    before: OperationReference | None = None,
) -> OperationReference:
    """Return what the deletions of some backups are observed by.

    :param service: name of the service.
    :param target_ids: what was pruned.
    :param backups: the backups whose deletion began, in this order; one or more.
    :param before: an earlier reference of the same deletions, which knows what had failed before; ``None`` if the
        backups are as they were before their deletion.
    """
    failed = (
        tuple(backup.backup_id for backup in backups if backup.state.phase is Phase.FAILED)
        if before is None
        # A failed status that follows the deletion is that of the deletion.
        else tuple(
            backup.backup_id
            for backup in backups
            if backup.backup_id in before.failed_before and backup.state.phase is Phase.FAILED
        )
    )
    last = backups[-1].state.reference
    return OperationReference(
        service,
        last.backup_id,
        instance_id=last.instance_id,
        expected_ids=tuple(target_ids),
        operation=Pruning.name,
        parts=tuple(backup.backup_id for backup in backups),
        failed_before=failed,
    )


def _in_progress(reference: OperationReference) -> OperationState:
    return OperationState(
        reference, f"waiting for {len(reference.parts)}", Phase.IN_PROGRESS, backup_ids=reference.parts
    )
