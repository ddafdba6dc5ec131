"""Every documented rule of CBR requests, broken one at a time; and the exact bodies."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.errors import InvalidRequestError
from airflow_provider_backup.cloud.schema.base import RequestModel, validated
from airflow_provider_backup.cloud.services.cbr.models import (
    BackupQuery,
    BillingCreate,
    CheckpointCreate,
    MemberAddition,
    MemberUpdate,
    MonthlyRetention,
    OperationDefinition,
    OperationLogQuery,
    PolicyAssociation,
    PolicyCreate,
    PolicyQuery,
    PolicyUpdate,
    ResourceAddition,
    ResourceRemoval,
    RestoreCreate,
    Trigger,
    TriggerProperties,
    VaultCreate,
    VaultQuery,
    VaultUpdate,
    WeeklyRetention,
    YearlyRetention,
)

PATTERN = "FREQ=DAILY;INTERVAL=1;BYHOUR=0;BYMINUTE=30"
POLICY: dict[str, Any] = {
    "name": "nightly_02",
    "operation_type": "backup",
    "enabled": True,
    "operation_definition": {"max_backups": 14, "day_backups": 7, "month_backups": 3, "timezone": "UTC+02:00"},
    "trigger": {"properties": {"pattern": [PATTERN]}},
}
BILLING = {"consistent_level": "crash_consistent", "object_type": "server", "protect_type": "backup", "size": 200}
UUID = "2d9f0c11-0d41-4f0f-9a51-27d1d6a40001"
SERVER = {"id": UUID, "type": "OS::Nova::Server"}
VAULT: dict[str, Any] = {"name": "vault-app", "resources": [SERVER], "billing": BILLING}


def broken(model: type[RequestModel], values: dict[str, Any]) -> list[tuple[str, str]]:
    """Return field and rule of everything that is wrong."""
    with pytest.raises(InvalidRequestError) as refused:
        validated(model, "request", values)
    return [(violation.field, violation.rule) for violation in refused.value.violations]


def definition(**values: Any) -> dict[str, Any]:
    return POLICY | {"operation_definition": values}


def trigger(*patterns: str, **properties: Any) -> dict[str, Any]:
    return POLICY | {"trigger": {"properties": {"pattern": list(patterns), **properties}}}


def test_a_new_policy_is_sent_as_documented() -> None:
    assert validated(PolicyCreate, "policy", POLICY).to_wire() == POLICY


def test_every_field_of_a_policy_is_sent() -> None:
    values = {
        "name": "a",
        "operation_type": "replication",
        "enabled": False,
        "operation_definition": {
            "retention_duration_days": 30,
            "max_backups": -1,
            "day_backups": 0,
            "week_backups": 100,
            "month_backups": 1,
            "year_backups": 2,
            "timezone": "UTC-03:30",
            "full_backup_interval": -1,
            "destination_region": "eu-nl",
            "destination_project_id": "0f3c",
            "enable_acceleration": True,
            "cross_account_urn": "urn:x",
            "advanced_retention_rules": {
                "weekly_retention_rules": {"days_of_week": ["Monday"], "retention_duration_periods": 5200},
                "monthly_retention_rules": {
                    "retention_type": "Weekly",
                    "retention_weeks": ["First"],
                    "days_of_week": ["Sunday"],
                    "retention_duration_periods": -1,
                },
                "yearly_retention_rules": {
                    "retention_type": "Monthly",
                    "retention_months": ["January"],
                    "days_of_month": [1, -1],
                    "retention_duration_periods": 100,
                },
            },
        },
        "trigger": {"properties": {"pattern": [PATTERN], "start_window_minutes": 480}},
    }
    assert validated(PolicyCreate, "policy", values).to_wire() == values


def test_an_empty_definition_is_sent_because_it_means_for_ever() -> None:
    assert validated(PolicyCreate, "policy", definition()).to_wire()["operation_definition"] == {}


@pytest.mark.parametrize("missing", ["name", "operation_type", "operation_definition", "trigger"])
def test_a_policy_without_a_mandatory_field_is_refused(missing: str) -> None:
    assert broken(PolicyCreate, {name: value for name, value in POLICY.items() if name != missing}) == [
        (missing, "must be given")
    ]


def test_a_new_policy_without_rules_is_refused() -> None:
    assert broken(PolicyCreate, POLICY | {"trigger": {"properties": {}}}) == [
        ("trigger.properties.pattern", "must be given")
    ]


@pytest.mark.parametrize("name", ["a", "x" * 64, "Nightly_02-b", "备份", "\uf900"])
def test_a_policy_name_of_letters_digits_dashes_and_underscores_is_accepted(name: str) -> None:
    assert validated(PolicyCreate, "policy", POLICY | {"name": name}).name == name


@pytest.mark.parametrize("name", ["", "x" * 65, "a b", "a.b", "a\n", "ä", "a/b"])
def test_any_other_policy_name_is_refused(name: str) -> None:
    ((field, rule),) = broken(PolicyCreate, POLICY | {"name": name})
    assert (field, rule.split(",")[0]) == ("name", "must be 1 to 64 letters")


def test_an_unknown_operation_type_is_refused() -> None:
    assert broken(PolicyCreate, POLICY | {"operation_type": "restore"})[0][0] == "operation_type"


@pytest.mark.parametrize(
    ("field", "accepted"),
    [
        ("retention_duration_days", [-1, 1, 99999]),
        ("max_backups", [-1, 0, 1, 99999]),
        ("full_backup_interval", [-1, 0, 100]),
        ("day_backups", [0]),
        ("enable_acceleration", [True, False]),
    ],
)
def test_numbers_of_a_definition_are_accepted_within_their_range(field: str, accepted: list[Any]) -> None:
    for value in accepted:
        assert OperationDefinition.model_validate({field: value}).to_wire() == {field: value}


@pytest.mark.parametrize("field", ["day_backups", "week_backups", "month_backups", "year_backups"])
def test_long_term_backups_are_accepted_from_0_to_100(field: str) -> None:
    for value in (0, 1, 100):
        values = {field: value, "timezone": "UTC+08:00"}
        assert OperationDefinition.model_validate(values).to_wire() == values


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("retention_duration_days", 0),
        ("retention_duration_days", -2),
        ("retention_duration_days", 100000),
        ("max_backups", -2),
        ("max_backups", 100000),
        ("full_backup_interval", -2),
        ("full_backup_interval", 101),
        ("day_backups", -1),
        ("day_backups", 101),
        ("week_backups", 101),
        ("month_backups", 101),
        ("year_backups", 101),
        ("max_backups", "many"),
        ("max_backups", 1.5),
        ("destination_region", "eu de"),
        ("destination_region", "x" * 256),
        ("cross_account_urn", ""),
    ],
)
def test_a_value_of_a_definition_outside_its_range_is_refused(field: str, value: Any) -> None:
    fields = [name for name, _ in broken(PolicyCreate, definition(**{field: value, "timezone": "UTC+08:00"}))]
    assert f"operation_definition.{field}" in fields


@pytest.mark.parametrize("field", ["day_backups", "week_backups", "month_backups", "year_backups"])
def test_long_term_backups_without_a_time_zone_are_refused(field: str) -> None:
    assert broken(PolicyCreate, definition(max_backups=3, **{field: 1})) == [
        ("operation_definition.timezone", f"must be given with {field}")
    ]


def test_long_term_backups_of_zero_need_no_time_zone() -> None:
    values = {"retention_duration_days": 1, "day_backups": 0, "week_backups": 0, "month_backups": 0, "year_backups": 0}
    assert validated(PolicyCreate, "policy", definition(**values)).to_wire()["operation_definition"] == values


def test_days_and_counts_may_be_combined_because_the_sources_disagree() -> None:
    values = {"retention_duration_days": 30, "max_backups": 5, "day_backups": 7, "timezone": "UTC+00:00"}
    assert OperationDefinition.model_validate(values).to_wire() == values


@pytest.mark.parametrize("zone", ["UTC", "UTC+8", "UTC+8:00", "Europe/Berlin", "UTC+02:00 ", "xUTC+02:00", ""])
def test_a_time_zone_that_is_no_offset_is_refused(zone: str) -> None:
    assert broken(PolicyCreate, definition(timezone=zone)) == [
        ("operation_definition.timezone", "must be an offset from UTC, such as UTC+02:00 or UTC-05:30")
    ]


@pytest.mark.parametrize("values", [{"destination_region": "eu-nl"}, {"destination_project_id": "0f3c"}])
def test_a_destination_needs_region_and_project(values: dict[str, Any]) -> None:
    assert broken(PolicyCreate, definition(**values)) == [
        (
            "operation_definition.destination_project_id",
            "destination_region and destination_project_id must be given together",
        )
    ]


@pytest.mark.parametrize(
    ("model", "values", "field"),
    [
        (WeeklyRetention, {"retention_duration_periods": 0}, "retention_duration_periods"),
        (WeeklyRetention, {"retention_duration_periods": 5201}, "retention_duration_periods"),
        (WeeklyRetention, {"days_of_week": []}, "days_of_week"),
        (MonthlyRetention, {"retention_duration_periods": 1201}, "retention_duration_periods"),
        (MonthlyRetention, {"retention_type": "Daily"}, "retention_type"),
        (MonthlyRetention, {"retention_type": "Weekly", "retention_weeks": ["First"]}, "days_of_week"),
        (MonthlyRetention, {"retention_type": "Weekly", "days_of_week": ["Monday"]}, "days_of_week"),
        (MonthlyRetention, {"retention_type": "Weekly", "days_of_month": [1]}, "days_of_month"),
        (MonthlyRetention, {"days_of_month": [1]}, "days_of_month"),
        (MonthlyRetention, {"retention_type": "Monthly", "days_of_month": [0]}, "days_of_month.0"),
        (MonthlyRetention, {"retention_type": "Monthly", "days_of_month": [29]}, "days_of_month.0"),
        (YearlyRetention, {"retention_duration_periods": 101}, "retention_duration_periods"),
        (YearlyRetention, {"retention_type": "Monthly", "days_of_month": [1]}, "retention_months"),
        (
            YearlyRetention,
            {"retention_type": "Weekly", "retention_weeks": ["First"], "days_of_week": ["Monday"]},
            "retention_months",
        ),
    ],
)
def test_an_advanced_retention_rule_that_does_not_hold_is_refused(
    model: type[RequestModel], values: dict[str, Any], field: str
) -> None:
    assert [name for name, _ in broken(model, values)] == [field]


def test_a_rule_that_breaks_the_grammar_is_named_with_its_place() -> None:
    assert broken(PolicyCreate, trigger(PATTERN, "FREQ=DAILY;BYHOUR=24")) == [
        ("trigger.properties.pattern.1", "BYHOUR must be 0 to 23, not '24'")
    ]


def test_24_rules_are_accepted() -> None:
    patterns = [f"FREQ=DAILY;BYHOUR={hour};BYMINUTE=00" for hour in range(24)]
    assert validated(PolicyCreate, "policy", trigger(*patterns)).trigger.properties.pattern == patterns


def test_no_rule_and_more_than_24_rules_are_refused() -> None:
    days = [
        f"FREQ=WEEKLY;BYDAY={day};BYHOUR={hour};BYMINUTE=00"
        for day in ("MO", "TU", "WE", "TH", "FR")
        for hour in range(5)
    ]
    for patterns in ([], days):
        assert [field for field, _ in broken(PolicyCreate, trigger(*patterns))] == ["trigger.properties.pattern"]


def test_rules_that_come_too_close_are_refused() -> None:
    ((field, rule),) = broken(PolicyCreate, trigger(PATTERN, "FREQ=DAILY;BYHOUR=1;BYMINUTE=00"))
    assert field == "trigger.properties.pattern"
    assert "at least 1 hour apart: 00:30 and 01:00 UTC are 30 minutes apart" in rule


@pytest.mark.parametrize("minutes", [59, 481])
def test_a_start_window_outside_60_to_480_minutes_is_refused(minutes: int) -> None:
    assert [field for field, _ in broken(PolicyCreate, trigger(PATTERN, start_window_minutes=minutes))] == [
        "trigger.properties.start_window_minutes"
    ]


def test_fields_that_only_answers_have_are_refused() -> None:
    assert broken(PolicyCreate, trigger(PATTERN, start_time="2031-04-02 09:15:07"))[0][0] == (
        "trigger.properties.start_time"
    )


def test_all_broken_rules_are_named_at_once() -> None:
    values = definition(max_backups=-2, day_backups=3) | {"name": "", "operation_type": "none"}
    assert [field for field, _ in broken(PolicyCreate, values)] == [
        "name",
        "operation_type",
        "operation_definition.max_backups",
        "operation_definition.timezone",
    ]


@pytest.mark.parametrize(
    "values",
    [
        {"name": "b"},
        {"enabled": False},
        {"operation_definition": {}},
        {"operation_definition": {"retention_duration_days": -1, "max_backups": -1}},
        {"trigger": {"properties": {"pattern": [PATTERN]}}},
        {"trigger": {"properties": {"pattern": [PATTERN], "start_window_minutes": 60}}},
        POLICY | {"operation_type": None},
    ],
)
def test_a_change_of_a_policy_sends_only_what_is_given(values: dict[str, Any]) -> None:
    sent = {name: value for name, value in values.items() if value is not None}
    assert validated(PolicyUpdate, "policy", values).to_wire() == sent


def test_a_change_of_nothing_sends_nothing() -> None:
    assert PolicyUpdate().to_wire() == {}


def test_a_start_window_is_taken_off_with_null() -> None:
    change = {"trigger": {"properties": {"pattern": [PATTERN], "start_window_minutes": None}}}
    assert validated(PolicyUpdate, "policy", change).to_wire() == change


@pytest.mark.parametrize("properties", [{"start_window_minutes": 60}, {"start_window_minutes": None}, {}])
def test_a_change_of_when_a_policy_runs_without_its_rules_is_refused(properties: dict[str, Any]) -> None:
    assert [field for field, _ in broken(PolicyUpdate, {"trigger": {"properties": properties}})] == [
        "trigger.properties.pattern"
    ]


def test_a_whole_trigger_may_be_used_for_a_change() -> None:
    whole = Trigger(properties=TriggerProperties(pattern=[PATTERN]))
    assert PolicyUpdate(trigger=whole).to_wire() == {"trigger": {"properties": {"pattern": [PATTERN]}}}


def test_the_operation_type_of_a_policy_cannot_be_changed() -> None:
    assert [field for field, _ in broken(PolicyUpdate, {"operation_type": "backup"})] == ["operation_type"]


def test_the_rules_of_a_new_policy_hold_for_a_change() -> None:
    values = {name: value for name, value in definition(day_backups=1).items() if name != "operation_type"}
    assert broken(PolicyUpdate, values) == [("operation_definition.timezone", "must be given with day_backups")]


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "retention_duration_days": st.just(-1) | st.integers(1, 99999),
            "max_backups": st.integers(-1, 99999),
            "day_backups": st.integers(0, 100),
            "full_backup_interval": st.integers(-1, 100),
        },
    )
)
def test_every_definition_within_the_ranges_is_sent_unchanged(values: dict[str, Any]) -> None:
    values = values | {"timezone": "UTC+01:00"}
    assert OperationDefinition.model_validate(values).to_wire() == values


def test_a_new_vault_is_sent_as_documented() -> None:
    assert validated(VaultCreate, "vault", VAULT).to_wire() == VAULT


def test_a_new_vault_without_resources_sends_an_empty_list() -> None:
    assert validated(VaultCreate, "vault", {"name": "a", "billing": BILLING}).to_wire()["resources"] == []


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "a b"}, "name"),
        ({"resources": [SERVER] * 256}, "resources"),
        ({"resources": [SERVER | {"type": "OS::Nova::Disk"}]}, "resources.0.type"),
        ({"resources": [SERVER | {"name": "x" * 256}]}, "resources.0.name"),
        ({"backup_policy_id": "policy"}, "backup_policy_id"),
        ({"description": "x" * 65}, "description"),
        ({"description": "<b>"}, "description"),
        ({"tags": []}, "tags"),
        ({"tags": [{"key": str(number), "value": ""} for number in range(21)]}, "tags"),
        ({"tags": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]}, "tags"),
        ({"tags": [{"key": "", "value": ""}]}, "tags.0.key"),
        ({"tags": [{"key": "x" * 37, "value": ""}]}, "tags.0.key"),
        ({"tags": [{"key": "a", "value": "x" * 44}]}, "tags.0.value"),
        ({"bind_rules": {"tags": []}}, "bind_rules.tags"),
        ({"threshold": 0}, "threshold"),
        ({"threshold": 101}, "threshold"),
        ({"backup_name_prefix": "x" * 33}, "backup_name_prefix"),
        ({"demand_billing": True}, "demand_billing"),
        ({"sys_lock_source_service": "RDS"}, "sys_lock_source_service"),
        ({"availability_zone": ""}, "availability_zone"),
        ({"availability_zone": "x" * 33}, "availability_zone"),
        ({"billing": BILLING | {"size": 9}}, "billing.size"),
        ({"billing": BILLING | {"size": 10485761}}, "billing.size"),
        ({"billing": BILLING | {"consistent_level": "none"}}, "billing.consistent_level"),
        ({"billing": BILLING | {"object_type": "car"}}, "billing.object_type"),
        ({"billing": BILLING | {"protect_type": "hybrid"}}, "billing.protect_type"),
        ({"billing": BILLING | {"console_url": ""}}, "billing.console_url"),
        ({"billing": BILLING | {"charging_mode": "pre_paid", "period_num": 1}}, "billing.period_type"),
        ({"billing": BILLING | {"charging_mode": "pre_paid", "period_type": "year"}}, "billing.period_num"),
        (
            {
                "auto_expand": True,
                "billing": BILLING | {"charging_mode": "pre_paid", "period_type": "year", "period_num": 1},
            },
            "auto_expand",
        ),
    ],
)
def test_a_vault_that_breaks_a_rule_is_refused(values: dict[str, Any], field: str) -> None:
    assert [name for name, _ in broken(VaultCreate, VAULT | values)] == [field]


def test_a_vault_may_grow_when_it_is_paid_by_use() -> None:
    assert validated(VaultCreate, "vault", VAULT | {"auto_expand": True}).auto_expand is True


def test_billing_needs_level_kind_purpose_and_size() -> None:
    assert [field for field, _ in broken(BillingCreate, {})] == [
        "consistent_level",
        "object_type",
        "protect_type",
        "size",
    ]


def test_a_change_of_a_vault_sends_only_what_is_given() -> None:
    values = {"name": "b", "billing": {"size": 1}, "locked": True}
    assert validated(VaultUpdate, "vault", values).to_wire() == values


@pytest.mark.parametrize("values", [{}, {"policy_id": "a", "add_policy_ids": ["b"]}])
def test_policies_are_bound_in_exactly_one_of_two_forms(values: dict[str, Any]) -> None:
    assert broken(PolicyAssociation, values) == [("add_policy_ids", "give exactly one of policy_id and add_policy_ids")]


@pytest.mark.parametrize("count", [0, 257])
def test_1_to_256_resources_are_added_and_removed_at_once(count: int) -> None:
    assert broken(ResourceAddition, {"resources": [SERVER] * count})[0][0] == "resources"
    assert broken(ResourceRemoval, {"resource_ids": [UUID] * count})[0][0] == "resource_ids"


def test_a_checkpoint_is_sent_as_documented() -> None:
    values = {
        "vault_id": UUID,
        "parameters": {
            "name": "pre_release",
            "description": "before 4.2",
            "incremental": False,
            "resource_details": [SERVER],
        },
    }
    assert validated(CheckpointCreate, "checkpoint", values).to_wire() == values


def test_a_checkpoint_of_a_whole_vault_needs_only_the_vault() -> None:
    assert CheckpointCreate(vault_id=UUID).to_wire() == {"vault_id": UUID}


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"description": "x" * 256}, "description"),
        ({"description": "a > b"}, "description"),
        ({"resources": []}, "resources"),
        ({"resources": ["server"]}, "resources.0"),
        ({"resource_details": [SERVER] * 257}, "resource_details"),
        ({"retention_duration_days": 0}, "retention_duration_days"),
        ({"retention_duration_days": 36501}, "retention_duration_days"),
        ({"retention_duration_days": 1, "auto_trigger": True}, "retention_duration_days"),
    ],
)
def test_a_checkpoint_that_breaks_a_rule_is_refused(parameters: dict[str, Any], field: str) -> None:
    values = {"vault_id": UUID, "parameters": parameters}
    assert [name for name, _ in broken(CheckpointCreate, values)] == [f"parameters.{field}"]


def test_a_checkpoint_without_a_readable_vault_id_is_refused() -> None:
    assert broken(CheckpointCreate, {"vault_id": "vault"})[0][0] == "vault_id"


def test_times_of_a_query_are_sent_in_utc() -> None:
    moment = datetime(2031, 4, 2, 11, 15, 7, 900, tzinfo=timezone(timedelta(hours=2)))
    query = BackupQuery(start_time=moment, end_time=moment)
    assert query.to_wire() == {"start_time": "2031-04-02T09:15:07Z", "end_time": "2031-04-02T09:15:07Z"}


def test_one_status_counts_as_a_list_of_one() -> None:
    assert validated(BackupQuery, "list", {"status": "error"}).to_wire() == {"status": ["error"]}


@pytest.mark.parametrize(
    ("model", "values", "field"),
    [
        (PolicyQuery, {"operation_type": "restore"}, "operation_type"),
        (VaultQuery, {"limit": 0}, "limit"),
        (VaultQuery, {"limit": 1001}, "limit"),
        (VaultQuery, {"offset": -1}, "offset"),
        (VaultQuery, {"status": "good"}, "status"),
        (VaultQuery, {"marker": "x"}, "marker"),
        (BackupQuery, {"status": ["good"]}, "status.0"),
        (BackupQuery, {"resource_type": "server"}, "resource_type"),
        (BackupQuery, {"start_time": datetime(2031, 4, 2)}, "start_time"),  # noqa: DTZ001
        (BackupQuery, {"used_percent": 0}, "used_percent"),
        (BackupQuery, {"used_percent": 101}, "used_percent"),
        (BackupQuery, {"sort": "x" * 256}, "sort"),
        (BackupQuery, {"own_type": "mine"}, "own_type"),
        (BackupQuery, {"member_status": "mine"}, "member_status"),
        (OperationLogQuery, {"checkpoint_id": UUID}, "checkpoint_id"),
        (OperationLogQuery, {"operation_type": "protect"}, "operation_type"),
        (OperationLogQuery, {"limit": 0}, "limit"),
    ],
)
def test_a_filter_that_breaks_a_rule_is_refused(model: type[RequestModel], values: dict[str, Any], field: str) -> None:
    assert [name for name, _ in broken(model, values)] == [field]


DISK = {"backup_id": UUID, "volume_id": UUID}


@pytest.mark.parametrize(
    "values",
    [
        {"server_id": UUID, "mappings": [DISK], "power_on": False},
        {"volume_id": UUID},
        {"volume_id": UUID, "mappings": [DISK]},
        {"resource_id": UUID, "details": {"destination_path": "/restored"}},
    ],
)
def test_a_restore_is_sent_as_it_is_given(values: dict[str, Any]) -> None:
    assert validated(RestoreCreate, "restore", values).to_wire() == values


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({}, "exactly one of server_id, volume_id and resource_id"),
        ({"server_id": UUID, "volume_id": UUID, "mappings": [DISK]}, "exactly one of"),
        ({"server_id": UUID}, "needs mappings"),
        ({"server_id": UUID, "mappings": []}, "needs mappings"),
        ({"server_id": UUID, "mappings": [DISK, {**DISK, "backup_id": "other"}]}, "each volume_id once"),
        ({"server_id": UUID, "mappings": [DISK, {**DISK, "volume_id": "other"}]}, "each backup_id once"),
        ({"resource_id": UUID, "details": {"destination_path": "x" * 256}}, "255"),
        ({"server_id": UUID, "mappings": [{"backup_id": UUID}]}, "must be given"),
    ],
)
def test_a_restore_that_breaks_a_rule_is_refused(values: dict[str, Any], rule: str) -> None:
    with pytest.raises(InvalidRequestError, match=rule):
        validated(RestoreCreate, "restore", values)


@pytest.mark.parametrize(
    ("model", "values", "rule"),
    [
        (MemberAddition, {"members": []}, "members"),
        (MemberAddition, {"members": [f"p{number}" for number in range(11)]}, "members"),
        (MemberAddition, {"members": ["p", "p"]}, "each project once"),
        (MemberUpdate, {"status": "shared"}, "status"),
        (MemberUpdate, {"status": "accepted"}, "needs vault_id to accept"),
    ],
)
def test_a_wrong_sharing_is_refused_before_it_is_sent(
    model: type[RequestModel], values: dict[str, Any], rule: str
) -> None:
    with pytest.raises(InvalidRequestError, match=rule):
        validated(model, "CBR members", values)
