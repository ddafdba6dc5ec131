"""What VBS requests look like, and which of them are refused before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.errors import InvalidRequestError
from airflow_provider_backup.cloud.schema.base import RequestModel, validated
from airflow_provider_backup.cloud.services.vbs.models import (
    Association,
    BackupCreate,
    BackupOptions,
    BackupTag,
    Disassociation,
    PolicyCreate,
    PolicyTag,
    PolicyUpdate,
    ScheduledPolicy,
    ScheduledPolicyUpdate,
)

VOLUME_ID = "c2b7d9c4-2f61-4a6e-9a53-6b1c5f2f0a77"


def schedule(**changes: Any) -> dict[str, Any]:
    values = {"start_time": "01:00,13:00", "frequency": 1, "retention_num": 7}
    return {name: value for name, value in (values | changes).items() if value is not None}


def policy(scheduled_policy: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    return {"name": "nightly-db", "scheduled_policy": schedule(**(scheduled_policy or {}))} | changes


def backup(**changes: Any) -> dict[str, Any]:
    return {"volume_id": VOLUME_ID, "name": "before-upgrade"} | changes


def wire(model: type[RequestModel], values: dict[str, Any]) -> dict[str, Any]:
    return validated(model, "request", values).to_wire()


def violations(model: type[RequestModel], values: dict[str, Any]) -> dict[str, tuple[str, Any]]:
    with pytest.raises(InvalidRequestError) as caught:
        validated(model, "request", values)
    return {violation.field: (violation.rule, violation.value) for violation in caught.value.violations}


# ------------------------------------------------------------------------------------------------------ create policy


def test_a_new_policy_with_every_field_has_exactly_the_documented_body() -> None:
    request = PolicyCreate(
        name="nightly-db",
        scheduled_policy=ScheduledPolicy(
            start_time="01:00,13:00",
            week_frequency=["MON", "THU"],
            retention_day=21,
            keep_first_backup_of_month=False,
            enabled=True,
        ),
        time_zone="UTC+01:00",
        tags=[PolicyTag(key="team", value="billing")],
    )
    assert request.to_wire() == {
        "backup_policy_name": "nightly-db",
        "scheduled_policy": {
            "start_time": "01:00,13:00",
            "week_frequency": ["MON", "THU"],
            "rentention_day": 21,
            "remain_first_backup_of_curMonth": "N",
            "status": "ON",
        },
        "time_zone": "UTC+01:00",
        "tags": [{"key": "team", "value": "billing"}],
    }


def test_a_new_policy_by_interval_and_number_has_exactly_the_documented_body() -> None:
    request = validated(
        PolicyCreate,
        "VBS policy",
        policy({"keep_first_backup_of_month": True, "enabled": False, "start_time": "22:00"}),
    )
    assert request.to_wire() == {
        "backup_policy_name": "nightly-db",
        "scheduled_policy": {
            "start_time": "22:00",
            "frequency": 1,
            "rentention_num": 7,
            "remain_first_backup_of_curMonth": "Y",
            "status": "OFF",
        },
    }


def test_a_new_policy_is_on_unless_said_otherwise_and_says_so() -> None:
    body = validated(PolicyCreate, "VBS policy", policy()).to_wire()
    assert body["scheduled_policy"] == {
        "start_time": "01:00,13:00",
        "frequency": 1,
        "rentention_num": 7,
        "status": "ON",
    }


def test_the_names_on_the_wire_are_understood_as_well() -> None:
    by_wire_name = {
        "backup_policy_name": "nightly-db",
        "scheduled_policy": {
            "start_time": "01:00,13:00",
            "frequency": 1,
            "rentention_num": 7,
            "remain_first_backup_of_curMonth": "Y",
            "status": "OFF",
        },
    }
    assert PolicyCreate.model_validate(by_wire_name).to_wire() == by_wire_name


@pytest.mark.parametrize("name", ["a", "x" * 64, "Nightly_db-2", "default-like"])
def test_a_policy_name_of_letters_digits_hyphens_and_underscores_is_accepted(name: str) -> None:
    assert validated(PolicyCreate, "VBS policy", policy(name=name)).name == name


def test_a_policy_name_longer_than_64_characters_is_refused() -> None:
    rule, value = violations(PolicyCreate, policy(name="x" * 65))["name"]
    assert "64" in rule
    assert value == "x" * 65


def test_an_empty_policy_name_is_refused() -> None:
    assert "at least 1" in violations(PolicyCreate, policy(name=""))["name"][0]


def test_a_policy_without_a_name_is_refused() -> None:
    assert violations(PolicyCreate, {"scheduled_policy": schedule()})["name"][0] == "must be given"


@pytest.mark.parametrize("name", ["nightly db", "nightly.db", "nächtlich", "a\n", "a<b"])
def test_a_policy_name_with_other_characters_is_refused(name: str) -> None:
    rule, value = violations(PolicyCreate, policy(name=name))["name"]
    assert rule == "must be letters, digits, '_' and '-' only"
    assert value == name


def test_a_policy_without_a_schedule_is_refused() -> None:
    assert violations(PolicyCreate, {"name": "nightly"})["scheduled_policy"][0] == "must be given"


def test_a_policy_without_a_start_time_is_refused() -> None:
    values = policy({"start_time": None})
    assert violations(PolicyCreate, values)["scheduled_policy.start_time"][0] == "must be given"


@pytest.mark.parametrize("start_time", ["14:30", "24:00", "1:00", "01:00;02:00", "01:00,", "", "01:00, 02:00", "noon"])
def test_a_start_time_that_is_no_full_hour_is_refused(start_time: str) -> None:
    rule, value = violations(PolicyCreate, policy({"start_time": start_time}))["scheduled_policy.start_time"]
    assert "full hours in UTC" in rule
    assert value == start_time


def test_every_hour_of_the_day_can_be_a_start_time() -> None:
    start_time = ",".join(f"{hour:02}:00" for hour in range(24))
    assert wire(PolicyCreate, policy({"start_time": start_time}))


@pytest.mark.parametrize("start_time", ["01:00,01:00", "01:00,03:00,02:00", "03:00,02:00,01:00"])
def test_start_times_that_are_in_order_in_no_zone_are_refused(start_time: str) -> None:
    rule, value = violations(PolicyCreate, policy({"start_time": start_time}))["scheduled_policy.start_time"]
    assert "in the order of the local times" in rule
    assert value == start_time


def test_start_times_in_the_order_of_the_local_times_are_accepted_although_utc_does_not_ascend() -> None:
    assert wire(PolicyCreate, policy({"start_time": "22:00,00:00,02:00"}, time_zone="UTC+02:00"))


def test_start_times_that_are_not_in_the_order_of_the_given_zone_are_refused() -> None:
    values = policy({"start_time": "00:00,02:00,22:00"}, time_zone="UTC+02:00")
    rule, value = violations(PolicyCreate, values)["scheduled_policy.start_time"]
    assert rule == "must be in the order of the local times of UTC+02:00"
    assert value == "00:00,02:00,22:00"


def test_the_order_counts_in_zones_west_of_utc_and_with_half_hours_too() -> None:
    assert wire(PolicyCreate, policy({"start_time": "04:00,03:00"}, time_zone="UTC-03:30"))
    assert wire(PolicyCreate, policy({"start_time": "19:00,18:00"}, time_zone="UTC+05:30"))


def test_times_over_midnight_with_days_of_the_week_need_a_time_zone() -> None:
    values = policy({"start_time": "22:00,00:00", "frequency": None, "week_frequency": ["MON"]})
    assert "must be given with week_frequency" in violations(PolicyCreate, values)["time_zone"][0]


def test_times_over_midnight_with_an_interval_need_no_time_zone() -> None:
    assert wire(PolicyCreate, policy({"start_time": "22:00,00:00"}))


@pytest.mark.parametrize("time_zone", ["UTC+08:00", "UTC-02:00", "UTC+00:00", "UTC+14:00", "UTC+05:45"])
def test_an_offset_from_utc_is_a_time_zone(time_zone: str) -> None:
    values = policy({"start_time": "12:00"}, time_zone=time_zone)
    assert validated(PolicyCreate, "VBS policy", values).time_zone == time_zone


@pytest.mark.parametrize("time_zone", ["UTC", "UTC+8", "UTC+8:00", "+08:00", "UTC+15:00", "UTC+08:60", "Europe/Berlin"])
def test_anything_else_is_no_time_zone(time_zone: str) -> None:
    rule, value = violations(PolicyCreate, policy(time_zone=time_zone))["time_zone"]
    assert "UTC+02:00" in rule
    assert value == time_zone


@pytest.mark.parametrize("frequency", [1, 14, 30])
def test_an_interval_of_1_to_30_days_is_accepted(frequency: int) -> None:
    assert wire(PolicyCreate, policy({"frequency": frequency}))


@pytest.mark.parametrize("frequency", [0, 31, -1, 1.5, "daily"])
def test_any_other_interval_is_refused(frequency: Any) -> None:
    rule, value = violations(PolicyCreate, policy({"frequency": frequency}))["scheduled_policy.frequency"]
    assert rule
    assert value == frequency


def test_an_unknown_day_of_the_week_is_refused() -> None:
    values = policy({"frequency": None, "week_frequency": ["MON", "Tue"]})
    rule, value = violations(PolicyCreate, values)["scheduled_policy.week_frequency.1"]
    assert "'TUE'" in rule
    assert value == "Tue"


@pytest.mark.parametrize("days", [[], ["MON", "MON"], ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]])
def test_no_day_at_all_and_a_day_twice_are_refused(days: list[str]) -> None:
    values = policy({"frequency": None, "week_frequency": days})
    assert "scheduled_policy.week_frequency" in violations(PolicyCreate, values)


def test_all_seven_days_are_accepted() -> None:
    days = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
    assert wire(PolicyCreate, policy({"frequency": None, "week_frequency": days}))


def test_an_interval_together_with_days_of_the_week_is_refused() -> None:
    rule, value = violations(PolicyCreate, policy({"week_frequency": ["MON"]}))["scheduled_policy.week_frequency"]
    assert rule == "cannot be given together with frequency"
    assert value == ["MON"]


def test_neither_an_interval_nor_days_of_the_week_is_refused() -> None:
    found = violations(PolicyCreate, policy({"frequency": None}))
    assert found["scheduled_policy.frequency"] == ("exactly one of frequency and week_frequency must be given", None)


@pytest.mark.parametrize("number", [2, 14, 99, 100])
def test_two_backups_or_more_can_be_kept(number: int) -> None:
    assert wire(PolicyCreate, policy({"retention_num": number}))


@pytest.mark.parametrize("number", [1, 0, -1])
def test_keeping_fewer_than_two_backups_is_refused(number: int) -> None:
    rule, value = violations(PolicyCreate, policy({"retention_num": number}))["scheduled_policy.retention_num"]
    assert "greater than or equal to 2" in rule
    assert value == number


@pytest.mark.parametrize(("days", "sent"), [(2, 2), (99999, 99999), (30.9, 30), ("30", 30)])
def test_days_of_retention_are_rounded_down(days: Any, sent: int) -> None:
    values = policy({"retention_num": None, "retention_day": days})
    body = validated(PolicyCreate, "VBS policy", values).to_wire()
    assert body["scheduled_policy"]["rentention_day"] == sent


@pytest.mark.parametrize("days", [1, 1.9, 100000, float("inf"), float("nan")])
def test_days_of_retention_outside_of_2_to_99999_are_refused(days: float) -> None:
    values = policy({"retention_num": None, "retention_day": days})
    assert "scheduled_policy.retention_day" in violations(PolicyCreate, values)


def test_a_number_together_with_days_of_retention_is_refused() -> None:
    rule, value = violations(PolicyCreate, policy({"retention_day": 30}))["scheduled_policy.retention_day"]
    assert rule == "cannot be given together with retention_num"
    assert value == 30


def test_neither_a_number_nor_days_of_retention_is_refused() -> None:
    found = violations(PolicyCreate, policy({"retention_num": None}))
    rule = "exactly one of retention_num and retention_day must be given"
    assert found["scheduled_policy.retention_num"] == (rule, None)


@pytest.mark.parametrize(("field", "words"), [("keep_first_backup_of_month", "Y or N"), ("enabled", "ON or OFF")])
@pytest.mark.parametrize("value", ["yes", "on", 1, "", ["ON"]])
def test_a_switch_knows_its_two_words_and_truth_values_only(field: str, words: str, value: Any) -> None:
    rule, given_value = violations(PolicyCreate, policy({field: value}))[f"scheduled_policy.{field}"]
    assert words in rule
    assert given_value == value


@pytest.mark.parametrize(
    ("value", "sent"), [(True, "ON"), ("ON", "ON"), ("True", "ON"), ("false", "OFF"), ("OFF", "OFF")]
)
def test_a_switch_takes_the_text_that_a_template_makes_of_a_truth_value(value: Any, sent: str) -> None:
    assert wire(PolicyCreate, policy({"enabled": value}))["scheduled_policy"]["status"] == sent


@pytest.mark.parametrize(
    ("tag", "field"),
    [
        ({"key": "", "value": "v"}, "tags.0.key"),
        ({"key": "k" * 37, "value": "v"}, "tags.0.key"),
        ({"key": "a b", "value": "v"}, "tags.0.key"),
        ({"value": "v"}, "tags.0.key"),
        ({"key": "k", "value": "v" * 44}, "tags.0.value"),
        ({"key": "k", "value": "a.b"}, "tags.0.value"),
        ({"key": "k"}, "tags.0.value"),
    ],
)
def test_a_tag_of_a_policy_that_breaks_a_rule_is_refused(tag: dict[str, str], field: str) -> None:
    assert field in violations(PolicyCreate, policy(tags=[tag]))


def test_a_policy_has_10_tags_at_most() -> None:
    tags = [{"key": f"k{number}", "value": ""} for number in range(11)]
    assert wire(PolicyCreate, policy(tags=tags[:10]))
    assert "10" in violations(PolicyCreate, policy(tags=tags))["tags"][0]


def test_an_unknown_field_is_refused() -> None:
    assert "scheduled_policy.retention" in violations(PolicyCreate, policy({"retention": 3}))


def test_all_broken_rules_of_single_fields_are_named_at_once() -> None:
    found = violations(PolicyCreate, policy({"start_time": "14:30", "frequency": 99}, name="a b"))
    assert set(found) == {"name", "scheduled_policy.start_time", "scheduled_policy.frequency"}


@given(
    offset=st.integers(min_value=-12, max_value=14),
    local_hours=st.lists(st.integers(min_value=0, max_value=23), min_size=1, max_size=24, unique=True),
)
def test_times_ordered_by_local_time_are_accepted_in_every_zone(offset: int, local_hours: list[int]) -> None:
    start_time = ",".join(f"{(hour - offset) % 24:02}:00" for hour in sorted(local_hours))
    time_zone = f"UTC{'-' if offset < 0 else '+'}{abs(offset):02}:00"
    body = validated(PolicyCreate, "VBS policy", policy({"start_time": start_time}, time_zone=time_zone)).to_wire()
    assert body["scheduled_policy"]["start_time"] == start_time


@given(hours=st.lists(st.integers(min_value=0, max_value=23), min_size=2, max_size=5, unique=True))
def test_times_that_do_not_ascend_are_refused_in_utc(hours: list[int]) -> None:
    values = policy({"start_time": ",".join(f"{hour:02}:00" for hour in hours)}, time_zone="UTC+00:00")
    if hours == sorted(hours):
        assert wire(PolicyCreate, values)
    else:
        assert "scheduled_policy.start_time" in violations(PolicyCreate, values)


# ------------------------------------------------------------------------------------------------------ update policy


def test_a_change_of_the_status_alone_sends_the_status_alone() -> None:
    request = PolicyUpdate(scheduled_policy=ScheduledPolicyUpdate(enabled=False))
    assert request.to_wire() == {"scheduled_policy": {"status": "OFF"}}


def test_a_change_with_every_field_has_exactly_the_documented_body() -> None:
    request = PolicyUpdate(
        name="weekly",
        scheduled_policy=ScheduledPolicyUpdate(
            start_time="02:00",
            frequency=2,
            retention_num=5,
            keep_first_backup_of_month=True,
            enabled=True,
        ),
        time_zone="UTC-05:30",
    )
    assert request.to_wire() == {
        "backup_policy_name": "weekly",
        "scheduled_policy": {
            "start_time": "02:00",
            "frequency": 2,
            "rentention_num": 5,
            "remain_first_backup_of_curMonth": "Y",
            "status": "ON",
        },
        "time_zone": "UTC-05:30",
    }


def test_a_change_of_tags_is_refused() -> None:
    assert "tags" in violations(PolicyUpdate, {"tags": [{"key": "k", "value": "v"}]})


@pytest.mark.parametrize(
    ("scheduled_policy", "field"),
    [
        ({"frequency": 2, "week_frequency": ["MON"]}, "scheduled_policy.week_frequency"),
        ({"retention_num": 2, "retention_day": 2}, "scheduled_policy.retention_day"),
        ({"frequency": 31}, "scheduled_policy.frequency"),
        ({"retention_num": 1}, "scheduled_policy.retention_num"),
        ({"start_time": "01:30"}, "scheduled_policy.start_time"),
    ],
)
def test_the_rules_of_a_new_policy_hold_for_a_change_as_well(scheduled_policy: dict[str, Any], field: str) -> None:
    assert field in violations(PolicyUpdate, {"scheduled_policy": scheduled_policy})


def test_a_change_without_a_time_zone_leaves_the_order_of_the_times_to_the_service() -> None:
    change = {"scheduled_policy": {"start_time": "22:00,00:00", "week_frequency": ["MON"]}}
    assert wire(PolicyUpdate, change)


def test_a_change_with_a_time_zone_has_its_times_in_that_order() -> None:
    change = {"scheduled_policy": {"start_time": "00:00,22:00"}, "time_zone": "UTC+02:00"}
    assert "scheduled_policy.start_time" in violations(PolicyUpdate, change)


# ------------------------------------------------------------------------------------------------------------ backups


def test_a_new_backup_with_every_field_has_exactly_the_documented_body() -> None:
    request = BackupCreate(
        volume_id=VOLUME_ID,
        name="before-upgrade",
        snapshot_id="0d6a1b52-3c4d-4e5f-8a9b-1c2d3e4f5a6b",
        description="v4 rollout",
        tags=[BackupTag(key="team", value="billing")],
        extend_param=BackupOptions(full_backup=True),
    )
    assert request.to_wire() == {
        "volume_id": VOLUME_ID,
        "name": "before-upgrade",
        "snapshot_id": "0d6a1b52-3c4d-4e5f-8a9b-1c2d3e4f5a6b",
        "description": "v4 rollout",
        "tags": [{"key": "team", "value": "billing"}],
        "extend_param": {"FullBackup": "true"},
    }


def test_a_new_backup_needs_a_disk_and_a_name_only() -> None:
    assert validated(BackupCreate, "VBS backup", backup()).to_wire() == backup()


def test_an_incremental_backup_says_false_as_text() -> None:
    request = validated(BackupCreate, "VBS backup", backup(extend_param={"full_backup": False}))
    assert request.to_wire()["extend_param"] == {"FullBackup": "false"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"volume_id": ""}, "volume_id"),
        ({"name": ""}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"name": "a b"}, "name"),
        ({"name": "autobk_1f2e"}, "name"),
        ({"snapshot_id": ""}, "snapshot_id"),
        ({"description": "x" * 65}, "description"),
        ({"description": "a<b"}, "description"),
        ({"description": "a>b"}, "description"),
        ({"tags": [{"key": "k" * 37, "value": ""}]}, "tags.0.key"),
        ({"tags": [{"key": "a=b", "value": ""}]}, "tags.0.key"),
        ({"tags": [{"key": "a\x1fb", "value": ""}]}, "tags.0.key"),
        ({"tags": [{"key": "k", "value": "a|b"}]}, "tags.0.value"),
        ({"tags": [{"key": "k", "value": "v" * 44}]}, "tags.0.value"),
        ({"tags": [{"key": f"k{number}", "value": ""} for number in range(11)]}, "tags"),
        ({"extend_param": {"full_backup": "yes"}}, "extend_param.full_backup"),
        ({"extend_param": {}}, "extend_param.full_backup"),
        ({"container": "x"}, "container"),
    ],
)
def test_a_new_backup_that_breaks_a_rule_is_refused(changes: dict[str, Any], field: str) -> None:
    assert field in violations(BackupCreate, backup(**changes))


@pytest.mark.parametrize("missing", ["volume_id", "name"])
def test_a_new_backup_without_a_disk_or_a_name_is_refused(missing: str) -> None:
    values = backup()
    del values[missing]
    assert violations(BackupCreate, values)[missing][0] == "must be given"


@pytest.mark.parametrize(
    "changes", [{"name": "automatic"}, {"description": ""}, {"tags": [{"key": "a b", "value": "ä"}]}]
)
def test_what_only_some_sources_refuse_is_left_to_the_service(changes: dict[str, Any]) -> None:
    assert wire(BackupCreate, backup(**changes))


# -------------------------------------------------------------------------------------------------------- association


def test_an_association_has_exactly_the_documented_body() -> None:
    request = validated(Association, "association", {"backup_policy_id": "p", "resources": [{"resource_id": "v"}]})
    assert request.to_wire() == {
        "backup_policy_id": "p",
        "resources": [{"resource_id": "v", "resource_type": "volume"}],
    }


def test_a_disassociation_has_exactly_the_documented_body() -> None:
    request = validated(Disassociation, "disassociation", {"resources": [{"resource_id": "v"}]})
    assert request.to_wire() == {"resources": [{"resource_id": "v"}]}


def test_an_association_without_disks_is_refused() -> None:
    assert "resources" in violations(Association, {"backup_policy_id": "p", "resources": []})


def test_an_association_of_something_else_than_a_disk_is_refused() -> None:
    values = {"backup_policy_id": "p", "resources": [{"resource_id": "v", "resource_type": "server"}]}
    assert "resources.0.resource_type" in violations(Association, values)
