"""All manual backups of database instances, as a prune needs them (databases sections 4 and 5)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from airflow_provider_backup.cloud.errors import ApiError, AuthenticationError, NotFoundError
from airflow_provider_backup.cloud.http.retry_policy import is_passing
from airflow_provider_backup.cloud.operations.backup import OperationReference, OperationState
from airflow_provider_backup.cloud.operations.pruning import DeletionOutcome, delete_each
from airflow_provider_backup.cloud.operations.retention import StoredBackup
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.services.databases.backups import Backups, DatastoreRow
from airflow_provider_backup.cloud.services.databases.batch_deletions import LARGEST_BATCH, BatchDeletion
from airflow_provider_backup.cloud.services.databases.models import DatabaseBackup
from airflow_provider_backup.cloud.services.databases.states import to_state

MANUAL = "manual"
"""The type of the backups that can be deleted; the service deletes all others by itself."""


class DatabaseStoredBackups:
    """All manual backups of instances.

    :param service: name of the service.
    :param backups: the backups of the project.
    :param delete: starts the deletion of one; one that is being deleted already counts as done.
    :param observe: reads one.
    :param lists_all_instances: whether one list shows the backups of all instances.
    :param batch: how several are deleted at once; ``None`` where that is not possible.
    """

    def __init__(
        self,
        service: str,
        backups: Backups[Any, Any],
        delete: Callable[[OperationReference], Awaitable[None]],
        observe: Callable[[OperationReference], Awaitable[OperationState]],
        *,
        lists_all_instances: bool,
        batch: BatchDeletion | None,
    ) -> None:
        self._service = service
        self._backups = backups
        self._delete = delete
        self._observe = observe
        self._lists_all_instances = lists_all_instances
        self._batch = batch

    async def read(self, target_ids: Sequence[str]) -> list[StoredBackup]:
        """Read all manual backups of instances: RDS has one list for each instance, the others have one for all.

        :param target_ids: ids of instances, one or more.
        """
        wanted = {instance_id.lower(): instance_id for instance_id in target_ids}
        if self._lists_all_instances and len(wanted) > 1:
            lists = [await self._list(None)]
        else:
            lists = list(await asyncio.gather(*map(self._list, wanted.values())))
        return [backup for each in lists for backup in each if backup.resource_id.lower() in wanted]

    async def use_of(self, backup: StoredBackup) -> tuple[str, ...]:
        """Return nothing: these backups can be neither shared nor become images."""
        return ()

    async def delete(self, backups: Sequence[StoredBackup]) -> AsyncIterator[DeletionOutcome]:
        """Start the deletions: several with one request where the service can do that, otherwise one by one.

        One that is refused does not stop the others.

        :param backups: in the order of deletion.
        """
        together = [backup for backup in backups if self._goes_with_others(backup)]
        if self._batch is not None and len(together) > 1:
            for first in range(0, len(together), LARGEST_BATCH):
                async for outcome in self._delete_together(self._batch, together[first : first + LARGEST_BATCH]):
                    yield outcome
        else:
            together = []
        alone = [backup for backup in backups if backup not in together]
        async for outcome in delete_each(alone, self._delete_alone):
            yield outcome

    async def _list(self, instance_id: str | None) -> list[StoredBackup]:
        pages = self._backups.pages(row=DatastoreRow, instance_id=instance_id, backup_type=MANUAL)
        backups = [self._stored_backup(row) async for page in pages for row in page.rows]
        return [backup for backup in backups if backup is not None]

    def _goes_with_others(self, backup: StoredBackup) -> bool:
        return self._batch is not None and (self._batch.engines is None or backup.engine in self._batch.engines)

    async def _delete_together(
        self, batch: BatchDeletion, backups: Sequence[StoredBackup]
    ) -> AsyncIterator[DeletionOutcome]:
        try:
            refusals = await batch.delete([backup.backup_id for backup in backups])
        except ApiError as error:
            if isinstance(error, AuthenticationError) or is_passing(error):
                raise
            # Not every edition of the service has this call, and a single backup can spoil it for the others.
            async for outcome in delete_each(backups, self._delete_alone):
                yield outcome
            return
        for backup in backups:
            refusal = refusals.get(backup.backup_id)
            if refusal is not None and await self._is_going(backup):
                # The first answer to this request may have been lost.
                refusal = None
            yield DeletionOutcome(backup, refusal)

    async def _is_going(self, backup: StoredBackup) -> bool:
        try:
            return (await self._observe(backup.state.reference)).phase in (Phase.DELETING, Phase.DELETED)
        except NotFoundError:
            return True

    async def _delete_alone(self, backup: StoredBackup) -> None:
        await self._delete(backup.state.reference)

    def _stored_backup(self, row: Any) -> StoredBackup | None:
        backup: DatabaseBackup = self._backups.of_row(row)
        if not backup.instance_id:
            return None
        kind = backup.type.lower()
        reference = OperationReference(self._service, backup.id, instance_id=backup.instance_id)
        return StoredBackup(
            backup.instance_id,
            to_state(reference, backup),
            kind != MANUAL if kind else None,
            # What holds some databases only does not stand for a backup of the whole instance.
            group=",".join(sorted(backup.database_names)),
            engine=(backup.datastore.type if backup.datastore else "").lower(),
        )
