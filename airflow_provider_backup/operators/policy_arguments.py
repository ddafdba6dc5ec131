"""Arguments of CBR and CSBS policies: name, schedule, retention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_backup.cloud.operations.policy_forms import LONG_TERM
from airflow_provider_backup.cloud.operations.schedules import Schedule, offset_text
from airflow_provider_backup.operators.base import BackupCloudOperator
from airflow_provider_backup.tasks.templating import has_template


def known_schedule(schedule: str | None, time_zone: str | None) -> tuple[str | None, str | None]:
    """Return schedule and zone for a check while the DAG is parsed; templated ones are replaced by valid placeholders.

    :param schedule: the argument ``schedule``.
    :param time_zone: the argument ``time_zone``.
    :raises InvalidRequestError: one is templated, and the other is invalid.
    """
    if not has_template((schedule, time_zone)):
        return schedule, time_zone
    if schedule is not None and not has_template(schedule):
        Schedule.parse(schedule)
    if time_zone is not None and not has_template(time_zone):
        offset_text(time_zone)
    return None if schedule is None else "daily at 00:00", "UTC"


class PolicyArguments(BackupCloudOperator):
    """Name, schedule and retention of a policy; arguments that are ``None`` are not sent.

    :param name: name of the policy (templated).
    :param enabled: whether the schedule runs (templated).
    :param schedule: when it runs, such as ``daily at 14:00``, ``Mon,Wed 02:30`` or ``every 3 days at 02:00``
        (templated).
    :param time_zone: zone of the schedule and of the long-term retention: ``UTC``, ``UTC+02:00`` or ``Europe/Berlin``;
        the default for a new policy is ``UTC`` (templated).
    :param max_backups: automatic backups to keep per resource; -1 for no limit (templated).
    :param retention_duration_days: days to keep a backup; -1 for no limit (templated).
    :param day_backups: number of days whose newest backup is kept in addition, 0 to 100 (templated).
    :param week_backups: number of weeks whose newest backup is kept in addition, 0 to 100 (templated).
    :param month_backups: number of months whose newest backup is kept in addition, 0 to 100 (templated).
    :param year_backups: number of years whose newest backup is kept in addition, 0 to 100 (templated).
    """

    template_fields: Sequence[str] = (
        *BackupCloudOperator.template_fields,
        "name",
        "enabled",
        "schedule",
        "time_zone",
        "max_backups",
        "retention_duration_days",
        *LONG_TERM,
    )

    def __init__(
        self,
        *,
        name: str | None = None,
        enabled: bool | None = None,
        schedule: str | None = None,
        time_zone: str | None = None,
        max_backups: int | None = None,
        retention_duration_days: int | None = None,
        day_backups: int | None = None,
        week_backups: int | None = None,
        month_backups: int | None = None,
        year_backups: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.enabled = enabled
        self.schedule = schedule
        self.time_zone = time_zone
        self.max_backups = max_backups
        self.retention_duration_days = retention_duration_days
        self.day_backups = day_backups
        self.week_backups = week_backups
        self.month_backups = month_backups
        self.year_backups = year_backups

    def numbers(self) -> dict[str, Any]:
        """Return the numbers of the service's ``operation_definition`` that are not ``None``."""
        names = ("max_backups", "retention_duration_days", *LONG_TERM)
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def retention(self, time_zone: str | None) -> dict[str, Any]:
        """Return the fields of the service's ``operation_definition`` that are not ``None``.

        :param time_zone: zone of the long-term retention; ``None`` for UTC.
        :raises InvalidRequestError: the zone is invalid.
        """
        given = self.numbers()
        offset = offset_text("UTC" if time_zone is None else time_zone)
        return given | {"timezone": offset} if any(name in given for name in LONG_TERM) else given
