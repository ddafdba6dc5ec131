"""The automatic backup policy of an instance as fields that are compared; without I/O (databases section 6)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.cloud.operations.schedules import Schedule
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.services.databases.models import DatabasePolicy, DatabasePolicyUpdate

_ALL_DAYS = range(7)
_PLACEHOLDERS = {"keep_days": 1, "start_time": "00:00-01:00", "period": "1", "differential_period": "30"}
"""Valid values for what a description leaves open, so that the rest of it can be checked."""


def window_fields(schedule: str, time_zone: str | None, minutes: Collection[int]) -> dict[str, Any]:
    """Return window and days in UTC of a schedule: ``start_time`` and ``period``.

    :param schedule: days of the week and one time, such as ``daily at 02:00`` or ``Mon,Wed 22:30``; the window is the
        hour that begins then.
    :param time_zone: the zone of the schedule, with its offset of today; ``None`` for UTC.
    :param minutes: the minutes at which the service lets a window begin, in UTC.
    :raises InvalidRequestError: it cannot be read, or the service has no such policy.
    """
    read = Schedule.parse(schedule, "UTC" if time_zone is None else time_zone)
    times = read.in_utc()
    rule = None
    if read.every_days != 1:
        rule = "must name days of the week or be daily: the service counts no days"
    elif len(times) != 1:
        rule = "must have one time: there is one backup a day"
    elif times[0].time.minute not in minutes:
        allowed = " or ".join(f"{each:02}" for each in minutes)
        rule = f"must begin at minute {allowed} of an hour in UTC, which is {times[0].time:%H:%M} here"
    if rule is not None:
        raise InvalidRequestError("Schedule", [Violation("schedule", rule, schedule)])
    (begin,) = times
    days = [day + 1 for day in begin.weekdays or _ALL_DAYS]
    end = begin.time.replace(hour=(begin.time.hour + 1) % 24)
    return {"start_time": f"{begin.time:%H:%M}-{end:%H:%M}", "period": ",".join(map(str, days))}


def described_fields(model: type[DatabasePolicyUpdate], subject: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a description as they are compared.

    :param model: the service's model of a policy.
    :param subject: what it is, for the message.
    :param fields: those that are described; members that are ``None`` count as not given.
    :raises InvalidRequestError: a documented rule is broken.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    placeholders = {name: value for name, value in _PLACEHOLDERS.items() if name in model.model_fields}
    checked = validated(model, subject, placeholders | given).to_wire()
    return {name: _normalised(name, checked[name]) for name in given}


def held_fields(model: type[DatabasePolicyUpdate], policy: DatabasePolicy) -> dict[str, Any]:
    """Return the fields of a policy as they are compared; only those that can be set.

    :param model: the service's model of a policy.
    :param policy: as the service has it.
    """
    held = policy.model_dump(mode="json")
    return {name: _normalised(name, held[name]) for name in model.model_fields if held.get(name) not in (None, "")}


def whole_policy(
    model: type[DatabasePolicyUpdate], subject: str, held: Mapping[str, Any], changes: Mapping[str, Any]
) -> DatabasePolicyUpdate:
    """Return the request that changes some fields and leaves the others as they are: the service replaces all of them.

    :param model: the service's model of a policy.
    :param subject: what it is, for the message.
    :param held: the fields that the service has.
    :param changes: those that change.
    :raises InvalidRequestError: a required field is in neither.
    """
    # An older instance does not take an option that it lacks, not even switched off.
    kept = {name: value for name, value in held.items() if value is not False}
    return validated(model, subject, {**kept, **changes})


def _normalised(name: str, value: Any) -> Any:
    if name == "period":
        # Services show the days in another order, or with blanks.
        return ",".join(sorted({day.strip() for day in str(value).split(",") if day.strip()}))
    # A text in requests, a number in answers.
    return int(value) if name == "differential_period" else value
