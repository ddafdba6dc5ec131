"""Each call sends exactly the documented request, and lists are read to their end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
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
    ExpirationUpdate,
    MemberUpdate,
    OperationDefinition,
    PolicyCreate,
    PolicyUpdate,
    Tag,
    TagCondition,
    TagKey,
    TagSearch,
    Trigger,
    TriggerProperties,
    VaultBatchUpdate,
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
        lambda cbr: cbr.vaults.migrate_resources("v", ["s"], "d"),
        {"migrated_resources": ["s"]},
        ("POST", "/vaults/v/migrateresources", {"resource_ids": ["s"], "destination_vault_id": "d"}),
    ),
    (
        lambda cbr: cbr.vaults.suspend_resources("v", ["s"]),
        {"set_resource_ids": ["s"]},
        ("PUT", "/vaults/v/set-resources", {"resource_ids": ["s"], "action": "suspend"}),
    ),
    (
        lambda cbr: cbr.vaults.unsuspend_resources("v", ["s"]),
        {"set_resource_ids": ["s"]},
        ("PUT", "/vaults/v/set-resources", {"resource_ids": ["s"], "action": "unsuspend"}),
    ),
    (
        lambda cbr: cbr.vaults.update_all(VaultBatchUpdate(threshold=70)),
        {"updated_vaults_id": ["v"]},
        ("PUT", "/vaults/batch-update", {"vault": {"threshold": 70}}),
    ),
    (
        lambda cbr: cbr.vaults.change_expiration(
            "v", ExpirationUpdate(expect_expiration_date=date(2031, 4, 2), time_zone="UTC+08:00")
        ),
        {"affected_backups_count": 1},
        (
            "PUT",
            "/vaults/v/update-backup-expiration-time",
            {"expect_expiration_date": "2031-04-02", "time_zone": "UTC+08:00"},
        ),
    ),
    (lambda cbr: cbr.vault_tags.list("v"), {"tags": []}, ("GET", "/vault/v/tags", None)),
    (lambda cbr: cbr.vault_tags.of_project(), {"tags": []}, ("GET", "/vault/tags", None)),
    (
        lambda cbr: cbr.vault_tags.put("v", Tag(key="team", value="a")),
        None,
        ("POST", "/vault/v/tags", {"tag": {"key": "team", "value": "a"}}),
    ),
    (
        lambda cbr: cbr.vault_tags.put_all("v", [Tag(key="team", value="a")]),
        None,
        ("POST", "/vault/v/tags/action", {"action": "create", "tags": [{"key": "team", "value": "a"}]}),
    ),
    (lambda cbr: cbr.vault_tags.delete("v", "team"), None, ("DELETE", "/vault/v/tags/team", None)),
    (
        lambda cbr: cbr.vault_tags.delete_all("v", [TagKey(key="team")]),
        None,
        ("POST", "/vault/v/tags/action", {"action": "delete", "tags": [{"key": "team"}]}),
    ),
    (
        lambda cbr: cbr.vault_tags.count(TagSearch(tags=[TagCondition(key="team", values=[])])),
        {"total_count": 3},
        (
            "POST",
            "/vault/resource_instances/action",
            {"tags": [{"key": "team", "values": []}], "action": "count"},
        ),
    ),
    (lambda cbr: cbr.usage.summary(), {"size": 1}, ("GET", "/vaults/summary", None)),
    (
        lambda cbr: cbr.protectables.get("server", "s"),
        {"instance": {**NAMED, "id": "s"}},
        ("GET", "/protectables/server/instances/s", None),
    ),
    (
        lambda cbr: cbr.backups.rename("b", "kept"),
        {"backup": NAMED},
        ("PUT", "/backups/b", {"backup": {"name": "kept"}}),
    ),
    (
        lambda cbr: cbr.backups.get_member("b", "p"),
        {"member": {"id": "m", "dest_project_id": "p"}},
        ("GET", "/backups/b/members/p", None),
    ),
    (
        lambda cbr: cbr.backups.update_member("b", "p", MemberUpdate(status="accepted", vault_id="v")),
        {"member": {"id": "m"}},
        ("PUT", "/backups/b/members/p", {"status": "accepted", "vault_id": "v"}),
    ),
    (lambda cbr: cbr.backups.delete_member("b", "p"), {}, ("DELETE", "/backups/b/members/p", None)),
    (
        lambda cbr: cbr.backups.add_members("b", ["p", "q"]),
        {"members": []},
        ("POST", "/backups/b/members", {"members": ["p", "q"]}),
    ),
    (lambda cbr: cbr.backups.metadata("b"), {"backup_id": "b"}, ("GET", "/backups/b/metadata", None)),
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


async def test_a_tag_of_the_project_has_a_list_of_values_or_one_text(recorder: Recorder) -> None:
    rows = [{"key": "a", "values": ["1", None, "2"]}, {"key": "b", "values": "3"}, {"key": "c", "values": None}]
    recorder.answers = [(200, {"tags": rows})]
    assert [tag.values for tag in await recorder.cbr.vault_tags.of_project()] == [["1", "2"], ["3"], []]


async def test_vaults_are_found_by_tags_to_the_end_of_the_list(recorder: Recorder) -> None:
    rows = [{"resource_id": "1", "resource_detail": {"vault": NAMED}}, {"resource_id": "2"}]
    recorder.answers = [(200, {"resources": [row], "total_count": 2}) for row in rows]
    search = TagSearch(without_any_tag=True)
    assert [found.resource_id async for found in recorder.cbr.vault_tags.find(search)] == ["1", "2"]
    page = {"without_any_tag": True, "action": "filter", "limit": "1000"}
    assert [body for _, _, body in recorder.requests] == [page | {"offset": "0"}, page | {"offset": "1"}]


async def test_a_search_by_tags_that_repeats_its_page_ends(recorder: Recorder) -> None:
    recorder.answers = [(200, {"resources": [{"resource_id": "1"}], "total_count": 5})] * 3
    assert [found.resource_id async for found in recorder.cbr.vault_tags.find(TagSearch())] == ["1"]
    assert len(recorder.requests) == 2


@pytest.mark.parametrize("body", [{}, [], {"total_count": "many"}])
async def test_a_count_without_a_number_is_reported(recorder: Recorder, body: Any) -> None:
    recorder.answers = [(200, body)]
    with pytest.raises(UnexpectedResponseError, match="total_count"):
        await recorder.cbr.vault_tags.count(TagSearch())


async def test_what_can_be_backed_up_is_listed_in_pages_of_fifty(recorder: Recorder) -> None:
    recorder.answers = [
        (200, {"instances": [NAMED | {"id": str(number)} for number in range(50)]}),
        (200, {"instances": [NAMED | {"id": "50"}]}),
    ]
    found = [each.id async for each in recorder.cbr.protectables.list("server", name="a")]
    assert found == [str(number) for number in range(51)]
    assert [path for _, path, _ in recorder.requests] == [
        "/protectables/server/instances?limit=50&name=a",
        "/protectables/server/instances?limit=50&name=a&offset=50",
    ]


async def test_the_use_of_resources_is_listed(recorder: Recorder) -> None:
    recorder.answers = [(200, {"storage_usage": [{"resource_id": "s", "backup_size": "5"}], "resource_count": 1})]
    assert [each.backup_size async for each in recorder.cbr.usage.list(resource_id="s")] == [5]
    assert [path for _, path, _ in recorder.requests] == ["/storage_usage?limit=1000&resource_id=s"]


async def test_an_unknown_type_of_what_can_be_backed_up_is_refused_before_anything_is_sent(recorder: Recorder) -> None:
    wrong: Any = "car"
    with pytest.raises(InvalidRequestError, match="protectable_type"):
        recorder.cbr.protectables.list(wrong)
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
