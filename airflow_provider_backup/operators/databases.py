"""Manual backups of database instances: what RDS, GaussDB and TaurusDB share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.services.databases.models import DatabaseBackupCreate
from airflow_provider_backup.cloud.services.databases.operations import DatabaseBackupOperation
from airflow_provider_backup.operators.create_backup import CreateBackupOperator
from airflow_provider_backup.operators.delete_backup import DeleteBackupOperator
from airflow_provider_backup.operators.latest_backup import GetLatestBackupOperator
from airflow_provider_backup.operators.prune_backups import PruneBackupsOperator
from airflow_provider_backup.tasks.freshness_targets import DatabaseFreshness

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud
    from airflow_provider_backup.cloud.services.databases.service import DatabaseService


class DatabaseCreateBackupOperator(CreateBackupOperator):
    """Take a manual backup of a database instance.

    The task succeeds when the backup is COMPLETED. The arguments of waiting are those of
    :class:`~airflow_provider_backup.operators.create_backup.CreateBackupOperator`.

    :param instance_id: id of the instance, not of a read replica (templated).
    :param name: name of the backup, unique in the project: 4 to 64 characters, a letter first, then letters, digits,
        ``-`` and ``_`` (templated). ``None``: generated from DAG, task and a key of the task instance.
    :param description: at most 256 characters without ``> ! < " & ' =`` (templated).
    """

    operation = DatabaseBackupOperation
    template_fields: Sequence[str] = (*CreateBackupOperator.template_fields, "instance_id", "name", "description")
    title: ClassVar[str]
    model: ClassVar[type[DatabaseBackupCreate]]

    def __init__(
        self, *, instance_id: str, name: str | None = None, description: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.instance_id = instance_id
        self.name = name
        self.description = description

    @abstractmethod
    def service_of(self, cloud: BackupCloud) -> DatabaseService:
        """Return the service that has the instance."""

    def arguments(self) -> dict[str, Any]:
        """Return the request's fields other than the name."""
        return {"instance_id": self.instance_id, "description": self.description}

    def request(self, name: str) -> DatabaseBackupCreate:
        """Build the request.

        :raises InvalidRequestError: a documented rule is broken.
        """
        return validated(self.model, f"{self.title} backup", {"name": name, **self.arguments()})

    def operation_of(self, cloud: BackupCloud) -> DatabaseBackupOperation:
        """Return the backup of an instance."""
        return DatabaseBackupOperation(self.service_of(cloud))


class DatabaseDeleteBackupOperator(DeleteBackupOperator):
    """Delete a manual backup of a database instance.

    The other arguments are those of :class:`~airflow_provider_backup.operators.delete_backup.DeleteBackupOperator`.

    :param instance_id: id of the instance; RDS requires it with ``backup_id`` (templated).
    """

    template_fields: Sequence[str] = (*DeleteBackupOperator.template_fields, "instance_id")

    def __init__(self, *, instance_id: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.instance_id = instance_id


class DatabaseGetLatestBackupOperator(DatabaseFreshness, GetLatestBackupOperator):
    """Return the newest good backup of a database instance, or of each of several (databases section 4).

    The arguments are those of :class:`~airflow_provider_backup.tasks.freshness_targets.DatabaseFreshness` and
    :class:`~airflow_provider_backup.operators.latest_backup.GetLatestBackupOperator`.
    """

    template_fields: Sequence[str] = (*GetLatestBackupOperator.template_fields, *DatabaseFreshness.target_fields)


class DatabasePruneBackupsOperator(PruneBackupsOperator):
    """Delete the manual backups of instances that no rule keeps (databases section 5).

    Automatic backups are not even read; the service deletes them after the days of its policy. Manual ones stay until
    a user deletes them, also when their instance is gone. A backup of some databases only (RDS) is counted with those
    of the same databases, not with those of the whole instance. The other arguments are those of
    :class:`~airflow_provider_backup.operators.prune_backups.PruneBackupsOperator`.

    :param instance_ids: ids of one instance or more (templated).
    """

    template_fields: Sequence[str] = (*PruneBackupsOperator.template_fields, "instance_ids")
    targets_argument = "instance_ids"

    def __init__(self, *, instance_ids: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.instance_ids = instance_ids
