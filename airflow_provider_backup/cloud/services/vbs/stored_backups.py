"""All backups of disks with VBS, as a prune needs them (VBS sections 4.5 and 4.8)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from airflow_provider_backup.cloud.errors import NotFoundError
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.pruning import DeletionOutcome, delete_each
from airflow_provider_backup.cloud.operations.retention import RESTORING, SERVER_BACKUP, SHARED, StoredBackup
from airflow_provider_backup.cloud.schema.answers import parsed
from airflow_provider_backup.cloud.services.vbs.backups import Backups, StoredRow
from airflow_provider_backup.cloud.services.vbs.models import Backup
from airflow_provider_backup.cloud.services.vbs.shares import Shares
from airflow_provider_backup.cloud.services.vbs.states import is_automatic, to_state

RESTORING_STATUS = "restoring"
"""What a backup is called while it is restored from (VBS section 4.6)."""

_OF_A_SERVER = (1, 5, "1", "5")
"""What ``ST`` says of the backup of a disk that belongs to that of a server, or to a copy of it (VBS section 4.5)."""


class VbsStoredBackups:
    """All backups of disks.

    :param backups: the backups of the project.
    :param shares: which of them are shared.
    :param delete: starts the deletion of one; one that is being deleted already counts as done.
    """

    def __init__(
        self, backups: Backups, shares: Shares, delete: Callable[[OperationReference], Awaitable[None]]
    ) -> None:
        self._backups = backups
        self._shares = shares
        self._delete = delete

    async def read(self, target_ids: Sequence[str]) -> list[StoredBackup]:
        """Read all backups of disks: from the list of one disk, or from that of the project, and the list of shares.

        Whether an image was made from a backup is not in the lists: then the service refuses its deletion.

        :param target_ids: ids of disks, one or more.
        """
        wanted = {volume_id.lower() for volume_id in target_ids}
        only = target_ids[0] if len(wanted) == 1 else None
        pages = self._backups.pages(row=StoredRow, volume_id=only, sort_key="created_at", sort_dir="desc")
        rows = [row async for page in pages for row in page.rows]
        shared = await self._shared()
        backups = [_stored_backup(row, shared) for row in rows]
        return [backup for backup in backups if backup is not None and backup.resource_id.lower() in wanted]

    async def use_of(self, backup: StoredBackup) -> tuple[str, ...]:
        """Return nothing: the lists tell all that can be asked for."""
        return ()

    async def delete(self, backups: Sequence[StoredBackup]) -> AsyncIterator[DeletionOutcome]:
        """Start the deletions, one request each; one that is refused does not stop the others.

        :param backups: in the order of deletion.
        """

        async def delete(backup: StoredBackup) -> None:
            await self._delete(backup.state.reference)

        async for outcome in delete_each(backups, delete):
            yield outcome

    async def _shared(self) -> set[str | None]:
        try:
            return {share.backup_id async for share in self._shares.list() if not share.is_deleted}
        except NotFoundError:
            # Not every edition of the service has this call: then nothing can be shared.
            return set()


def _stored_backup(row: Any, shared: set[str | None]) -> StoredBackup | None:
    backup = parsed(Backup, row)
    if backup.volume_id is None:
        return None
    in_use = [RESTORING] if backup.status == RESTORING_STATUS else []
    if backup.id in shared:
        in_use.append(SHARED)
    if backup.service_metadata.get("ST") in _OF_A_SERVER:
        in_use.append(SERVER_BACKUP)
    return StoredBackup(backup.volume_id, to_state(backup), is_automatic(backup), tuple(in_use))
