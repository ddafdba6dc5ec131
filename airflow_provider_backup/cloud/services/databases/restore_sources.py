"""What a database instance is restored from: a good backup, or a moment inside a restore window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from airflow_provider_backup.cloud.errors import InvalidRequestError, NotFoundError, Violation
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.other_kinds import check_kind
from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.services.databases.models import DatabaseBackup, Datastore, Instance
from airflow_provider_backup.cloud.services.databases.restore_windows import Latest, moment_in_windows

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.databases.service import DatabaseService


@dataclass(frozen=True, slots=True)
class RestoreFrom:
    """What is restored, as the author names it: a backup, or an instance and a moment.

    :param backup: the backup; RDS needs its instance, too.
    :param instance_id: the instance whose state at a moment is restored.
    :param moment: the moment, with its zone, or ``latest``.
    """

    backup: OperationReference | None = None
    instance_id: str | None = None
    moment: datetime | Latest | None = None

    def __str__(self) -> str:
        return str(self.backup) if self.backup else f"{self.instance_id} at {self.moment}"


@dataclass(frozen=True, slots=True)
class RestoreSource:
    """What is restored, as the service knows it.

    :param instance_id: the instance that was backed up.
    :param backup_id: the backup; ``None`` for a moment.
    :param moment: the moment; ``None`` for a backup.
    :param datastore: engine and version of what was backed up, when known.
    :param instance: the instance that was backed up; ``None`` when it exists no more.
    :param running: the backup while it is being taken; ``None`` when it can be restored.
    """

    instance_id: str
    backup_id: str | None = None
    moment: datetime | None = None
    datastore: Datastore | None = None
    instance: Instance | None = None
    running: OperationReference | None = None

    @property
    def point(self) -> dict[str, object]:
        """What requests say of it besides the instance."""
        return {"backup_id": self.backup_id, "restore_time": self.moment}


async def resolve_source(service: DatabaseService, source: RestoreFrom) -> RestoreSource:
    """Read what is restored.

    :param service: the open client of the service.
    :param source: as the author names it.
    :raises InvalidRequestError: the backup failed or is being deleted, or the moment is in no restore window.
    :raises NotFoundError: there is no such backup or instance.
    """
    if source.backup is None:
        instance = await service.instances.get(source.instance_id or "")
        moment = await moment_in_windows(service, instance.id, source.moment or "latest")
        return RestoreSource(instance.id, moment=moment, datastore=instance.datastore, instance=instance)
    check_kind(source.backup, "backup")
    backup: DatabaseBackup = await service.backups.get(source.backup.backup_id, instance_id=source.backup.instance_id)
    instance_id = backup.instance_id or source.backup.instance_id
    violations = []
    if backup.phase not in (Phase.SUCCEEDED, Phase.IN_PROGRESS):
        violations.append(Violation("backup", f"must be a good backup; this one is {backup.status}", backup.id))
    if instance_id is None:
        violations.append(Violation("source_instance_id", "must be given: the backup does not show its instance", None))
    if violations or instance_id is None:
        raise InvalidRequestError(f"{service.title} restore", violations)
    try:
        instance = await service.instances.get(instance_id)
    except NotFoundError:
        # Manual backups outlive their instance.
        return RestoreSource(instance_id, backup.id, datastore=backup.datastore)
    return RestoreSource(
        instance_id,
        backup.id,
        datastore=backup.datastore or instance.datastore,
        instance=instance,
        running=service.reference_to(backup) if backup.phase is Phase.IN_PROGRESS else None,
    )
