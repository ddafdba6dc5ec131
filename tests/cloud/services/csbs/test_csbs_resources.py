"""What goes over the wire: the exact requests of every call, and the walk through lists."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import (
    BackupError,
    BadRequestError,
    CloudConnectionError,
    DuplicateNameError,
    InvalidRequestError,
    NotFoundError,
    QuotaExceededError,
    ResourceBusyError,
    UnexpectedResponseError,
)
from airflow_provider_backup.cloud.services.csbs.models import (
    PROVIDER_ID,
    PolicyCreate,
    PolicyUpdate,
    Protection,
    RestorableQuestion,
    RestoreCreate,
)

from .conftest import Recorder

POLICY_ID = "7d3c2a10-55d4-4b7e-9c36-0b7c0f2f3a41"
SERVER_ID = "5aa0c7de-1f21-4a8f-8d8f-3c1a7ce9c001"
POLICY = {"policy": {"id": POLICY_ID, "name": "srv-weekly"}}
CHECKPOINT = {"checkpoint": {"id": "2b8f5d6e", "status": "protecting"}}


async def test_a_policy_is_queried_with_the_documented_request(recorder: Recorder) -> None:
    recorder.answers.append((200, POLICY))

    policy = await recorder.csbs.policies.get(POLICY_ID)

    assert policy.name == "srv-weekly"
    assert recorder.requests == [("GET", f"/policies/{POLICY_ID}", None)]


async def test_a_policy_is_executed_with_the_documented_request(recorder: Recorder) -> None:
    recorder.answers.append((200, CHECKPOINT))

    checkpoint = await recorder.csbs.checkpoints.execute_policy(POLICY_ID, server_ids=[SERVER_ID])

    assert (checkpoint.id, checkpoint.status) == ("2b8f5d6e", "protecting")
    body = {"checkpoint": {"plan_id": POLICY_ID, "parameters": {"auto_trigger": False, "resources": [SERVER_ID]}}}
    assert recorder.requests == [("POST", f"/providers/{PROVIDER_ID}/checkpoints", body)]


async def test_a_policy_is_executed_for_all_servers_without_naming_them(recorder: Recorder) -> None:
    recorder.answers.append((200, CHECKPOINT))

    await recorder.csbs.checkpoints.execute_policy(POLICY_ID, auto_trigger=True)

    assert recorder.requests[0][2] == {"checkpoint": {"plan_id": POLICY_ID, "parameters": {"auto_trigger": True}}}


async def test_nothing_is_sent_when_no_server_is_left_to_execute_for(recorder: Recorder) -> None:
    with pytest.raises(InvalidRequestError, match=r"parameters\.resources"):
        await recorder.csbs.checkpoints.execute_policy(POLICY_ID, server_ids=[])

    assert recorder.requests == []


async def test_a_server_is_protected_with_the_documented_request(recorder: Recorder) -> None:
    recorder.answers += [(200, CHECKPOINT), (200, CHECKPOINT)]

    await recorder.csbs.checkpoints.protect(SERVER_ID, Protection(backup_name="before-upgrade", incremental=True))
    await recorder.csbs.checkpoints.protect(SERVER_ID)

    path = f"/providers/{PROVIDER_ID}/resources/{SERVER_ID}/action"
    assert recorder.requests == [
        ("POST", path, {"protect": {"backup_name": "before-upgrade", "incremental": True}}),
        ("POST", path, {"protect": {}}),
    ]


async def test_asking_whether_servers_can_be_backed_up_sends_the_documented_request(recorder: Recorder) -> None:
    answer = {"resource_id": SERVER_ID, "result": False, "error_code": "CSBS.6007", "error_msg": "No volume"}
    recorder.answers.append((200, {"protectable": [answer]}))

    (answered,) = await recorder.csbs.checkpoints.check_protectable([SERVER_ID])

    assert (answered.result, answered.error_code) == (False, "CSBS.6007")
    body = {"check_protectable": [{"resource_id": SERVER_ID, "resource_type": "OS::Nova::Server"}]}
    assert recorder.requests == [("POST", f"/providers/{PROVIDER_ID}/resources/action", body)]


RESTORE = RestoreCreate.model_validate(
    {
        "checkpoint_id": "checkpoint",
        "parameters": {
            "checkpoint_item_id": "item",
            "power_on": False,
            "targets": {"server_id": SERVER_ID, "volumes": [{"backup_id": "disk-backup", "volume_id": "disk"}]},
        },
    }
)


async def test_asking_whether_a_backup_can_be_restored_sends_the_documented_question(recorder: Recorder) -> None:
    answer = {"result": False, "error_code": "CSBS.6018", "error_msg": "Not assign backup(s)"}
    recorder.answers = [(200, {"restorable": [answer]})]
    question = {
        "checkpoint_item_id": "item",
        "target": {
            "resource_id": SERVER_ID,
            "resource_type": "OS::Nova::Server",
            "volumes": [{"backup_id": "disk-backup", "volume_id": "disk"}],
        },
    }

    (answered,) = await recorder.csbs.checkpoints.check_restorable([RestorableQuestion.model_validate(question)])

    assert (answered.result, answered.error_code) == (False, "CSBS.6018")
    body = {"check_restorable": [question]}
    assert recorder.requests == [("POST", f"/providers/{PROVIDER_ID}/resources/action", body)]


async def test_a_restore_sends_the_documented_body_and_returns_its_id(recorder: Recorder) -> None:
    recorder.answers = [(200, {"restore": {"id": "restore-1", "status": "in_progress", "resources_status": "word"}})]

    assert await recorder.csbs.checkpoints.restore(RESTORE) == "restore-1"

    assert recorder.requests == [("POST", "/restores", {"restore": RESTORE.to_wire()})]


async def test_a_restore_that_was_taken_without_a_readable_answer_has_no_id(recorder: Recorder) -> None:
    recorder.answers = [(200, {"restore": None})]

    assert await recorder.csbs.checkpoints.restore(RESTORE) is None
    assert await recorder.csbs.checkpoints.restore(RESTORE) is None


async def test_a_restore_is_sent_once_although_the_service_fails(recorder: Recorder) -> None:
    recorder.answers = [(503, {}), (200, {})]

    with pytest.raises(BackupError):
        await recorder.csbs.checkpoints.restore(RESTORE)

    assert len(recorder.requests) == 1


async def test_a_policy_is_created_changed_and_deleted_with_the_documented_requests(recorder: Recorder) -> None:
    pattern = "RRULE:FREQ=DAILY;BYHOUR=3;BYMINUTE=15"
    operation = {
        "enabled": True,
        "operation_type": "backup",
        "operation_definition": {},
        "trigger": {"properties": {"pattern": pattern}},
    }
    body = {
        "name": "srv-weekly",
        "provider_id": PROVIDER_ID,
        "parameters": {"common": {}},
        "resources": [],
        "scheduled_operations": [operation],
    }
    recorder.answers += [(200, POLICY), (200, POLICY)]

    await recorder.csbs.policies.create(PolicyCreate.model_validate(body))
    await recorder.csbs.policies.update(POLICY_ID, PolicyUpdate(description="changed"))
    await recorder.csbs.policies.delete(POLICY_ID)

    assert recorder.requests == [
        ("POST", "/policies", {"policy": body}),
        ("PUT", f"/policies/{POLICY_ID}", {"policy": {"description": "changed"}}),
        ("DELETE", f"/policies/{POLICY_ID}", None),
    ]


async def test_a_checkpoint_is_deleted_whole_or_in_part(recorder: Recorder) -> None:
    await recorder.csbs.checkpoints.delete("2b8f5d6e")
    await recorder.csbs.checkpoints.delete("2b8f5d6e", ["90aa1d5f", "91bb2e60"])

    path = f"/providers/{PROVIDER_ID}/checkpoints/2b8f5d6e"
    assert recorder.requests == [
        ("DELETE", path, None),
        ("DELETE", f"{path}?checkpoint_items=90aa1d5f,91bb2e60", None),
    ]


async def test_backups_are_listed_with_every_documented_filter(recorder: Recorder) -> None:
    recorder.answers.append((200, {"checkpoint_items": []}))

    found = [
        item
        async for item in recorder.csbs.checkpoint_items.list(
            status="available",
            name="before",
            resource_id=SERVER_ID,
            resource_name="app01",
            resource_type=["OS::Nova::Server", "OS::Ironic::BareMetalServer"],
            checkpoint_id="2b8f5d6e",
            policy_id=POLICY_ID,
            az="eu-de-02",
            start_time=datetime(2026, 4, 18, 1, 21, 52, tzinfo=UTC),
            end_time=datetime(2026, 4, 19, tzinfo=UTC),
            image_type="backup",
            ip="192.168.0.20",
            all_tenants=False,
            dec=True,
            sort="created_at:asc",
            limit=7,
            marker="90aa1d5f",
            offset=2,
        )
    ]

    assert found == []
    method, path, body = recorder.requests[0]
    assert (method, body) == ("GET", None)
    assert sorted(path.removeprefix("/checkpoint_items?").split("&")) == [
        "all_tenants=false",
        "az=eu-de-02",
        "checkpoint_id=2b8f5d6e",
        "dec=true",
        "end_time=2026-04-19T00:00:00.000000",
        "image_type=backup",
        "ip=192.168.0.20",
        "limit=7",
        "marker=90aa1d5f",
        "name=before",
        "offset=2",
        f"policy_id={POLICY_ID}",
        f"resource_id={SERVER_ID}",
        "resource_name=app01",
        "resource_type=OS::Ironic::BareMetalServer",
        "resource_type=OS::Nova::Server",
        "sort=created_at:asc",
        "start_time=2026-04-18T01:21:52.000000",
        "status=available",
    ]


async def test_backups_are_counted(recorder: Recorder) -> None:
    recorder.answers.append((200, {"count": 10}))

    assert await recorder.csbs.checkpoint_items.count(policy_id=POLICY_ID) == 10
    assert recorder.requests == [("GET", f"/checkpoint_items/count?policy_id={POLICY_ID}", None)]


async def test_a_list_is_read_page_by_page_until_a_short_one(recorder: Recorder) -> None:
    recorder.answers += [
        (200, {"policies": [{"id": "1", "name": "x"}, {"id": "2", "name": "x"}]}),
        (200, {"policies": [{"id": "3", "name": "x"}]}),
    ]

    ids = [policy.id async for policy in recorder.csbs.policies.list(limit=2, offset=1, name="x", sort="name:asc")]

    assert ids == ["1", "2", "3"]
    assert [path for _, path, _ in recorder.requests] == [
        "/policies?limit=2&name=x&offset=1&sort=name:asc",
        "/policies?limit=2&marker=2&name=x&sort=name:asc",
    ]


async def test_a_short_page_that_names_a_next_one_is_not_the_last(recorder: Recorder) -> None:
    links = [{"rel": "next", "href": "http://somewhere/else"}]
    recorder.answers += [
        (200, {"policies": [{"id": "1", "name": "a"}], "policies_links": links}),
        (200, {"policies": []}),
    ]

    assert [policy.name async for policy in recorder.csbs.policies.list()] == ["a"]
    assert [path for _, path, _ in recorder.requests] == ["/policies?limit=1000", "/policies?limit=1000&marker=1"]


async def test_a_list_that_repeats_its_page_ends_and_gives_each_row_once(recorder: Recorder) -> None:
    recorder.answers += [(200, {"policies": [{"id": "1", "name": "a"}]})] * 5

    assert len([policy async for policy in recorder.csbs.policies.list(limit=1)]) == 1
    assert len(recorder.requests) == 2


@pytest.mark.parametrize("body", [None, [], {}, {"policies": None}, {"policies": {}}])
async def test_a_list_in_another_form_is_refused(recorder: Recorder, body: Any) -> None:
    recorder.answers.append((200, body))

    with pytest.raises(UnexpectedResponseError, match="no list 'policies'"):
        [policy async for policy in recorder.csbs.policies.list()]


@pytest.mark.parametrize("body", [None, {}, {"count": "many"}])
async def test_a_count_in_another_form_is_refused(recorder: Recorder, body: Any) -> None:
    recorder.answers.append((200, body))

    with pytest.raises(UnexpectedResponseError, match="count"):
        await recorder.csbs.checkpoint_items.count()


@pytest.mark.parametrize(
    ("status", "code", "error_class"),
    [
        (404, "CSBS.3000", NotFoundError),
        (500, "CSBS.1001", ResourceBusyError),
        (500, "CSBS.6030", ResourceBusyError),
        (500, "CSBS.6032", BadRequestError),
        (400, "CSBS.9001", BadRequestError),
        (400, "BackupService.4008", BadRequestError),
    ],
)
async def test_a_refused_execution_is_not_repeated_and_reports_its_kind(
    recorder: Recorder, status: int, code: str, error_class: type[Exception]
) -> None:
    recorder.answers.append((status, {"error_code": code, "error_msg": "words"}))

    with pytest.raises(error_class, match=code):
        await recorder.csbs.checkpoints.execute_policy(POLICY_ID)

    assert len(recorder.requests) == 1


@pytest.mark.parametrize(
    ("code", "error_class"), [("CSBS.9007", DuplicateNameError), ("CSBS.0001", QuotaExceededError)]
)
async def test_a_refused_policy_reports_its_kind(recorder: Recorder, code: str, error_class: type[Exception]) -> None:
    recorder.answers.append((400, {"error_code": code, "error_msg": "words"}))

    with pytest.raises(error_class):
        await recorder.csbs.policies.update(POLICY_ID, PolicyUpdate(name="taken"))


async def test_an_execution_whose_answer_is_not_ours_is_distinguished_from_a_refusal(recorder: Recorder) -> None:
    recorder.answers.append((200, {"unexpected": True}))

    with pytest.raises(UnexpectedResponseError, match="no member 'checkpoint'"):
        await recorder.csbs.checkpoints.execute_policy(POLICY_ID)


async def test_an_execution_that_got_a_bad_gateway_is_not_repeated(recorder: Recorder) -> None:
    recorder.answers.append((502, "<html>"))

    with pytest.raises(Exception, match="502") as caught:
        await recorder.csbs.checkpoints.execute_policy(POLICY_ID)

    assert not isinstance(caught.value, CloudConnectionError)
    assert len(recorder.requests) == 1
