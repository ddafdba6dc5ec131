"""All backups of servers with CSBS, as a prune needs them (CSBS sections 5 and 6.3)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from airflow_provider_backup.cloud.errors import ResourceBusyError
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.pruning import DeletionOutcome, delete_each
from airflow_provider_backup.cloud.operations.retention import IMAGE, REPLICATED, RESTORING, StoredBackup
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.schema.answers import parsed
from airflow_provider_backup.cloud.services.csbs.checkpoint_items import CheckpointItems, StoredRow
from airflow_provider_backup.cloud.services.csbs.checkpoints import Checkpoints
from airflow_provider_backup.cloud.services.csbs.manifest import phase_of
from airflow_provider_backup.cloud.services.csbs.models import CheckpointItem
from airflow_provider_backup.cloud.services.csbs.restores import RESTORING_STATUSES
from airflow_provider_backup.cloud.services.csbs.states import to_state

_NO_COPY = (None, "", "na", "fail")
"""What ``copy_status`` says of a backup that was not copied (CSBS section 5)."""


class CsbsStoredBackups:
    """All backups of servers.

    :param items: the backups of the project.
    :param checkpoints: deletes them.
    """

    def __init__(self, items: CheckpointItems, checkpoints: Checkpoints) -> None:
        self._items = items
        self._checkpoints = checkpoints

    async def read(self, target_ids: Sequence[str]) -> list[StoredBackup]:
        """Read all backups of servers: from the list of one server, or from that of the project.

        :param target_ids: ids of servers, one or more.
        """
        wanted = {server_id.lower() for server_id in target_ids}
        only = target_ids[0] if len(wanted) == 1 else None
        pages = self._items.pages(row=StoredRow, resource_id=only, sort="created_at:desc")
        rows = [row async for page in pages for row in page.rows]
        backups = [_stored_backup(row) for row in rows]
        return [backup for backup in backups if backup is not None and backup.resource_id.lower() in wanted]

    async def use_of(self, backup: StoredBackup) -> tuple[str, ...]:
        """Return nothing: the list tells all, and these backups cannot be shared."""
        return ()

    async def delete(self, backups: Sequence[StoredBackup]) -> AsyncIterator[DeletionOutcome]:
        """Start the deletions, one request each; one that is refused does not stop the others.

        How several backups of a checkpoint would be named in one request is not documented.

        :param backups: in the order of deletion.
        """
        async for outcome in delete_each(backups, self._delete):
            yield outcome

    async def _delete(self, backup: StoredBackup) -> None:
        try:
            await self._checkpoints.delete(backup.checkpoint_id or backup.backup_id, [backup.backup_id])
        except ResourceBusyError:
            # A deletion that is under way refuses the next one, also when it is the repetition of a lost answer.
            item = await self._items.get(backup.backup_id)
            if phase_of(item.status) not in (Phase.DELETING, Phase.DELETED):
                raise


def _stored_backup(row: Any) -> StoredBackup | None:
    item = parsed(CheckpointItem, row)
    if item.resource_id is None:
        return None
    in_use = []
    if item.status in RESTORING_STATUSES:
        in_use.append(RESTORING)
    if item.replication_records or item.extend_info.copy_status not in _NO_COPY:
        in_use.append(REPLICATED)
    if item.extend_info.os_images_data:
        in_use.append(IMAGE)
    return StoredBackup(
        item.resource_id,
        to_state(OperationReference("csbs", item.id), [item]),
        item.extend_info.auto_trigger,
        tuple(in_use),
        checkpoint_id=item.checkpoint_id,
    )
