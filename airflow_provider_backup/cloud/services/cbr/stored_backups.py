"""All backups in vaults of CBR, as a prune needs them (CBR sections 7.2, 7.3 and 10)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from airflow_provider_backup.cloud.errors import NotFoundError
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.pruning import DeletionOutcome, delete_each
from airflow_provider_backup.cloud.operations.retention import IMAGE, REPLICATED, RESTORING, SHARED, StoredBackup
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.schema.answers import parsed
from airflow_provider_backup.cloud.services.cbr.backups import Backups, StoredRow
from airflow_provider_backup.cloud.services.cbr.models import Backup
from airflow_provider_backup.cloud.services.cbr.paging import LARGEST_PAGE
from airflow_provider_backup.cloud.services.cbr.restores import RESTORING_STATUSES
from airflow_provider_backup.cloud.services.cbr.states import to_state

SERVER_TYPE = "OS::Nova::Server"
"""The only type of resource whose backups can be shared (CBR section 10)."""

_NO_COPY = ("fail", "skip")
"""Statuses of a replication that made no copy (CBR section 7.5)."""


class CbrStoredBackups:
    """All backups in vaults.

    :param backups: the backups of the project.
    :param delete: starts the deletion of one by its id; one that is being deleted already counts as done.
    """

    def __init__(self, backups: Backups, delete: Callable[[str], Awaitable[None]]) -> None:
        self._backups = backups
        self._delete = delete

    async def read(self, target_ids: Sequence[str]) -> list[StoredBackup]:
        """Read all backups in vaults: from the list of one vault, or from that of the project.

        Copies of other backups are left out.

        :param target_ids: ids of vaults, one or more.
        """
        wanted = {vault_id.lower() for vault_id in target_ids}
        pages = self._backups.pages(
            row=StoredRow,
            vault_id=target_ids[0] if len(wanted) == 1 else None,
            image_type="backup",
            show_replication=True,
            sort="created_at:desc",
            limit=LARGEST_PAGE,
        )
        rows = [row async for page in pages for row in page.rows]
        backups = [_stored_backup(row) for row in rows]
        return [backup for backup in backups if backup is not None and backup.group in wanted]

    async def use_of(self, backup: StoredBackup) -> tuple[str, ...]:
        """Ask whether a backup is shared, which no list tells; only good ones of servers can be.

        :param backup: the backup.
        :return: ``shared``, or nothing.
        """
        if backup.resource_type not in ("", SERVER_TYPE) or backup.state.phase is not Phase.SUCCEEDED:
            return ()
        try:
            async for _ in self._backups.members(backup.backup_id):
                return (SHARED,)
        except NotFoundError:
            # It is gone, or this edition of the service shares nothing.
            pass
        return ()

    async def delete(self, backups: Sequence[StoredBackup]) -> AsyncIterator[DeletionOutcome]:
        """Start the deletions, one request each; one that is refused does not stop the others.

        :param backups: in the order of deletion.
        """

        async def delete(backup: StoredBackup) -> None:
            await self._delete(backup.backup_id)

        async for outcome in delete_each(backups, delete):
            yield outcome


def _stored_backup(row: Any) -> StoredBackup | None:
    backup = parsed(Backup, row)
    # The backups of single disks in that of a server go with it.
    if backup.parent_id is not None or backup.resource_id is None or backup.vault_id is None:
        return None
    in_use = []
    if backup.status in RESTORING_STATUSES:
        in_use.append(RESTORING)
    if any(record.status not in _NO_COPY for record in backup.replication_records):
        in_use.append(REPLICATED)
    if backup.extend_info.os_images_data:
        in_use.append(IMAGE)
    return StoredBackup(
        backup.resource_id,
        to_state(OperationReference("cbr", backup.id), backup),
        backup.extend_info.auto_trigger,
        tuple(in_use),
        group=backup.vault_id.lower(),
        resource_type=backup.resource_type or "",
    )
