"""Every documented rule of CSBS requests, broken one at a time; and the exact bodies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.errors import InvalidRequestError
from airflow_provider_backup.cloud.schema.base import RequestModel, validated
from airflow_provider_backup.cloud.services.csbs.models import (
    PROVIDER_ID,
    CheckpointCreate,
    CheckpointItemQuery,
    OperationDefinition,
    PolicyCreate,
    PolicyQuery,
    PolicyUpdate,
    ProtectableQuestion,
    Protection,
    RestorableQuestion,
    RestoreCreate,
    Tag,
)

PATTERN = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nRRULE:FREQ=DAILY;BYHOUR=3;BYMINUTE=15\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
SERVER = {"id": "5aa0c7de-1f21-4a8f-8d8f-3c1a7ce9c001", "type": "OS::Nova::Server", "name": "app01"}
OPERATION: dict[str, Any] = {
    "enabled": True,
    "operation_type": "backup",
    "operation_definition": {"max_backups": 20},
    "trigger": {"properties": {"pattern": PATTERN}},
}
POLICY: dict[str, Any] = {
    "name": "srv-weekly",
    "provider_id": PROVIDER_ID,
    "parameters": {"common": {}},
    "resources": [SERVER],
    "scheduled_operations": [OPERATION],
}


def refused(model: type[RequestModel], values: dict[str, Any]) -> list[str]:
    """Return the names of the fields that are refused."""
    with pytest.raises(InvalidRequestError) as caught:
        validated(model, "CSBS request", values)
    return [violation.field for violation in caught.value.violations]


def operation(**changes: Any) -> dict[str, Any]:
    return {**POLICY, "scheduled_operations": [{**OPERATION, **changes}]}


def test_a_policy_is_written_with_exactly_the_documented_members() -> None:
    assert PolicyCreate.model_validate(POLICY).to_wire() == POLICY


def test_a_policy_with_every_member_is_written_unchanged() -> None:
    full = {
        **POLICY,
        "description": "all of it",
        "resources": [{**SERVER, "extra_info": {"exclude_volumes": ["c2b7d9c4-2f61-4a6e-9a53-6b1c5f2f0a77"]}}],
        "scheduled_operations": [
            {
                **OPERATION,
                "name": "weekly",
                "description": "",
                "operation_definition": {
                    "max_backups": -1,
                    "retention_duration_days": 99999,
                    "permanent": False,
                    "day_backups": 0,
                    "week_backups": 1,
                    "month_backups": 50,
                    "year_backups": 100,
                    "timezone": "UTC+08:00",
                    "plan_id": "7d3c2a10-55d4-4b7e-9c36-0b7c0f2f3a41",
                    "provider_id": PROVIDER_ID,
                    "destination_region": "eu-nl",
                    "destination_project_id": "4d0f7b0c2a7e4b5f9f8e1d2c3b4a5968",
                    "enable_acceleration": True,
                },
            }
        ],
        "tags": [{"key": "team", "value": "billing"}],
    }

    assert PolicyCreate.model_validate(full).to_wire() == full


def test_a_policy_needs_only_name_and_period() -> None:
    policy = validated(PolicyCreate, "CSBS policy", {"name": "bare", "scheduled_operations": [OPERATION]})

    assert policy.to_wire() == {**POLICY, "name": "bare", "resources": []}


def test_a_change_of_the_name_sends_nothing_else() -> None:
    assert PolicyUpdate(name="renamed").to_wire() == {"name": "renamed"}


def test_an_update_with_every_member_is_written_unchanged() -> None:
    full = {
        "name": "renamed",
        "description": "",
        "provider_id": PROVIDER_ID,
        "parameters": {"common": {"app_consistency": 1}},
        "resources": [],
        "scheduled_operations": [{"id": "0e3a6f1b-9b9e-47d9-8f51-6a2b7a6f9d20", "enabled": False}],
    }

    assert PolicyUpdate.model_validate(full).to_wire() == full


def test_every_broken_rule_is_named_at_once_with_its_value() -> None:
    with pytest.raises(InvalidRequestError, match="CSBS policy is not valid, nothing was sent") as caught:
        validated(PolicyCreate, "CSBS policy", {**POLICY, "name": "with blank", "description": "<b>"})

    assert {(violation.field, violation.value) for violation in caught.value.violations} == {
        ("name", "with blank"),
        ("description", "<b>"),
    }


@pytest.mark.parametrize("name", ["", "x" * 256, "with blank", "dotted.name", "größe", "line\n"])
def test_a_policy_name_outside_the_rule_is_refused(name: str) -> None:
    assert refused(PolicyCreate, {**POLICY, "name": name}) == ["name"]
    assert refused(PolicyUpdate, {"name": name}) == ["name"]


@given(st.from_regex(r"[A-Za-z0-9_-]{1,255}", fullmatch=True))
def test_every_policy_name_inside_the_rule_is_accepted(name: str) -> None:
    assert PolicyUpdate(name=name).name == name


@pytest.mark.parametrize("description", ["x" * 256, "a < b", "a > b"])
def test_a_description_outside_the_rule_is_refused(description: str) -> None:
    assert refused(PolicyCreate, {**POLICY, "description": description}) == ["description"]


def test_another_provider_is_refused() -> None:
    assert refused(PolicyCreate, {**POLICY, "provider_id": "c714180d-ea34-4b13-9a5e-577c7c416eec"}) == ["provider_id"]


def test_an_unknown_member_is_refused() -> None:
    assert refused(PolicyCreate, {**POLICY, "colour": "red"}) == ["colour"]


@pytest.mark.parametrize("operations", [[], [OPERATION, OPERATION]])
def test_a_policy_without_exactly_one_period_is_refused(operations: list[Any]) -> None:
    assert refused(PolicyCreate, {**POLICY, "scheduled_operations": operations}) == ["scheduled_operations"]


def test_a_policy_with_65_servers_is_refused() -> None:
    assert refused(PolicyCreate, {**POLICY, "resources": [SERVER] * 65}) == ["resources"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"type": "OS::Cinder::Volume"}, "resources.0.type"),
        ({"name": None}, "resources.0.name"),
        ({"name": ""}, "resources.0.name"),
        ({"id": ""}, "resources.0.id"),
    ],
)
def test_a_server_outside_the_rule_is_refused(changes: dict[str, Any], field: str) -> None:
    assert refused(PolicyCreate, {**POLICY, "resources": [{**SERVER, **changes}]}) == [field]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "with blank"}, "name"),
        ({"description": "<"}, "description"),
        ({"enabled": "perhaps"}, "enabled"),
        ({"operation_type": "copy"}, "operation_type"),
        ({"operation_definition": {"max_backups": -2}}, "operation_definition.max_backups"),
        ({"operation_definition": {"max_backups": 100000}}, "operation_definition.max_backups"),
        ({"operation_definition": {"retention_duration_days": -2}}, "operation_definition.retention_duration_days"),
        ({"operation_definition": {"retention_duration_days": 100000}}, "operation_definition.retention_duration_days"),
        ({"trigger": {"properties": {"pattern": "tomorrow"}}}, "trigger.properties.pattern"),
        ({"trigger": {"properties": {"pattern": PATTERN + "X" * 10240}}}, "trigger.properties.pattern"),
        ({"trigger": {}}, "trigger.properties"),
    ],
)
def test_a_period_outside_the_rule_is_refused(changes: dict[str, Any], field: str) -> None:
    assert refused(PolicyCreate, operation(**changes)) == [f"scheduled_operations.0.{field}"]


@pytest.mark.parametrize("member", ["enabled", "operation_definition", "trigger"])
def test_a_new_period_without_a_required_member_is_refused(member: str) -> None:
    bare = {name: value for name, value in OPERATION.items() if name != member}

    assert refused(PolicyCreate, {**POLICY, "scheduled_operations": [bare]}) == [f"scheduled_operations.0.{member}"]


def test_a_change_of_the_period_without_its_id_is_refused() -> None:
    assert refused(PolicyUpdate, {"scheduled_operations": [{"enabled": False}]}) == ["scheduled_operations.0.id"]


@pytest.mark.parametrize("member", ["day_backups", "week_backups", "month_backups", "year_backups"])
@pytest.mark.parametrize("number", [-1, 101])
def test_a_long_term_number_outside_0_to_100_is_refused(member: str, number: int) -> None:
    assert refused(OperationDefinition, {member: number, "timezone": "UTC+08:00"}) == [member]


@pytest.mark.parametrize("member", ["day_backups", "week_backups", "month_backups", "year_backups"])
def test_a_long_term_number_without_a_zone_is_refused(member: str) -> None:
    with pytest.raises(InvalidRequestError, match="timezone is needed"):
        validated(OperationDefinition, "CSBS retention", {member: 1})


def test_a_zone_without_a_long_term_number_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="timezone is only possible with"):
        validated(OperationDefinition, "CSBS retention", {"max_backups": 3, "timezone": "UTC+08:00"})


@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC", "UTC+8", "+08:00", "UTC+08:60", "UTC+15:00"])
def test_a_zone_in_another_form_is_refused(zone: str) -> None:
    assert refused(OperationDefinition, {"day_backups": 1, "timezone": zone}) == ["timezone"]


def test_a_number_from_a_template_is_sent_as_a_number() -> None:
    assert OperationDefinition.model_validate({"max_backups": "20"}).to_wire() == {"max_backups": 20}


@pytest.mark.parametrize(
    "tags",
    [
        [],
        [{"key": f"k{number}", "value": ""} for number in range(11)],
        [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}],
        [{"key": "a", "value": "1"}, {"key": " a ", "value": "2"}],
    ],
)
def test_a_list_of_tags_outside_the_rule_is_refused(tags: list[dict[str, str]]) -> None:
    assert refused(PolicyCreate, {**POLICY, "tags": tags}) == ["tags"]
    assert refused(Protection, {"tags": tags}) == ["tags"]


@pytest.mark.parametrize(
    ("key", "value", "field"),
    [("", "v", "key"), ("x" * 37, "v", "key"), ("a b", "v", "key"), ("k", "x" * 44, "value"), ("k", "a.b", "value")],
)
def test_a_tag_outside_the_rule_is_refused(key: str, value: str, field: str) -> None:
    assert refused(Tag, {"key": key, "value": value}) == [field]


def test_blanks_around_a_tag_are_cut() -> None:
    assert Tag(key=" team ", value=" billing ").to_wire() == {"key": "team", "value": "billing"}


def test_executing_a_policy_is_written_with_exactly_the_documented_members() -> None:
    body = {"plan_id": "7d3c2a10", "parameters": {"auto_trigger": False, "resources": ["5aa0c7de"]}}

    assert CheckpointCreate.model_validate(body).to_wire() == body


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"parameters": {}}, "plan_id"),
        ({"plan_id": "", "parameters": {}}, "plan_id"),
        ({"plan_id": "7d3c2a10"}, "parameters"),
        ({"plan_id": "7d3c2a10", "parameters": {"resources": []}}, "parameters.resources"),
        ({"plan_id": "7d3c2a10", "parameters": {"resources": "5aa0c7de"}}, "parameters.resources"),
        ({"plan_id": "7d3c2a10", "parameters": {"resources": [""]}}, "parameters.resources.0"),
        ({"plan_id": "7d3c2a10", "parameters": {"auto_trigger": "perhaps"}}, "parameters.auto_trigger"),
    ],
)
def test_an_execution_outside_the_rule_is_refused(values: dict[str, Any], field: str) -> None:
    assert refused(CheckpointCreate, values) == [field]


def test_protecting_a_server_is_written_with_exactly_the_documented_members() -> None:
    body = {
        "backup_name": "before-upgrade",
        "description": "v4",
        "incremental": False,
        "resource_type": "OS::Nova::Server",
        "tags": [{"key": "team", "value": "billing"}],
        "extra_info": {"exclude_volumes": ["c2b7d9c4"]},
    }

    assert Protection.model_validate(body).to_wire() == body


def test_protecting_a_server_needs_no_member() -> None:
    assert Protection().to_wire() == {}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"backup_name": ""}, "backup_name"),
        ({"backup_name": "x" * 256}, "backup_name"),
        ({"backup_name": "with blank"}, "backup_name"),
        ({"description": "x" * 256}, "description"),
        ({"description": "<"}, "description"),
        ({"resource_type": "OS::Cinder::Volume"}, "resource_type"),
    ],
)
def test_a_protection_outside_the_rule_is_refused(values: dict[str, Any], field: str) -> None:
    assert refused(Protection, values) == [field]


def test_asking_whether_a_server_can_be_backed_up_needs_id_and_type() -> None:
    assert refused(ProtectableQuestion, {}) == ["resource_id", "resource_type"]


@pytest.mark.parametrize("model", [PolicyQuery, CheckpointItemQuery])
@pytest.mark.parametrize(
    ("values", "field"), [({"limit": 0}, "limit"), ({"offset": 0}, "offset"), ({"sort": "x" * 256}, "sort")]
)
def test_a_query_outside_the_rule_is_refused(model: type[RequestModel], values: dict[str, Any], field: str) -> None:
    assert refused(model, values) == [field]


def test_an_unknown_status_to_filter_by_is_refused() -> None:
    assert refused(CheckpointItemQuery, {"status": "done"}) == ["status"]


def test_a_time_to_filter_by_is_written_in_utc_without_a_zone() -> None:
    moment = datetime(2026, 4, 18, 3, 21, 52, 701973, tzinfo=timezone(timedelta(hours=2)))

    assert CheckpointItemQuery(start_time=moment).to_wire() == {"start_time": "2026-04-18T01:21:52.701973"}


def test_a_time_to_filter_by_without_a_zone_is_refused() -> None:
    naive = datetime(2026, 4, 18, tzinfo=UTC).replace(tzinfo=None)

    assert refused(CheckpointItemQuery, {"start_time": naive}) == ["start_time"]


VOLUMES = [{"backup_id": "disk-backup", "volume_id": "disk"}]
RESTORE: dict[str, Any] = {
    "provider_id": PROVIDER_ID,
    "checkpoint_id": "checkpoint",
    "parameters": {
        "checkpoint_item_id": "item",
        "power_on": True,
        "targets": {"server_id": "server", "volumes": VOLUMES},
    },
}
QUESTION: dict[str, Any] = {
    "checkpoint_item_id": "item",
    "target": {"resource_id": "server", "resource_type": "OS::Nova::Server", "volumes": VOLUMES},
}


def restore_with(**parameters: Any) -> dict[str, Any]:
    return {**RESTORE, "parameters": {**RESTORE["parameters"], **parameters}}


def test_a_restore_is_written_with_exactly_the_documented_members() -> None:
    assert RestoreCreate.model_validate(RESTORE).to_wire() == RESTORE
    whole = {**RESTORE, "restore_target": "https://identity"}
    assert RestoreCreate.model_validate(whole).to_wire() == whole


def test_the_provider_of_a_restore_is_sent_without_being_given() -> None:
    given = {name: value for name, value in RESTORE.items() if name != "provider_id"}

    assert RestoreCreate.model_validate(given).to_wire() == RESTORE


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({**RESTORE, "provider_id": "c714180d-ea34-4b13-9a5e-577c7c416eec"}, "provider_id"),
        ({"parameters": RESTORE["parameters"]}, "checkpoint_id"),
        ({**RESTORE, "checkpoint_id": ""}, "checkpoint_id"),
        ({"checkpoint_id": "checkpoint"}, "parameters"),
        (restore_with(checkpoint_item_id=""), "parameters.checkpoint_item_id"),
        (restore_with(power_on=None), "parameters.power_on"),
        (restore_with(targets={"volumes": VOLUMES}), "parameters.targets.server_id"),
        (restore_with(targets={"server_id": "server"}), "parameters.targets.volumes"),
        (restore_with(targets={"server_id": "server", "volumes": []}), "parameters.targets.volumes"),
        (restore_with(targets={"server_id": "server", "volumes": VOLUMES * 2}), "parameters.targets"),
    ],
)
def test_a_restore_outside_the_rules_is_refused(values: dict[str, Any], field: str) -> None:
    assert refused(RestoreCreate, values) == [field]


@pytest.mark.parametrize("name", ["backup_id", "volume_id"])
def test_a_restore_names_each_disk_and_each_backup_once(name: str) -> None:
    volumes = [*VOLUMES, {"backup_id": "other", "volume_id": "other", name: VOLUMES[0][name]}]

    assert refused(RestoreCreate, restore_with(targets={"server_id": "server", "volumes": volumes}))
    assert refused(RestorableQuestion, {**QUESTION, "target": {**QUESTION["target"], "volumes": volumes}})


def test_all_members_of_the_question_whether_a_backup_can_be_restored_must_be_given() -> None:
    assert RestorableQuestion.model_validate(QUESTION).to_wire() == QUESTION
    assert refused(RestorableQuestion, {}) == ["checkpoint_item_id", "target"]
    assert refused(RestorableQuestion, {**QUESTION, "target": {}}) == [
        "target.resource_id",
        "target.resource_type",
        "target.volumes",
    ]
