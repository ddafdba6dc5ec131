"""From a schedule that a human can read to the iCalendar text of a CSBS policy (CSBS section 3.1)."""

from __future__ import annotations

from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.cloud.operations.recurrence import LONGEST_INTERVAL, RecurrenceRule
from airflow_provider_backup.cloud.operations.schedules import Schedule
from airflow_provider_backup.cloud.services.csbs.pattern import calendar_text


def icalendar_text(schedule: Schedule) -> str:
    """Write a schedule as the one recurrence rule, in UTC, that a CSBS policy holds.

    :param schedule: the times; all with the same minute, and in UTC all on the same days.
    :return: the text for ``trigger.properties.pattern``.
    :raises InvalidRequestError: one recurrence rule cannot say this.
    """
    times = schedule.in_utc()
    local = ", ".join(f"{moment:%H:%M}" for moment in schedule.times)
    violations = []
    if len({entry.time.minute for entry in times}) > 1:
        violations.append(
            Violation(
                "schedule",
                "all times of a CSBS policy must share their minute, so that runs lie at least 1 hour apart; "
                "make one policy for each minute",
                local,
            )
        )
    counts_days = not schedule.weekdays and schedule.every_days > 1
    if (schedule.weekdays or counts_days) and len({entry.day_shift for entry in times}) > 1:
        violations.append(
            Violation(
                "schedule",
                "all times of a CSBS policy must fall on the same days in UTC; make one policy for each time",
                f"{local} {schedule.zone_text}",
            )
        )
    if schedule.every_days > LONGEST_INTERVAL:
        violations.append(
            Violation("schedule", f"a CSBS policy repeats after 1 to {LONGEST_INTERVAL} days", schedule.every_days)
        )
    if violations:
        raise InvalidRequestError("CSBS schedule", violations)
    rule = RecurrenceRule(
        frequency="WEEKLY" if schedule.weekdays else "DAILY",
        weekdays=times[0].weekdays,
        interval=schedule.every_days if counts_days else None,
        hours=tuple(sorted(entry.time.hour for entry in times)),
        minute=times[0].time.minute,
    )
    return calendar_text(rule)
