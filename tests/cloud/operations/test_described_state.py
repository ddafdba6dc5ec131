"""The described state against what a service has: which fields differ, and what an object shall be bound to."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.operations.described_state import described_ids, differences, state_change

VALUES = st.none() | st.booleans() | st.integers(2, 9) | st.text(max_size=3) | st.lists(st.text(max_size=2), max_size=2)
STATES = st.dictionaries(st.sampled_from("abcdef"), VALUES)
IDS = st.lists(st.sampled_from("abcdef"))


def test_a_field_that_differs_is_reported_with_both_values() -> None:
    assert differences({"max_backups": 7, "enabled": True}, {"max_backups": 14, "enabled": True}) == [
        {"field": "max_backups", "from": 7, "to": 14}
    ]


def test_a_field_that_the_service_does_not_have_comes_from_none() -> None:
    assert differences({}, {"name": "nightly"}) == [{"field": "name", "from": None, "to": "nightly"}]


def test_a_field_that_is_not_described_may_have_any_value() -> None:
    assert differences({"max_backups": 7}, {}) == []


def test_differences_are_in_the_order_of_the_description() -> None:
    plan = differences({"a": 1, "b": 2, "c": 3}, {"c": 4, "a": 4, "b": 4})
    assert [each["field"] for each in plan] == ["c", "a", "b"]


@given(held=STATES, wanted=STATES)
def test_when_every_difference_is_applied_nothing_differs(held: dict[str, Any], wanted: dict[str, Any]) -> None:
    plan = differences(held, wanted)
    after = held | {each["field"]: each["to"] for each in plan}
    assert differences(after, wanted) == []
    assert {each["field"] for each in plan} == {name for name in wanted if held.get(name) != wanted[name]}
    assert all(each["from"] == held.get(each["field"]) for each in plan)


@given(held=STATES, wanted=STATES)
def test_a_difference_is_plain_json(held: dict[str, Any], wanted: dict[str, Any]) -> None:
    plan = differences(held, wanted)
    assert json.loads(json.dumps(plan)) == plan


def test_an_object_that_is_created_was_absent() -> None:
    assert state_change("absent", "present") == {"field": "state", "from": "absent", "to": "present"}


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        pytest.param(False, ["a", "b", "c"], id="the others stay"),
        pytest.param(True, ["a", "c"], id="the others go"),
    ],
)
def test_an_object_is_bound_to_what_is_described(only: bool, expected: list[str]) -> None:
    assert described_ids(["b", "a"], ["c", "a", "c"], only=only) == expected


@given(held=IDS, described=IDS)
def test_what_an_object_is_bound_to_already_is_never_taken_away_unless_the_author_says_so(
    held: list[str], described: list[str]
) -> None:
    assert {*held, *described} == {*described_ids(held, described, only=False)}
    assert {*described} == {*described_ids(held, described, only=True)}


@given(held=IDS, described=IDS, only=st.booleans())
def test_the_order_of_ids_is_no_difference(held: list[str], described: list[str], only: bool) -> None:
    ids = described_ids(held, described, only=only)
    assert ids == described_ids(held[::-1], described[::-1], only=only)
    assert described_ids(ids, described, only=only) == ids
