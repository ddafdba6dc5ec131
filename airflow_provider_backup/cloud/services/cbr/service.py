"""CBR as a whole: its resources, one look at a backup, and the search for a backup that was started before."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from airflow_provider_backup.cloud.errors import (
    ApiError,
    ApiNotFoundError,
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    NotListedError,
    ResourceBusyError,
    UnreadablePathError,
)
from airflow_provider_backup.cloud.http.retry_policy import is_passing
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.freshness import Freshness, FreshnessRule
from airflow_provider_backup.cloud.operations.listing import lists_of_restores
from airflow_provider_backup.cloud.operations.missing_backups import MissingBackups
from airflow_provider_backup.cloud.operations.other_kinds import check_kind, otherwise
from airflow_provider_backup.cloud.operations.row_checks import spelled_as_listed
from airflow_provider_backup.cloud.operations.status import LIVE, Phase
from airflow_provider_backup.cloud.schema.fields import EARLIEST
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.cbr.backup_lists import RUNNING_STATUSES, backup_lists
from airflow_provider_backup.cloud.services.cbr.backups import Backups
from airflow_provider_backup.cloud.services.cbr.checkpoints import Checkpoints
from airflow_provider_backup.cloud.services.cbr.latest_backups import LatestBackups, WantedCopy
from airflow_provider_backup.cloud.services.cbr.manifest import phase_of
from airflow_provider_backup.cloud.services.cbr.models import Backup, Checkpoint, OperationLog
from airflow_provider_backup.cloud.services.cbr.operation_logs import OperationLogs
from airflow_provider_backup.cloud.services.cbr.paging import LARGEST_PAGE
from airflow_provider_backup.cloud.services.cbr.policies import Policies
from airflow_provider_backup.cloud.services.cbr.protectables import Protectables
from airflow_provider_backup.cloud.services.cbr.protection import CbrProtection
from airflow_provider_backup.cloud.services.cbr.replications import CbrReplicationOperation
from airflow_provider_backup.cloud.services.cbr.restores import RESTORING_STATUSES, CbrRestoreOperation
from airflow_provider_backup.cloud.services.cbr.states import (
    checkpoint_to_state,
    latest_change,
    resources_of,
    to_state,
    uncovered_resources,
)
from airflow_provider_backup.cloud.services.cbr.stored_backups import CbrStoredBackups
from airflow_provider_backup.cloud.services.cbr.usage import Usage
from airflow_provider_backup.cloud.services.cbr.vault_deletion import VaultDeletion
from airflow_provider_backup.cloud.services.cbr.vault_tags import VaultTags
from airflow_provider_backup.cloud.services.cbr.vaults import Vaults
from airflow_provider_backup.cloud.text import one_line

log = logging.getLogger(__name__)


class CbrService:
    """Cloud Backup and Recovery, version 3.

    :param api: the service.
    """

    name = "cbr"

    def __init__(self, api: ServiceApi) -> None:
        self.policies = Policies(api)
        self.vaults = Vaults(api)
        self.vault_tags = VaultTags(api)
        self.protectables = Protectables(api)
        self.usage = Usage(api)
        self.checkpoints = Checkpoints(api)
        self.backups = Backups(api)
        self.stored_backups = CbrStoredBackups(self.backups, self._delete)
        self.operation_logs = OperationLogs(api)
        self.lists = backup_lists(self.backups)
        self._clock = api.cloud_clock
        self.protection = CbrProtection(
            self.policies, self.vaults, self.backups, self.operation_logs, self.protectables, self._clock
        )
        self._missing_backups = MissingBackups(api.cloud_clock)

    @property
    def replications(self) -> CbrReplicationOperation:
        """The copy of backups to another region, as a long-running operation."""
        return CbrReplicationOperation(self.backups)

    @property
    def restores(self) -> CbrRestoreOperation:
        """The restore of a backup, as a long-running operation."""
        lists = lists_of_restores(
            "CBR",
            lambda: self.backups.pages(status=RESTORING_STATUSES),
            RESTORING_STATUSES,
            phase_of,
            page_size=LARGEST_PAGE,
            reads=2,
        )
        return CbrRestoreOperation(self.backups, self.operation_logs, self._clock, lists)

    @property
    def vault_deletion(self) -> VaultDeletion:
        """The deletion of a vault, or of resources in it, as a long-running operation."""
        return VaultDeletion(self.vaults, self.backups, self.operation_logs)

    def reference_to(self, checkpoint: Checkpoint, resource_ids: Sequence[str] = ()) -> OperationReference:
        """Return where to look for a checkpoint later, with the ids of all resources that it is to back up.

        :param checkpoint: as its creation showed it.
        :param resource_ids: what was asked for; nothing for all that the checkpoint names.
        """
        named = resources_of(checkpoint)
        return OperationReference(
            self.name, checkpoint.id, "checkpoint", expected_ids=spelled_as_listed(resource_ids, named) or named
        )

    async def observe(self, reference: OperationReference) -> OperationState:
        """Read a checkpoint with all its backups, or a single backup, once.

        A checkpoint is good only when every backup in it is. Each resource that was asked for (that the checkpoint
        names, when the reference does not) has a backup or is reported as skipped; others are waited for, at most
        ``longest_listing_delay`` of :class:`~airflow_provider_backup.cloud.limits.Limits` from the end of the
        checkpoint on.
        The id of a checkpoint is understood as a backup's, too; then the reference names the checkpoint.

        :param reference: of the kind ``checkpoint`` or ``backup``.
        :raises NotFoundError: there is none with this id.
        :raises UnreadablePathError: the project cannot be read.
        :raises InvalidRequestError: the reference is of another kind.
        """
        check_kind(reference, "checkpoint", "backup")
        if reference.kind == "checkpoint":
            return await self._sure(self._observe_checkpoint(reference))
        try:
            return await self.observe_single(reference)
        except NotFoundError as absence:
            return await otherwise(self._observe_checkpoint(replace(reference, kind="checkpoint")), absence)

    async def observe_single(self, reference: OperationReference) -> OperationState:
        """Read a single backup once, by no other id than its own.

        :param reference: of the kind ``backup``.
        :raises NotFoundError: there is none with this id.
        :raises UnreadablePathError: the project cannot be read.
        """
        return await self._sure(self._observe_backup(reference))

    async def delete_backup(self, reference: OperationReference) -> None:
        """Start to delete a backup, or every backup of a checkpoint; what is being deleted already counts as done.

        :param reference: of the kind ``checkpoint`` or ``backup``; there is nothing to do for a checkpoint that failed
            without any backup.
        :raises NotFoundError: there is no such backup, or no backup of this checkpoint (any more).
        :raises ResourceBusyError: a backup is still running; its checkpoint may not show it yet.
        :raises InvalidRequestError: the reference is of another kind.
        """
        check_kind(reference, "checkpoint", "backup")
        if reference.kind == "backup":
            await self._delete(reference.backup_id)
            return
        backups = await self._backups_of(reference)
        if not backups:
            await self._refuse_to_delete_nothing(reference)
        for backup in backups:
            if phase_of(backup.status) not in (Phase.DELETING, Phase.DELETED):
                try:
                    await self._delete(backup.id)
                except NotFoundError:
                    log.info("CBR backup %s of %s was deleted since it was listed.", one_line(backup.id), reference)

    async def find_checkpoint(
        self,
        *,
        vault_id: str,
        name: str,
        since: datetime | None = None,
        resource_ids: Collection[str] = (),
        phases: Collection[Phase] = LIVE,
    ) -> OperationReference | None:
        """Find the newest checkpoint whose backups carry a name and that is in one of these phases.

        With several resources the service adds ``-0001``, ``-0002`` ... to the name (OTC user manual, "Creating a Cloud
        Server Backup"). Backups may appear in the list a moment after the checkpoint was accepted.

        :param vault_id: the vault.
        :param name: the name that the checkpoint was made with.
        :param since: only checkpoints begun then or later, by the service's clock, with a time zone; ``None`` for all.
        :param resource_ids: only checkpoints that were to back up all of these; empty for any.
        :param phases: in progress or good, unless said otherwise.
        :return: the checkpoint; ``None`` when there is none.
        """
        wanted = re.compile(rf"{re.escape(name)}(-\d{{4}})?")
        found: dict[str, datetime] = {}
        # Whether the filter takes a part of a name for the whole is not documented.
        for searched in (name, f"{name}-0001"):
            async for backup in self.backups.list(vault_id=vault_id, name=searched, start_time=since):
                if backup.checkpoint_id and wanted.fullmatch(backup.name or ""):
                    found[backup.checkpoint_id] = backup.created_at or EARLIEST
        return await self._newest(found, phases, resource_ids)

    async def find_running(self, *, vault_id: str, resource_ids: Collection[str]) -> OperationReference | None:
        """Return the newest checkpoint of a vault that is being made now and in which these resources are.

        :param vault_id: the vault.
        :param resource_ids: ids of the resources, none of which may be skipped; others may be in it beside them.
        """
        found = {
            backup.checkpoint_id: backup.created_at or EARLIEST
            async for backup in self.backups.list(vault_id=vault_id, image_type="backup", status=RUNNING_STATUSES)
            if backup.checkpoint_id and phase_of(backup.status) is Phase.IN_PROGRESS
        }
        return await self._newest(found, (Phase.IN_PROGRESS,), resource_ids, may_be_skipped=False)

    async def resources_of(self, vault_id: str) -> list[str]:
        """Return the ids of the resources that a backup of a whole vault would be for.

        :param vault_id: the vault.
        """
        return [resource.id for resource in (await self.vaults.get(vault_id)).resources]

    async def latest_backups(
        self,
        rule: FreshnessRule,
        *,
        resource_ids: Sequence[str] = (),
        vault_id: str | None = None,
        offsite: bool = False,
        copy_region: str | None = None,
    ) -> list[Freshness]:
        """Judge whether resources have good backups that are fresh enough.

        :param rule: which backups are fresh enough.
        :param resource_ids: ids of servers, disks or file systems; empty for those of the vault.
        :param vault_id: only backups in this vault; ``None`` for those in any.
        :param offsite: whether a good backup must have a good copy in another region, by its records.
        :param copy_region: the region of that copy; ``None`` for any.
        :return: each resource; empty for a vault without any.
        :raises NotFoundError: there is no such vault.
        """
        judged = resource_ids if resource_ids or vault_id is None else await self.resources_of(vault_id)
        if not judged:
            return []
        wanted_copy = WantedCopy(copy_region) if offsite or copy_region is not None else None
        latest = LatestBackups(self.backups, self.operation_logs, self._clock)
        return await latest.read(rule, judged, vault_id, wanted_copy)

    async def _newest(
        self,
        found: Mapping[str, datetime],
        phases: Collection[Phase],
        resource_ids: Collection[str],
        *,
        may_be_skipped: bool = True,
    ) -> OperationReference | None:
        for checkpoint_id in sorted(found, key=found.__getitem__, reverse=True):
            try:
                state = await self.observe(OperationReference(self.name, checkpoint_id, "checkpoint"))
            except NotFoundError:
                continue
            meant = set(state.reference.expected_ids)
            wanted = spelled_as_listed(resource_ids, meant)
            if not may_be_skipped:
                meant -= {resource["resource_id"] for resource in state.skipped}
            if state.phase in phases and meant.issuperset(wanted):
                return state.reference
        return None

    async def _observe_checkpoint(self, reference: OperationReference) -> OperationState:
        checkpoint = await self.checkpoints.get(reference.backup_id)
        backups = await self._backups_of(reference)
        state = checkpoint_to_state(reference, checkpoint, backups)
        is_good = phase_of(checkpoint.status) is Phase.SUCCEEDED
        is_incomplete = is_good and (not backups or bool(uncovered_resources(reference, checkpoint, backups)))
        if state.phase is not Phase.FAILED and not is_incomplete:
            return state
        # Backups are listed from the beginning of a checkpoint on: where none is, the time counts from there. The first
        # look would not do, as sensors look with a new client each time.
        ended_at = latest_change(backups) or checkpoint.created_at
        is_waited_for = is_incomplete and self._missing_backups.may_show_up(checkpoint.id, ended_at)
        logs = await self._logs(checkpoint.vault.id, checkpoint.created_at, is_asked_again=is_waited_for)
        return checkpoint_to_state(
            reference,
            checkpoint,
            backups,
            [entry for entry in logs if entry.checkpoint_id == checkpoint.id],
            more_may_show_up=is_waited_for,
        )

    async def _observe_backup(self, reference: OperationReference) -> OperationState:
        backup = await self.backups.get(reference.backup_id)
        if phase_of(backup.status) is not Phase.FAILED:
            return to_state(reference, backup)
        # What failed may be the backup or its deletion: the status is the same.
        for operation_type in ("backup", "delete"):
            logs = await self._logs(backup.vault_id, backup.created_at, operation_type)
            state = to_state(reference, backup, [entry for entry in logs if _is_about(entry, backup)])
            if state.reason:
                break
        return state

    async def _backups_of(self, checkpoint: OperationReference) -> Sequence[Backup]:
        return [backup async for backup in self.backups.list(checkpoint_id=checkpoint.backup_id)]

    async def _logs(
        self,
        vault_id: str | None,
        created_at: datetime | None,
        operation_type: str = "backup",
        *,
        is_asked_again: bool = False,
    ) -> Sequence[OperationLog]:
        # There is no filter by checkpoint. The log may be a moment older than what it is about.
        start = created_at - timedelta(minutes=1) if created_at is not None else None
        logs = self.operation_logs.list(vault_id=vault_id, operation_type=operation_type, start_time=start)
        try:
            return [entry async for entry in logs]
        except ApiError as error:
            # It only explains: that it cannot be read says nothing about the backup, least of all that there is none.
            if is_passing(error) or isinstance(error, AuthenticationError):
                raise
            log.log(
                logging.DEBUG if is_asked_again else logging.WARNING,
                "The operation log, which tells why backups fail or are missing, cannot be read: %s",
                error,
            )
            return []

    async def _delete(self, backup_id: str) -> None:
        try:
            await self.backups.delete(backup_id)
        except (BadRequestError, ResourceBusyError) as refusal:
            # A deletion that is under way refuses the next one, also when it is the repetition of a lost answer.
            status = (await self.backups.get(backup_id)).status
            if status in RESTORING_STATUSES:
                raise ResourceBusyError(
                    f"cbr backup {backup_id} is {status}: {refusal.message}", next_step="Delete it when that is over."
                ) from refusal
            if phase_of(status) not in (Phase.DELETING, Phase.DELETED):
                raise

    async def _refuse_to_delete_nothing(self, reference: OperationReference) -> None:
        status = (await self.checkpoints.get(reference.backup_id)).status
        phase = phase_of(status)
        if phase is Phase.IN_PROGRESS:
            raise ResourceBusyError(
                f"The {reference} is {status} and shows no backup yet, so there is nothing to delete.",
                next_step="Wait until it is finished, then delete again.",
            )
        if phase is not Phase.FAILED:
            raise NotListedError(
                self.name,
                f"backup of checkpoint {reference.backup_id}, which is {status},",
                "the project's list of backups",
                next_step="Its backups may have been deleted; check the id, the project and the region.",
            )

    async def _sure(self, look: Awaitable[OperationState]) -> OperationState:
        """Tell an id that the service cannot read, and so does not know, from a project that it cannot read."""
        try:
            return await look
        except UnreadablePathError as error:
            # It would refuse the project's list just as well.
            async for _ in self.vaults.list(limit=1):
                break
            raise ApiNotFoundError(
                service=error.service,
                status=error.status,
                code=error.code,
                detail=error.detail,
                request_id=error.request_id,
                next_step="Check the id: the service cannot read it.",
            ) from None


def _is_about(entry: OperationLog, backup: Backup) -> bool:
    for details in (entry.extra_info.backup, entry.extra_info.delete):
        if details.backup_id is not None:
            return details.backup_id == backup.id
    same_resource = entry.extra_info.resource.id == backup.resource_id
    return same_resource and entry.checkpoint_id is not None and entry.checkpoint_id == backup.checkpoint_id
