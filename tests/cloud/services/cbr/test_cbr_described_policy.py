"""A CBR policy as it is described and as the service shows it, in one form."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.errors import InvalidRequestError
from airflow_provider_backup.cloud.operations.described_state import differences
from airflow_provider_backup.cloud.operations.policy_forms import LONG_TERM, WITHOUT_RETENTION
from airflow_provider_backup.cloud.services.cbr.described_policy import (
    described_vaults,
    held_fields,
    policy_fields,
    policy_update,
)
from airflow_provider_backup.cloud.services.cbr.models import Policy, PolicyUpdate

DAILY = "FREQ=DAILY;INTERVAL=1;BYHOUR=14;BYMINUTE=00"
NUMBERS: dict[str, st.SearchStrategy[int]] = {
    "max_backups": st.just(-1) | st.integers(1, 99_999),
    "retention_duration_days": st.just(-1) | st.integers(1, 99_999),
    "full_backup_interval": st.integers(-1, 100),
    **{name: st.integers(0, 100) for name in LONG_TERM},
}
DEFINITIONS = st.fixed_dictionaries({}, optional=NUMBERS)


def policy(definition: dict[str, Any] | None = None, **values: Any) -> Policy:
    """Return a policy as the service shows it."""
    return Policy.model_validate(
        {
            "id": "p1",
            "name": "nightly",
            "enabled": True,
            "operation_type": "backup",
            "operation_definition": definition or {},
            "trigger": {"properties": {"pattern": [DAILY]}},
            "associated_vaults": None,
            **values,
        }
    )


def bound_to(*vaults: str) -> list[dict[str, Any]]:
    """Return bindings of a backup policy as the service shows them."""
    return [{"vault_id": vault, "destination_vault_id": None} for vault in vaults]


def test_a_policy_has_the_fields_of_the_arguments() -> None:
    held = held_fields(policy({"max_backups": 14}, associated_vaults=bound_to("v2", "v1")))

    assert held == {
        "name": "nightly",
        "enabled": True,
        "operation_type": "backup",
        "patterns": [DAILY],
        "max_backups": 14,
        "retention_duration_days": -1,
        "full_backup_interval": -1,
        **dict.fromkeys(LONG_TERM, 0),
        "destination_region": "",
        "destination_project_id": "",
        "vault_ids": ["v1", "v2"],
    }


@given(definition=DEFINITIONS)
def test_numbers_that_come_back_as_text_are_no_difference(definition: dict[str, int]) -> None:
    shown = {name: str(number) for name, number in definition.items()}
    wanted = policy_fields({"operation_definition": definition})

    assert differences(held_fields(policy(shown)), wanted) == []


@given(definition=DEFINITIONS)
def test_what_means_nothing_may_be_left_out_of_an_answer(definition: dict[str, int]) -> None:
    without = {**WITHOUT_RETENTION, "full_backup_interval": -1}
    shown = {name: number for name, number in definition.items() if number != without[name]}
    wanted = policy_fields({"operation_definition": definition})

    assert differences(held_fields(policy(shown)), wanted) == []


@given(held=DEFINITIONS, wanted=DEFINITIONS)
def test_after_the_update_nothing_differs_and_what_is_not_described_is_kept(
    held: dict[str, int], wanted: dict[str, int]
) -> None:
    before = policy({**held, "timezone": "UTC+01:00"})
    plan = differences(held_fields(before), policy_fields({"operation_definition": wanted}))
    update = policy_update(before, {each["field"]: each["to"] for each in plan})
    sent = update.to_wire() if update else {}

    after = held_fields(policy(sent.get("operation_definition", {**held, "timezone": "UTC+01:00"})))

    assert {name: after[name] for name in wanted} == wanted
    kept = {name: number for name, number in held_fields(before).items() if name not in wanted}
    assert {name: after[name] for name in kept} == kept


@pytest.mark.parametrize(("shown", "offset"), [("UTC+08:00", "UTC+08:00"), ("UTC+8", "UTC+08:00"), ("", None)])
def test_a_zone_is_shown_in_one_form(shown: str, offset: str | None) -> None:
    assert held_fields(policy({"timezone": shown})).get("time_zone") == offset


def test_rules_in_another_order_are_no_difference() -> None:
    other = "FREQ=DAILY;INTERVAL=1;BYHOUR=2;BYMINUTE=00"
    wanted = policy_fields({"trigger": {"properties": {"pattern": [DAILY, other]}}})
    held = held_fields(policy(trigger={"properties": {"pattern": [other, DAILY]}}))

    assert differences(held, wanted) == []


def test_a_new_schedule_keeps_the_start_window() -> None:
    held = policy(trigger={"properties": {"pattern": [DAILY], "start_window_minutes": 60}})

    assert policy_update(held, {"patterns": [DAILY]}) == PolicyUpdate.model_validate(
        {"trigger": {"properties": {"pattern": [DAILY], "start_window_minutes": 60}}}
    )


def test_vaults_alone_need_no_update_of_the_policy() -> None:
    assert policy_update(policy(), {"vault_ids": ["v1"]}) is None


def test_a_replication_policy_shows_where_its_copies_go() -> None:
    vaults = [{"vault_id": "v1", "destination_vault_id": "d1"}]

    held = held_fields(policy(operation_type="replication", associated_vaults=vaults))

    assert held["vault_ids"] == {"v1": "d1"}


@pytest.mark.parametrize(
    ("operation_type", "held", "described", "only", "expected"),
    [
        ("backup", ["v1"], ["v2"], False, ["v1", "v2"]),
        ("backup", ["v1"], ["v2"], True, ["v2"]),
        ("backup", ["v1"], [], True, []),
        ("replication", {"v1": "d1"}, {"v2": "d2"}, False, {"v1": "d1", "v2": "d2"}),
        ("replication", {"v1": "d1"}, {"v1": "d2"}, False, {"v1": "d2"}),
        ("replication", {"v1": "d1"}, {"v2": "d2"}, True, {"v2": "d2"}),
    ],
)
def test_a_policy_is_bound_to_what_is_described(
    operation_type: str, held: Any, described: Any, only: bool, expected: Any
) -> None:
    bound = described_vaults(described, {"vault_ids": held}, operation_type=operation_type, only=only)
    assert bound == expected


@pytest.mark.parametrize(
    ("operation_type", "wrong", "rule"),
    [
        ("backup", "v1", "must be a list of the vaults"),
        ("backup", {"v1": "d1"}, "must be a list of the vaults"),
        ("backup", 5, "must be a list of the vaults"),
        ("backup", ["v1", ""], "must be ids and not empty"),
        ("backup", [5], "must be ids and not empty"),
        ("replication", ["v1"], "must map each vault of a replication policy"),
        ("replication", {"v1": ""}, "must be ids and not empty"),
        ("replication", {"": "d1"}, "must be ids and not empty"),
    ],
)
def test_vaults_in_a_form_that_does_not_fit_are_refused(operation_type: str, wrong: Any, rule: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"vault_ids: {rule}"):
        described_vaults(wrong, {}, operation_type=operation_type, only=False)
