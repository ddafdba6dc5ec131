"""From a schedule that a human can read to the rules of a CBR policy (CBR section 4.3)."""

from __future__ import annotations

from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.cloud.operations.recurrence import LONGEST_INTERVAL, RecurrenceRule
from airflow_provider_backup.cloud.operations.schedules import Schedule
from airflow_provider_backup.cloud.services.cbr.pattern import MOST_PATTERNS, check_patterns


def trigger_patterns(schedule: Schedule) -> list[str]:
    """Write a schedule as the rules of a CBR policy: one for each time, in UTC, in the order of the local times.

    :param schedule: 1 to 24 times at least an hour apart; every 1 to 30 days, or on days of the week.
    :return: the texts for ``trigger.properties.pattern``.
    :raises InvalidRequestError: a CBR policy cannot say this.
    """
    times = schedule.in_utc()
    local = f"{', '.join(f'{moment:%H:%M}' for moment in schedule.times)} {schedule.zone_text}"
    violations = []
    if not 1 <= len(times) <= MOST_PATTERNS:
        violations.append(Violation("schedule", f"a CBR policy has 1 to {MOST_PATTERNS} times", local))
    if any(moment.second or moment.microsecond for moment in schedule.times):
        violations.append(Violation("schedule", "a CBR policy knows whole minutes only", local))
    if not 1 <= schedule.every_days <= LONGEST_INTERVAL:
        violations.append(
            Violation("schedule", f"a CBR policy repeats after 1 to {LONGEST_INTERVAL} days", schedule.every_days)
        )
    if not schedule.weekdays and schedule.every_days > 1 and len({entry.day_shift for entry in times}) > 1:
        violations.append(
            Violation(
                "schedule",
                "the times of a CBR policy that runs every few days must fall on one day in UTC; "
                "make one policy for each time",
                local,
            )
        )
    if violations:
        raise InvalidRequestError("CBR schedule", violations)
    patterns = [
        RecurrenceRule(
            frequency="WEEKLY" if entry.weekdays else "DAILY",
            weekdays=entry.weekdays,
            interval=None if entry.weekdays else schedule.every_days,
            hours=(entry.time.hour,),
            minute=entry.time.minute,
        ).to_text()
        for entry in times
    ]
    try:
        check_patterns(patterns)
    except ValueError as error:
        raise InvalidRequestError("CBR schedule", [Violation("schedule", str(error), local)]) from None
    return patterns
