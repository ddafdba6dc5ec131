"""Requests of restores: every documented rule broken (databases sections 7 and 8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import InvalidRequestError
from airflow_provider_backup.cloud.schema.base import RequestModel, validated
from airflow_provider_backup.cloud.services.databases.restore_models import RestoreWindow
from airflow_provider_backup.cloud.services.rds import restore_models as rds

BACKUP_POINT = {"instance_id": "i", "backup_id": "b"}
RDS_INSTANCE = {
    "name": "rehearsal-1",
    "flavor_ref": "rds.mysql.x1.xlarge.4",
    "volume": {"type": "CLOUDSSD", "size": 200},
    "availability_zone": "eu-de-01",
    "restore_point": BACKUP_POINT,
}
PASSWORD = "Secret-1234"


def refusal(model: type[RequestModel], values: Mapping[str, Any]) -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as caught:
        validated(model, "request", values)
    return caught.value


@pytest.mark.parametrize(
    ("point", "rule"),
    [
        ({}, "backup_id"),
        ({"backup_id": "b", "restore_time": 1932887707250}, "not both"),
        ({"backup_id": "b", "restore_time": 1932887707250, "type": "timestamp"}, "not both"),
        ({"type": "timestamp", "backup_id": "b"}, "restore_time"),
        ({"type": "backup", "restore_time": 1932887707250}, "backup_id"),
        ({"type": "different", "backup_id": "b"}, "'backup' or 'timestamp'"),
        ({"restore_time": "2031-04-02T09:15:07"}, "timezone"),
        ({"restore_time": 1932887707}, "milliseconds"),
        ({"restore_time": True}, "date"),
    ],
)
def test_a_restore_needs_either_a_backup_or_a_moment(point: dict[str, Any], rule: str) -> None:
    assert rule in str(refusal(rds.RestorePoint, {"instance_id": "i", **point}))


@pytest.mark.parametrize("missing", ["source", "target"])
def test_a_restore_in_place_names_source_and_target(missing: str) -> None:
    whole = {"source": BACKUP_POINT, "target": {"instance_id": "i"}}

    error = refusal(rds.Restore, {**whole, missing: None})

    assert [violation.field for violation in error.violations] == [missing]


@pytest.mark.parametrize("new", ["a" * 65, "master", "TempDB", "orders"])
def test_new_names_of_databases_follow_the_rules(new: str) -> None:
    assert "database_name" in str(refusal(rds.RestorePoint, {**BACKUP_POINT, "database_name": {"orders": new}}))


def test_an_empty_new_name_keeps_the_name() -> None:
    point = validated(rds.RestorePoint, "request", {**BACKUP_POINT, "database_name": {"orders": ""}})

    assert point.to_wire()["database_name"] == {"orders": ""}


def test_all_databases_and_some_of_them_exclude_each_other() -> None:
    source = {**BACKUP_POINT, "database_name": {"orders": "orders2"}, "restore_all_database": True}

    assert "restore_all_database" in str(refusal(rds.RestoreSource, source))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "abc"),
        ("name", "1abc"),
        ("name", "a" * 65),
        ("flavor_ref", ""),
        ("volume", {"type": "CLOUDSSD", "size": 45}),
        ("volume", {"type": "CLOUDSSD", "size": 0}),
        ("availability_zone", ""),
        ("port", 0),
        ("port", 65536),
        ("ha", {"mode": "Single", "replication_mode": "async"}),
        ("backup_strategy", {"start_time": "01:10-02:10", "keep_days": 7}),
        ("backup_strategy", {"start_time": "01:00-02:00", "keep_days": 733}),
        ("backup_strategy", {"keep_days": 7}),
        ("tags", [{"key": "k", "value": str(number)} for number in range(2)]),
        ("tags", [{"key": f"k{number}"} for number in range(21)]),
        ("unchangeable_param", {"lower_case_table_names": "2"}),
        ("datastore", {"type": "MySQL"}),
    ],
)
def test_every_rule_of_a_new_rds_instance_is_kept(field: str, value: Any) -> None:
    error = refusal(rds.RestoredInstance, {**RDS_INSTANCE, "password": PASSWORD, field: value})

    assert [violation.field.split(".")[0] for violation in error.violations] == [field]
    assert PASSWORD not in str(error)


@pytest.mark.parametrize("field", RDS_INSTANCE)
def test_a_new_rds_instance_needs_what_is_required(field: str) -> None:
    error = refusal(rds.RestoredInstance, {**RDS_INSTANCE, "password": PASSWORD, field: None})

    assert [violation.field for violation in error.violations] == [field]
    assert PASSWORD not in str(error)


def test_the_password_of_a_new_instance_is_sent_and_not_shown() -> None:
    instance = validated(rds.RestoredInstance, "request", {**RDS_INSTANCE, "password": PASSWORD})

    assert instance.to_wire()["password"] == PASSWORD
    assert PASSWORD not in repr(instance)


def test_a_password_that_is_no_text_is_not_shown_in_the_error() -> None:
    error = refusal(rds.RestoredInstance, {**RDS_INSTANCE, "password": 8765432109})

    assert "8765432109" not in str(error)


def test_a_window_whose_end_comes_first_is_turned_around() -> None:
    window = RestoreWindow.model_validate({"start_time": 1750086399000, "end_time": 1750000000000})

    assert window.start_time is not None
    assert window.end_time is not None
    assert window.start_time < window.end_time
