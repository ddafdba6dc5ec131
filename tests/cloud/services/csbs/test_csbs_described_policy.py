"""A CSBS policy in one form: what the service writes in its ways is no difference."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.operations.described_state import differences
from airflow_provider_backup.cloud.operations.schedules import Schedule
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.services.csbs.described_policy import described_fields, held_fields, policy_update
from airflow_provider_backup.cloud.services.csbs.models import Policy, PolicyUpdate
from airflow_provider_backup.cloud.services.csbs.schedule import icalendar_text

NUMBERS = st.none() | st.integers(-1, 99999)


def policy(pattern: str, definition: dict[str, Any], **members: Any) -> Policy:
    """Return a policy as the service shows it."""
    operation = {
        "id": "period",
        "enabled": True,
        "operation_definition": definition,
        "trigger": {"properties": {"pattern": pattern}},
    }
    return Policy.model_validate(
        {"id": "policy", "name": "nightly", "resources": [], "scheduled_operations": [operation], **members}
    )


def described(**operation: Any) -> dict[str, Any]:
    """Return what a change of the period describes."""
    values = {"name": "nightly", "scheduled_operations": [{"id": "period", **operation}]}
    return described_fields(validated(PolicyUpdate, "CSBS policy", values))


@given(max_backups=NUMBERS, days=NUMBERS, as_text=st.booleans())
def test_what_was_described_is_held_however_numbers_are_written(
    max_backups: int | None, days: int | None, as_text: bool
) -> None:
    definition = {"max_backups": max_backups, "retention_duration_days": days}
    wanted = described(operation_definition=definition)
    shown = {name: -1 if number is None else number for name, number in definition.items()}
    permanent = all(number is None for number in definition.values())
    write = str if as_text else (lambda value: value)
    held = held_fields(
        policy(
            icalendar_text(Schedule.parse("daily at 02:00")),
            {name: write(value) for name, value in {**shown, "permanent": permanent}.items()},
        )
    )
    assert differences(held, wanted) == []


@given(
    days=st.sampled_from(["daily", "Mon,Wed", "weekdays", "every 3 days"]),
    hours=st.lists(st.integers(0, 23), min_size=1, max_size=3, unique=True),
    line_end=st.sampled_from(["\r\n", "\n"]),
)
def test_a_schedule_is_the_same_however_its_text_is_written(days: str, hours: list[int], line_end: str) -> None:
    text = icalendar_text(Schedule.parse(f"{days} at {', '.join(f'{hour:02}:15' for hour in hours)}"))
    bare = [line for line in text.splitlines() if "CALENDAR" not in line]
    wanted = described(trigger={"properties": {"pattern": text}})
    assert differences(held_fields(policy(line_end.join(bare), {})), wanted) == []


def test_a_policy_without_any_retention_keeps_all() -> None:
    held = held_fields(policy(icalendar_text(Schedule.parse("daily at 02:00")), {}))
    assert (held["permanent"], held["max_backups"], held["retention_duration_days"]) == (True, -1, -1)


def test_a_change_of_one_number_repeats_the_rest_of_the_retention() -> None:
    held = policy("RRULE:FREQ=DAILY;BYHOUR=2;BYMINUTE=0", {"max_backups": "7", "retention_duration_days": "30"})
    (operation,) = policy_update(held, {"max_backups": 9}, pattern=None).to_wire()["scheduled_operations"]
    assert operation == {
        "id": "period",
        "operation_definition": {"max_backups": 9, "retention_duration_days": 30, "permanent": False},
    }


def test_servers_that_stay_keep_their_name_and_their_disks_to_leave_out() -> None:
    server = {"id": "a", "name": "app", "type": "OS::Nova::Server", "extra_info": {"exclude_volumes": ["v"]}}
    held = policy("RRULE:FREQ=DAILY;BYHOUR=2;BYMINUTE=0", {}, resources=[server])
    new = validated(PolicyUpdate, "CSBS policy", {"resources": [{"id": "b", "name": "db"}]}).resources or []
    request = policy_update(held, {"servers": ["a", "b"]}, pattern=None, servers=new).to_wire()
    assert request == {"resources": [server, {"id": "b", "name": "db", "type": "OS::Nova::Server"}]}
