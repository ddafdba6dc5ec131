"""What GaussDB (openGauss) adds to the wire contract of restores (databases sections 7 and 8)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr, field_serializer

from airflow_provider_backup.cloud.schema.base import RequestModel
from airflow_provider_backup.cloud.schema.constraints import Identifier
from airflow_provider_backup.cloud.services.databases.models import hour_window
from airflow_provider_backup.cloud.services.databases.restore_models import (
    DatabaseNewInstance,
    DatabaseRestorePoint,
    Day,
    KeepDays,
    Port,
    RestoreWindowQuery,
    milliseconds_of,
)


def _three_zones(zones: str) -> str:
    codes = zones.split(",")
    if len(codes) != 3 or not all(codes) or len(set(codes)) == 2:
        raise ValueError("must be three zones joined by commas, all equal or all different")
    return zones


class DayQuery(RestoreWindowQuery):
    """Which windows to read: GET ``/instances/{id}/restore-time`` (databases section 7).

    :param date: the day (UTC) whose windows are read.
    """

    date: Day


class RestorePoint(DatabaseRestorePoint):
    """What a new instance holds (databases section 8.2).

    :param instance_id: the instance that was backed up.
    """

    instance_id: Identifier


class RestoreSource(RestorePoint):
    """What an existing instance is overwritten with (databases section 8.1); the moment is a text on the wire."""

    @field_serializer("restore_time")
    def _in_milliseconds(self, moment: datetime | None) -> Any:
        return None if moment is None else str(milliseconds_of(moment))


class RestoreTarget(RequestModel):
    """Which instance is overwritten.

    :param instance_id: the instance; the source or another one.
    """

    instance_id: Identifier


class Restore(RequestModel):
    """A restore that overwrites an existing instance: POST ``/instances/recovery`` (databases section 8.1).

    Open Telekom Cloud does not have it.

    :param source: the backup or the moment.
    :param target: what is overwritten.
    """

    source: RestoreSource
    target: RestoreTarget


class NewVolume(RequestModel):
    """The storage of a new instance.

    :param type: the service's word, such as ``ULTRAHIGH``.
    :param size: in GB, a multiple of 40 for each shard; not smaller than that of the instance that was backed up.
    """

    type: Identifier
    size: int = Field(ge=40, multiple_of=40)


class NewBackupStrategy(RequestModel):
    """Automatic backups of a new instance; without it they stay seven days.

    :param start_time: one full hour in UTC, such as ``01:00-02:00``.
    :param keep_days: days that automatic backups stay, 0 to 732; 0 and absence mean seven.
    """

    start_time: Annotated[str, AfterValidator(hour_window("00"))]
    keep_days: KeepDays | None = None


class RestoredInstance(DatabaseNewInstance):
    """A new instance from a backup or a moment: POST ``/instances`` (databases section 8.2).

    :param volume: its storage.
    :param availability_zone: three zones joined by commas, all equal or all different.
    :param restore_point: the backup or the moment; moments are known on Open Telekom Cloud only.
    :param port: 1 to 65535; on the wire a text.
    :param backup_strategy: automatic backups.
    :param configuration_id: the parameter group; a default one without it.
    :param disk_encryption_id: the key that its disks are encrypted with.
    :param enable_parallel_restore: whether shards are restored at once; not for a primary with a standby.
    :param enable_force_switch: whether a standby takes over even when data may be lost.
    """

    volume: NewVolume
    availability_zone: Annotated[str, AfterValidator(_three_zones)]
    restore_point: RestorePoint
    vpc_id: Identifier
    subnet_id: Identifier
    security_group_id: Identifier
    password: SecretStr = Field(min_length=1)
    port: Port | None = None
    backup_strategy: NewBackupStrategy | None = None
    configuration_id: Identifier | None = None
    disk_encryption_id: Identifier | None = None
    enable_parallel_restore: bool | None = None
    enable_force_switch: bool | None = None

    @field_serializer("port")
    def _port_as_text(self, port: int | None) -> str | None:
        return None if port is None else str(port)
