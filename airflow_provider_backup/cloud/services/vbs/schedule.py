"""From a schedule that a human can read to the fields of a VBS policy (VBS section 3.1)."""

from __future__ import annotations

from typing import NamedTuple

from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.cloud.operations.schedules import Schedule
from airflow_provider_backup.cloud.services.vbs.models import LONGEST_INTERVAL, Weekday

_DAYS: tuple[Weekday, ...] = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")


class ScheduleFields(NamedTuple):
    """What a VBS policy says about its times.

    :param start_time: for ``ScheduledPolicy.start_time``: full hours in UTC, in the order of the local times.
    :param frequency: for ``ScheduledPolicy.frequency``: days between two runs; ``None`` with days of the week.
    :param week_frequency: for ``ScheduledPolicy.week_frequency``: local weekdays; ``None`` with a number of days.
    :param time_zone: for ``PolicyCreate.time_zone`` or ``PolicyUpdate.time_zone``; ``None`` when local time is UTC.
    """

    start_time: str
    frequency: int | None
    week_frequency: list[Weekday] | None
    time_zone: str | None


def schedule_fields(schedule: Schedule) -> ScheduleFields:
    """Write a schedule as the fields of a VBS policy.

    The days of the week stay local, as the time zone beside them says where they begin.

    :param schedule: times that are full hours in UTC; every 1 to 30 days, or on days of the week.
    :raises InvalidRequestError: a VBS policy cannot say this.
    """
    times = [entry.time for entry in schedule.in_utc()]
    local = f"{', '.join(f'{moment:%H:%M}' for moment in schedule.times)} {schedule.zone_text}"
    violations = []
    if not times:
        violations.append(Violation("schedule", "a VBS policy has 1 time or more", local))
    if any(moment.minute or moment.second or moment.microsecond for moment in times):
        in_utc = ", ".join(f"{moment:%H:%M}" for moment in times)
        violations.append(
            Violation("schedule", f"a VBS policy starts at full hours in UTC only, and this is {in_utc} in UTC", local)
        )
    if not 1 <= schedule.every_days <= LONGEST_INTERVAL:
        violations.append(
            Violation("schedule", f"a VBS policy repeats after 1 to {LONGEST_INTERVAL} days", schedule.every_days)
        )
    if violations:
        raise InvalidRequestError("VBS schedule", violations)
    return ScheduleFields(
        start_time=",".join(f"{moment:%H:%M}" for moment in times),
        frequency=None if schedule.weekdays else schedule.every_days,
        week_frequency=[_DAYS[day] for day in schedule.weekdays] or None,
        time_zone=schedule.zone_text if schedule.utc_offset else None,
    )
