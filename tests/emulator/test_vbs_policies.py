"""Policies of VBS in the local cloud: statuses, bodies, rules and state changes."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.emulator.vbs_calls import BACKUP_SECONDS, UNKNOWN, VbsCalls, policy, vbs_calls


@pytest.fixture
async def vbs() -> AsyncIterator[VbsCalls]:
    async with vbs_calls() as vbs:
        yield vbs


async def policies(vbs: VbsCalls) -> list[dict[str, Any]]:
    status, answer = await vbs("GET /v2/backuppolicy")
    assert (status, list(answer)) == (200, ["backup_policies"])
    found: list[dict[str, Any]] = answer["backup_policies"]
    return found


async def tasks(vbs: VbsCalls, policy_id: str, query: str = "") -> list[dict[str, Any]]:
    status, answer = await vbs(f"GET /v2/backuppolicy/{policy_id}/backuptasks{query}")
    assert status == 200
    found: list[dict[str, Any]] = answer["tasks"]
    return found


async def policy_with_disks(vbs: VbsCalls, disks: int = 2, **scheduled_policy: Any) -> str:
    policy_id = await vbs.new_policy(**scheduled_policy)
    resources = [{"resource_id": volume, "resource_type": "volume"} for volume in vbs.volume_ids[:disks]]
    status, answer = await vbs(
        "POST /v2/backuppolicyresources", {"backup_policy_id": policy_id, "resources": resources}
    )
    assert (status, answer["fail_resources"]) == (200, [])
    return policy_id


# ----------------------------------------------------------------------------------------------------- create and list


async def test_the_documented_request_creates_a_policy_and_is_answered_with_its_id_only(vbs: VbsCalls) -> None:
    request = {
        "backup_policy_name": "nightly-db",
        "scheduled_policy": {
            "start_time": "01:00,13:00",
            "week_frequency": ["MON", "THU"],
            "rentention_day": 21,
            "remain_first_backup_of_curMonth": "Y",
            "status": "ON",
        },
        "time_zone": "UTC+01:00",
        "tags": [{"key": "team", "value": "billing"}],
    }
    status, answer = await vbs("POST /v2/backuppolicy", request)
    assert (status, list(answer)) == (200, ["backup_policy_id"])
    del request["tags"]  # not in lists
    created = {"backup_policy_id": answer["backup_policy_id"], "policy_resource_count": 0}
    assert await policies(vbs) == [request | created]


async def test_a_policy_without_a_time_zone_is_listed_without_one(vbs: VbsCalls) -> None:
    await vbs.new_policy()
    assert "time_zone" not in (await policies(vbs))[0]


async def test_null_and_unknown_members_are_passed_over(vbs: VbsCalls) -> None:
    request = policy(week_frequency=None) | {"time_zone": None, "tags": None, "enterprise_project_id": "x"}
    request["scheduled_policy"] |= {"rentention_day": None, "max_backups": 3}
    assert (await vbs("POST /v2/backuppolicy", request))[0] == 200


async def test_the_interval_and_the_number_win_when_both_of_a_pair_are_sent(vbs: VbsCalls) -> None:
    await vbs.new_policy(week_frequency=["MON"], rentention_day=30)
    schedule = (await policies(vbs))[0]["scheduled_policy"]
    assert (schedule["frequency"], schedule["rentention_num"]) == (1, 7)
    assert not {"week_frequency", "rentention_day"} & set(schedule)


async def test_days_of_retention_are_rounded_down_and_texts_of_numbers_become_numbers(vbs: VbsCalls) -> None:
    await vbs.new_policy(rentention_num=None, rentention_day=30.7, frequency="2")
    schedule = (await policies(vbs))[0]["scheduled_policy"]
    assert (schedule["rentention_day"], schedule["frequency"]) == (30, 2)


@pytest.mark.parametrize(
    ("request_body", "code"),
    [
        ({}, "AutoBackup.0000"),
        ([], "AutoBackup.0008"),
        ({"backup_policy_name": "p"}, "AutoBackup.0001"),
        ({"backup_policy_name": "p", "scheduled_policy": {}}, "AutoBackup.0001"),
        ({"backup_policy_name": "p", "scheduled_policy": "x"}, "AutoBackup.0001"),
        (policy(name=""), "AutoBackup.0101"),
        (policy(name="x" * 65), "AutoBackup.0101"),
        ({"scheduled_policy": policy()["scheduled_policy"]}, "AutoBackup.0101"),
        (policy(name="a b"), "AutoBackup.0102"),
        (policy(start_time=None), "AutoBackup.0103"),
        (policy(start_time="01:30"), "AutoBackup.0103"),
        (policy(start_time="02:00,01:00,03:00"), "AutoBackup.0103"),
        (policy(start_time="01:00,02:00") | {"time_zone": "UTC-02:00"}, "AutoBackup.0103"),
        (policy(status=None), "AutoBackup.0104"),
        (policy(status="on"), "AutoBackup.0104"),
        (policy(status="true"), "AutoBackup.0104"),
        (policy(remain_first_backup_of_curMonth="yes"), "AutoBackup.0105"),
        (policy(remain_first_backup_of_curMonth="true"), "AutoBackup.0105"),
        (policy(frequency=None), "AutoBackup.0106"),
        (policy(frequency=31), "AutoBackup.0106"),
        (policy(frequency=None, week_frequency=["MONDAY"]), "AutoBackup.0106"),
        (policy(rentention_num=None), "AutoBackup.0107"),
        (policy(rentention_num=1), "AutoBackup.0107"),
        (policy(rentention_num=None, rentention_day=100000), "AutoBackup.0107"),
        (policy() | {"tags": [{"key": "a b", "value": "v"}]}, "AutoBackup.0214"),
        (policy() | {"tags": [{"key": f"k{number}", "value": ""} for number in range(11)]}, "AutoBackup.0215"),
        (policy(name="a<b"), "AutoBackup.0221"),
        (policy() | {"time_zone": "Europe/Berlin"}, "AutoBackup.0226"),
        (policy(start_time="22:00,00:00", frequency=None, week_frequency=["MON"]), "AutoBackup.0226"),
    ],
)
async def test_a_policy_that_breaks_a_rule_is_refused_with_the_code_of_the_rule(
    vbs: VbsCalls, request_body: Any, code: str
) -> None:
    assert await vbs.refused("POST /v2/backuppolicy", request_body) == (400, code)
    assert await policies(vbs) == []


@pytest.mark.parametrize(("data", "code"), [("", "AutoBackup.0000"), ("{", "AutoBackup.0008")])
async def test_a_request_that_cannot_be_read_is_refused(vbs: VbsCalls, data: str, code: str) -> None:
    assert await vbs.refused("POST /v2/backuppolicy", data=data) == (400, code)


async def test_our_own_names_of_members_are_unknown_to_the_service(vbs: VbsCalls) -> None:
    request = policy(rentention_num=None, retention_num=7)
    assert await vbs.refused("POST /v2/backuppolicy", request) == (400, "AutoBackup.0107")


async def test_the_33rd_policy_is_refused(vbs: VbsCalls) -> None:
    for _ in range(32):
        await vbs.new_policy()
    assert await vbs.refused("POST /v2/backuppolicy", policy()) == (400, "AutoBackup.0203")
    assert len(await policies(vbs)) == 32


# --------------------------------------------------------------------------------------------------- modify and delete


@pytest.mark.parametrize(
    "change",
    [
        {"scheduled_policy": {"status": "OFF"}},
        {"scheduled_policy": {"status": "OFF"}, "backup_policy_id": "repeated as otcextensions does"},
    ],
)
async def test_a_change_is_merged_and_answered_with_the_id(vbs: VbsCalls, change: dict[str, Any]) -> None:
    policy_id = await vbs.new_policy()
    assert await vbs(f"PUT /v2/backuppolicy/{policy_id}", change) == (200, {"backup_policy_id": policy_id})
    schedule = (await policies(vbs))[0]["scheduled_policy"]
    assert (schedule["status"], schedule["start_time"], schedule["rentention_num"]) == ("OFF", "01:00", 7)


async def test_a_new_name_with_an_empty_schedule_changes_the_name_only(vbs: VbsCalls) -> None:
    policy_id = await vbs.new_policy()
    before = (await policies(vbs))[0]
    change = {"backup_policy_name": "renamed", "scheduled_policy": {}}
    assert (await vbs(f"PUT /v2/backuppolicy/{policy_id}", change))[0] == 200
    assert await policies(vbs) == [before | {"backup_policy_name": "renamed"}]


async def test_a_new_alternative_takes_the_place_of_the_old_one(vbs: VbsCalls) -> None:
    policy_id = await vbs.new_policy()
    change = {"scheduled_policy": {"week_frequency": ["SUN"], "rentention_day": 30}, "time_zone": "UTC+02:00"}
    assert (await vbs(f"PUT /v2/backuppolicy/{policy_id}", change))[0] == 200
    changed = (await policies(vbs))[0]
    assert changed["time_zone"] == "UTC+02:00"
    assert not {"frequency", "rentention_num"} & set(changed["scheduled_policy"])
    assert (await vbs(f"PUT /v2/backuppolicy/{policy_id}", {"scheduled_policy": {"frequency": 2}}))[0] == 200
    assert "week_frequency" not in (await policies(vbs))[0]["scheduled_policy"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, "AutoBackup.0000"),
        ({"backup_policy_name": "a b"}, "AutoBackup.0102"),
        ({"scheduled_policy": {"start_time": "01:15"}}, "AutoBackup.0103"),
        ({"scheduled_policy": {"status": "OUT"}}, "AutoBackup.0104"),
        ({"scheduled_policy": {"frequency": 0}}, "AutoBackup.0106"),
        ({"scheduled_policy": {"rentention_num": 1}}, "AutoBackup.0107"),
        ({"scheduled_policy": []}, "AutoBackup.0001"),
        ({"time_zone": "UTC"}, "AutoBackup.0226"),
    ],
)
async def test_a_change_that_breaks_a_rule_is_refused_and_changes_nothing(
    vbs: VbsCalls, change: dict[str, Any], code: str
) -> None:
    policy_id = await vbs.new_policy()
    before = await policies(vbs)
    assert await vbs.refused(f"PUT /v2/backuppolicy/{policy_id}", change) == (400, code)
    assert await policies(vbs) == before


async def test_a_deleted_policy_is_gone_and_its_backups_stay(vbs: VbsCalls) -> None:
    policy_id = await policy_with_disks(vbs)
    await vbs(f"POST /v2/backuppolicy/{policy_id}/action")
    assert await vbs(f"DELETE /v2/backuppolicy/{policy_id}") == (204, None)
    vbs.advance(BACKUP_SECONDS)
    assert await policies(vbs) == []
    assert len(await vbs.backups("?status=available")) == 2


@pytest.mark.parametrize(
    ("call", "body", "code"),
    [
        (f"PUT /v2/backuppolicy/{UNKNOWN}", {"backup_policy_name": "x"}, "AutoBackup.0205"),
        (f"DELETE /v2/backuppolicy/{UNKNOWN}", None, "AutoBackup.0205"),
        (f"POST /v2/backuppolicy/{UNKNOWN}/action", None, "AutoBackup.0205"),
        (f"GET /v2/backuppolicy/{UNKNOWN}/backuptasks", None, "AutoBackup.1100"),
        (f"POST /v2/backuppolicyresources/{UNKNOWN}/deleted_resources", {"resources": []}, "AutoBackup.0205"),
        ("POST /v2/backuppolicyresources", {"backup_policy_id": UNKNOWN, "resources": []}, "AutoBackup.0205"),
    ],
)
async def test_an_unknown_policy_is_404(vbs: VbsCalls, call: str, body: Any, code: str) -> None:
    assert await vbs.refused(call, body) == (404, code)


# ---------------------------------------------------------------------------------------------------- associated disks


async def test_an_association_reports_for_each_disk_whether_it_worked(vbs: VbsCalls) -> None:
    policy_id = await vbs.new_policy()
    good, bad = vbs.volume_ids[:2]
    vbs.volumes[bad]["status"] = "error_extending"
    resources = [{"resource_id": volume, "resource_type": "volume"} for volume in (good, bad, UNKNOWN)]
    status, answer = await vbs(
        "POST /v2/backuppolicyresources", {"backup_policy_id": policy_id, "resources": resources}
    )
    assert status == 200
    zone = vbs.volumes[good]["availability_zone"]
    assert answer["success_resources"] == [
        {"resource_id": good, "resource_type": "volume", "availability_zone": zone, "os_vol_host_attr": f"pod01.{zone}"}
    ]
    assert [(item["resource_id"], item["code"]) for item in answer["fail_resources"]] == [
        (bad, "AutoBackup.0206"),
        (UNKNOWN, "AutoBackup.1400"),
    ]
    assert (await policies(vbs))[0]["policy_resource_count"] == 1


async def test_a_disk_moves_from_one_policy_to_another(vbs: VbsCalls) -> None:
    await policy_with_disks(vbs, disks=2)
    await policy_with_disks(vbs, disks=1)
    assert [each["policy_resource_count"] for each in await policies(vbs)] == [1, 1]


async def test_a_disassociation_reports_for_each_disk_whether_it_worked(vbs: VbsCalls) -> None:
    policy_id = await policy_with_disks(vbs, disks=2)
    first, _, other = vbs.volume_ids[:3]
    resources = [{"resource_id": first, "resource_type": "volume"}, {"resource_id": other}]
    status, answer = await vbs(
        f"POST /v2/backuppolicyresources/{policy_id}/deleted_resources", {"resources": resources}
    )
    assert (status, answer["success_resources"]) == (200, [{"resource_id": first}])
    assert [(item["resource_id"], item["code"]) for item in answer["fail_resources"]] == [(other, "AutoBackup.1400")]
    assert (await policies(vbs))[0]["policy_resource_count"] == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"backup_policy_id": None}, "AutoBackup.0006"),
        ({"resources": []}, "AutoBackup.0207"),
        ({"resources": None}, "AutoBackup.0207"),
        ({"resources": [{"resource_type": "volume"}]}, "AutoBackup.0209"),
        ({"resources": [{"resource_id": "", "resource_type": "volume"}]}, "AutoBackup.0209"),
        ({"resources": ["x"]}, "AutoBackup.0209"),
        ({"resources": [{"resource_id": "x", "resource_type": "server"}]}, "AutoBackup.0211"),
        ({"resources": [{"resource_id": "x"}]}, "AutoBackup.0211"),
    ],
)
async def test_an_association_that_breaks_a_rule_is_refused(vbs: VbsCalls, change: dict[str, Any], code: str) -> None:
    body = {"backup_policy_id": await vbs.new_policy(), "resources": []} | change
    assert await vbs.refused("POST /v2/backuppolicyresources", body) == (400, code)


# ---------------------------------------------------------------------------------------------------- execute and tasks


async def test_an_execution_goes_from_waiting_over_running_to_success(vbs: VbsCalls) -> None:
    policy_id = await policy_with_disks(vbs, disks=1)
    assert await vbs(f"POST /v2/backuppolicy/{policy_id}/action") == (204, None)
    (waiting,) = await tasks(vbs, policy_id)
    assert set(waiting) == {
        "job_id",
        "vbs_job_id",
        "status",
        "created_at",
        "backup_name",
        "resource_id",
        "resource_type",
    }
    assert waiting["status"] == "WAITING"
    assert re.fullmatch(r"2026-05-20T12:00:00\.\d{3}", waiting["created_at"])
    assert re.fullmatch(r"autobk_[0-9a-f]{4}", waiting["backup_name"])
    assert re.fullmatch(r"[0-9a-f]{32}", waiting["vbs_job_id"])
    vbs.advance(BACKUP_SECONDS / 2)
    assert [task["status"] for task in await tasks(vbs, policy_id)] == ["RUNNING"]
    vbs.advance(BACKUP_SECONDS / 2)
    done = waiting | {"status": "EXECUTE_SUCCESS", "finished_at": "2026-05-20T12:01:40.000"}
    assert await tasks(vbs, policy_id) == [done]
    assert [each["name"] for each in await vbs.backups()] == [waiting["backup_name"]]
    status, job = await vbs(f"GET /v1/jobs/{waiting['vbs_job_id']}")
    assert (status, job["status"]) == (200, "SUCCESS")


async def test_a_failed_execution_reports_the_reason_and_no_end(vbs: VbsCalls) -> None:
    vbs.cloud.state.plan_failure("vbs", "storage pool is full")
    policy_id = await policy_with_disks(vbs, disks=1)
    await vbs(f"POST /v2/backuppolicy/{policy_id}/action")
    vbs.advance(BACKUP_SECONDS)
    (task,) = await tasks(vbs, policy_id)
    assert (task["status"], task["code"], task["message"]) == (
        "EXECUTE_FAIL",
        "VolumeBackup.0064",
        "storage pool is full",
    )
    assert "finished_at" not in task


async def test_a_disk_with_an_unfinished_backup_is_skipped(vbs: VbsCalls) -> None:
    await vbs.new_backup()
    policy_id = await policy_with_disks(vbs, disks=2)
    await vbs(f"POST /v2/backuppolicy/{policy_id}/action")
    found = {task["resource_id"]: task for task in await tasks(vbs, policy_id)}
    skipped, waiting = (found[volume] for volume in vbs.volume_ids[:2])
    assert (skipped["status"], skipped["code"]) == ("SKIP", "VolumeBackup.0013")
    assert waiting["status"] == "WAITING"


async def test_a_disk_that_cannot_be_backed_up_fails_at_once(vbs: VbsCalls) -> None:
    policy_id = await policy_with_disks(vbs, disks=1)
    vbs.volumes[vbs.volume_ids[0]]["status"] = "error"
    await vbs(f"POST /v2/backuppolicy/{policy_id}/action")
    (task,) = await tasks(vbs, policy_id)
    assert (task["status"], task["code"]) == ("EXECUTE_FAIL", "VolumeBackup.0012")


async def test_a_policy_is_not_executed_twice_at_the_same_time(vbs: VbsCalls) -> None:
    policy_id = await policy_with_disks(vbs)
    await vbs(f"POST /v2/backuppolicy/{policy_id}/action")
    assert await vbs.refused(f"POST /v2/backuppolicy/{policy_id}/action") == (400, "AutoBackup.0225")
    vbs.advance(BACKUP_SECONDS)
    assert (await vbs(f"POST /v2/backuppolicy/{policy_id}/action"))[0] == 204


async def test_a_policy_that_is_off_can_be_executed_and_one_without_disks_does_nothing(vbs: VbsCalls) -> None:
    policy_id = await vbs.new_policy(status="OFF")
    assert await vbs(f"POST /v2/backuppolicy/{policy_id}/action") == (204, None)
    assert await tasks(vbs, policy_id) == []


async def test_tasks_come_newest_first_in_pages_with_the_count_of_all(vbs: VbsCalls) -> None:
    policy_id = await policy_with_disks(vbs, disks=5)
    for _ in range(5):
        await vbs(f"POST /v2/backuppolicy/{policy_id}/action")
        vbs.advance(BACKUP_SECONDS)
    status, answer = await vbs(f"GET /v2/backuppolicy/{policy_id}/backuptasks")
    assert (status, len(answer["tasks"]), answer["count"]) == (200, 20, 25)
    every = await tasks(vbs, policy_id, "?limit=100")
    assert answer["tasks"] == every[:20]
    assert [task["created_at"] for task in every] == sorted((task["created_at"] for task in every), reverse=True)
    assert await tasks(vbs, policy_id, "?limit=100&sort_dir=asc&sort_key=created_at") == every[::-1]
    assert await tasks(vbs, policy_id, "?limit=3&offset=4") == every[4:7]
    assert await tasks(vbs, policy_id, f"?limit=3&marker={every[6]['job_id']}") == every[7:10]
    assert await tasks(vbs, policy_id, f"?job_id={every[2]['job_id']}") == [every[2]]
    assert await tasks(vbs, policy_id, "?status=RUNNING") == []


@pytest.mark.parametrize("query", ["sort_key=status", "sort_dir=down", "limit=x", "limit=0", "offset=-1"])
async def test_a_query_for_tasks_that_is_not_supported_is_refused(vbs: VbsCalls, query: str) -> None:
    policy_id = await vbs.new_policy()
    call = f"GET /v2/backuppolicy/{policy_id}/backuptasks?{query}"
    assert await vbs.refused(call) == (400, "AutoBackup.0222")


async def test_a_policy_keeps_as_many_automatic_backups_of_each_disk_as_it_says(vbs: VbsCalls) -> None:
    policy_id = await policy_with_disks(vbs, disks=2, rentention_num=2)
    await vbs.new_backup(name="mine")
    vbs.advance(BACKUP_SECONDS)
    for _ in range(3):
        await vbs(f"POST /v2/backuppolicy/{policy_id}/action")
        vbs.advance(BACKUP_SECONDS)
    names = [task["backup_name"] for task in await tasks(vbs, policy_id)]
    assert {each["name"] for each in await vbs.backups()} == {"mine", *names[:4]}
