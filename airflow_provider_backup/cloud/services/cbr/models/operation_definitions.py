"""How long backups of a policy are kept, and where they are copied to (CBR section 4.2)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from airflow_provider_backup.cloud.operations.policy import RetentionView
from airflow_provider_backup.cloud.schema.base import RequestModel
from airflow_provider_backup.cloud.schema.constraints import Identifier, TimeZone, matching
from airflow_provider_backup.cloud.schema.fields import WholeNumber
from airflow_provider_backup.cloud.services.cbr.models.fields import NonEmptyTexts, unlimited_or_from_one_to


def _day_of_month(day: int) -> int:
    if day != -1 and not 1 <= day <= 28:
        raise ValueError("must be 1 to 28, or -1 for the last day of the month")
    return day


LongTermBackups = Annotated[int, Field(ge=0, le=100)]
DaysOfMonth = Annotated[list[Annotated[int, AfterValidator(_day_of_month)]], Field(min_length=1)]


class WeeklyRetention(RequestModel):
    """Which backups of a week are kept longer; vendor SDK only (CBR section 4.2).

    :param days_of_week: days whose backups are kept.
    :param retention_duration_periods: weeks to keep them, 1 to 5,200; -1 turns the rule off.
    """

    days_of_week: NonEmptyTexts | None = None
    retention_duration_periods: Annotated[int, unlimited_or_from_one_to(5200)] | None = None


class MonthlyRetention(RequestModel):
    """Which backups of a month are kept longer; vendor SDK only (CBR section 4.2).

    :param retention_type: ``Weekly``: by week and day of the week; ``Monthly``: by day of the month.
    :param retention_weeks: weeks of the month; only with ``Weekly`` and ``days_of_week``.
    :param days_of_week: days of these weeks; only with ``Weekly`` and ``retention_weeks``.
    :param days_of_month: 1 to 28, or -1 for the last day; only with ``Monthly``.
    :param retention_duration_periods: months to keep them, 1 to 1,200; -1 turns the rule off.
    """

    retention_type: Literal["Weekly", "Monthly"] | None = None
    retention_weeks: NonEmptyTexts | None = None
    days_of_week: NonEmptyTexts | None = Field(default=None, validate_default=True)
    days_of_month: DaysOfMonth | None = None
    retention_duration_periods: Annotated[int, unlimited_or_from_one_to(1200)] | None = None

    @field_validator("retention_weeks", "days_of_week", "days_of_month")
    @classmethod
    def _fits_the_type(cls, value: list[Any] | None, info: ValidationInfo) -> list[Any] | None:
        needed = "Monthly" if info.field_name == "days_of_month" else "Weekly"
        if value is not None and info.data.get("retention_type") != needed:
            raise ValueError(f"is only possible with retention_type {needed}")
        return value

    @field_validator("days_of_week")
    @classmethod
    def _weeks_and_days_go_together(cls, value: list[str] | None, info: ValidationInfo) -> list[str] | None:
        if "retention_weeks" in info.data and (value is None) != (info.data["retention_weeks"] is None):
            raise ValueError("retention_weeks and days_of_week must be given together")
        return value


class YearlyRetention(MonthlyRetention):
    """Which backups of a year are kept longer; vendor SDK only (CBR section 4.2).

    :param retention_months: the months that the days of :class:`MonthlyRetention` count in; needed with them.
    :param retention_duration_periods: years to keep them, 1 to 100; -1 turns the rule off.
    """

    retention_duration_periods: Annotated[int, unlimited_or_from_one_to(100)] | None = None
    retention_months: NonEmptyTexts | None = Field(default=None, validate_default=True)

    @field_validator("retention_months")
    @classmethod
    def _months_and_days_go_together(cls, value: list[str] | None, info: ValidationInfo) -> list[str] | None:
        days = info.data.get("days_of_week") or info.data.get("days_of_month")
        if days is not None and value is None:
            raise ValueError("must be given with days_of_week and with days_of_month")
        return value


class AdvancedRetentionRules(RequestModel):
    """Retention by calendar; vendor SDK only (CBR section 4.2).

    :param weekly: on the wire ``weekly_retention_rules``, and so on.
    """

    weekly: WeeklyRetention | None = Field(default=None, alias="weekly_retention_rules")
    monthly: MonthlyRetention | None = Field(default=None, alias="monthly_retention_rules")
    yearly: YearlyRetention | None = Field(default=None, alias="yearly_retention_rules")


class OperationDefinition(RequestModel):
    """How long automatic backups are kept, and where they are replicated to (CBR section 4.2); empty: for ever.

    The sources disagree whether days and counts may be combined, so every combination is let through.

    :param retention_duration_days: days that a backup is kept, 1 to 99,999; -1 for no limit.
    :param max_backups: automatic backups kept for each resource, 0 to 99,999; -1 for no limit.
    :param day_backups: days of which the newest backup is kept as well, 0 to 100; likewise the next three.
    :param week_backups: weeks.
    :param month_backups: months.
    :param year_backups: years.
    :param timezone: offset that these four count in, such as ``UTC+02:00``; needed when one of them is above 0.
    :param full_backup_interval: incremental backups between two full ones, 0 to 100; -1 for no further full ones.
        Huawei Cloud only.
    :param destination_region: region that a replication policy copies to, 0 to 255 letters, digits, ``.``, ``_`` or
        ``-``; together with ``destination_project_id``.
    :param destination_project_id: project that a replication policy copies to; together with ``destination_region``.
    :param enable_acceleration: whether replication uses the accelerated network.
    :param cross_account_urn: vendor SDK only.
    :param advanced_retention_rules: vendor SDK only.
    """

    retention_duration_days: Annotated[int, unlimited_or_from_one_to(99999)] | None = None
    max_backups: Annotated[int, Field(ge=-1, le=99999)] | None = None
    day_backups: LongTermBackups | None = None
    week_backups: LongTermBackups | None = None
    month_backups: LongTermBackups | None = None
    year_backups: LongTermBackups | None = None
    timezone: TimeZone | None = Field(default=None, validate_default=True)
    full_backup_interval: Annotated[int, Field(ge=-1, le=100)] | None = None
    destination_region: (
        Annotated[
            str,
            matching(r"[a-zA-Z0-9._-]{0,255}", "must be 0 to 255 letters, digits, '.', '_' or '-'"),
        ]
        | None
    ) = None
    destination_project_id: Identifier | None = Field(default=None, validate_default=True)
    enable_acceleration: bool | None = None
    cross_account_urn: Identifier | None = None
    advanced_retention_rules: AdvancedRetentionRules | None = None

    @field_validator("timezone")
    @classmethod
    def _zone_goes_with_long_term_backups(cls, value: str | None, info: ValidationInfo) -> str | None:
        used = [name for name in ("day", "week", "month", "year") if info.data.get(f"{name}_backups")]
        if used and value is None:
            raise ValueError(f"must be given with {', '.join(f'{name}_backups' for name in used)}")
        return value

    @field_validator("destination_project_id")
    @classmethod
    def _region_and_project_go_together(cls, value: str | None, info: ValidationInfo) -> str | None:
        if "destination_region" in info.data and bool(value) != bool(info.data["destination_region"]):
            raise ValueError("destination_region and destination_project_id must be given together")
        return value


class OperationDefinitionView(RetentionView):
    """How long automatic backups are kept, as read."""

    full_backup_interval: WholeNumber = None
