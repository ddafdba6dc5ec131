"""A vault as described and as held, in one form."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.errors import InvalidRequestError
from airflow_provider_backup.cloud.operations.described_state import differences
from airflow_provider_backup.cloud.services.cbr.described_vault import (
    VaultDescription,
    described_fields,
    held_fields,
    undescribed_resources,
)
from airflow_provider_backup.cloud.services.cbr.models import Policy, Vault

IDS = [f"2d9f0c11-0d41-4f0f-9a51-27d1d6a4000{digit}" for digit in "abcdef"]
ids = st.lists(st.sampled_from(IDS), unique=True)
tags = st.dictionaries(st.sampled_from(["team", "stage", "cost"]), st.sampled_from(["", "a", "b"]))


def vault(**values: Any) -> Vault:
    """Return a vault as read."""
    billing = {"size": 100, "used": 0, "object_type": "server", "protect_type": "backup", **values.pop("billing", {})}
    return Vault.model_validate({"id": "V", "name": "app", "billing": billing, **values})


def plan(description: dict[str, Any], held: Vault, *policies: Policy) -> list[str]:
    """Return the fields that differ."""
    fields = held_fields(held, policies)
    described = described_fields(VaultDescription.model_validate(description), fields)
    return [each["field"] for each in differences(fields, described)]


@given(ids, tags, st.integers(10, 1000), st.randoms(use_true_random=False))
def test_order_and_case_are_no_difference(resources: list[str], held: dict[str, str], size: int, chance: Any) -> None:
    rows = [{"key": key, "value": value} for key, value in held.items()]
    shuffled = chance.sample(resources, len(resources))
    found = vault(
        billing={"size": str(size)}, tags=chance.sample(rows, len(rows)), resources=[{"id": each} for each in shuffled]
    )
    description = {"size": size, "tags": held, "resource_ids": [each.upper() for each in resources]}
    assert plan(description, found) == []


@given(ids, ids, st.booleans())
def test_no_resource_leaves_without_a_confirmation(held: list[str], wanted: list[str], confirmed: bool) -> None:
    fields = held_fields(vault(resources=[{"id": each} for each in held]), ())
    description = VaultDescription(resource_ids=wanted, delete_backups=confirmed)
    after = described_fields(description, fields)["resource_ids"]
    assert set(after) == (set(wanted) if confirmed else {*wanted, *held})
    assert undescribed_resources(description, fields) == sorted(set(held) - set(wanted))


@given(st.integers(10, 500), st.integers(10, 500), st.integers(0, 500 * 1024), st.booleans())
def test_the_size_never_falls_below_what_is_used(size: int, wanted: int, used: int, expands: bool) -> None:
    found = vault(billing={"size": size, "used": used}, auto_expand=expands)
    if wanted * 1024 < used and not (expands and wanted < size):
        with pytest.raises(InvalidRequestError, match="size: must be"):
            plan({"size": wanted}, found)
    elif expands and wanted < size:
        assert plan({"size": wanted}, found) == []
    else:
        assert plan({"size": wanted}, found) == (["size"] if wanted != size else [])


def test_a_resource_that_is_leaving_is_not_held() -> None:
    rows = [{"id": IDS[0], "protect_status": "removing"}, {"id": IDS[1], "protect_status": "error"}]
    assert held_fields(vault(resources=rows), ())["resource_ids"] == [IDS[1]]


def test_policies_are_held_by_their_type() -> None:
    bound = [{"vault_id": "v", "destination_vault_id": "D"}, {"vault_id": "other", "destination_vault_id": "E"}]
    policies = [
        Policy.model_validate({"id": "P", "name": "a", "operation_type": "backup"}),
        Policy.model_validate({"id": "R", "name": "b", "operation_type": "replication", "associated_vaults": bound}),
    ]
    fields = held_fields(vault(), policies)
    assert (fields["backup_policy_id"], fields["replication_policy_id"], fields["destination_vault_id"]) == (
        "p",
        "r",
        "d",
    )


def test_a_tag_without_a_value_is_one_with_an_empty_value() -> None:
    assert plan({"tags": {"team": ""}}, vault(tags=[{"key": "team", "value": None}])) == []


def test_a_vault_that_shows_little_is_compared_all_the_same() -> None:
    found = Vault.model_validate({"id": "v", "name": "app"})
    assert plan({"size": 10, "tags": {}, "auto_bind": False, "locked": False}, found) == ["size"]


def test_more_than_256_resources_are_refused_before_anything_is_sent() -> None:
    fields = held_fields(vault(resources=[{"id": f"h{number}"} for number in range(200)]), ())
    description = VaultDescription(resource_ids=[f"w{number}" for number in range(57)])
    with pytest.raises(InvalidRequestError, match="resource_ids: must be at most 256"):
        described_fields(description, fields)


@pytest.mark.parametrize(
    ("description", "field"),
    [
        ({"object_type": "disk"}, "object_type"),
        ({"protect_type": "replication"}, "protect_type"),
        ({"description": "other"}, "description"),
        ({"backup_name_prefix": "x"}, "backup_name_prefix"),
        ({"enterprise_project_id": "1"}, "enterprise_project_id"),
    ],
)
def test_what_is_fixed_at_the_creation_is_refused_when_it_differs(description: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"{field}: cannot be changed after the creation"):
        plan(description, vault())
    assert plan({"object_type": "server", "description": "", "enterprise_project_id": "0"}, vault()) == []


def test_a_locked_vault_is_neither_unlocked_nor_emptied() -> None:
    locked = vault(locked=True, resources=[{"id": IDS[0]}])
    for description, field in (
        ({"locked": False}, "locked"),
        ({"resource_ids": [], "delete_backups": True}, "resource_ids"),
    ):
        with pytest.raises(InvalidRequestError, match=field):
            plan(description, locked)
