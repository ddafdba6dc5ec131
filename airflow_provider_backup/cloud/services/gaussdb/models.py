"""What GaussDB (openGauss) adds to the wire contract of the database services (databases sections 3.2, 4 and 6)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field

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


class BackupCreate(DatabaseBackupCreate):
    """A manual backup to take: POST ``/backups`` (databases section 3.2)."""


class BackupQuery(DatabaseBackupQuery):
    """Which backups to list: GET ``/backups`` (databases section 4).

    :param backup_type: only ``auto`` or ``manual`` backups.
    """

    backup_type: Literal["auto", "manual"] | None = None


class InstanceQuery(DatabaseInstanceQuery):
    """Which instances to list: GET ``/instances`` (databases section 11)."""


def _multiple_of_four(size: int) -> int:
    if size % 4:
        raise ValueError("must be a multiple of 4")
    return size


class PolicyUpdate(DatabasePolicyUpdate):
    """The settings of automatic backups: PUT ``/instances/{id}/backups/policy`` (databases section 6).

    :param keep_days: days that automatic backups stay, 1 to 732.
    :param start_time: one full hour in UTC, such as ``01:00-02:00``.
    :param period: days of the week, 1 (Monday) to 7, joined by commas.
    :param differential_period: minutes between differential backups: 15, 30, 60, 180, 360, 720 or 1440.
    :param rate_limit: MB per second, 0 (no limit) to 1024.
    :param prefetch_block: pages to prefetch, 1 to 8192.
    :param file_split_size: GB at which files are split, 0 (never) to 1024, a multiple of 4.
    :param enable_standby_backup: whether backups are taken from a standby node.
    """

    keep_days: int = Field(ge=1, le=732)
    start_time: Annotated[str, AfterValidator(hour_window("00"))]
    period: Period
    # A text in requests, a number in answers: the number is accepted here too.
    differential_period: Annotated[
        Literal["15", "30", "60", "180", "360", "720", "1440"],
        BeforeValidator(lambda value: str(value) if isinstance(value, int) else value),
    ]
    rate_limit: int | None = Field(default=None, ge=0, le=1024)
    prefetch_block: int | None = Field(default=None, ge=1, le=8192)
    file_split_size: Annotated[int, Field(ge=0, le=1024), AfterValidator(_multiple_of_four)] | None = None
    enable_standby_backup: bool | None = None


class Backup(DatabaseBackup):
    """A backup; ``size`` is in MB."""


class Policy(DatabasePolicy):
    """The settings of automatic backups as GaussDB has them; older answers use a misspelt and a joined name."""

    differential_period: WholeNumber = Field(
        default=None, validation_alias=AliasChoices("differential_period", "differential_priod")
    )
    rate_limit: WholeNumber = None
    prefetch_block: WholeNumber = None
    file_split_size: WholeNumber = Field(
        default=None, validation_alias=AliasChoices("file_split_size", "filesplit_size")
    )
    enable_standby_backup: Flag = None
