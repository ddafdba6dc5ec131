"""The automatic policy of an instance as fields that are compared (databases sections 6 and 8.6)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.clock import override_clock
from airflow_provider_backup.cloud.errors import InvalidRequestError
from airflow_provider_backup.cloud.services.databases.described_policy import (
    described_fields,
    held_fields,
    whole_policy,
    window_fields,
)
from airflow_provider_backup.cloud.services.gaussdb import models as gaussdb
from airflow_provider_backup.cloud.services.rds import models as rds
from airflow_provider_backup.cloud.services.rds.described_offsite_policy import held_fields as held_offsite
from airflow_provider_backup.cloud.services.rds.described_offsite_policy import requests_for
from airflow_provider_backup.cloud.services.rds.offsite_models import OffsitePolicy
from airflow_provider_backup.cloud.services.taurusdb import models as taurusdb
from tests.virtual_clock import SteppingClock

QUARTERS = (0, 15, 30, 45)
WINTER, SUMMER = datetime(2031, 1, 15, 12, tzinfo=UTC), datetime(2031, 7, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "zone", "window", "days"),
    [
        ("daily at 02:00", None, "02:00-03:00", "1,2,3,4,5,6,7"),
        ("Mon,Wed 02:15", "UTC", "02:15-03:15", "1,3"),
        ("weekdays at 23:00", "UTC", "23:00-00:00", "1,2,3,4,5"),
        # Both of these are examples of the vendor's.
        ("Mon,Tue 05:00", "UTC+08:00", "21:00-22:00", "1,7"),
        ("Mon,Tue 05:00", "UTC+04:00", "01:00-02:00", "1,2"),
        ("Sun 22:00", "UTC-05:00", "03:00-04:00", "1"),
        ("daily at 05:30", "Asia/Kolkata", "00:00-01:00", "1,2,3,4,5,6,7"),
    ],
)
def test_a_schedule_becomes_a_window_and_days_in_utc(schedule: str, zone: str | None, window: str, days: str) -> None:
    assert window_fields(schedule, zone, QUARTERS) == {"start_time": window, "period": days}


@pytest.mark.parametrize(("moment", "window"), [(WINTER, "01:00-02:00"), (SUMMER, "00:00-01:00")])
def test_a_named_zone_counts_with_the_offset_of_today(moment: datetime, window: str) -> None:
    with override_clock(SteppingClock(moment)):
        assert window_fields("daily at 02:00", "Europe/Berlin", QUARTERS)["start_time"] == window


@given(
    hour=st.integers(0, 23),
    minute=st.sampled_from(QUARTERS),
    offset=st.integers(-12 * 4, 14 * 4),
    days=st.sets(st.integers(0, 6), min_size=1),
)
def test_window_and_days_are_the_local_ones_at_the_same_moment(
    hour: int, minute: int, offset: int, days: set[int]
) -> None:
    names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    text = f"{','.join(names[day] for day in sorted(days))} {hour:02}:{minute:02}"
    sign, minutes = "-" if offset < 0 else "+", abs(offset) * 15
    zone = f"UTC{sign}{minutes // 60:02}:{minutes % 60:02}"

    fields = window_fields(text, zone, QUARTERS)

    begin = fields["start_time"].partition("-")[0]
    # 6 January 2031 is a Monday.
    for day in days:
        utc = datetime(2031, 1, 6 + day, hour, minute, tzinfo=UTC) - timedelta(minutes=offset * 15)
        assert f"{utc:%H:%M}" == begin
        assert str(utc.isoweekday()) in fields["period"].split(",")
    assert len(fields["period"].split(",")) == len(days)
    # The service takes what comes out.
    rds.PolicyUpdate(keep_days=7, **fields)


@pytest.mark.parametrize(
    ("schedule", "zone", "words"),
    [
        ("every 3 days at 02:00", None, "counts no days"),
        ("daily at 02:00, 14:00", None, "one time"),
        ("daily at 02:10", None, "minute 00 or 15 or 30 or 45"),
        ("sometimes", None, "must be days and times"),
        ("daily at 02:00", "Mars/Base", "time_zone"),
    ],
)
def test_a_schedule_that_the_service_has_not_is_rejected(schedule: str, zone: str | None, words: str) -> None:
    with pytest.raises(InvalidRequestError, match=words):
        window_fields(schedule, zone, QUARTERS)


def test_a_zone_of_half_hours_does_not_fit_full_hours_in_utc() -> None:
    with pytest.raises(InvalidRequestError, match="minute 00 of an hour in UTC, which is 20:30 here"):
        window_fields("daily at 02:00", "Asia/Kolkata", (0,))


@pytest.mark.parametrize(
    ("answer", "held"),
    [
        ({"keep_days": "7,", "period": "3, 1"}, {"keep_days": 7, "period": "1,3"}),
        ({"retention_num_backup_level-1": "1"}, {"retention_num_backup_level1": 1}),
        ({"start_time": "", "period": ""}, {}),
    ],
)
def test_what_taurusdb_writes_in_other_forms_is_read(answer: dict[str, Any], held: dict[str, Any]) -> None:
    assert held_fields(taurusdb.PolicyUpdate, taurusdb.Policy.model_validate(answer)) == held


@pytest.mark.parametrize("answer", [{"differential_period": 30}, {"differential_priod": "30"}])
def test_the_text_and_the_number_of_gaussdb_are_the_same(answer: dict[str, Any]) -> None:
    held = held_fields(gaussdb.PolicyUpdate, gaussdb.Policy.model_validate(answer))
    assert held == described_fields(gaussdb.PolicyUpdate, "policy", {"differential_period": "30"})


def test_only_what_is_described_is_compared() -> None:
    fields = {"keep_days": "14", "start_time": None}
    assert described_fields(gaussdb.PolicyUpdate, "policy", fields) == {"keep_days": 14}


def test_a_change_keeps_the_rest_of_the_policy() -> None:
    held = {"keep_days": 7, "start_time": "01:00-02:00", "period": "1", "differential_period": 30, "rate_limit": 75}
    policy = whole_policy(gaussdb.PolicyUpdate, "policy", held, {"keep_days": 14})
    assert policy.to_wire() == {**held, "keep_days": 14, "differential_period": "30"}


def test_an_option_that_is_off_is_not_sent_unless_it_is_described() -> None:
    held = {"keep_days": 7, "start_time": "01:00-02:00", "period": "1", "differential_period": 30}
    held_off: dict[str, Any] = {**held, "enable_standby_backup": False}
    assert "enable_standby_backup" not in whole_policy(gaussdb.PolicyUpdate, "policy", held_off, {}).to_wire()
    described = whole_policy(gaussdb.PolicyUpdate, "policy", held, {"enable_standby_backup": False}).to_wire()
    assert described["enable_standby_backup"] is False


OFFSITE = {"keep_days": 7, "destination_region": "eu-nl", "destination_project_id": "p2"}


def test_rows_of_several_types_are_one_policy() -> None:
    rows = [OffsitePolicy.model_validate({**OFFSITE, "backup_type": each}) for each in ("auto", "incremental")]
    assert held_offsite(rows) == {**OFFSITE, "backup_type": "all"}
    assert held_offsite(rows[:1]) == {**OFFSITE, "backup_type": "auto"}


@pytest.mark.parametrize(
    ("held", "wanted", "sent"),
    [
        ({}, {"backup_type": "all"}, [("all", 7)]),
        ({"backup_type": "auto", "keep_days": 7}, {"backup_type": "all"}, [("all", 7)]),
        ({"backup_type": "all", "keep_days": 7}, {"backup_type": "auto"}, [("incremental", 0)]),
        ({"backup_type": "all", "keep_days": 9}, {"backup_type": "auto"}, [("incremental", 0), ("auto", 7)]),
        ({"backup_type": "all", "keep_days": 9}, {"backup_type": "all"}, [("all", 7)]),
    ],
)
def test_the_requests_of_a_change_are_in_the_order_that_the_service_takes(
    held: dict[str, Any], wanted: dict[str, Any], sent: list[tuple[str, int]]
) -> None:
    found = [(each.backup_type, each.keep_days) for each in requests_for(held, {**OFFSITE, **wanted})]
    assert found == sent
