"""CSBS as a whole: its resources, one look at a backup, and the search for a backup whose id got lost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from airflow_provider_backup.cloud.backup import BackupObservation, BackupReference, SkippedResource
from airflow_provider_backup.cloud.csbs.checkpoint_items import CheckpointItemResource
from airflow_provider_backup.cloud.csbs.checkpoints import CheckpointResource
from airflow_provider_backup.cloud.csbs.models import CheckpointItem
from airflow_provider_backup.cloud.csbs.policies import PolicyResource
from airflow_provider_backup.cloud.errors import InvalidRequestError, NotFoundError, ResourceBusyError, Violation
from airflow_provider_backup.cloud.life_cycle import Phase, combined_phase, phase_of
from airflow_provider_backup.cloud.service_api import ServiceApi


class CsbsService:
    """Cloud Server Backup Service, version 1.

    :param api: requests to the service.
    """

    name = "csbs"

    def __init__(self, api: ServiceApi) -> None:
        self.policies = PolicyResource(api)
        self.checkpoints = CheckpointResource(api)
        self.checkpoint_items = CheckpointItemResource(api)

    async def observe(self, reference: BackupReference) -> BackupObservation:
        """Look once at a checkpoint (all its backups together) or at a single backup.

        :param reference: of kind ``checkpoint`` or ``backup``.
        :raises NotFoundError: it does not exist (any more).
        :raises InvalidRequestError: the reference is of another kind.
        """
        if reference.kind == "backup":
            return observation_of(reference, [await self.checkpoint_items.get(reference.backup_id)])
        _refuse_unless_checkpoint(reference)
        items = [item async for item in self.checkpoint_items.list(checkpoint_id=reference.backup_id)]
        if not items:
            raise NotFoundError(
                service=self.name,
                status=404,
                code="CSBS.3001",
                detail=f"no backup belongs to checkpoint {reference.backup_id}",
                next_step="Check the id, the project and the region; the backups may have been deleted.",
            )
        return observation_of(reference, items)

    async def delete_backup(self, reference: BackupReference) -> None:
        """Start the deletion of a checkpoint with all its backups, or of a single backup.

        What is gone already, or going, counts as done.

        :param reference: of kind ``checkpoint`` or ``backup``.
        :raises ResourceBusyError: a backup is being made or restored.
        :raises InvalidRequestError: the reference is of another kind.
        """
        try:
            await self._start_deletion(reference)
        except NotFoundError:
            return

    async def _start_deletion(self, reference: BackupReference) -> None:
        if reference.kind == "backup":
            item = await self.checkpoint_items.get(reference.backup_id)
            checkpoint_id, item_ids = item.checkpoint_id or item.id, [item.id]
        else:
            _refuse_unless_checkpoint(reference)
            checkpoint_id, item_ids = reference.backup_id, None
        try:
            await self.checkpoints.delete(checkpoint_id, item_ids)
        except ResourceBusyError:
            # A deletion that is under way refuses the next one, also when it is the repetition of a lost answer.
            if (await self.observe(reference)).phase is not Phase.GOING:
                raise

    async def find_checkpoint(
        self,
        *,
        policy_id: str | None,
        name: str | None,
        started_after: datetime,
        server_ids: Sequence[str] | None = None,
        auto_trigger: bool = False,
    ) -> BackupReference | None:
        """Find the newest checkpoint that an earlier, unanswered request may have started.

        Executing a policy carries no name, and a backup does not tell its policy (only the filter knows it): the
        checkpoint is told by policy or name, time, servers, trigger and state. Failed and vanishing ones are passed
        over.

        :param policy_id: id of the policy that was executed; none when one server was backed up by name.
        :param name: exact name of the backup; none when a policy was executed.
        :param started_after: aware time; subtract what the clocks of here and there may differ.
        :param server_ids: the servers that were asked for: the checkpoint must hold these and no others; none for any.
        :param auto_trigger: whether the request said so; true also finds scheduled runs, false does not.
        :return: a reference of kind ``checkpoint``, or none.
        :raises InvalidRequestError: neither policy nor name is given.
        """
        if policy_id is None and name is None:
            raise InvalidRequestError("CSBS search", [Violation("policy_id", "give policy_id or name", None)])
        checkpoints: dict[str, list[CheckpointItem]] = defaultdict(list)
        async for item in self.checkpoint_items.list(policy_id=policy_id, name=name, start_time=started_after):
            # The service's name filter finds parts of names too; which of its times start_time means is not documented.
            begun_in_time = item.begun_at is not None and item.begun_at >= started_after
            if item.checkpoint_id is not None and begun_in_time and name in (None, item.name):
                checkpoints[item.checkpoint_id].append(item)
        candidates = [
            (max(item.begun_at for item in items if item.begun_at is not None), checkpoint_id)
            for checkpoint_id, items in checkpoints.items()
            if combined_phase(phase_of(item.status) for item in items) in (Phase.IN_PROGRESS, Phase.GOOD)
            and all(bool(item.extend_info.auto_trigger) is auto_trigger for item in items)
            and (server_ids is None or {item.resource_id for item in items} == set(server_ids))
        ]
        return BackupReference(self.name, max(candidates)[1], "checkpoint") if candidates else None


def observation_of(reference: BackupReference, items: Sequence[CheckpointItem]) -> BackupObservation:
    """Tell how the backups of a checkpoint, taken together, stand: good only when every one is.

    :param reference: what was asked for.
    :param items: its backups, one or more.
    """
    phases = [phase_of(item.status) for item in items]
    whole = combined_phase(phases)
    deciding = [item for item, phase in zip(items, phases, strict=True) if phase is whole]
    progress = [_progress(item) for item in items]
    sizes = [item.extend_info.size for item in items if item.extend_info.size is not None]
    begun = [item.begun_at for item in items if item.begun_at is not None]
    servers = tuple(item.resource_id for item in items if item.resource_id is not None)
    left_out = sorted(set(reference.expected_ids) - set(servers))
    finished = [item.extend_info.finished_at for item in items if item.extend_info.finished_at is not None]
    names = {item.name for item in items}
    return BackupObservation(
        reference=reference,
        status=deciding[0].status or "",
        phase=whole,
        name=names.pop() if len(names) == 1 else None,
        reason=_reason(deciding) if whole is Phase.FAILED else None,
        progress=sum(progress) // len(progress),
        backup_ids=tuple(item.id for item in items),
        resource_ids=servers,
        skipped=tuple(SkippedResource(resource_id=server, reason="not in the checkpoint") for server in left_out),
        size_mb=float(sum(sizes)) if sizes else None,
        created_at=min(begun) if begun else None,
        finished_at=max(finished) if finished and len(finished) == len(items) else None,
    )


def _progress(item: CheckpointItem) -> int:
    if phase_of(item.status) is Phase.GOOD:
        return 100
    told = item.extend_info.progress if item.extend_info.progress is not None else item.progress
    return told or 0


def _reason(failed: Sequence[CheckpointItem]) -> str | None:
    reasons = [
        f"{item.extend_info.resource_name or item.resource_id}: {item.failure}" for item in failed if item.failure
    ]
    return "; ".join(reasons) or None


def _refuse_unless_checkpoint(reference: BackupReference) -> None:
    if reference.kind != "checkpoint":
        raise InvalidRequestError("CSBS reference", [Violation("kind", "must be checkpoint or backup", reference.kind)])
