"""The part of the wire contract of restores that RDS, GaussDB and TaurusDB share (databases sections 7 and 8)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AwareDatetime,
    BeforeValidator,
    Field,
    SecretStr,
    field_serializer,
    model_validator,
)

from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseModel
from airflow_provider_backup.cloud.schema.constraints import Identifier, matching
from airflow_provider_backup.cloud.schema.fields import Timestamp
from airflow_provider_backup.cloud.services.databases.models import Instance

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS = range(10**11, 10**14)
"""Moments of the years 1973 to 5138; what is smaller is a number of seconds."""


def _moment_of(value: Any) -> Any:
    if isinstance(value, bool) or not (isinstance(value, int) or (isinstance(value, str) and value.isdecimal())):
        return value
    if int(value) not in _MILLISECONDS:
        raise ValueError("must be a time with its zone, or milliseconds since 1970")
    return _EPOCH + timedelta(milliseconds=int(value))


def milliseconds_of(moment: datetime) -> int:
    """Return a moment as the services write it: milliseconds since 1970.

    :param moment: with its zone.
    """
    return (moment - _EPOCH) // timedelta(milliseconds=1)


RestoreTime = Annotated[AwareDatetime, BeforeValidator(_moment_of)]
"""A time with its zone; milliseconds since 1970 are read too."""

_CHINESE = "\u3400-\u4dbf\u4e00-\u9fff"

Day = date
"""A day; fields that are called ``date`` hide the class."""

InstanceName = Annotated[
    str,
    matching(
        rf"[A-Za-z{_CHINESE}][A-Za-z0-9_{_CHINESE}-]{{3,63}}",
        "must be 4 to 64 characters: a letter or Chinese character, then letters, digits, '-', '_' and Chinese "
        "characters",
    ),
]
KeepDays = Annotated[int, Field(ge=0, le=732)]
Port = Annotated[int, Field(ge=1, le=65535)]


class DatabaseRestorePoint(RequestModel):
    """What is restored: a backup, or the state at a moment (databases section 8).

    :param type: ``backup`` or ``timestamp``; follows from what is given.
    :param backup_id: the backup; required for ``backup`` and refused for ``timestamp``.
    :param restore_time: the moment, with its zone; required for ``timestamp`` and refused for ``backup``.
    """

    type: Literal["backup", "timestamp"] = "backup"
    backup_id: Identifier | None = None
    restore_time: RestoreTime | None = None

    @model_validator(mode="before")
    @classmethod
    def _type_of_what_is_given(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and values.get("type") is None:
            is_moment = values.get("restore_time") is not None and values.get("backup_id") is None
            return {**values, "type": "timestamp" if is_moment else "backup"}
        return values

    @model_validator(mode="after")
    def _backup_or_moment(self) -> Self:
        if self.backup_id is not None and self.restore_time is not None:
            raise ValueError("must have either backup_id or restore_time, not both")
        if self.type == "backup" and self.backup_id is None:
            raise ValueError("must have backup_id, or restore_time for the state at a moment")
        if self.type == "timestamp" and self.restore_time is None:
            raise ValueError("must have restore_time when type is timestamp")
        return self

    @field_serializer("restore_time")
    def _in_milliseconds(self, moment: datetime | None) -> Any:
        return None if moment is None else milliseconds_of(moment)


class NewVolume(RequestModel):
    """The storage of a new instance.

    :param type: the service's word, such as ``CLOUDSSD``.
    :param size: in GB, a multiple of 10; not smaller than that of the instance that was backed up.
    """

    type: Identifier
    size: int = Field(ge=10, multiple_of=10)


class InstanceTag(RequestModel):
    """A label of an instance.

    :param key: its name.
    :param value: its value.
    """

    key: Identifier
    value: str = ""


class DatabaseNewInstance(RequestModel):
    """A new instance with the data of a backup or a moment: POST ``/instances`` (databases section 8.2).

    It must have no rule about several fields: the error of such a rule would show the password.

    :param name: 4 to 64 characters: a letter or Chinese character, then letters, digits, ``-``, ``_`` and Chinese
        characters.
    :param flavor_ref: the specification code.
    :param vpc_id: the virtual private cloud.
    :param subnet_id: the subnet.
    :param security_group_id: the security group.
    :param password: of the administrator; never shown. The services do not tell that of the source.
    :param time_zone: such as ``UTC+08:00``; for SQL Server a name of Windows.
    :param enterprise_project_id: the enterprise project.
    """

    name: InstanceName
    flavor_ref: Identifier
    vpc_id: Identifier | None = None
    subnet_id: Identifier | None = None
    security_group_id: Identifier | None = None
    password: SecretStr | None = Field(default=None, min_length=1)
    time_zone: Identifier | None = None
    enterprise_project_id: Identifier | None = None

    @field_serializer("password")
    def _as_sent(self, password: SecretStr | None) -> str | None:
        return None if password is None else password.get_secret_value()


class RestoreWindowQuery(RequestModel):
    """Which windows to read: GET ``/instances/{id}/restore-time`` (databases section 7).

    :param date: only the windows of this day (UTC).
    """

    date: Day | None = None


# Responses


class RestoreWindow(ResponseModel):
    """A span of time to any moment of which an instance can be restored."""

    start_time: Timestamp = None
    end_time: Timestamp = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        # An example of the vendor has the end before the start.
        if self.start_time and self.end_time and self.end_time < self.start_time:
            self.start_time, self.end_time = self.end_time, self.start_time
        return self


class NewInstance(Instance):
    """A new instance as it begins; ``job_id`` is that of its creation."""

    job_id: str | None = None
