"""When the backups of a vault expire (CBR section 5.8)."""

from __future__ import annotations

from datetime import date

from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseModel
from airflow_provider_backup.cloud.schema.constraints import TimeZone
from airflow_provider_backup.cloud.schema.fields import WholeNumber


class ExpirationUpdate(RequestModel):
    """Another day on which backups expire: ``PUT /vaults/{vault_id}/update-backup-expiration-time``.

    :param expect_expiration_date: the day.
    :param time_zone: the offset in which the day is meant, such as ``UTC+08:00``.
    """

    expect_expiration_date: date
    time_zone: TimeZone


class ExpirationChange(ResponseModel):
    """What the change of an expiration answers."""

    affected_backups_count: WholeNumber = None
    new_expiration_day: str | None = None
    operation_log_id: str | None = None
