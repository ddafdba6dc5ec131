"""Backups of RDS instances (MySQL, PostgreSQL, SQL Server, MariaDB; Flexus RDS included)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, get_args

from airflow_provider_backup.cloud.schema.fields import EARLIEST
from airflow_provider_backup.cloud.services.databases.restore_windows import restore_moment
from airflow_provider_backup.cloud.services.rds.models import BackupCreate
from airflow_provider_backup.cloud.services.rds.restore_requests import RdsRestoreRequests
from airflow_provider_backup.cloud.services.rds.table_restore_operation import (
    TableRestoreOperation,
    TableRestoreRequest,
    wire_of,
)
from airflow_provider_backup.operators.base import check_choice, check_ids, listed
from airflow_provider_backup.operators.databases import (
    DatabaseCreateBackupOperator,
    DatabaseDeleteBackupOperator,
    DatabaseGetLatestBackupOperator,
    DatabasePruneBackupsOperator,
)
from airflow_provider_backup.operators.delete_instance import DatabaseDeleteInstanceOperator
from airflow_provider_backup.operators.operation import OperationOperator
from airflow_provider_backup.operators.restore_instance import DatabaseRestoreInstanceOperator
from airflow_provider_backup.operators.restore_outcome import EndsWithRestore
from airflow_provider_backup.operators.restore_windows import DatabaseGetRestoreWindowsOperator
from airflow_provider_backup.tasks.submission_policy import OnUncertain
from airflow_provider_backup.tasks.templating import has_template

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.client import BackupCloud
    from airflow_provider_backup.cloud.services.rds.service import RdsService


class RdsCreateBackupOperator(DatabaseCreateBackupOperator):
    """Take a manual backup of an RDS instance: ``POST /v3/{project_id}/backups`` (databases section 3.1).

    The other arguments are those of
    :class:`~airflow_provider_backup.operators.databases.DatabaseCreateBackupOperator`.

    :param databases: SQL Server and newer PostgreSQL only: names of the databases to back up instead of all
        (templated).
    :param backup_database_individually: whether each database gets its own file; requires ``databases`` (templated).
    """

    template_fields: Sequence[str] = (
        *DatabaseCreateBackupOperator.template_fields,
        "databases",
        "backup_database_individually",
    )
    title = "RDS"
    model = BackupCreate

    def __init__(
        self,
        *,
        databases: Sequence[str] | None = None,
        backup_database_individually: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.databases = databases
        self.backup_database_individually = backup_database_individually

    def service_of(self, cloud: BackupCloud) -> RdsService:
        """Return RDS."""
        return cloud.rds

    def arguments(self) -> dict[str, Any]:
        """Return the request's fields other than the name."""
        names = listed(self.databases)
        return {
            **super().arguments(),
            "databases": [{"name": name} for name in names] if isinstance(names, list) else names,
            "backup_database_individually": self.backup_database_individually,
        }


class RdsDeleteBackupOperator(DatabaseDeleteBackupOperator):
    """Delete a manual backup of an RDS instance (databases section 5).

    The arguments are those of :class:`~airflow_provider_backup.operators.databases.DatabaseDeleteBackupOperator`.
    """

    service_name = "rds"
    needs_instance = True


class RdsGetLatestBackupOperator(DatabaseGetLatestBackupOperator):
    """Return the newest good backup of an RDS instance, or of each of several (databases section 4).

    RDS lists the backups of one instance only: several instances take one request each, or more.

    The arguments are those of :class:`~airflow_provider_backup.operators.databases.DatabaseGetLatestBackupOperator`.
    """

    service_name = "rds"


class RdsGetRestoreWindowsOperator(DatabaseGetRestoreWindowsOperator):
    """Return to which moments an RDS instance can be restored (databases section 7).

    The arguments are those of
    :class:`~airflow_provider_backup.operators.restore_windows.DatabaseGetRestoreWindowsOperator`.
    """

    title = "RDS"
    service_name = "rds"


class RdsRestoreInstanceOperator(DatabaseRestoreInstanceOperator):
    """Restore an RDS instance: ``POST /v3.1/{project_id}/instances/recovery`` in place, or ``POST
    /v3/{project_id}/instances`` for a new one (databases section 8).

    The other arguments are those of
    :class:`~airflow_provider_backup.operators.restore_instance.DatabaseRestoreInstanceOperator`. PostgreSQL to the
    instance that was backed up: the sources disagree whether RDS offers it, so that a warning is logged.

    :param databases: SQL Server only: the databases to restore instead of all: a list of names, or a mapping of names
        to new names (templated).
    :param restore_all_databases: SQL Server in place: whether all databases are restored; it requires this or
        ``databases``.
    :param volume: storage of a new instance, ``{"type": ..., "size": ...}``, the size in GB and not smaller than that
        of the instance that was backed up (templated).
    :param ha: a new instance with a standby: ``{"mode": "Ha", "replication_mode": ...}``; ``False`` for one without
        (templated).
    :param port: of a new instance, 1 to 65535 (templated).
    :param collation: of a new instance of SQL Server (templated).
    :param disk_encryption_id: id of the key that encrypts the disks of a new instance (templated).
    :param tags: labels of a new instance, at most 20 (templated).
    """

    service_name = "rds"
    needs_instance = True
    backup_model = BackupCreate
    requests = RdsRestoreRequests()
    new_fields = (
        *DatabaseRestoreInstanceOperator.new_fields,
        *("volume", "ha", "port", "collation", "disk_encryption_id", "tags"),
    )
    template_fields: Sequence[str] = (
        *DatabaseRestoreInstanceOperator.template_fields,
        *("volume", "ha", "port", "collation", "disk_encryption_id", "tags"),
        "databases",
    )

    def __init__(
        self,
        *,
        databases: Sequence[str] | Mapping[str, str] | None = None,
        restore_all_databases: bool = False,
        volume: Mapping[str, Any] | None = None,
        ha: Mapping[str, str] | Literal[False] | None = None,
        port: int | None = None,
        collation: str | None = None,
        disk_encryption_id: str | None = None,
        tags: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.databases = databases
        self.restore_all_databases = restore_all_databases
        self.volume = volume
        self.ha = ha
        self.port = port
        self.collation = collation
        self.disk_encryption_id = disk_encryption_id
        self.tags = tags

    def service_of(self, cloud: BackupCloud) -> RdsService:
        """Return RDS."""
        return cloud.rds

    def options(self) -> dict[str, Any]:
        """Return which databases are restored, by the names of the request."""
        names = listed(self.databases)
        renamed = dict.fromkeys(names, "") if isinstance(names, list) else names
        options = {"database_name": renamed} if renamed is not None else {}
        return options if self.is_new or not self.restore_all_databases else {**options, "restore_all_database": True}


class RdsDeleteInstanceOperator(DatabaseDeleteInstanceOperator):
    """Delete an RDS instance with its data (databases section 11.1). A last backup goes to the recycle bin first.

    The arguments are those of
    :class:`~airflow_provider_backup.operators.delete_instance.DatabaseDeleteInstanceOperator`.
    """

    service_name = "rds"


class RdsPruneBackupsOperator(DatabasePruneBackupsOperator):
    """Delete the manual backups of RDS instances that no rule keeps (databases section 5).

    RDS lists the backups of one instance only: each instance takes a request, or more. Backups of SQL Server are
    deleted 50 with one request, others one by one. The arguments are those of
    :class:`~airflow_provider_backup.operators.databases.DatabasePruneBackupsOperator`.
    """

    service_name = "rds"


class RdsRestoreTablesOperator(EndsWithRestore, OperationOperator):
    """Restore tables or databases of an RDS instance to new names in it, as they were at a moment (databases section
    8.5).

    MySQL and PostgreSQL only; Open Telekom Cloud has none of it. Nothing is overwritten: each table or database needs a
    new name. Instance and restore windows are read before anything is sent. The restore has succeeded when its job is
    completed and the instance is ready. The result is a
    :class:`~airflow_provider_backup.cloud.services.databases.restore_states.RestoreResult`.

    The submission is recorded before it is sent (Airflow 3.3 and later), and a retry adopts the recorded restore. If
    the task ends early, the restore continues in the cloud. The arguments of waiting are those of
    :class:`~airflow_provider_backup.operators.restore_instance.DatabaseRestoreInstanceOperator`.

    :param instance_id: id of the instance (templated).
    :param restore_time: the moment whose state is restored: a ``datetime`` with time zone, such a text in ISO 8601, or
        ``latest``, the end of the last restore window (templated).
    :param tables: new names of tables: ``{database: {table: new name}}`` for MySQL, ``{database: {schema: {table: new
        name}}}`` for PostgreSQL (templated). Mutually exclusive with ``databases``.
    :param databases: new names of whole databases: ``{database: new name}`` (templated).
    :param is_fast: whether only what is needed is read, which fails where XA transactions are used; not for tables of
        PostgreSQL (templated).
    :param on_uncertain: what to do if an earlier try may have submitted the restore and nothing proves what became of
        it:

        * ``fail``: fail the task with the next step, and send nothing.
        * ``repeat``: submit it again.
    """

    template_fields: Sequence[str] = (
        *OperationOperator.template_fields,
        "instance_id",
        "restore_time",
        "tables",
        "databases",
        "is_fast",
    )
    operation = TableRestoreOperation

    def __init__(
        self,
        *,
        instance_id: str,
        restore_time: datetime | str,
        tables: Mapping[str, Any] | None = None,
        databases: Mapping[str, str] | None = None,
        is_fast: bool | None = None,
        on_uncertain: OnUncertain = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_choice(self.task_id, "on_uncertain", on_uncertain, get_args(OnUncertain))
        self.instance_id = instance_id
        self.restore_time = restore_time
        self.tables = tables
        self.databases = databases
        self.is_fast = is_fast
        self.on_uncertain = on_uncertain

    def check_arguments(self) -> None:
        """Reject wrong literals once the operator is built.

        :raises InvalidRequestError: a documented rule is broken, whatever the templates become.
        """
        super().check_arguments()
        check_ids(self.task_id, instance_id=self.instance_id)
        self.check_while_parsing(lambda: self.request(""))
        self.check_while_parsing(self._check_names)

    def own_name(self) -> str | None:
        """Return ``None``: a restore carries no name."""
        return None

    def request(self, name: str) -> TableRestoreRequest:
        """Build the request.

        :raises InvalidRequestError: a documented rule is broken.
        """
        check_ids(self.task_id, instance_id=self.instance_id)
        if has_template((self.tables, self.databases)):
            return TableRestoreRequest(self.instance_id, restore_moment(self.restore_time))
        self._check_names()
        return TableRestoreRequest(
            self.instance_id, restore_moment(self.restore_time), self.tables, self.databases, self.is_fast
        )

    def operation_of(self, cloud: BackupCloud) -> TableRestoreOperation:
        """Return the restore of tables or databases."""
        return TableRestoreOperation(cloud.rds, cloud=cloud.settings.cloud)

    def next_step_after_failure(self) -> str:
        """Return what the user can do about a restore that failed."""
        return (
            "Look in the instance: some tables or databases may exist under their new names. Clearing the task submits "
            "the restore again."
        )

    def _check_names(self) -> None:
        if not has_template((self.tables, self.databases)):
            # The moment is settled later, by the windows.
            wire_of(TableRestoreRequest("-", "latest", self.tables, self.databases, self.is_fast), EARLIEST)
