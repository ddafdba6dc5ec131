"""Requests of the database services: exact bodies, and every documented rule broken (databases sections 3 to 11)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.errors import InvalidRequestError
from airflow_provider_backup.cloud.schema.base import RequestModel, validated
from airflow_provider_backup.cloud.services.gaussdb import models as gaussdb
from airflow_provider_backup.cloud.services.rds import models as rds
from airflow_provider_backup.cloud.services.taurusdb import models as taurusdb

INSTANCE = "51c0a3bd7a2f4cc2a2f37c60c44a7c11in01"
PLAIN_NAMES = pytest.mark.parametrize("model", [rds.BackupCreate, gaussdb.BackupCreate])
BACKUP_CREATES = pytest.mark.parametrize("model", [rds.BackupCreate, gaussdb.BackupCreate, taurusdb.BackupCreate])
QUERIES = pytest.mark.parametrize("model", [rds.BackupQuery, gaussdb.BackupQuery, taurusdb.BackupQuery])
INSTANCE_QUERIES = pytest.mark.parametrize("model", [rds.InstanceQuery, gaussdb.InstanceQuery, taurusdb.InstanceQuery])
POLICY_UPDATES: list[tuple[type[RequestModel], dict[str, Any]]] = [
    (rds.PolicyUpdate, {"keep_days": 7, "start_time": "01:00-02:00", "period": "1,3"}),
    (
        gaussdb.PolicyUpdate,
        {"keep_days": 7, "start_time": "01:00-02:00", "period": "1,3", "differential_period": "60"},
    ),
    (taurusdb.PolicyUpdate, {"keep_days": 7, "start_time": "01:00-02:00", "period": "1,3"}),
]
POLICIES = pytest.mark.parametrize(("model", "good"), POLICY_UPDATES)
HOURLY_POLICIES = pytest.mark.parametrize(("model", "good"), POLICY_UPDATES[1:])


def refusal(model: type[RequestModel], values: Mapping[str, Any]) -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as caught:
        validated(model, "request", values)
    return caught.value


def broken_fields(model: type[RequestModel], values: Mapping[str, Any]) -> list[str]:
    return [violation.field for violation in refusal(model, values).violations]


def sent(model: type[RequestModel], values: Mapping[str, Any]) -> dict[str, Any]:
    return validated(model, "request", values).to_wire()


def backup(**values: Any) -> dict[str, Any]:
    return {"instance_id": INSTANCE, "name": "before-upgrade", **values}


# Bodies


def test_an_rds_backup_is_sent_with_exactly_the_documented_members() -> None:
    request = rds.BackupCreate(
        instance_id=INSTANCE,
        name="before-upgrade",
        description="manual copy",
        databases=(rds.BackupDatabase(name="orders"), rds.BackupDatabase(name="crm")),
        backup_database_individually=True,
    )
    assert request.to_wire() == {
        "instance_id": INSTANCE,
        "name": "before-upgrade",
        "description": "manual copy",
        "databases": [{"name": "orders"}, {"name": "crm"}],
        "backup_database_individually": True,
    }


@BACKUP_CREATES
def test_what_a_backup_was_not_given_is_not_sent(model: type[RequestModel]) -> None:
    assert sent(model, backup(description=None)) == backup()


def test_an_rds_policy_is_sent_in_its_envelope_with_reserve_backups_beside() -> None:
    policy = rds.PolicyUpdate(keep_days=0, reserve_backups=False)
    assert policy.to_body() == {"backup_policy": {"keep_days": 0}, "reserve_backups": False}


def test_an_rds_policy_is_sent_as_documented() -> None:
    policy = rds.PolicyUpdate(keep_days=10, start_time="01:15-02:15", period="1,3,5")
    assert policy.to_body() == {
        "backup_policy": {"keep_days": 10, "start_time": "01:15-02:15", "period": "1,3,5"},
    }


def test_a_gaussdb_policy_is_sent_as_documented() -> None:
    policy = gaussdb.PolicyUpdate(
        keep_days=10,
        start_time="01:00-02:00",
        period="1,3,5",
        differential_period="60",
        rate_limit=75,
        prefetch_block=64,
        file_split_size=4,
        enable_standby_backup=False,
    )
    assert policy.to_body() == {
        "backup_policy": {
            "keep_days": 10,
            "start_time": "01:00-02:00",
            "period": "1,3,5",
            "differential_period": "60",
            "rate_limit": 75,
            "prefetch_block": 64,
            "file_split_size": 4,
            "enable_standby_backup": False,
        }
    }


def test_a_taurusdb_policy_is_sent_as_documented() -> None:
    policy = taurusdb.PolicyUpdate(
        keep_days=10, start_time="01:00-02:00", period="1,3,5", retention_num_backup_level1=1
    )
    assert policy.to_body() == {
        "backup_policy": {
            "keep_days": 10,
            "start_time": "01:00-02:00",
            "period": "1,3,5",
            "retention_num_backup_level1": 1,
        }
    }


# Names and descriptions of backups


@BACKUP_CREATES
@given(name=st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{3,63}", fullmatch=True))
def test_every_name_of_the_documented_form_is_accepted(model: type[RequestModel], name: str) -> None:
    assert sent(model, backup(name=name))["name"] == name


@PLAIN_NAMES
@given(name=st.text(max_size=70))
def test_every_name_of_another_form_is_refused(model: type[RequestModel], name: str) -> None:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{3,63}", name):
        assert broken_fields(model, backup(name=name)) == ["name"]


@BACKUP_CREATES
@pytest.mark.parametrize(
    "name", ["abc", "a" * 65, "1abc", "-abc", "_abc", "ab c", "a.bcd", "abcd\n", "äbcd", "abcé", ""]
)
def test_a_name_that_breaks_a_rule_is_refused(model: type[RequestModel], name: str) -> None:
    assert broken_fields(model, backup(name=name)) == ["name"]


@PLAIN_NAMES
def test_a_chinese_name_is_refused(model: type[RequestModel]) -> None:
    assert broken_fields(model, backup(name="升级之前")) == ["name"]


def test_taurusdb_accepts_a_chinese_name() -> None:
    assert taurusdb.BackupCreate(instance_id=INSTANCE, name="升级之前-1").name == "升级之前-1"


def test_taurusdb_accepts_a_name_of_64_bytes_and_refuses_65() -> None:
    # 21 Chinese characters are 63 bytes.
    assert sent(taurusdb.BackupCreate, backup(name="备" * 21 + "a")) == backup(name="备" * 21 + "a")
    assert broken_fields(taurusdb.BackupCreate, backup(name="备" * 21 + "ab")) == ["name"]


@BACKUP_CREATES
def test_a_description_of_256_characters_is_accepted_and_of_257_refused(model: type[RequestModel]) -> None:
    assert sent(model, backup(description="ü" * 256)) == backup(description="ü" * 256)
    assert broken_fields(model, backup(description="ü" * 257)) == ["description"]


@BACKUP_CREATES
@pytest.mark.parametrize("character", list("><!\"&'="))
def test_a_description_with_a_forbidden_character_is_refused(model: type[RequestModel], character: str) -> None:
    assert broken_fields(model, backup(description=f"a{character}b")) == ["description"]


@BACKUP_CREATES
@pytest.mark.parametrize("missing", ["instance_id", "name"])
def test_a_backup_without_a_required_field_is_refused(model: type[RequestModel], missing: str) -> None:
    assert broken_fields(model, {**backup(), missing: None}) == [missing]


@BACKUP_CREATES
def test_a_backup_of_an_empty_instance_id_is_refused(model: type[RequestModel]) -> None:
    assert broken_fields(model, backup(instance_id="")) == ["instance_id"]


@pytest.mark.parametrize("model", [gaussdb.BackupCreate, taurusdb.BackupCreate])
def test_only_rds_backs_up_single_databases(model: type[RequestModel]) -> None:
    assert broken_fields(model, backup(databases=[{"name": "orders"}])) == ["databases"]


@pytest.mark.parametrize("databases", [None, []])
def test_databases_are_required_to_back_them_up_individually(databases: list[Any] | None) -> None:
    error = refusal(rds.BackupCreate, backup(databases=databases, backup_database_individually=True))
    assert "databases is required when backup_database_individually is true" in str(error)


def test_databases_need_no_file_of_their_own() -> None:
    request = validated(rds.BackupCreate, "backup", backup(databases=[{"name": "orders"}]))
    assert request.to_wire() == backup(databases=[{"name": "orders"}])


def test_a_database_without_a_name_is_refused() -> None:
    assert broken_fields(rds.BackupCreate, backup(databases=[{"name": ""}])) == ["databases.0.name"]


def test_a_refusal_names_field_rule_and_value() -> None:
    text = str(refusal(rds.BackupCreate, backup(name="1abc")))
    assert text == (
        "request is not valid, nothing was sent: name: must be 4 to 64 characters: a letter, then letters, digits, "
        "'-' and '_' (given: '1abc')."
    )


# Lists


@QUERIES
def test_times_of_a_list_are_sent_with_their_offset(model: type[RequestModel]) -> None:
    begin = datetime(2031, 4, 2, 9, 15, 7, tzinfo=timezone(timedelta(hours=2)))
    query = validated(
        model, "list", {"instance_id": INSTANCE, "begin_time": begin, "end_time": begin + timedelta(days=1)}
    )
    assert query.to_wire() == {
        "instance_id": INSTANCE,
        "begin_time": "2031-04-02T07:15:07+0000",
        "end_time": "2031-04-03T07:15:07+0000",
        "offset": 0,
        "limit": 100,
    }


@QUERIES
@pytest.mark.parametrize("given_name", ["begin_time", "end_time"])
def test_a_time_of_a_list_without_the_other_is_refused(model: type[RequestModel], given_name: str) -> None:
    error = refusal(model, {"instance_id": INSTANCE, given_name: datetime(2031, 4, 2, tzinfo=UTC)})
    assert "begin_time and end_time must be given together" in str(error)


@QUERIES
@pytest.mark.parametrize("seconds", [0, -1])
def test_an_end_that_is_not_later_than_the_beginning_is_refused(model: type[RequestModel], seconds: int) -> None:
    begin = datetime(2031, 4, 2, tzinfo=UTC)
    times = {"begin_time": begin, "end_time": begin + timedelta(seconds=seconds)}
    assert "end_time must be later than begin_time" in str(refusal(model, {"instance_id": INSTANCE, **times}))


@QUERIES
def test_a_time_without_a_zone_is_refused(model: type[RequestModel]) -> None:
    naive = datetime(2031, 4, 2)  # noqa: DTZ001 - that is the mistake
    aware = datetime(2031, 4, 3, tzinfo=UTC)
    assert broken_fields(model, {"instance_id": INSTANCE, "begin_time": naive, "end_time": aware}) == ["begin_time"]


@QUERIES
@pytest.mark.parametrize(("field", "value"), [("offset", -1), ("page_size", 0), ("page_size", 101)])
def test_a_page_outside_the_documented_range_is_refused(model: type[RequestModel], field: str, value: int) -> None:
    assert broken_fields(model, {"instance_id": INSTANCE, field: value}) == [field]


def test_rds_lists_backups_of_one_instance_only() -> None:
    assert broken_fields(rds.BackupQuery, {}) == ["instance_id"]


@pytest.mark.parametrize("model", [gaussdb.BackupQuery, taurusdb.BackupQuery])
def test_the_others_list_backups_of_all_instances(model: type[RequestModel]) -> None:
    assert sent(model, {}) == {"offset": 0, "limit": 100}


@pytest.mark.parametrize("backup_type", ["auto", "manual", "fragment", "incremental"])
def test_rds_knows_four_types_of_backups(backup_type: str) -> None:
    query = validated(rds.BackupQuery, "list", {"instance_id": INSTANCE, "backup_type": backup_type})
    assert query.to_wire()["backup_type"] == backup_type


@pytest.mark.parametrize("model", [gaussdb.BackupQuery, taurusdb.BackupQuery])
@pytest.mark.parametrize("backup_type", ["fragment", "incremental"])
def test_the_others_know_two_types_of_backups(model: type[RequestModel], backup_type: str) -> None:
    assert broken_fields(model, {"backup_type": backup_type}) == ["backup_type"]


def test_rds_lists_by_a_documented_status_only() -> None:
    assert sent(rds.BackupQuery, {"instance_id": INSTANCE, "status": "COMPLETED"})["status"] == "COMPLETED"
    assert broken_fields(rds.BackupQuery, {"instance_id": INSTANCE, "status": "DELETING"}) == ["status"]


@pytest.mark.parametrize("model", [gaussdb.BackupQuery, taurusdb.BackupQuery])
def test_only_rds_lists_by_status(model: type[RequestModel]) -> None:
    assert broken_fields(model, {"status": "COMPLETED"}) == ["status"]


@pytest.mark.parametrize("model", [rds.BackupQuery, gaussdb.BackupQuery])
@pytest.mark.parametrize("field", ["name", "instance_name"])
def test_only_taurusdb_lists_by_names(model: type[RequestModel], field: str) -> None:
    assert broken_fields(model, {"instance_id": INSTANCE, field: "orders"}) == [field]


@INSTANCE_QUERIES
def test_a_star_alone_is_no_name_to_search_for(model: type[RequestModel]) -> None:
    assert sent(model, {"name": "*rder"})["name"] == "*rder"
    assert broken_fields(model, {"name": "*"}) == ["name"]


@INSTANCE_QUERIES
@pytest.mark.parametrize("tags", ["stage", "=prod", "stage=prod,", "stage=prod,team"])
def test_tags_that_are_no_pairs_are_refused(model: type[RequestModel], tags: str) -> None:
    assert broken_fields(model, {"tags": tags}) == ["tags"]


@INSTANCE_QUERIES
def test_tags_are_pairs_joined_by_commas(model: type[RequestModel]) -> None:
    assert sent(model, {"tags": "stage=prod,team="})["tags"] == "stage=prod,team="


@pytest.mark.parametrize(("field", "value"), [("type", "single"), ("datastore_type", "mysql")])
def test_rds_searches_instances_by_documented_words_only(field: str, value: str) -> None:
    assert broken_fields(rds.InstanceQuery, {field: value}) == [field]


@pytest.mark.parametrize("model", [gaussdb.InstanceQuery, taurusdb.InstanceQuery])
def test_only_rds_has_groups_of_instances(model: type[RequestModel]) -> None:
    assert broken_fields(model, {"group_type": "flexus"}) == ["group_type"]


# Policies


@POLICIES
@pytest.mark.parametrize("period", ["", "0", "8", "1,", ",1", "1 ,2", "1;2", "Mon", "1-3"])
def test_a_period_that_is_no_list_of_days_is_refused(
    model: type[RequestModel], good: dict[str, Any], period: str
) -> None:
    assert broken_fields(model, {**good, "period": period}) == ["period"]


@POLICIES
@pytest.mark.parametrize(
    "window",
    [
        "01:00",
        "01:00-01:00",
        "01:00-03:00",
        "02:00-01:00",
        "24:00-01:00",
        "23:00-24:00",
        "1:00-2:00",
        "01:00-02:15",
        "01:20-02:20",
        "01:60-02:60",
        "01:00 - 02:00",
        "٠١:00-02:00",
    ],
)
def test_a_window_that_is_not_one_hour_is_refused(model: type[RequestModel], good: dict[str, Any], window: str) -> None:
    assert broken_fields(model, {**good, "start_time": window}) == ["start_time"]


@POLICIES
@given(hour=st.integers(0, 23))
def test_every_full_hour_may_be_the_window(model: type[RequestModel], good: dict[str, Any], hour: int) -> None:
    window = f"{hour:02}:00-{(hour + 1) % 24:02}:00"
    assert sent(model, {**good, "start_time": window})["start_time"] == window


@given(hour=st.integers(0, 23), minute=st.integers(0, 59))
def test_an_rds_window_begins_at_a_quarter_of_an_hour(hour: int, minute: int) -> None:
    window = f"{hour:02}:{minute:02}-{(hour + 1) % 24:02}:{minute:02}"
    values = {"keep_days": 7, "start_time": window, "period": "1"}
    if minute % 15 == 0:
        assert sent(rds.PolicyUpdate, values) == values
    else:
        assert broken_fields(rds.PolicyUpdate, values) == ["start_time"]


@HOURLY_POLICIES
def test_the_others_have_windows_at_full_hours_only(model: type[RequestModel], good: dict[str, Any]) -> None:
    assert broken_fields(model, {**good, "start_time": "01:30-02:30"}) == ["start_time"]


@pytest.mark.parametrize(("days", "is_allowed"), [(-1, False), (0, True), (732, True), (3653, True), (3654, False)])
def test_rds_keeps_automatic_backups_for_up_to_ten_years(days: int, is_allowed: bool) -> None:
    values = {"keep_days": days, "start_time": "01:00-02:00", "period": "1"}
    if is_allowed:
        assert sent(rds.PolicyUpdate, values)["keep_days"] == days
    else:
        assert broken_fields(rds.PolicyUpdate, values) == ["keep_days"]


@HOURLY_POLICIES
@pytest.mark.parametrize("days", [0, 733])
def test_the_others_keep_automatic_backups_for_1_to_732_days(
    model: type[RequestModel], good: dict[str, Any], days: int
) -> None:
    assert broken_fields(model, {**good, "keep_days": days}) == ["keep_days"]


@POLICIES
def test_keep_days_are_required(model: type[RequestModel], good: dict[str, Any]) -> None:
    assert broken_fields(model, {**good, "keep_days": None}) == ["keep_days"]


@HOURLY_POLICIES
@pytest.mark.parametrize("missing", ["start_time", "period"])
def test_the_others_require_window_and_days(model: type[RequestModel], good: dict[str, Any], missing: str) -> None:
    assert broken_fields(model, {**good, missing: None}) == [missing]


@pytest.mark.parametrize("missing", ["start_time", "period"])
def test_rds_requires_window_and_days_unless_it_switches_off(missing: str) -> None:
    values = {"keep_days": 1, "start_time": "01:00-02:00", "period": "1", missing: None}
    assert "required unless keep_days is 0" in str(refusal(rds.PolicyUpdate, values))


def test_automatic_backups_are_deleted_only_when_switching_off() -> None:
    values = {"keep_days": 7, "start_time": "01:00-02:00", "period": "1", "reserve_backups": False}
    assert "reserve_backups can be false only when keep_days is 0" in str(refusal(rds.PolicyUpdate, values))


@pytest.mark.parametrize("period", [15, "30", 60, "180", "360", "720", 1440])
def test_gaussdb_sends_the_differential_period_as_text(period: int | str) -> None:
    policy = validated(gaussdb.PolicyUpdate, "policy", {**POLICY_UPDATES[1][1], "differential_period": period})
    assert policy.to_wire()["differential_period"] == str(period)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("differential_period", "45"),
        ("differential_period", None),
        ("rate_limit", -1),
        ("rate_limit", 1025),
        ("prefetch_block", 0),
        ("prefetch_block", 8193),
        ("file_split_size", -4),
        ("file_split_size", 6),
        ("file_split_size", 1028),
    ],
)
def test_a_gaussdb_setting_outside_its_range_is_refused(field: str, value: Any) -> None:
    assert broken_fields(gaussdb.PolicyUpdate, {**POLICY_UPDATES[1][1], field: value}) == [field]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("rate_limit", 0),
        ("rate_limit", 1024),
        ("prefetch_block", 1),
        ("prefetch_block", 8192),
        ("file_split_size", 0),
        ("file_split_size", 1024),
    ],
)
def test_a_gaussdb_setting_at_the_end_of_its_range_is_accepted(field: str, value: int) -> None:
    assert sent(gaussdb.PolicyUpdate, {**POLICY_UPDATES[1][1], field: value})[field] == value


@pytest.mark.parametrize("level", [-1, 2])
def test_taurusdb_keeps_no_or_one_level_1_backup(level: int) -> None:
    values = {**POLICY_UPDATES[2][1], "retention_num_backup_level1": level}
    assert broken_fields(taurusdb.PolicyUpdate, values) == ["retention_num_backup_level1"]
