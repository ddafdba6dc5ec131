"""Every documented form of CSBS answers, mixed forms included (CSBS section 11)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.errors import UnexpectedResponseError
from airflow_provider_backup.cloud.operations.recurrence import RecurrenceRule
from airflow_provider_backup.cloud.operations.schedules import Weekday
from airflow_provider_backup.cloud.schema.answers import parsed
from airflow_provider_backup.cloud.services.csbs.models import Checkpoint, CheckpointItem, Policy

PATTERN = (
    "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nRRULE:FREQ=WEEKLY;BYDAY=TU;BYHOUR=3;BYMINUTE=15\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
)
POLICY: dict[str, Any] = {
    "id": "7d3c2a10-55d4-4b7e-9c36-0b7c0f2f3a41",
    "name": "srv-weekly",
    "description": "",
    "status": "suspended",
    "project_id": "4d0f7b0c2a7e4b5f9f8e1d2c3b4a5968",
    "provider_id": "fc4d5750-22e7-4798-8a46-f48f62c4c1da",
    "created_at": "2026-03-07T09:31:08.265000",
    "parameters": {"common": {}},
    "resources": [
        {"id": "5aa0c7de-1f21-4a8f-8d8f-3c1a7ce9c001", "type": "OS::Nova::Server", "name": "app01", "extra_info": {}}
    ],
    "scheduled_operations": [
        {
            "id": "0e3a6f1b-9b9e-47d9-8f51-6a2b7a6f9d20",
            "name": "weekly",
            "description": "",
            "enabled": True,
            "operation_type": "backup",
            "operation_definition": {
                "max_backups": "20",
                "retention_duration_days": "-1",
                "permanent": "False",
                "plan_id": "7d3c2a10-55d4-4b7e-9c36-0b7c0f2f3a41",
                "provider_id": "fc4d5750-22e7-4798-8a46-f48f62c4c1da",
            },
            "trigger": {
                "id": "c1f0a6f2-0a55-4c29-9df2-5d5c5a6f7b11",
                "name": "default",
                "type": "time",
                "properties": {"pattern": PATTERN, "start_time": "2026-03-07 09:31:08", "format": "ical"},
            },
            "trigger_id": "c1f0a6f2-0a55-4c29-9df2-5d5c5a6f7b11",
        }
    ],
    "tags": [{"key": "team", "value": "billing"}],
}
ITEM: dict[str, Any] = {
    "id": "90aa1d5f-1b9f-4aeb-b2f4-0c1d2e3f4a5b",
    "checkpoint_id": "2b8f5d6e-3f0a-4f07-8d0e-5d3e6f1a2b90",
    "name": "before-upgrade",
    "description": "v4",
    "status": "available",
    "resource_id": "5aa0c7de-1f21-4a8f-8d8f-3c1a7ce9c001",
    "resource_type": "OS::Nova::Server",
    "created_at": "2026-05-02T10:21:53.277880",
    "updated_at": "2026-05-02T10:29:38.680638",
    "tags": [],
    "backup_data": {
        "__openstack_region_name": "",
        "cloudservicetype": "QEMU",
        "disk": 0,
        "ram": 8192,
        "vcpus": 4,
        "imagetype": "gold",
        "eip": "",
        "private_ip": "192.168.0.20",
    },
    "extend_info": {
        "auto_trigger": False,
        "progress": 100,
        "average_speed": 25.2,
        "space_saving_ratio": 6.5,
        "size": 20480,
        "incremental": False,
        "image_type": "backup",
        "resource_az": "eu-de-02",
        "resource_name": "app01",
        "resource_type": "OS::Nova::Server",
        "copy_from": "",
        "copy_status": "na",
        "fail_code": {},
        "fail_op": "",
        "fail_reason": "",
        "finished_at": "2026-05-02T10:29:38.675478",
        "hypervisor_type": "QEMU",
        "supported_restore_mode": "backup",
        "support_lld": True,
        "taskid": "6f0a7c1e-4600-11f1-9b1d-0242ac110007",
        "os_images_data": [],
        "volume_backups": [
            {
                "id": "70e1c2aa-d3a8-43a7-9f81-7a8b9c0d1e2f",
                "name": "manualbk_4c22_app01",
                "status": "available",
                "bootable": True,
                "source_volume_id": "c2b7d9c4-2f61-4a6e-9a53-6b1c5f2f0a77",
                "source_volume_name": "app01",
                "source_volume_size": 40,
                "size": 20480,
                "snapshot_id": "36aa20e1-d2ea-4907-956a-0f1e2d3c4b5a",
                "incremental": False,
                "image_type": "backup",
                "average_speed": 16,
                "space_saving_ratio": 1,
            }
        ],
    },
}


def policy_with(definition: dict[str, Any]) -> Policy:
    return Policy.model_validate({**POLICY, "scheduled_operations": [{"operation_definition": definition}]})


def item_with(**changes: Any) -> CheckpointItem:
    return CheckpointItem.model_validate({**ITEM, **changes})


def test_every_documented_member_of_a_policy_is_read() -> None:
    policy = parsed(Policy, {"policy": POLICY}, "policy")

    assert policy.created_at == datetime(2026, 3, 7, 9, 31, 8, 265000, tzinfo=UTC)
    operation = policy.operation
    assert operation is not None
    assert (operation.operation_definition.max_backups, operation.operation_definition.retention_duration_days) == (
        20,
        -1,
    )
    assert operation.operation_definition.permanent is False
    assert operation.trigger.properties.start_time == datetime(2026, 3, 7, 9, 31, 8, tzinfo=UTC)
    assert policy.enabled
    assert policy.server_ids == ["5aa0c7de-1f21-4a8f-8d8f-3c1a7ce9c001"]
    assert policy.schedule_text == PATTERN
    assert policy.schedule_pattern == RecurrenceRule("WEEKLY", weekdays=(Weekday.TUE,), hours=(3,), minute=15)
    assert (policy.tags[0].key, policy.tags[0].value) == ("team", "billing")


def _unread(model: Any, path: str = "") -> list[str]:
    """Name the members that no field of the models took."""
    names = [f"{path}{name}" for name in model.model_extra or ()]
    for name in type(model).model_fields:
        value = getattr(model, name)
        for child in value if isinstance(value, list) else [value]:
            if hasattr(child, "model_extra"):
                names += _unread(child, f"{path}{name}.")
    return names


@pytest.mark.parametrize(("model", "body"), [(Policy, POLICY), (CheckpointItem, ITEM)])
def test_every_documented_member_has_a_field_of_its_own(model: Any, body: dict[str, Any]) -> None:
    assert _unread(model.model_validate(body)) == []


def test_undocumented_members_survive() -> None:
    policy = Policy.model_validate({**POLICY, "colour": "red"})

    assert policy.model_dump()["colour"] == "red"


@pytest.mark.parametrize(("sent", "read"), [(20, 20), ("20", 20), ("-1", -1), (-1, -1), (None, None)])
def test_a_retention_number_is_the_same_as_number_or_text(sent: Any, read: int | None) -> None:
    operation = policy_with({"max_backups": sent}).operation

    assert operation is not None
    assert operation.operation_definition.max_backups == read


@pytest.mark.parametrize(("sent", "read"), [(True, True), ("True", True), ("False", False), (None, None)])
def test_permanent_is_the_same_as_truth_value_or_text(sent: Any, read: bool | None) -> None:
    operation = policy_with({"permanent": sent}).operation

    assert operation is not None
    assert operation.operation_definition.permanent is read


@pytest.mark.parametrize(
    ("sent", "read"),
    [({}, {}), ("{}", {}), ('{"created_by": "manual"}', {"created_by": "manual"}), (None, {}), ("manual", {})],
)
def test_extra_info_is_an_object_in_every_form(sent: Any, read: dict[str, str]) -> None:
    server = {"id": "5aa0c7de", "extra_info": sent}
    checkpoint = Checkpoint.model_validate(
        {"id": "2b8f5d6e", "extra_info": sent, "protection_plan": {"resources": [server]}}
    )

    assert checkpoint.extra_info == read
    assert checkpoint.protection_plan.resources[0].extra_info == read
    assert Policy.model_validate({**POLICY, "resources": [server]}).resources[0].extra_info == read


@pytest.mark.parametrize("status", ["suspended", "enabled", "disabled", "creating", "started", "new one"])
def test_whether_a_policy_is_enabled_is_not_reported_by_its_status(status: str) -> None:
    off = {**POLICY["scheduled_operations"][0], "enabled": False}

    assert Policy.model_validate({**POLICY, "status": status}).enabled
    assert not Policy.model_validate({**POLICY, "status": status, "scheduled_operations": [off]}).enabled


def test_a_policy_with_nothing_but_id_and_name_is_read() -> None:
    policy = Policy.model_validate({"id": "7d3c2a10", "name": "bare", "tags": None, "user_id": None, "resources": None})

    assert (policy.enabled, policy.operation, policy.schedule_text, policy.schedule_pattern) == (
        False,
        None,
        None,
        None,
    )
    assert (policy.tags, policy.server_ids, policy.parameters) == ([], [], {})


def test_a_schedule_beyond_the_documented_parts_is_kept_as_text() -> None:
    text = "RRULE:FREQ=MONTHLY;BYMONTHDAY=1"
    policy = Policy.model_validate({**POLICY, "scheduled_operations": [{"trigger": {"properties": {"pattern": text}}}]})

    assert (policy.schedule_text, policy.schedule_pattern) == (text, None)


def test_the_period_after_an_update_has_only_its_properties() -> None:
    operation = {"id": "0e3a6f1b", "enabled": True, "trigger": {"properties": {"pattern": PATTERN}}}
    policy = Policy.model_validate({**POLICY, "scheduled_operations": [operation]})

    assert policy.operation is not None
    assert (policy.operation.trigger.id, policy.schedule_text) == (None, PATTERN)


def test_every_documented_member_of_a_checkpoint_is_read() -> None:
    checkpoint = parsed(
        Checkpoint,
        {
            "checkpoint": {
                "id": "2b8f5d6e",
                "status": "protecting",
                "created_at": "2026-05-02T10:21:52.701973",
                "resource_graph": None,
                "project_id": "4d0f7b0c",
                "extra_info": None,
                "protection_plan": {
                    "id": "fake_6c0a2f5e",
                    "name": "server protect plan for 5aa0c7de",
                    "resources": [{"id": "5aa0c7de", "type": "OS::Nova::Server", "name": "app01", "extra_info": "{}"}],
                },
            }
        },
        "checkpoint",
    )

    assert (checkpoint.id, checkpoint.status, checkpoint.project_id) == ("2b8f5d6e", "protecting", "4d0f7b0c")
    assert checkpoint.created_at == datetime(2026, 5, 2, 10, 21, 52, 701973, tzinfo=UTC)
    assert checkpoint.protection_plan.id == "fake_6c0a2f5e"
    assert [server.name for server in checkpoint.protection_plan.resources] == ["app01"]
    assert (checkpoint.resource_graph, checkpoint.extra_info) == (None, {})


def test_every_documented_member_of_a_backup_is_read() -> None:
    item = parsed(CheckpointItem, {"checkpoint_item": ITEM}, "checkpoint_item")

    assert item.begun_at == datetime(2026, 5, 2, 10, 21, 53, 277880, tzinfo=UTC)
    assert (item.backup_data.cloud_service_type, item.backup_data.ram) == ("QEMU", 8192)
    assert (item.extend_info.average_speed, item.extend_info.size) == (25.2, 20480)
    assert item.extend_info.task_id == "6f0a7c1e-4600-11f1-9b1d-0242ac110007"
    assert item.extend_info.supports_lazy_loading is True
    assert item.extend_info.volume_backups[0].source_volume_size == 40
    assert item.failure is None


@pytest.mark.parametrize("nothing", [None, {}, ""])
def test_a_backup_without_details_is_read(nothing: Any) -> None:
    item = item_with(backup_data=nothing, extend_info=nothing, tags=None)

    assert (item.extend_info.progress, item.backup_data.ram, item.tags, item.failure) == (None, None, [], None)


def test_numbers_of_the_server_may_come_as_text() -> None:
    assert item_with(backup_data={"ram": "8192", "vcpus": "4", "disk": ""}).backup_data.ram == 8192


@pytest.mark.parametrize(
    ("fail_code", "code"),
    [({}, None), ("", None), (None, None), ({"Code": 5201}, "5201"), ({"Code": "5201", "Description": "x"}, "5201")],
)
def test_a_fail_code_is_read_in_every_form(fail_code: Any, code: str | None) -> None:
    assert item_with(extend_info={"fail_code": fail_code}).extend_info.fail_code.code == code


@pytest.mark.parametrize(
    ("info", "words"),
    [
        (
            {"fail_reason": "disk full", "fail_code": {"Code": 5201}, "fail_op": "backup"},
            "disk full (code 5201) during backup",
        ),
        ({"fail_reason": "", "fail_code": {"Description": "disk full"}}, "disk full"),
        ({"fail_code": {"Code": "5201"}}, "(code 5201)"),
        ({}, None),
    ],
)
def test_the_reason_of_a_failure_is_put_together_from_what_is_there(info: dict[str, Any], words: str | None) -> None:
    assert item_with(extend_info=info).failure == words


def test_an_answer_without_its_envelope_is_refused() -> None:
    with pytest.raises(UnexpectedResponseError, match="no member 'policy'"):
        parsed(Policy, POLICY, "policy")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["id", "name", *ITEM, *POLICY]), json_values),
    st.sampled_from([Policy, CheckpointItem]),
)
def test_any_answer_is_either_read_or_refused_with_our_own_error(body: dict[str, Any], model: Any) -> None:
    try:
        parsed(model, body)
    except UnexpectedResponseError:
        return
