"""One form for offsets, recurrence rules and retention, in whichever form they were written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.operations.policy_forms import (
    LONG_TERM,
    fields_with_zone,
    normal_offset,
    normal_rules,
)
from airflow_provider_backup.cloud.operations.recurrence import RecurrenceRule

HOURS = st.lists(st.integers(0, 23), min_size=1, max_size=4, unique=True)
RULES = st.one_of(
    st.builds(
        lambda hours, minute, interval: RecurrenceRule("DAILY", (), interval, tuple(hours), minute),
        HOURS,
        st.integers(0, 59),
        st.none() | st.integers(1, 30),
    ),
    st.builds(
        lambda days, hours, minute: RecurrenceRule("WEEKLY", tuple(days), None, tuple(hours), minute),
        st.lists(
            st.sampled_from(list(RecurrenceRule.parse("FREQ=WEEKLY;BYDAY=MO,TU,SU").weekdays)), min_size=1, unique=True
        ),
        HOURS,
        st.integers(0, 59),
    ),
).map(RecurrenceRule.to_text)


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("UTC+08:00", "UTC+08:00"),
        ("UTC+8:00", "UTC+08:00"),
        ("UTC+8", "UTC+08:00"),
        ("utc+0800", "UTC+08:00"),
        ("+05:30", "UTC+05:30"),
        ("GMT-03:00", "UTC-03:00"),
        ("UTC", "UTC+00:00"),
        ("Z", "UTC+00:00"),
        ("UTC-00:00", "UTC+00:00"),
        ("Europe/Berlin", "Europe/Berlin"),
    ],
)
def test_an_offset_has_one_form(written: str, normal: str) -> None:
    assert normal_offset(written) == normal


@pytest.mark.parametrize(
    "written",
    [
        ["FREQ=DAILY;BYHOUR=6,18;BYMINUTE=00"],
        ["FREQ=DAILY;INTERVAL=1;BYHOUR=18;BYMINUTE=0", "FREQ=DAILY;INTERVAL=1;BYHOUR=6;BYMINUTE=0"],
        ["freq=daily; byhour=6; byminute=0", "BYMINUTE=0;BYHOUR=18;FREQ=DAILY"],
        ["FREQ=DAILY;BYHOUR=6;BYMINUTE=0", "FREQ=DAILY;BYHOUR=6;BYMINUTE=0", "FREQ=DAILY;BYHOUR=18;BYMINUTE=0"],
    ],
)
def test_rules_that_mean_the_same_have_one_form(written: list[str]) -> None:
    assert normal_rules(written) == [
        "FREQ=DAILY;INTERVAL=1;BYHOUR=18;BYMINUTE=00",
        "FREQ=DAILY;INTERVAL=1;BYHOUR=6;BYMINUTE=00",
    ]


def test_the_order_of_weekdays_means_nothing() -> None:
    assert normal_rules(["FREQ=WEEKLY;BYDAY=TH,MO;BYHOUR=1;BYMINUTE=5"]) == [
        "FREQ=WEEKLY;BYDAY=MO,TH;BYHOUR=1;BYMINUTE=05"
    ]


def test_a_rule_that_cannot_be_read_stays_as_it_is() -> None:
    assert normal_rules(["FREQ=MONTHLY;BYHOUR=1"]) == ["FREQ=MONTHLY;BYHOUR=1"]


def test_what_a_rule_leaves_to_the_service_is_not_filled_in() -> None:
    assert normal_rules(["FREQ=WEEKLY;BYDAY=MO"]) == ["FREQ=WEEKLY;BYDAY=MO"]


@given(rules=st.lists(RULES, min_size=1, max_size=4), seed=st.randoms())
def test_a_normal_form_is_stable_and_knows_no_order(rules: list[str], seed: Any) -> None:
    normal = normal_rules(rules)
    seed.shuffle(rules)
    assert normal_rules(rules) == normal
    assert normal_rules(normal) == normal


@given(rules=st.lists(RULES, min_size=1, max_size=4))
def test_every_point_of_time_is_kept(rules: list[str]) -> None:
    def points(texts: list[str]) -> set[tuple[Any, ...]]:
        return {
            (rule.frequency, tuple(sorted(rule.weekdays)), rule.interval or 1, hour, rule.minute)
            for rule in map(RecurrenceRule.parse, texts)
            for hour in rule.hours
        }

    assert points(normal_rules(rules)) == points(rules)


def test_a_zone_without_long_term_numbers_means_nothing() -> None:
    held = {"day_backups": 0, "time_zone": "UTC+08:00"}
    assert fields_with_zone({"max_backups": 7, "time_zone": "UTC+01:00"}, held, offset="UTC+01:00") == {
        "max_backups": 7
    }


@pytest.mark.parametrize("name", LONG_TERM)
def test_a_zone_that_the_author_names_counts_with_numbers_that_the_policy_has_already(name: str) -> None:
    fields = fields_with_zone({}, {name: 3, "time_zone": "UTC+08:00"}, offset="UTC+1")
    assert fields == {"time_zone": "UTC+01:00"}


def test_an_author_who_names_no_zone_keeps_the_one_that_is_there() -> None:
    held = {"day_backups": 3, "time_zone": "UTC+08:00"}
    assert fields_with_zone({"day_backups": 5, "time_zone": "UTC+00:00"}, held, offset=None) == {"day_backups": 5}


def test_the_first_long_term_number_counts_in_utc_when_no_zone_is_named() -> None:
    assert fields_with_zone({"day_backups": 5}, {}, offset=None) == {"day_backups": 5, "time_zone": "UTC+00:00"}


def test_turning_the_long_term_numbers_off_needs_no_zone() -> None:
    held = {"day_backups": 3, "time_zone": "UTC+08:00"}
    assert fields_with_zone({"day_backups": 0}, held, offset="UTC+01:00") == {"day_backups": 0}
