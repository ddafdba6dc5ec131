"""What keeps a database instance busy: a restore to it, or a backup that is being made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_backup.cloud.errors import NotFoundError
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.schema.fields import EARLIEST
from airflow_provider_backup.cloud.services.databases.instance_states import is_restoring

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.databases.backups import Backups
    from airflow_provider_backup.cloud.services.databases.instances import Instances
    from airflow_provider_backup.cloud.services.databases.models import DatabaseBackup


class InstanceInUse(Protocol):
    """A service that shows what runs on its instances; the whole service would import what imports this."""

    name: str
    instances: Instances

    @property
    def backups(self) -> Backups[Any, Any]:
        """The calls for backups."""

    def reference_to(self, backup: DatabaseBackup) -> OperationReference:
        """Return where to look for a backup later."""


async def what_runs(service: InstanceInUse, instance_id: str) -> OperationReference | None:
    """Return the backup of an instance that is being made, of whatever type, or the restore to it.

    :param service: the open client of the service.
    :param instance_id: the instance.
    """
    listed = service.backups.list(instance_id=instance_id)
    running = [backup async for backup in listed if backup.phase is Phase.IN_PROGRESS]
    newest = max(running, key=lambda backup: backup.begin_time or EARLIEST, default=None)
    return service.reference_to(newest) if newest else await _restore_to(service, instance_id)


async def _restore_to(service: InstanceInUse, instance_id: str) -> OperationReference | None:
    try:
        instance = await service.instances.get(instance_id)
    except NotFoundError:
        return None
    if not is_restoring(instance):
        return None
    return OperationReference(
        service.name,
        "",
        instance_id=instance.id,
        expected_ids=(instance.id,),
        operation="restore",
        was_restoring=True,
    )
