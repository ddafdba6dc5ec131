"""Each call sends exactly the documented request, and lists are read to their end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import (
    InvalidRequestError,
    NotFoundError,
    QuotaExceededError,
    ResourceBusyError,
    UnexpectedResponseError,
    UnreadablePathError,
)
from airflow_provider_backup.cloud.services.cbr.models import (
    BillingCreate,
    CheckpointCreate,
    CheckpointParameters,
    OperationDefinition,
    PolicyCreate,
    PolicyUpdate,
    Trigger,
    TriggerProperties,
    VaultCreate,
    VaultResourceCreate,
    VaultUpdate,
)
from airflow_provider_backup.cloud.services.cbr.service import CbrService

from .conftest import Recorder

PATTERN = "FREQ=DAILY;INTERVAL=1;BYHOUR=0;BYMINUTE=30"
UUID = "2d9f0c11-0d41-4f0f-9a51-27d1d6a40001"
BILLING = BillingCreate(consistent_level="crash_consistent", object_type="server", protect_type="backup", size=200)
NAMED = {"id": "1", "name": "a"}
BINDING = {"vault_id": "v", "policy_id": "p"}

Call = Callable[[CbrService], Awaitable[Any]]

CALLS: list[tuple[Call, Any, tuple[str, str, Any]]] = [
    (
        lambda cbr: cbr.policies.create(
            PolicyCreate(
                name="nightly_02",
                operation_type="backup",
                operation_definition=OperationDefinition(max_backups=14),
                trigger=Trigger(properties=TriggerProperties(pattern=[PATTERN])),
            )
        ),
        {"policy": NAMED},
        (
            "POST",
            "/policies",
            {
                "policy": {
                    "name": "nightly_02",
                    "operation_type": "backup",
                    "operation_definition": {"max_backups": 14},
                    "trigger": {"properties": {"pattern": [PATTERN]}},
                }
            },
        ),
    ),
    (lambda cbr: cbr.policies.get("p/1"), {"policy": {**NAMED, "id": "p/1"}}, ("GET", "/policies/p/1", None)),
    (
        lambda cbr: cbr.policies.update("p", PolicyUpdate(enabled=False)),
        {"policy": NAMED},
        ("PUT", "/policies/p", {"policy": {"enabled": False}}),
    ),
    (lambda cbr: cbr.policies.delete("p"), None, ("DELETE", "/policies/p", None)),
    (
        lambda cbr: cbr.vaults.create(VaultCreate(name="v", billing=BILLING)),
        {"vault": NAMED},
        (
            "POST",
            "/vaults",
            {
                "vault": {
                    "name": "v",
                    "resources": [],
                    "billing": {
                        "consistent_level": "crash_consistent",
                        "object_type": "server",
                        "protect_type": "backup",
                        "size": 200,
                    },
                }
            },
        ),
    ),
    (lambda cbr: cbr.vaults.get("v"), {"vault": {**NAMED, "id": "v"}}, ("GET", "/vaults/v", None)),
    (
        lambda cbr: cbr.vaults.update("v", VaultUpdate(name="w")),
        {"vault": NAMED},
        ("PUT", "/vaults/v", {"vault": {"name": "w"}}),
    ),
    (lambda cbr: cbr.vaults.delete("v"), None, ("DELETE", "/vaults/v", None)),
    (
        lambda cbr: cbr.vaults.associate_policy("v", "p", destination_vault_id="d"),
        {"associate_policy": BINDING},
        ("POST", "/vaults/v/associatepolicy", {"policy_id": "p", "destination_vault_id": "d"}),
    ),
    (
        lambda cbr: cbr.vaults.associate_policy("v", add_policy_ids=("p", "q")),
        {"associate_policy": BINDING},
        ("POST", "/vaults/v/associatepolicy", {"add_policy_ids": ["p", "q"]}),
    ),
    (
        lambda cbr: cbr.vaults.dissociate_policy("v", "p"),
        {"dissociate_policy": BINDING},
        ("POST", "/vaults/v/dissociatepolicy", {"policy_id": "p"}),
    ),
    (
        lambda cbr: cbr.vaults.add_resources("v", [VaultResourceCreate(id="s", type="OS::Nova::Server")]),
        {"add_resource_ids": ["s"]},
        ("POST", "/vaults/v/addresources", {"resources": [{"id": "s", "type": "OS::Nova::Server"}]}),
    ),
    (
        lambda cbr: cbr.vaults.remove_resources("v", ["s"]),
        {"remove_resource_ids": ["s"]},
        ("POST", "/vaults/v/removeresources", {"resource_ids": ["s"]}),
    ),
    (
        lambda cbr: cbr.checkpoints.create(
            CheckpointCreate(vault_id=UUID, parameters=CheckpointParameters(name="pre_release", incremental=False))
        ),
        {"checkpoint": NAMED},
        (
            "POST",
            "/checkpoints",
            {"checkpoint": {"vault_id": UUID, "parameters": {"name": "pre_release", "incremental": False}}},
        ),
    ),
    (lambda cbr: cbr.checkpoints.get("c"), {"checkpoint": {**NAMED, "id": "c"}}, ("GET", "/checkpoints/c", None)),
    (lambda cbr: cbr.backups.get("b"), {"backup": {**NAMED, "id": "b"}}, ("GET", "/backups/b", None)),
    (lambda cbr: cbr.backups.delete("b"), None, ("DELETE", "/backups/b", None)),
    (
        lambda cbr: cbr.operation_logs.get("l"),
        {"operation_log": {**NAMED, "id": "l"}},
        ("GET", "/operation-logs/l", None),
    ),
]


@pytest.mark.parametrize(("call", "answer", "request_"), CALLS)
async def test_a_call_sends_exactly_the_documented_request(
    recorder: Recorder, call: Call, answer: Any, request_: tuple[str, str, Any]
) -> None:
    recorder.answers = [(204, None) if answer is None else (200, answer)]
    await call(recorder.cbr)
    assert recorder.requests == [request_]


async def test_ids_of_added_and_removed_resources_are_returned(recorder: Recorder) -> None:
    recorder.answers = [(200, {"add_resource_ids": ["s"]}), (200, {"remove_resource_ids": None})]
    server = VaultResourceCreate(id="s", type="OS::Nova::Server")
    assert await recorder.cbr.vaults.add_resources("v", [server]) == ["s"]
    assert await recorder.cbr.vaults.remove_resources("v", ["s"]) == []


async def test_a_subscription_is_refused_before_anything_is_sent(recorder: Recorder) -> None:
    billing = BILLING.model_copy(update={"charging_mode": "pre_paid", "period_type": "year", "period_num": 1})
    with pytest.raises(InvalidRequestError, match=r"billing\.charging_mode: must be post_paid"):
        await recorder.cbr.vaults.create(VaultCreate(name="v", billing=billing))
    assert recorder.requests == []


async def test_a_wrong_filter_is_refused_before_anything_is_sent(recorder: Recorder) -> None:
    with pytest.raises(InvalidRequestError, match=r"status\.0"):
        [backup async for backup in recorder.cbr.backups.list(status="good")]
    assert recorder.requests == []


async def test_policies_are_listed_in_one_request(recorder: Recorder) -> None:
    recorder.answers = [(200, {"policies": [NAMED], "count": 1})]
    found = [policy async for policy in recorder.cbr.policies.list(operation_type="backup", vault_id="v")]
    assert [policy.name for policy in found] == ["a"]
    assert recorder.requests == [("GET", "/policies?operation_type=backup&vault_id=v", None)]


async def test_filters_of_backups_are_sent(recorder: Recorder) -> None:
    recorder.answers = [(200, {"backups": [], "count": 0})]
    filters: Any = {"status": ["available", "error"], "incremental": True, "sort": "name:asc", "used_percent": 5}
    assert [backup async for backup in recorder.cbr.backups.list(**filters)] == []
    assert recorder.requests[0][1] == (
        "/backups?incremental=true&limit=1000&sort=name:asc&status=available&status=error&used_percent=5"
    )


async def test_a_list_is_read_to_its_end(recorder: Recorder) -> None:
    recorder.answers = [
        (200, {"vaults": [NAMED, NAMED | {"id": "2"}], "count": 3, "limit": 2, "offset": 0}),
        (200, {"vaults": [NAMED | {"id": "3"}], "count": 3, "limit": 2, "offset": 2}),
    ]
    assert [vault.id async for vault in recorder.cbr.vaults.list(limit=2)] == ["1", "2", "3"]
    assert [path for _, path, _ in recorder.requests] == ["/vaults?limit=2", "/vaults?limit=2&offset=2"]


async def test_a_list_that_shows_no_size_is_read_until_a_page_is_empty(recorder: Recorder) -> None:
    recorder.answers = [(200, {"vaults": [NAMED]}), (200, {"vaults": []})]
    assert [vault.id async for vault in recorder.cbr.vaults.list(limit=1)] == ["1"]
    assert len(recorder.requests) == 2


async def test_a_page_that_is_smaller_than_asked_for_is_not_the_end_while_rows_are_missing(recorder: Recorder) -> None:
    recorder.answers = [
        (200, {"backups": [NAMED], "count": 2}),
        (200, {"backups": [NAMED | {"id": "2"}], "count": 2}),
    ]
    assert [backup.id async for backup in recorder.cbr.backups.list()] == ["1", "2"]


async def test_a_list_that_repeats_its_page_ends_and_gives_each_row_once(recorder: Recorder) -> None:
    recorder.answers = [(200, {"backups": [NAMED], "count": 5})] * 3
    assert [backup.id async for backup in recorder.cbr.backups.list()] == ["1"]
    assert len(recorder.requests) == 2


async def test_a_list_begins_where_it_is_asked_to(recorder: Recorder) -> None:
    recorder.answers = [(200, {"operation_logs": [NAMED], "count": 4, "limit": 1000, "offset": 3})]
    assert [log.id async for log in recorder.cbr.operation_logs.list(offset=3)] == ["1"]
    assert [path for _, path, _ in recorder.requests] == ["/operation-logs?limit=1000&offset=3"]


@pytest.mark.parametrize("body", [{}, {"backups": None}, {"backups": [], "count": None}])
async def test_a_list_without_rows_is_empty(recorder: Recorder, body: Any) -> None:
    recorder.answers = [(200, body)]
    assert [backup async for backup in recorder.cbr.backups.list()] == []


@pytest.mark.parametrize("body", [[], {"backups": {"id": "1"}}])
async def test_a_list_that_is_none_is_reported(recorder: Recorder, body: Any) -> None:
    recorder.answers = [(200, body)]
    with pytest.raises(UnexpectedResponseError, match="no list 'backups'"):
        [backup async for backup in recorder.cbr.backups.list()]


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (404, {"error_code": "BackupService.6000", "error_msg": "no"}, NotFoundError),
        (400, {"error_code": "BackupService.6000", "error_msg": "no"}, NotFoundError),
        (401, {"unauthorized": {"code": "401", "message": "Malformed request url"}}, UnreadablePathError),
        (400, {"error_code": "BackupService.6001", "error_msg": "quota"}, QuotaExceededError),
        (400, {"error_code": "BackupService.6125", "error_msg": "running"}, ResourceBusyError),
    ],
)
async def test_refusals_become_typed_errors(recorder: Recorder, status: int, body: Any, error: type[Exception]) -> None:
    recorder.answers = [(status, body)]
    with pytest.raises(error):
        await recorder.cbr.policies.get("p")
