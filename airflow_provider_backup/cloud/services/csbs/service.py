"""CSBS as a whole: its resources, one look at a backup, and the search for a backup whose id got lost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from airflow_provider_backup.cloud.errors import NotFoundError, NotListedError, ResourceBusyError
from airflow_provider_backup.cloud.limits import current_limits
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.freshness import Freshness, FreshnessRule, ListedBackup, read_freshness
from airflow_provider_backup.cloud.operations.listing import lists_of_restores
from airflow_provider_backup.cloud.operations.missing_backups import MissingBackups
from airflow_provider_backup.cloud.operations.other_kinds import check_kind, otherwise
from airflow_provider_backup.cloud.operations.row_checks import spelled_as_listed
from airflow_provider_backup.cloud.operations.status import LIVE, Phase, combined_phase
from airflow_provider_backup.cloud.schema.answers import parsed
from airflow_provider_backup.cloud.schema.fields import EARLIEST
from airflow_provider_backup.cloud.service_api import ServiceApi
from airflow_provider_backup.cloud.services.csbs.backup_lists import backup_lists, pages_of_statuses
from airflow_provider_backup.cloud.services.csbs.checkpoint_items import CheckpointItems, DetailedBackupRow
from airflow_provider_backup.cloud.services.csbs.checkpoints import Checkpoints
from airflow_provider_backup.cloud.services.csbs.conflicts import RUNNING_STATUSES
from airflow_provider_backup.cloud.services.csbs.manifest import phase_of
from airflow_provider_backup.cloud.services.csbs.models import CheckpointItem
from airflow_provider_backup.cloud.services.csbs.paging import PAGES
from airflow_provider_backup.cloud.services.csbs.policies import Policies
from airflow_provider_backup.cloud.services.csbs.protection import CsbsProtection
from airflow_provider_backup.cloud.services.csbs.restores import RESTORING_STATUSES, CsbsRestoreOperation
from airflow_provider_backup.cloud.services.csbs.states import latest_change, to_state
from airflow_provider_backup.cloud.services.csbs.stored_backups import CsbsStoredBackups


class CsbsService:
    """Cloud Server Backup Service, version 1.

    :param api: requests to the service.
    """

    name = "csbs"

    def __init__(self, api: ServiceApi) -> None:
        self._clock = api.cloud_clock
        self.policies = Policies(api)
        self.checkpoints = Checkpoints(api)
        self.checkpoint_items = CheckpointItems(api)
        self.stored_backups = CsbsStoredBackups(self.checkpoint_items, self.checkpoints)
        self.lists = backup_lists(self.checkpoint_items)
        self.protection = CsbsProtection(self.policies, self.checkpoint_items, _to_backup, api.cloud_clock)
        self._missing_backups = MissingBackups(api.cloud_clock)

    @property
    def restores(self) -> CsbsRestoreOperation:
        """The restore of a backup, as a long-running operation."""
        lists = lists_of_restores(
            "CSBS",
            lambda: pages_of_statuses(self.checkpoint_items, RESTORING_STATUSES),
            RESTORING_STATUSES,
            phase_of,
            page_size=PAGES.page_size,
            reads=1,
        )
        return CsbsRestoreOperation(self.checkpoint_items, self.checkpoints, self._clock, lists)

    async def observe(self, reference: OperationReference) -> OperationState:
        """Read a checkpoint (all its backups together) or a single backup, once.

        Each server that the reference names has a backup in the checkpoint or is reported as skipped; what lacks one is
        waited for, at most ``longest_listing_delay`` of :class:`~airflow_provider_backup.cloud.limits.Limits` from the
        end of the checkpoint on. The service itself does not tell what a checkpoint was to hold (CSBS section 2).
        The id of a checkpoint is understood as a backup's, too; then the reference names the checkpoint.

        :param reference: of kind ``checkpoint`` or ``backup``.
        :raises NotFoundError: it does not exist (any more).
        :raises InvalidRequestError: the reference is of another kind.
        """
        check_kind(reference, "checkpoint", "backup")
        if reference.kind == "backup":
            try:
                return await self.observe_single(reference)
            except NotFoundError as absence:
                return await otherwise(self._observe_checkpoint(replace(reference, kind="checkpoint")), absence)
        return await self._observe_checkpoint(reference)

    async def observe_single(self, reference: OperationReference) -> OperationState:
        """Read a single backup once, by no other id than its own.

        :param reference: of the kind ``backup``.
        :raises NotFoundError: there is none with this id.
        """
        return to_state(reference, [await self.checkpoint_items.get(reference.backup_id)])

    async def latest_backups(
        self, rule: FreshnessRule, *, resource_ids: Sequence[str] = (), policy_id: str | None = None
    ) -> list[Freshness]:
        """Judge whether servers have good backups that are fresh enough (CSBS section 5).

        :param rule: which backups are fresh enough.
        :param resource_ids: ids of servers; empty for those of the policy.
        :param policy_id: only backups that this policy took; ``None`` for all.
        :return: each server; empty for a policy without any.
        :raises NotFoundError: there is no such policy.
        """
        if policy_id is not None and not resource_ids:
            resource_ids = (await self.policies.get(policy_id)).server_ids
        if not resource_ids:
            return []
        only = resource_ids[0] if len(resource_ids) == 1 else None
        pages = self.checkpoint_items.pages(
            row=DetailedBackupRow, policy_id=policy_id, resource_id=only, sort="created_at:desc"
        )
        return await read_freshness(pages, _to_backup, resource_ids, rule, self._clock.now)

    async def _observe_checkpoint(self, reference: OperationReference) -> OperationState:
        items = [item async for item in self.checkpoint_items.list(checkpoint_id=reference.backup_id)]
        if not items:
            raise NotListedError(
                self.name,
                f"backup of checkpoint {reference.backup_id}",
                "the project's list of backups",
                next_step="Check the id, the project and the region; the backups may have been deleted.",
            )
        state = to_state(reference, items)
        is_incomplete = state.phase is Phase.SUCCEEDED and bool(state.skipped)
        if is_incomplete and self._missing_backups.may_show_up(reference.backup_id, latest_change(items)):
            return to_state(reference, items, more_may_show_up=True)
        return state

    async def delete_backup(self, reference: OperationReference) -> None:
        """Start the deletion of a checkpoint with all its backups, or of a single backup.

        What is going already counts as done.

        :param reference: of kind ``checkpoint`` or ``backup``.
        :raises NotFoundError: it does not exist (any more).
        :raises ResourceBusyError: a backup is being made or restored.
        :raises InvalidRequestError: the reference is of another kind.
        """
        check_kind(reference, "checkpoint", "backup")
        if reference.kind == "backup":
            item = await self.checkpoint_items.get(reference.backup_id)
            checkpoint_id, item_ids = item.checkpoint_id or item.id, [item.id]
        else:
            checkpoint_id, item_ids = reference.backup_id, None
        try:
            await self.checkpoints.delete(checkpoint_id, item_ids)
        except ResourceBusyError:
            # A deletion that is under way refuses the next one, also when it is the repetition of a lost answer.
            if (await self.observe(reference)).phase is not Phase.DELETING:
                raise

    async def find_checkpoint(
        self,
        *,
        policy_id: str,
        started_after: datetime,
        server_ids: Sequence[str] | None = None,
        policy_server_ids: Sequence[str] = (),
        auto_trigger: bool = False,
        phases: Collection[Phase] = LIVE,
    ) -> OperationReference | None:
        """Find the newest checkpoint that an earlier, unanswered execution of a policy may have started.

        Executing a policy carries no name, and a backup does not tell its policy (only the filter knows it): the
        checkpoint is recognised by policy, time, servers, trigger and state. Failed and vanishing ones are ignored. Of
        several, those that hold all the servers come first.

        :param policy_id: id of the policy that was executed.
        :param started_after: by this machine's clock, with a time zone; the clocks' difference is taken care of.
        :param server_ids: the servers that were asked for: the checkpoint must hold these and no others;
            ``None`` for all of the policy's.
        :param policy_server_ids: the policy's servers, which are expected in the checkpoint when ``server_ids`` names
            none. One without any of them is another policy's, as a server belongs to one policy only (CSBS section 3).
        :param auto_trigger: whether the request said so; true also finds scheduled runs, false does not.
        :param phases: in progress or good, unless said otherwise.
        :return: a reference of kind ``checkpoint``, or ``None``.
        """
        # The service's clock is learned from its answer; which of its times start_time means is not documented.
        start_time = self._clock.there(started_after) - current_limits().unknown_clock_margin
        items = [item async for item in self.checkpoint_items.list(policy_id=policy_id, start_time=start_time)]
        earliest = self._clock.earliest(started_after)
        checkpoints: dict[str, list[CheckpointItem]] = defaultdict(list)
        for item in items:
            if item.checkpoint_id is not None and item.begun_at is not None and item.begun_at >= earliest:
                checkpoints[item.checkpoint_id].append(item)
        candidates = []
        for checkpoint_id, items in checkpoints.items():
            servers = {item.resource_id for item in items}
            expected = spelled_as_listed(policy_server_ids if server_ids is None else server_ids, servers)
            if (
                combined_phase(phase_of(item.status) for item in items) in phases
                and all(bool(item.extend_info.auto_trigger) is auto_trigger for item in items)
                and (server_ids is None or servers == set(expected))
                and (not expected or not servers.isdisjoint(expected))
            ):
                begun = max(item.begun_at for item in items if item.begun_at is not None)
                candidates.append((servers.issuperset(expected), begun, checkpoint_id, expected))
        if not candidates:
            return None
        *_, checkpoint_id, expected = max(candidates)
        return OperationReference(self.name, checkpoint_id, "checkpoint", expected_ids=expected)

    async def find_backup(
        self, *, server_id: str, name: str, phases: Collection[Phase] = LIVE
    ) -> OperationReference | None:
        """Return the checkpoint of the newest backup of a server with exactly this name that is in one of these phases.

        :param server_id: id of the server.
        :param name: the whole name; the service's filter finds parts of names too.
        :param phases: in progress or good, unless said otherwise.
        :return: a reference of kind ``checkpoint``, or ``None``.
        """
        found = [
            item
            async for item in self.checkpoint_items.list(name=name, resource_id=server_id)
            if item.checkpoint_id is not None and item.name == name and phase_of(item.status) in phases
        ]
        if not found:
            return None
        expected = spelled_as_listed([server_id], [item.resource_id for item in found])
        return OperationReference(self.name, _newest_first(found)[0], "checkpoint", expected_ids=expected)

    async def find_running(self, *, server_ids: Sequence[str]) -> OperationReference | None:
        """Return the newest checkpoint that is being made now and holds all of these servers, or ``None``.

        :param server_ids: ids of the servers, 1 or more; the checkpoint may hold others beside them.
        """
        being_made = [
            item
            for status in RUNNING_STATUSES
            async for item in self.checkpoint_items.list(resource_id=server_ids[0], status=status)
            if item.checkpoint_id is not None and phase_of(item.status) is Phase.IN_PROGRESS
        ]
        for checkpoint_id in _newest_first(being_made):
            reference = OperationReference(self.name, checkpoint_id, "checkpoint", expected_ids=tuple(server_ids))
            try:
                state = await self.observe(reference)
            except NotFoundError:
                continue
            if state.phase is Phase.IN_PROGRESS and not state.skipped:
                return reference
        return None


def _newest_first(items: Sequence[CheckpointItem]) -> list[str]:
    begun = {item.checkpoint_id: item.begun_at or EARLIEST for item in items if item.checkpoint_id is not None}
    return sorted(begun, key=begun.__getitem__, reverse=True)


def _to_backup(row: Any) -> ListedBackup | None:
    item = parsed(CheckpointItem, row)
    if item.resource_id is None:
        return None
    state = to_state(OperationReference("csbs", item.id), [item])
    return ListedBackup(item.resource_id, state, item.extend_info.auto_trigger)
