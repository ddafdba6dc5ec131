"""The policies of the emulated CBR, spoken to over plain HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.emulator.cbr_calls import PATTERN, UNKNOWN, Cbr, billing, policy_body


@pytest_asyncio.fixture
async def cbr() -> AsyncIterator[Cbr]:
    cbr = Cbr()
    async with cbr.http:
        yield cbr


async def test_a_policy_is_created_as_documented(cbr: Cbr) -> None:
    policy = await cbr.policy(operation_definition={"max_backups": 14, "day_backups": 7, "timezone": "UTC+02:00"})
    trigger = policy["trigger"]
    assert policy == {
        "id": policy["id"],
        "name": "nightly_02",
        "enabled": True,
        "operation_type": "backup",
        "operation_definition": {"max_backups": 14, "day_backups": 7, "timezone": "UTC+02:00"},
        "trigger": {
            "id": trigger["id"],
            "name": "default",
            "type": "time",
            "properties": {"pattern": [PATTERN], "start_time": "2031-01-07 08:15:00"},
        },
        "associated_vaults": None,
    }


async def test_a_policy_is_read_and_listed(cbr: Cbr) -> None:
    policy = await cbr.policy()
    expected = policy | {"associated_vaults": []}
    assert (await cbr.good("GET", f"/policies/{policy['id']}")) == {"policy": expected}
    assert (await cbr.good("GET", "/policies")) == {"policies": [expected], "count": 1}


async def test_rules_are_kept_as_they_were_written(cbr: Cbr) -> None:
    patterns = ["BYMINUTE=5;FREQ=WEEKLY;BYHOUR=03;BYDAY=SU,MO", "FREQ=DAILY;BYHOUR=14,16;BYMINUTE=5"]
    policy = await cbr.policy(trigger={"properties": {"pattern": patterns}})
    assert policy["trigger"]["properties"]["pattern"] == patterns


async def test_names_of_policies_need_not_be_unique(cbr: Cbr) -> None:
    assert (await cbr.policy())["id"] != (await cbr.policy())["id"]


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "a b"},
        {"operation_type": "restore"},
        {"operation_definition": None},
        {"operation_definition": {"day_backups": 1}},
        {"operation_definition": {"colour": "blue"}},
        {"trigger": {"properties": {"pattern": ["FREQ=DAILY;COUNT=1"]}}},
        {"trigger": {"properties": {"pattern": []}}},
        {"id": UNKNOWN},
    ],
)
async def test_a_policy_that_breaks_a_rule_is_refused(cbr: Cbr, changes: dict[str, Any]) -> None:
    answer = await cbr.call("POST", "/policies", {"policy": policy_body(**changes)})
    assert answer.refusal == (400, "9900")


@pytest.mark.parametrize("body", [{}, {"policy": None}, {"policy": []}, [], "policy"])
async def test_a_body_without_a_policy_is_refused(cbr: Cbr, body: Any) -> None:
    assert (await cbr.call("POST", "/policies", body)).refusal == (400, "9900")


async def test_32_policies_of_each_type_are_possible(cbr: Cbr) -> None:
    for kind in ("backup", "replication"):
        for _ in range(32):
            await cbr.policy(operation_type=kind)
        answer = await cbr.call("POST", "/policies", {"policy": policy_body(operation_type=kind)})
        assert answer.refusal == (400, "6001")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_policy_that_does_not_exist_is_not_found(cbr: Cbr, method: str) -> None:
    body: Any = {"policy": {}} if method == "PUT" else None
    assert (await cbr.call(method, f"/policies/{UNKNOWN}", body)).refusal == (404, "6000")


async def test_policies_are_filtered_by_type(cbr: Cbr) -> None:
    await cbr.policy()
    other = await cbr.policy(operation_type="replication")
    found = (await cbr.good("GET", "/policies?operation_type=replication"))["policies"]
    assert [policy["id"] for policy in found] == [other["id"]]


async def test_policies_are_filtered_by_vault(cbr: Cbr) -> None:
    await cbr.policy()
    bound = await cbr.policy()
    vault = await cbr.vault(backup_policy_id=bound["id"])
    answer = await cbr.good("GET", f"/policies?vault_id={vault['id']}")
    assert [policy["id"] for policy in answer["policies"]] == [bound["id"]]
    assert answer["policies"][0]["associated_vaults"] == [{"vault_id": vault["id"], "destination_vault_id": None}]


async def test_a_wrong_filter_is_refused(cbr: Cbr) -> None:
    assert (await cbr.call("GET", "/policies?operation_type=restore")).refusal == (400, "9900")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"name": "b"},
        {"enabled": False},
        {"operation_definition": {"retention_duration_days": 3}},
        {"operation_definition": {}},
    ],
)
async def test_a_change_keeps_what_is_left_out(cbr: Cbr, changes: dict[str, Any]) -> None:
    policy = await cbr.policy()
    answer = await cbr.good("PUT", f"/policies/{policy['id']}", {"policy": changes})
    assert answer == {"policy": policy | {"associated_vaults": []} | changes}


async def test_a_change_of_the_rules_replaces_them(cbr: Cbr) -> None:
    policy = await cbr.policy()
    pattern = ["FREQ=WEEKLY;BYDAY=MO;BYHOUR=1;BYMINUTE=00"]
    changes = {"trigger": {"properties": {"pattern": pattern}}}
    changed = (await cbr.good("PUT", f"/policies/{policy['id']}", {"policy": changes}))["policy"]
    assert changed["trigger"]["properties"] == {"pattern": pattern, "start_time": "2031-01-07 08:15:00"}
    assert changed["trigger"]["id"] == policy["trigger"]["id"]


async def test_a_start_window_is_set_and_taken_off(cbr: Cbr) -> None:
    policy = await cbr.policy()
    for window in (60, None):
        properties = {"pattern": policy["trigger"]["properties"]["pattern"], "start_window_minutes": window}
        changes = {"trigger": {"properties": properties}}
        changed = (await cbr.good("PUT", f"/policies/{policy['id']}", {"policy": changes}))["policy"]
        assert changed["trigger"]["properties"]["start_window_minutes"] == window
        assert changed["trigger"]["properties"]["pattern"] == [PATTERN]


@pytest.mark.parametrize("changes", [{"operation_type": "backup"}, {"name": ""}, {"enabled": "perhaps"}])
async def test_a_change_that_breaks_a_rule_changes_nothing(cbr: Cbr, changes: dict[str, Any]) -> None:
    policy = await cbr.policy()
    answer = await cbr.call("PUT", f"/policies/{policy['id']}", {"policy": changes})
    assert answer.refusal == (400, "9900")
    assert (await cbr.good("GET", f"/policies/{policy['id']}"))["policy"] == policy | {"associated_vaults": []}


async def test_the_destination_of_a_bound_replication_policy_is_fixed(cbr: Cbr) -> None:
    destination = {"destination_region": "eu-nl", "destination_project_id": "0f3c"}
    policy = await cbr.policy(operation_type="replication", operation_definition=destination)
    vault = await cbr.vault()
    body = {"policy_id": policy["id"], "destination_vault_id": UNKNOWN}
    await cbr.good("POST", f"/vaults/{vault['id']}/associatepolicy", body)
    moved = {"operation_definition": destination | {"destination_region": "eu-de"}}
    assert (await cbr.call("PUT", f"/policies/{policy['id']}", {"policy": moved})).refusal == (400, "6003")
    kept = {"operation_definition": destination | {"max_backups": 3}}
    assert (await cbr.call("PUT", f"/policies/{policy['id']}", {"policy": kept})).status == 200


async def test_a_deleted_policy_is_gone_and_unbound(cbr: Cbr) -> None:
    policy = await cbr.policy()
    vault = await cbr.vault(backup_policy_id=policy["id"])
    assert await cbr.call("DELETE", f"/policies/{policy['id']}") == (204, None)
    assert (await cbr.call("GET", f"/policies/{policy['id']}")).refusal == (404, "6000")
    assert (await cbr.good("GET", f"/vaults?policy_id={policy['id']}"))["vaults"] == []
    assert (await cbr.get_vault(vault["id"]))["id"] == vault["id"]


async def test_a_policy_is_bound_when_a_vault_is_made_for_it(cbr: Cbr) -> None:
    answer = await cbr.call(
        "POST",
        "/vaults",
        {"vault": {"name": "v", "resources": [], "billing": billing(), "backup_policy_id": UNKNOWN}},
    )
    assert answer.refusal == (404, "6000")
    assert (await cbr.good("GET", "/vaults"))["count"] == 0
