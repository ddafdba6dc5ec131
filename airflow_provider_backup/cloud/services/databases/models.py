"""The part of the wire contract that RDS, GaussDB and TaurusDB share (databases sections 3 to 6, 10 and 11).

Requests are strict bases for the models of each service; responses hold what all of them send and keep the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AliasChoices,
    AwareDatetime,
    BeforeValidator,
    Field,
    field_serializer,
    model_validator,
)

from airflow_provider_backup.cloud.operations.status import Phase
from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseModel
from airflow_provider_backup.cloud.schema.constraints import (
    Identifier,
    matching,
)
from airflow_provider_backup.cloud.schema.fields import JsonObject, Number, Timestamp, WholeNumber, format_utc
from airflow_provider_backup.cloud.services.databases.manifest import phase_of

# Rules of single fields


def _search_text(text: str) -> str:
    if text == "*":
        raise ValueError("must be a text, or * and a part of one; * alone is not allowed")
    return text


def hour_window(*minutes: str) -> Callable[[str], str]:
    """Return a check of a daily window of one hour in UTC, ``hh:mm-HH:mm``.

    :param minutes: the minutes that the service allows, such as ``00`` and ``30``.
    """

    def check(window: str) -> str:
        match = re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])", window)
        if (
            match is None
            or match[2] not in minutes
            or match[4] != match[2]
            or int(match[3]) != (int(match[1]) + 1) % 24
        ):
            raise ValueError(
                f"must be one hour in UTC as hh:mm-HH:mm, such as 01:00-02:00, with minutes {' or '.join(minutes)}"
            )
        return window

    return check


BackupName = Annotated[
    str,
    matching(r"[A-Za-z][A-Za-z0-9_-]{3,63}", "must be 4 to 64 characters: a letter, then letters, digits, '-' and '_'"),
]
Description = Annotated[
    str, matching(r"""[^><!"&'=]{0,256}""", "must be at most 256 characters, without > ! < \" & ' =")
]
Period = Annotated[
    str,
    matching(r"[1-7](,[1-7])*", "must be days of the week joined by commas, 1 (Monday) to 7, such as 1,3,5"),
]
SearchText = Annotated[str, Field(min_length=1), AfterValidator(_search_text)]
Tags = Annotated[str, matching(r"[^=,]+=[^=,]*(,[^=,]+=[^=,]*)*", "must be key=value pairs joined by commas")]


# Requests


class DatabaseBackupCreate(RequestModel):
    """A manual backup to take (databases section 3).

    :param instance_id: the instance to back up; not a read replica.
    :param name: 4 to 64 characters: a letter, then letters, digits, ``-`` and ``_``. Must be unique.
    :param description: at most 256 characters, none of ``> ! < " & ' =``.
    """

    instance_id: Identifier
    name: BackupName
    description: Description | None = None

    @property
    def database_names(self) -> Collection[str]:
        """The databases that are backed up; none at all stands for the whole instance."""
        return ()


class PageQuery(RequestModel):
    """Which page of a list (databases sections 4 and 11).

    :param offset: how many rows to skip, 0 or more.
    :param page_size: rows of one page, 1 to 100; on the wire ``limit``.
    """

    offset: int = Field(default=0, ge=0)
    page_size: int = Field(default=100, ge=1, le=100, alias="limit")


class DatabaseBackupQuery(PageQuery):
    """Which backups to list (databases section 4).

    :param instance_id: only backups of this instance.
    :param backup_id: only this backup.
    :param begin_time: only backups since then, with its zone; only together with ``end_time``.
    :param end_time: only backups until then, with its zone; later than ``begin_time``.
    """

    instance_id: Identifier | None = None
    backup_id: Identifier | None = None
    begin_time: AwareDatetime | None = None
    end_time: AwareDatetime | None = None

    @model_validator(mode="after")
    def _times_are_a_pair(self) -> Self:
        if (self.begin_time is None) != (self.end_time is None):
            raise ValueError("begin_time and end_time must be given together")
        if self.begin_time and self.end_time and self.end_time <= self.begin_time:
            raise ValueError("end_time must be later than begin_time")
        return self

    @field_serializer("begin_time", "end_time")
    def _with_offset(self, moment: datetime | None) -> str | None:
        # "yyyy-mm-ddThh:mm:ssZ" of the pages means an offset such as +0800 in place of Z.
        return format_utc(moment, "+0000") if moment else None


class DatabaseInstanceQuery(PageQuery):
    """Which instances to list (databases section 11).

    :param id: only this instance.
    :param name: only instances of this name; ``*`` and a text means names that contain the text.
    :param type: only instances of this type, in the service's own word.
    :param datastore_type: only this engine, in the service's own word (case counts).
    :param vpc_id: only instances in this virtual private cloud.
    :param subnet_id: only instances in this subnet.
    :param tags: only instances with these tags, ``key=value`` pairs joined by commas.
    """

    id: Identifier | None = None
    name: SearchText | None = None
    type: str | None = None
    datastore_type: str | None = None
    vpc_id: Identifier | None = None
    subnet_id: Identifier | None = None
    tags: Tags | None = None


class DatabasePolicyUpdate(RequestModel):
    """The settings of automatic backups (databases section 6)."""

    def to_body(self) -> dict[str, Any]:
        """Return the whole request body."""
        return {"backup_policy": self.to_wire()}


# Responses


class Datastore(ResponseModel):
    """The engine of an instance or backup; compare ``type`` without regard to case."""

    type: str = ""
    version: str = ""


class Row(ResponseModel):
    """Something that lists show, with an id."""

    id: Identifier


class DatabaseBackup(Row):
    """A backup as lists and the answer to its creation show it (databases sections 3 and 4).

    ``job_id`` is known only from the creation, and never for RDS. ``size`` is in the service's unit: see
    :attr:`size_mb`.
    """

    name: str = ""
    instance_id: str | None = None
    description: str | None = None
    status: str = ""
    type: str = ""
    size: Number = None
    begin_time: Timestamp = None
    end_time: Timestamp = None
    datastore: Datastore | None = None
    job_id: str | None = None

    @property
    def phase(self) -> Phase:
        """Where the backup stands."""
        return phase_of(self.status)

    @property
    def size_mb(self) -> float | None:
        """Size in MB, when known."""
        return self.size

    @property
    def database_names(self) -> Collection[str]:
        """The databases that it is limited to; empty for the whole instance."""
        return ()

    def holds(self, databases: Collection[str]) -> bool:
        """Tell whether these databases are in the backup for certain.

        :param databases: names of databases; none at all stands for the whole instance.
        """
        return True


class JobInstance(ResponseModel):
    """The instance that a job works on."""

    id: str = ""
    name: str = ""


class Job(ResponseModel):
    """A task of the service (databases section 10).

    ``progress`` is 0 to 100 and only there while the job runs; GaussDB calls it ``progress``, the others ``process``.
    """

    id: Identifier
    name: str = ""
    status: str = ""
    created: Timestamp = None
    ended: Timestamp = None
    progress: WholeNumber = Field(default=None, validation_alias=AliasChoices("progress", "process"))
    instance: JobInstance | None = None
    entities: JsonObject = Field(default_factory=dict)
    fail_reason: str = ""

    @property
    def phase(self) -> Phase:
        """Where the job stands."""
        return phase_of(self.status)


class InstanceVolume(ResponseModel):
    """The storage of an instance; ``size`` is in GB."""

    type: str = ""
    size: Number = None


class InstanceBackupStrategy(ResponseModel):
    """When automatic backups of an instance run, and how many days they stay."""

    start_time: str = ""
    keep_days: WholeNumber = None


class InstanceNode(ResponseModel):
    """One node of an instance."""

    id: str = ""
    name: str = ""
    role: str = ""
    status: str = ""
    availability_zone: str = ""


def _addresses_of(value: Any) -> Any:
    # One text in some answers.
    return value.replace(",", " ").split() if isinstance(value, str) else value


Addresses = Annotated[list[str], BeforeValidator(_addresses_of)]


class InstanceReplication(ResponseModel):
    """How a standby is kept up to date; the engine's word, such as ``async``."""

    replication_mode: str = ""


class InstanceLabel(ResponseModel):
    """A label of an instance."""

    key: str = ""
    value: str = ""


class Instance(Row):
    """A database instance (databases section 11). A manual backup is possible only while its status is ``ACTIVE``."""

    name: str = ""
    status: str = ""
    type: str = ""
    datastore: Datastore | None = None
    created: Timestamp = None
    updated: Timestamp = None
    region: str = ""
    port: WholeNumber = None
    volume: InstanceVolume | None = None
    backup_strategy: InstanceBackupStrategy | None = None
    nodes: list[InstanceNode] = Field(default_factory=list)
    enterprise_project_id: str | None = None
    private_ips: Addresses = Field(default_factory=list)
    public_ips: Addresses = Field(default_factory=list)
    vpc_id: str | None = None
    subnet_id: str | None = None
    security_group_id: str | None = None
    flavor_ref: str | None = None
    ha: InstanceReplication | None = None
    time_zone: str | None = None
    collation: str | None = None
    disk_encryption_id: str | None = None
    tags: list[InstanceLabel] = Field(default_factory=list)
    unchangeable_param: JsonObject = Field(default_factory=dict)


class DatabasePolicy(ResponseModel):
    """The settings of automatic backups as the service has them (databases section 6).

    ``keep_days`` 0 means that automatic backups are off; ``start_time`` is a window in UTC; ``period`` holds days of
    the week, 1 (Monday) to 7.
    """

    keep_days: WholeNumber = None
    start_time: str = ""
    period: str = ""
