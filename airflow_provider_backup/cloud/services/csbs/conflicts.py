"""What keeps servers of CSBS busy."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final, Literal

from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.schema.fields import EARLIEST

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.csbs.checkpoint_items import CheckpointItems

RUNNING_STATUSES: Final[tuple[Literal["waiting_protect", "protecting"], ...]] = ("waiting_protect", "protecting")
"""What a backup is called until it is made (CSBS section 6.1)."""


async def backup_in_progress(items: CheckpointItems, server_ids: Collection[str]) -> OperationReference | None:
    """Return the newest backup of any of the servers that is being made; ``None`` when there is none.

    :param items: the backups of the project.
    :param server_ids: the servers.
    """
    wanted = {server_id.lower() for server_id in server_ids}
    running = [
        item
        for status in RUNNING_STATUSES
        async for item in items.list(status=status)
        if item.resource_id and item.resource_id.lower() in wanted
    ]
    newest = max(running, key=lambda item: item.begun_at or EARLIEST, default=None)
    return OperationReference("csbs", newest.id) if newest else None
