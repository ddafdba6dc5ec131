"""A VBS policy by the arguments that describe it, in one form for what is described and what the service has; no I/O.

What is not in use is ``None``, offsets are written in one way, and days of the week are in order (VBS section 3.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from airflow_provider_backup.cloud.operations.policy_forms import normal_offset
from airflow_provider_backup.cloud.operations.schedules import Schedule
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.services.vbs.models import Policy, PolicyUpdate, Weekday
from airflow_provider_backup.cloud.services.vbs.schedule import schedule_fields

TIMES = ("start_time", "frequency", "week_frequency", "time_zone")
"""What only makes sense together: days and times are local, and written with the zone."""

_ALTERNATIVES = ("retention_num", "retention_day")
_PLAIN = ("keep_first_backup_of_month", "enabled")
_UTC = "UTC+00:00"


def time_fields(schedule: Schedule) -> dict[str, Any]:
    """Return the fields that say when a policy runs.

    :param schedule: when.
    :raises InvalidRequestError: a VBS policy cannot say this.
    """
    fields = schedule_fields(schedule)._asdict()
    return {**fields, "week_frequency": _in_order(fields["week_frequency"]), "time_zone": fields["time_zone"] or _UTC}


def held_fields(policy: Policy) -> dict[str, Any]:
    """Return the state of a policy, with what is not set in the form of the arguments.

    :param policy: as the list shows it.
    """
    scheduled = policy.scheduled_policy
    return {
        "name": policy.name,
        "start_time": None if scheduled.start_time is None else scheduled.start_time.replace(" ", ""),
        "frequency": scheduled.frequency,
        "week_frequency": _in_order(scheduled.week_frequency),
        "time_zone": normal_offset(policy.time_zone or _UTC),
        "retention_num": scheduled.retention_num,
        "retention_day": scheduled.retention_day,
        "keep_first_backup_of_month": scheduled.keep_first_backup_of_month or False,
        "enabled": scheduled.enabled,
    }


def described_fields(change: PolicyUpdate) -> dict[str, Any]:
    """Return what a change describes, without the times, by the names of the arguments.

    :param change: the change.
    """
    scheduled = change.scheduled_policy
    fields: dict[str, Any] = {} if change.name is None else {"name": change.name}
    if scheduled is None:
        return fields
    retention = {name: getattr(scheduled, name) for name in _ALTERNATIVES}
    if any(number is not None for number in retention.values()):
        # The one replaces the other.
        fields |= retention
    plain = {name: getattr(scheduled, name) for name in _PLAIN}
    return fields | {name: value for name, value in plain.items() if value is not None}


def policy_update(wanted: Mapping[str, Any], changed: set[str]) -> PolicyUpdate:
    """Return the request that changes a policy.

    :param wanted: the described state.
    :param changed: the fields that differ; times go together with all the others that say when.
    :raises InvalidRequestError: a documented rule is broken.
    """
    sent = {*changed, *(TIMES if changed.intersection(TIMES) else ())}
    values = {name: value for name, value in wanted.items() if name in sent and value is not None}
    request: dict[str, Any] = {name: values.pop(name) for name in ("name", "time_zone") if name in values}
    if values:
        request["scheduled_policy"] = values
    return validated(PolicyUpdate, "VBS policy", request)


def _in_order(days: list[Any] | None) -> list[str] | None:
    order = get_args(Weekday)
    return sorted(days, key=lambda day: order.index(day) if day in order else len(order)) if days else None
