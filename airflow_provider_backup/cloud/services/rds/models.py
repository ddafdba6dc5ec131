"""What RDS adds to the wire contract of the database services (databases sections 3.1, 4, 5, 6 and 11)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseModel
from airflow_provider_backup.cloud.schema.constraints import Identifier
from airflow_provider_backup.cloud.schema.fields import Flag, WholeNumber
from airflow_provider_backup.cloud.services.databases.models import (
    DatabaseBackup,
    DatabaseBackupCreate,
    DatabaseBackupQuery,
    DatabaseInstanceQuery,
    DatabasePolicy,
    DatabasePolicyUpdate,
    Period,
    hour_window,
)


class BackupDatabase(RequestModel):
    """A database to back up.

    :param name: name of a database that users made.
    """

    name: Identifier


class BackupCreate(DatabaseBackupCreate):
    """A manual backup to take: POST ``/backups`` (databases section 3.1).

    :param databases: SQL Server and newer PostgreSQL only: back up these databases instead of all.
    :param backup_database_individually: SQL Server and PostgreSQL only: whether each database gets a file of its own;
        if true, ``databases`` is required.
    """

    databases: tuple[BackupDatabase, ...] | None = None
    backup_database_individually: bool | None = None

    @property
    def database_names(self) -> Collection[str]:
        """The databases that are backed up; an empty list stands for the whole instance."""
        return [database.name for database in self.databases or ()]

    @field_validator("backup_database_individually")
    @classmethod
    def _individual_databases_are_named(cls, value: bool | None, info: ValidationInfo) -> bool | None:
        if value and "databases" in info.data and not info.data["databases"]:
            raise ValueError("databases is required when backup_database_individually is true")
        return value


class BackupQuery(DatabaseBackupQuery):
    """Which backups to list: GET ``/backups`` (databases section 4).

    :param instance_id: the instance whose backups are listed; RDS lists none without it.
    :param backup_type: only ``auto``, ``manual``, ``fragment`` (differential) or ``incremental`` backups.
    :param status: SQL Server only: only ``BUILDING``, ``COMPLETED`` or ``FAILED`` backups.
    """

    instance_id: Identifier
    backup_type: Literal["auto", "manual", "fragment", "incremental"] | None = None
    status: Literal["BUILDING", "COMPLETED", "FAILED"] | None = None


class InstanceQuery(DatabaseInstanceQuery):
    """Which instances to list: GET ``/instances`` (databases section 11).

    :param type: ``Single``, ``Ha`` (primary and standby) or ``Replica`` (read replica).
    :param datastore_type: ``MySQL``, ``PostgreSQL``, ``SQLServer`` or ``MariaDB``.
    :param group_type: ``flexus`` lists the instances of Flexus RDS.
    """

    type: Literal["Single", "Ha", "Replica"] | None = None
    datastore_type: Literal["MySQL", "PostgreSQL", "SQLServer", "MariaDB"] | None = None
    group_type: Identifier | None = None


class PolicyUpdate(DatabasePolicyUpdate):
    """The settings of automatic backups: PUT ``/instances/{id}/backups/policy`` (databases section 6).

    :param keep_days: days that automatic backups stay: 0 switches them off, 732 is the usual maximum, ten years (3653)
        the one that the provider allows on request.
    :param start_time: one hour in UTC, ``hh:mm-HH:mm``, minutes 00, 15, 30 or 45; required unless switching off.
    :param period: days of the week, 1 (Monday) to 7, joined by commas; required unless switching off.
    :param reserve_backups: whether existing automatic backups stay when switching off (they do, unless this is false).
    """

    keep_days: int = Field(ge=0, le=3653)
    start_time: Annotated[str, AfterValidator(hour_window("00", "15", "30", "45"))] | None = None
    period: Period | None = None
    reserve_backups: bool | None = None

    @model_validator(mode="after")
    def _switched_off_or_complete(self) -> Self:
        if self.keep_days > 0 and (self.start_time is None or self.period is None):
            raise ValueError("start_time and period are required unless keep_days is 0")
        if self.keep_days > 0 and self.reserve_backups is False:
            raise ValueError("reserve_backups can be false only when keep_days is 0")
        return self

    def to_body(self) -> dict[str, Any]:
        """Return the whole request body; ``reserve_backups`` stands beside the policy."""
        policy = self.to_wire()
        beside = {name: policy.pop(name) for name in ("reserve_backups",) if name in policy}
        return {"backup_policy": policy, **beside}


class DatabaseName(ResponseModel):
    """A database inside a backup."""

    name: str = ""


class Backup(DatabaseBackup):
    """A backup; ``size`` is in KB, ``min_data_volume_capacity_for_restore`` in GB."""

    databases: list[DatabaseName] = Field(default_factory=list)
    associated_with_ddm: Flag = None
    min_data_volume_capacity_for_restore: WholeNumber = None

    @property
    def size_mb(self) -> float | None:
        """Size in MB, when known."""
        return self.size / 1024 if self.size is not None else None

    @property
    def database_names(self) -> Collection[str]:
        """The databases that it is limited to; empty for the whole instance."""
        return [database.name for database in self.databases]

    def holds(self, databases: Collection[str]) -> bool:
        """Return whether these databases are in the backup for certain.

        :param databases: names of databases; an empty list stands for the whole instance, which a backup that names
            databases need not be.
        """
        return not self.databases or (bool(databases) and {each.name for each in self.databases}.issuperset(databases))


class Policy(DatabasePolicy):
    """The settings of automatic backups as RDS has them."""
