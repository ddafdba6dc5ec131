"""What RDS adds to the wire contract of restores (databases sections 8.1 and 8.2)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_serializer, field_validator

from airflow_provider_backup.cloud.schema.base import RequestModel
from airflow_provider_backup.cloud.schema.constraints import Identifier, UniqueKeys
from airflow_provider_backup.cloud.services.databases.models import hour_window
from airflow_provider_backup.cloud.services.databases.restore_models import (
    DatabaseNewInstance,
    DatabaseRestorePoint,
    InstanceTag,
    KeepDays,
    NewVolume,
    Port,
)

_RESERVED_NAMES = ("rdsadmin", "master", "msdb", "tempdb", "model", "resource")


def _new_database_names(names: dict[str, str]) -> dict[str, str]:
    for old, new in names.items():
        if len(new) > 64 or new.lower() in _RESERVED_NAMES:
            raise ValueError(
                f"new names must have 1 to 64 characters and not be one of {', '.join(_RESERVED_NAMES)}; an empty one "
                f"keeps the name: {new!r}"
            )
        if new == old:
            raise ValueError(f"a new name must differ from the old one; an empty one keeps the name: {new!r}")
    return names


DatabaseNames = Annotated[dict[Identifier, str], AfterValidator(_new_database_names)]


class RestorePoint(DatabaseRestorePoint):
    """What a new instance holds (databases section 8.2).

    :param instance_id: the instance that was backed up.
    :param database_name: SQL Server only: restore these databases; the new name of each, an empty one keeps the name.
    """

    instance_id: Identifier
    database_name: DatabaseNames | None = None


class RestoreSource(RestorePoint):
    """What an existing instance is overwritten with (databases section 8.1).

    :param restore_all_database: restore all databases; SQL Server requires either this or ``database_name``, the other
        engines ignore it.
    """

    restore_all_database: bool | None = None

    @field_validator("restore_all_database")
    @classmethod
    def _all_or_some(cls, value: bool | None, info: ValidationInfo) -> bool | None:
        if value and info.data.get("database_name"):
            raise ValueError("must not be true when database_name names some databases")
        return value


class RestoreTarget(RequestModel):
    """Which instance is overwritten.

    :param instance_id: the instance; the source or another one of the same engine.
    """

    instance_id: Identifier


class Restore(RequestModel):
    """A restore that overwrites an existing instance: POST ``/instances/recovery`` (databases section 8.1).

    :param source: the backup or the moment.
    :param target: what is overwritten.
    """

    source: RestoreSource
    target: RestoreTarget


class HighAvailability(RequestModel):
    """A new instance with a standby.

    :param mode: always ``Ha``.
    :param replication_mode: the engine's word, such as ``async``.
    """

    mode: Literal["Ha"]
    replication_mode: Identifier


class NewBackupStrategy(RequestModel):
    """Automatic backups of a new instance; without it they are off.

    :param start_time: one hour in UTC, ``hh:mm-HH:mm``, minutes 00, 15, 30 or 45.
    :param keep_days: days that automatic backups stay, 0 to 732; 0 and absence switch them off.
    """

    start_time: Annotated[str, AfterValidator(hour_window("00", "15", "30", "45"))]
    keep_days: KeepDays | None = None


class UnchangeableParameters(RequestModel):
    """What cannot be changed later.

    :param lower_case_table_names: MySQL only: ``0`` or ``1``, that of the source.
    """

    lower_case_table_names: Literal["0", "1"]


class RestoredInstance(DatabaseNewInstance):
    """A new instance from a backup or a moment: POST ``/instances`` (databases section 8.2).

    Open Telekom Cloud requires ``vpc_id``, ``subnet_id`` and ``password`` too; elsewhere SQL Server and PostgreSQL
    require ``region``, ``vpc_id``, ``subnet_id`` and ``security_group_id``.

    :param volume: its storage.
    :param availability_zone: the zone, or those of master and standby joined by a comma.
    :param restore_point: the backup or the moment.
    :param region: the region.
    :param ha: for a primary and a standby; absent for a single instance.
    :param port: 1 to 65535; on the wire a text.
    :param backup_strategy: automatic backups; they are off without it.
    :param configuration_id: the parameter group; a default one without it.
    :param disk_encryption_id: the key that its disks are encrypted with.
    :param collation: SQL Server only.
    :param tags: at most 20, with keys of their own.
    :param unchangeable_param: MySQL only.
    :param data_vip: its address.
    :param dsspool_id: the pool of dedicated storage.
    :param is_auto_upgrade: PostgreSQL only: whether minor versions are upgraded.
    """

    volume: NewVolume
    availability_zone: Identifier
    restore_point: RestorePoint
    region: Identifier | None = None
    ha: HighAvailability | None = None
    port: Port | None = None
    backup_strategy: NewBackupStrategy | None = None
    configuration_id: Identifier | None = None
    disk_encryption_id: Identifier | None = None
    collation: Identifier | None = None
    tags: Annotated[list[InstanceTag], Field(max_length=20), UniqueKeys] | None = None
    unchangeable_param: UnchangeableParameters | None = None
    data_vip: Identifier | None = None
    dsspool_id: Identifier | None = None
    is_auto_upgrade: bool | None = None

    @field_serializer("port")
    def _port_as_text(self, port: int | None) -> str | None:
        return None if port is None else str(port)
