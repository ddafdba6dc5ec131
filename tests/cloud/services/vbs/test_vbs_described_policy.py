"""A VBS policy in one form: what the service writes in its ways is no difference."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.operations.described_state import differences
from airflow_provider_backup.cloud.operations.schedules import Schedule
from airflow_provider_backup.cloud.services.vbs.described_policy import (
    described_fields,
    held_fields,
    policy_update,
    time_fields,
)
from airflow_provider_backup.cloud.services.vbs.models import Policy, PolicyUpdate


@given(
    days=st.sampled_from(["daily", "Sun,Mon,Wed", "weekdays", "every 3 days"]),
    hours=st.lists(st.integers(0, 23), min_size=1, max_size=4, unique=True),
    zone=st.sampled_from(["UTC", "UTC+02:00", "UTC-11:00"]),
    data=st.data(),
)
def test_a_schedule_that_was_sent_is_held_whatever_the_order_of_its_days(
    days: str, hours: list[int], zone: str, data: st.DataObject
) -> None:
    wanted = time_fields(Schedule.parse(f"{days} at {', '.join(f'{hour:02}:00' for hour in hours)}", zone))
    sent = policy_update(wanted, {*wanted}).to_wire()
    scheduled = sent["scheduled_policy"]
    if "week_frequency" in scheduled:
        scheduled["week_frequency"] = data.draw(st.permutations(scheduled["week_frequency"]))
    shown = Policy.model_validate({"backup_policy_id": "policy", **sent})
    assert differences(held_fields(shown), wanted) == []


@pytest.mark.parametrize("zone", [None, "UTC", "UTC+00:00"])
def test_no_zone_and_utc_are_the_same(zone: str | None) -> None:
    shown = {"backup_policy_id": "policy", "scheduled_policy": {"start_time": "02:00", "frequency": 1}}
    held = held_fields(Policy.model_validate(shown if zone is None else {**shown, "time_zone": zone}))
    assert differences(held, time_fields(Schedule.parse("daily at 02:00"))) == []


def test_times_are_sent_together_with_their_zone() -> None:
    wanted = {**time_fields(Schedule.parse("Mon at 00:00, 02:00", "UTC+02:00")), "enabled": True}
    assert policy_update(wanted, {"start_time"}).to_wire() == {
        "time_zone": "UTC+02:00",
        "scheduled_policy": {"start_time": "22:00,00:00", "week_frequency": ["MON"]},
    }


def test_one_retention_stands_for_the_absence_of_the_other() -> None:
    change = PolicyUpdate.model_validate({"scheduled_policy": {"rentention_day": 30}})
    assert described_fields(change) == {"retention_num": None, "retention_day": 30}
