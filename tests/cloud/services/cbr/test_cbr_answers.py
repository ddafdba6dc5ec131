"""Answers of CBR in all their documented forms, and in some that are not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import UnexpectedResponseError
from airflow_provider_backup.cloud.schema.answers import parsed
from airflow_provider_backup.cloud.schema.base import ResponseModel
from airflow_provider_backup.cloud.services.cbr.models import Backup, Checkpoint, OperationLog, Policy, Vault

POLICY: dict[str, Any] = {
    "id": "6a7b1c22-0d41-4f0f-9a51-27d1d6a40001",
    "name": "nightly_02",
    "enabled": True,
    "operation_type": "backup",
    "operation_definition": {"max_backups": 14, "day_backups": 7, "timezone": "UTC+02:00"},
    "trigger": {
        "id": "91d0",
        "name": "default",
        "type": "time",
        "properties": {"pattern": ["FREQ=DAILY;BYHOUR=0;BYMINUTE=30"], "start_time": "2031-04-02 09:15:07"},
    },
    "associated_vaults": None,
}
REQUIRED = {"id": "1", "name": "a"}


def test_a_policy_is_read_as_documented() -> None:
    policy = parsed(Policy, {"policy": POLICY}, "policy")
    assert policy.operation_definition.max_backups == 14
    assert policy.trigger.properties.pattern == ["FREQ=DAILY;BYHOUR=0;BYMINUTE=30"]
    assert policy.trigger.properties.start_time == datetime(2031, 4, 2, 9, 15, 7, tzinfo=UTC)


@pytest.mark.parametrize("vaults", [None, [], "missing"])
def test_a_policy_that_is_bound_to_nothing_has_no_vaults(vaults: Any) -> None:
    values = {name: value for name, value in POLICY.items() if name != "associated_vaults"}
    if vaults != "missing":
        values["associated_vaults"] = vaults
    assert parsed(Policy, values).associated_vaults == []


def test_a_bound_policy_names_its_vaults() -> None:
    policy = parsed(Policy, POLICY | {"associated_vaults": [{"vault_id": "v", "destination_vault_id": None}]})
    assert [vault.vault_id for vault in policy.associated_vaults] == ["v"]


def test_unknown_members_survive() -> None:
    assert (parsed(Policy, POLICY | {"colour": "blue"}).model_extra or {})["colour"] == "blue"


@pytest.mark.parametrize(
    "text",
    [
        "2031-04-02T09:15:07.123456",
        "2031-04-02T09:15:07.123456+00:00",
        "2031-04-02T11:15:07.123456+02:00",
        "2031-04-02T09:15:07.123456Z",
    ],
)
def test_every_form_of_a_time_becomes_the_same_moment(text: str) -> None:
    backup = parsed(Backup, {"id": "1", "created_at": text})
    assert backup.created_at == datetime(2031, 4, 2, 9, 15, 7, 123456, tzinfo=UTC)


def test_sizes_of_a_checkpoint_may_be_texts() -> None:
    checkpoint = parsed(Checkpoint, {"id": "1", "vault": {"resources": [{"id": "r", "resource_size": "40"}]}})
    assert checkpoint.vault.resources[0].resource_size == 40


def test_the_enterprise_project_may_be_a_number() -> None:
    assert parsed(Backup, {"id": "1", "enterprise_project_id": 0}).enterprise_project_id == "0"


def test_a_tag_may_have_no_value() -> None:
    assert parsed(Vault, REQUIRED | {"tags": [{"key": "a", "value": None}]}).tags[0].value is None


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"incremental": True}, True),
        ({"extend_info": {"incremental": True}}, True),
        ({"incremental": False, "extend_info": {"incremental": True}}, False),
        ({}, None),
    ],
)
def test_incremental_is_found_wherever_the_service_puts_it(values: dict[str, Any], expected: bool | None) -> None:
    assert parsed(Backup, {"id": "1", **values}).is_incremental is expected


def test_incremental_of_a_log_is_a_text() -> None:
    log = parsed(OperationLog, {"id": "1", "extra_info": {"backup": {"incremental": "false", "backup_id": "b"}}})
    assert log.extra_info.backup.incremental is False


def test_a_backup_holds_the_backups_of_its_disks() -> None:
    backup = parsed(Backup, {"id": "1", "children": [{"id": "2", "parent_id": "1"}, None]})
    assert [child.parent_id for child in backup.children] == ["1"]


@pytest.mark.parametrize("model", [Policy, Vault, Checkpoint, Backup, OperationLog])
@pytest.mark.parametrize("value", [None, []])
def test_nulls_empty_lists_and_missing_members_are_the_same(model: type[ResponseModel], value: Any) -> None:
    absent = model.model_validate(REQUIRED)
    is_list = {name: isinstance(getattr(absent, name), list) for name in model.model_fields}
    names = [
        name
        for name, field in model.model_fields.items()
        if name not in REQUIRED and (value is None or is_list[name] or field.default_factory is not None)
    ]
    read = model.model_validate(REQUIRED | dict.fromkeys(names, value))
    assert read == absent


def test_an_answer_without_its_envelope_is_refused() -> None:
    with pytest.raises(UnexpectedResponseError, match="no member 'policy'"):
        parsed(Policy, POLICY, "policy")


def test_an_answer_without_an_id_is_refused() -> None:
    with pytest.raises(UnexpectedResponseError, match="not a Vault: id"):
        parsed(Vault, {"name": "a"})
