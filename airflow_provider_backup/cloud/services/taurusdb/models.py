"""What TaurusDB adds to the wire contract of the database services (databases sections 3.3, 4 and 6)."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, AliasChoices, Field

from airflow_provider_backup.cloud.schema.constraints import Identifier
from airflow_provider_backup.cloud.schema.fields import WholeNumber
from airflow_provider_backup.cloud.services.databases.models import (
    Addresses,
    DatabaseBackup,
    DatabaseBackupCreate,
    DatabaseBackupQuery,
    DatabaseInstanceQuery,
    DatabasePolicy,
    DatabasePolicyUpdate,
    Instance,
    InstanceNode,
    Period,
    hour_window,
)

_CHINESE = "\u3400-\u4dbf\u4e00-\u9fff"


def _backup_name(name: str) -> str:
    if not re.fullmatch(rf"[A-Za-z{_CHINESE}][A-Za-z0-9_{_CHINESE}-]{{3,63}}", name) or len(name.encode()) > 64:
        raise ValueError(
            "must be 4 to 64 characters and at most 64 bytes: a letter or Chinese character (3 bytes), then letters, "
            "digits, '-', '_' and Chinese characters"
        )
    return name


class BackupCreate(DatabaseBackupCreate):
    """A manual backup to take: POST ``/backups/create`` (databases section 3.3).

    :param name: 4 to 64 characters and at most 64 bytes: a letter or Chinese character, then letters, digits, ``-``,
        ``_`` and Chinese characters (3 bytes each; not on Open Telekom Cloud). Must be unique.
    """

    name: Annotated[str, AfterValidator(_backup_name)]


class BackupQuery(DatabaseBackupQuery):
    """Which backups to list: GET ``/backups`` (databases section 4).

    :param backup_type: only ``auto`` or ``manual`` backups.
    :param name: only backups of this name.
    :param instance_name: only backups of instances of this name.
    """

    backup_type: Literal["auto", "manual"] | None = None
    name: Identifier | None = None
    instance_name: Identifier | None = None


class InstanceQuery(DatabaseInstanceQuery):
    """Which instances to list: GET ``/instances`` (databases section 11)."""


class DetailNode(InstanceNode):
    """One node of an instance as its details show it."""

    type: str = ""
    availability_zone: str = Field(default="", validation_alias=AliasChoices("az_code", "availability_zone"))
    flavor_ref: str | None = None


class InstanceDetails(Instance):
    """An instance with what its list lacks: GET ``/instances/{id}`` (databases sections 8.2 and 11)."""

    nodes: list[DetailNode] = Field(default_factory=list)  # type: ignore[assignment]
    private_ips: Addresses = Field(
        default_factory=list, validation_alias=AliasChoices("private_write_ips", "private_ips")
    )
    node_count: WholeNumber = None
    configuration_id: str | None = None
    az_mode: str | None = None
    master_az_code: str | None = None


class PolicyUpdate(DatabasePolicyUpdate):
    """The settings of automatic backups: PUT ``/instances/{id}/backups/policy/update`` (databases section 6).

    :param keep_days: days that automatic backups stay, 1 to 732.
    :param start_time: one full hour in UTC, such as ``01:00-02:00``.
    :param period: days of the week, 1 (Monday) to 7, joined by commas.
    :param retention_num_backup_level1: how many level-1 backups stay, 0 or 1.
    """

    keep_days: int = Field(ge=1, le=732)
    start_time: Annotated[str, AfterValidator(hour_window("00"))]
    period: Period
    retention_num_backup_level1: int | None = Field(default=None, ge=0, le=1)


class Backup(DatabaseBackup):
    """A backup; ``size`` is in MB, ``take_up_time`` in minutes."""

    instance_name: str | None = None
    take_up_time: WholeNumber = None
    backup_level: str | None = None
    backup_mode: str | None = None


class Policy(DatabasePolicy):
    """The settings of automatic backups as TaurusDB has them; one source misprints a name with a dash."""

    retention_num_backup_level1: WholeNumber = Field(
        default=None, validation_alias=AliasChoices("retention_num_backup_level1", "retention_num_backup_level-1")
    )
