"""Backups and jobs of VBS in the local cloud: statuses, bodies, rules and state changes."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.vbs_calls import BACKUP_SECONDS, UNKNOWN, VbsCalls, backup, vbs_calls


@pytest.fixture
async def vbs() -> AsyncIterator[VbsCalls]:
    async with vbs_calls() as vbs:
        yield vbs


async def job(vbs: VbsCalls, job_id: str) -> dict[str, Any]:
    status, answer = await vbs(f"GET /v1/jobs/{job_id}")
    assert status == 200
    found: dict[str, Any] = answer
    return found


async def good_backup(vbs: VbsCalls, name: str = "manual", disk: int = 0, **members: Any) -> str:
    job_id = await vbs.new_backup(name, disk, **members)
    vbs.advance(BACKUP_SECONDS)
    return str((await job(vbs, job_id))["entities"]["backup_id"])


# -------------------------------------------------------------------------------------------------------------- create


async def test_a_backup_is_answered_with_a_job_that_goes_from_init_over_running_to_success(vbs: VbsCalls) -> None:
    request = backup(
        vbs.volume_ids[0],
        description="v4 rollout",
        snapshot_id=None,
        tags=[{"key": "team", "value": "billing"}],
        extend_param={"FullBackup": "true"},
    )
    status, answer = await vbs("POST /v2/cloudbackups", request)
    assert (status, list(answer)) == (200, ["job_id"])
    first = await job(vbs, answer["job_id"])
    assert re.fullmatch(r"[0-9a-f]{32}", first["job_id"])
    assert first == {
        "job_id": answer["job_id"],
        "job_type": "bksCreateBackup",
        "status": "INIT",
        "entities": {"volume_id": vbs.volume_ids[0]},
        "begin_time": "2026-05-20T12:00:00.000Z",
        "end_time": None,
        "error_code": None,
        "fail_reason": None,
        "sub_jobs": [],
    }
    vbs.advance(BACKUP_SECONDS / 2)
    second = await job(vbs, answer["job_id"])
    assert second["status"] == "RUNNING"
    assert set(second["entities"]) == {"backup_id", "volume_id", "snapshot_id", "bks_create_volume_name"}
    vbs.advance(BACKUP_SECONDS / 2)
    third = await job(vbs, answer["job_id"])
    assert third == second | {"status": "SUCCESS", "end_time": "2026-05-20T12:01:40.000Z"}


async def test_the_job_of_a_long_backup_names_it_after_seconds(vbs: VbsCalls) -> None:
    vbs.cloud.state.backup_seconds = 36_000
    job_id = await vbs.new_backup()
    assert (await job(vbs, job_id))["status"] == "INIT"
    vbs.advance(10)
    assert (await job(vbs, job_id))["status"] == "RUNNING"


async def test_a_backup_is_there_at_once_and_shows_its_progress(vbs: VbsCalls) -> None:
    await vbs.new_backup()
    for seconds, status, progress in ((0, "creating", "0"), (25, "creating", "25"), (75, "available", "100")):
        vbs.advance(seconds)
        (found,) = await vbs.backups()
        assert found["status"] == status
        assert json.loads(found["service_metadata"])["progress"] == progress


async def test_a_good_backup_has_every_documented_member(vbs: VbsCalls) -> None:
    backup_id = await good_backup(vbs, description="v4 rollout")
    status, answer = await vbs(f"GET /v2/backups/{backup_id}")
    assert (status, list(answer)) == (200, ["backup"])
    found = answer["backup"]
    base = f"{vbs.cloud.url('vbs')}/"
    assert found == {
        "id": backup_id,
        "name": "manual",
        "status": "available",
        "size": 40,
        "volume_id": vbs.volume_ids[0],
        "snapshot_id": found["snapshot_id"],
        "container": found["snapshot_id"],
        "availability_zone": "eu-de-01",
        "object_count": 0,
        "description": '{"DESC": "v4 rollout", "INC": 0}',
        "fail_reason": None,
        "created_at": "2026-05-20T12:00:00.000000",
        "updated_at": "2026-05-20T12:01:40.000000",
        "data_timestamp": "2026-05-20T12:00:00.000000",
        "has_dependent_backups": False,
        "is_incremental": False,
        "service_metadata": ' {"bootable": true, "progress": "100", "Type": 0, "ST": 0} ',
        "os-bak-tenant-attr:tenant_id": vbs.project_id,
        "links": [
            {"rel": "self", "href": f"{base}v2/{vbs.project_id}/backups/{backup_id}"},
            {"rel": "bookmark", "href": f"{base}{vbs.project_id}/backups/{backup_id}"},
        ],
    }
    assert await vbs(f"GET {found['links'][0]['href']}") == (200, answer)


async def test_version_3_names_the_owner_differently_and_has_no_service_metadata(vbs: VbsCalls) -> None:
    backup_id = await good_backup(vbs)
    first = (await vbs(f"GET /v2/backups/{backup_id}"))[1]["backup"]
    second = (await vbs(f"GET /v3/backups/{backup_id}"))[1]["backup"]
    assert set(first) - set(second) == {"service_metadata", "os-bak-tenant-attr:tenant_id"}
    assert set(second) - set(first) == {"os-backup-project-attr:project_id"}


async def test_the_first_backup_is_full_and_the_next_ones_incremental_unless_a_full_one_is_wanted(
    vbs: VbsCalls,
) -> None:
    await good_backup(vbs, "first", extend_param={"FullBackup": "false"})
    await good_backup(vbs, "second")
    await good_backup(vbs, "third", extend_param={"FullBackup": "true"})
    found = {each["name"]: each for each in await vbs.backups()}
    assert {name: each["is_incremental"] for name, each in found.items()} == {
        "first": False,
        "second": True,
        "third": False,
    }
    assert json.loads(found["second"]["service_metadata"])["Type"] == 1


async def test_a_backup_that_fails_reports_the_reason_in_the_job_and_in_the_backup(vbs: VbsCalls) -> None:
    vbs.cloud.state.plan_failure("vbs", "storage pool is full")
    job_id = await vbs.new_backup()
    vbs.advance(BACKUP_SECONDS / 2)
    assert (await vbs.backups())[0]["fail_reason"] is None
    vbs.advance(BACKUP_SECONDS / 2)
    failed = await job(vbs, job_id)
    assert (failed["status"], failed["error_code"]) == ("FAIL", "VolumeBackup.0064")
    assert failed["fail_reason"] == "storage pool is full"
    (found,) = await vbs.backups()
    assert (found["id"], found["status"], found["fail_reason"]) == (
        failed["entities"]["backup_id"],
        "error",
        "storage pool is full",
    )


async def test_a_snapshot_of_the_disk_can_be_backed_up_again(vbs: VbsCalls) -> None:
    await good_backup(vbs)
    (found,) = await vbs.backups()
    await good_backup(vbs, "again", snapshot_id=found["snapshot_id"])
    assert len({each["snapshot_id"] for each in await vbs.backups()}) == 1


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"volume_id": None}, "VolumeBackup.0010"),
        ({"volume_id": ""}, "VolumeBackup.0010"),
        ({"volume_id": "disk-1"}, "VolumeBackup.0011"),
        ({"name": None}, "VolumeBackup.0007"),
        ({"name": ""}, "VolumeBackup.0007"),
        ({"name": "x" * 65}, "VolumeBackup.0003"),
        ({"name": "a b"}, "VolumeBackup.0004"),
        ({"name": "automatic"}, "VolumeBackup.0005"),
        ({"name": "autobk_1"}, "VolumeBackup.0005"),
        ({"description": "x" * 65}, "VolumeBackup.0006"),
        ({"description": "<b>"}, "VolumeBackup.0006"),
        ({"snapshot_id": UNKNOWN}, "VolumeBackup.0020"),
        ({"tags": [{"key": "a=b", "value": ""}]}, "VolumeBackup.0049"),
        ({"tags": [{"key": f"k{number}", "value": ""} for number in range(11)]}, "VolumeBackup.0050"),
        ({"extend_param": {"FullBackup": "maybe"}}, "VolumeBackup.0002"),
        ({"extend_param": "full"}, "VolumeBackup.0002"),
    ],
)
async def test_a_backup_that_breaks_a_rule_is_refused_with_the_code_of_the_rule(
    vbs: VbsCalls, members: dict[str, Any], code: str
) -> None:
    request = {"backup": backup(vbs.volume_ids[0])["backup"] | members}
    assert await vbs.refused("POST /v2/cloudbackups", request) == (400, code)
    assert await vbs.backups() == []


@pytest.mark.parametrize("data", ["", "{", "[]", '{"backup": []}', '{"backups": {}}'])
async def test_a_request_without_a_backup_is_refused(vbs: VbsCalls, data: str) -> None:
    assert await vbs.refused("POST /v2/cloudbackups", data=data) == (400, "VolumeBackup.0002")


async def test_unknown_members_of_a_backup_are_passed_over(vbs: VbsCalls) -> None:
    await vbs.new_backup(container=None, incremental=True)


async def test_an_unknown_disk_is_404(vbs: VbsCalls) -> None:
    assert await vbs.refused("POST /v2/cloudbackups", backup(UNKNOWN)) == (404, "VolumeBackup.0021")


async def test_a_disk_in_another_state_cannot_be_backed_up(vbs: VbsCalls) -> None:
    vbs.volumes[vbs.volume_ids[0]]["status"] = "restoring-backup"
    assert await vbs.refused("POST /v2/cloudbackups", backup(vbs.volume_ids[0])) == (400, "VolumeBackup.0012")


async def test_a_disk_has_one_unfinished_backup_at_a_time(vbs: VbsCalls) -> None:
    await vbs.new_backup()
    assert await vbs.refused("POST /v2/cloudbackups", backup(vbs.volume_ids[0])) == (400, "VolumeBackup.0013")
    await vbs.new_backup(disk=1)
    vbs.advance(BACKUP_SECONDS)
    await vbs.new_backup()


async def test_the_21st_backup_of_a_disk_is_refused(vbs: VbsCalls) -> None:
    for _ in range(20):
        await good_backup(vbs)
    assert await vbs.refused("POST /v2/cloudbackups", backup(vbs.volume_ids[0])) == (400, "VolumeBackup.0040")


async def test_an_unknown_job_is_404(vbs: VbsCalls) -> None:
    assert await vbs.refused(f"GET /v1/jobs/{UNKNOWN}") == (404, "common.0011")


# ---------------------------------------------------------------------------------------------------------------- read


async def three_backups(vbs: VbsCalls) -> list[str]:
    """Make three good backups and return their ids, newest first."""
    made = [await good_backup(vbs, name, disk) for disk, name in enumerate(["beta", "alpha", "gamma"])]
    return made[::-1]


@pytest.mark.parametrize("version", ["v2", "v3"])
async def test_the_short_list_has_ids_names_and_links(vbs: VbsCalls, version: str) -> None:
    ids = await three_backups(vbs)
    status, answer = await vbs(f"GET /{version}/backups")
    assert (status, list(answer)) == (200, ["backups"])
    assert [each["id"] for each in answer["backups"]] == ids
    assert all(set(each) == {"id", "name", "links"} for each in answer["backups"])


async def test_details_in_a_list_are_those_of_the_single_backup(vbs: VbsCalls) -> None:
    (newest, *_) = await three_backups(vbs)
    assert (await vbs.backups())[0] == (await vbs(f"GET /v2/backups/{newest}"))[1]["backup"]


async def test_backups_are_filtered_exactly(vbs: VbsCalls) -> None:
    ids = await three_backups(vbs)
    await vbs.new_backup("delta")
    assert [each["id"] for each in await vbs.backups("?name=alpha")] == [ids[1]]
    assert await vbs.backups("?name=alph") == []
    assert [each["name"] for each in await vbs.backups("?status=creating")] == ["delta"]
    assert [each["name"] for each in await vbs.backups(f"?volume_id={vbs.volume_ids[0]}")] == ["delta", "beta"]
    assert [each["name"] for each in await vbs.backups(f"?volume_id={vbs.volume_ids[0]}&status=available")] == ["beta"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["gamma", "alpha", "beta"]),
        ("?sort_dir=asc", ["beta", "alpha", "gamma"]),
        ("?sort_key=name", ["gamma", "beta", "alpha"]),
        ("?sort_key=name&sort_dir=asc", ["alpha", "beta", "gamma"]),
        ("?sort_key=size&sort_dir=desc", ["gamma", "alpha", "beta"]),
        ("?sort_key=disk_format", ["gamma", "alpha", "beta"]),
    ],
)
async def test_backups_are_sorted(vbs: VbsCalls, query: str, names: list[str]) -> None:
    await three_backups(vbs)
    assert [each["name"] for each in await vbs.backups(query)] == names


async def test_the_links_to_next_pages_are_whole_and_lead_to_the_end(vbs: VbsCalls) -> None:
    ids = await three_backups(vbs)
    call, seen = "GET /v2/backups/detail?limit=1&sort_dir=asc", []
    while call:
        status, answer = await vbs(call)
        assert status == 200
        seen += [each["id"] for each in answer["backups"]]
        links = answer.get("backups_links", [])
        assert [link["rel"] for link in links] in ([], ["next"])
        call = f"GET {links[0]['href']}" if links else ""
    assert seen == ids[::-1]


async def test_pages_by_marker_and_by_offset_are_cut_alike_and_end(vbs: VbsCalls) -> None:
    ids = await three_backups(vbs)
    assert [each["id"] for each in await vbs.backups("?limit=1&offset=1")] == [ids[1]]
    assert [each["id"] for each in await vbs.backups(f"?limit=2&marker={ids[0]}")] == ids[1:]
    assert await vbs.backups(f"?marker={ids[2]}") == []
    assert len(await vbs.backups("?limit=5000")) == 3


@pytest.mark.parametrize("query", ["limit=x", "offset=-1", "sort_key=color", "sort_dir=down"])
async def test_a_list_asked_for_wrongly_is_a_bad_request_in_the_form_of_openstack(vbs: VbsCalls, query: str) -> None:
    status, answer = await vbs(f"GET /v2/backups/detail?{query}")
    assert (status, list(answer), answer["badRequest"]["code"]) == (400, ["badRequest"], 400)


async def test_version_3_counts_and_filters_by_parts_when_the_client_knows_them(vbs: VbsCalls) -> None:
    await three_backups(vbs)
    for microversion, count, found in (("volume 3.45", 1, ["alpha"]), ("volume 3.31", None, ["alpha"])):
        headers = {"OpenStack-API-Version": microversion}
        status, answer = await vbs("GET /v3/backups/detail?with_count=true&name~=lph", headers=headers)
        assert (status, answer.get("count")) == (200, count)
        assert [each["name"] for each in answer["backups"]] == found
    answer = (await vbs("GET /v3/backups/detail?with_count=true&name~=lph"))[1]
    assert (len(answer["backups"]), "count" in answer) == (3, False)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_an_unknown_backup_is_not_found_in_the_form_of_openstack(vbs: VbsCalls, method: str) -> None:
    status, answer = await vbs(f"{method} /v2/backups/{UNKNOWN}")
    assert status == 404
    assert answer == {"itemNotFound": {"code": 404, "message": f"Backup {UNKNOWN} could not be found."}}


# -------------------------------------------------------------------------------------------------------------- delete


@pytest.mark.parametrize("version", ["v2", "v3"])
async def test_a_deleted_backup_is_shown_for_a_while_and_then_gone_but_its_job_stays(
    vbs: VbsCalls, version: str
) -> None:
    job_id = await vbs.new_backup()
    vbs.advance(BACKUP_SECONDS)
    backup_id = (await job(vbs, job_id))["entities"]["backup_id"]
    assert await vbs(f"DELETE /{version}/backups/{backup_id}") == (202, None)
    assert [each["status"] for each in await vbs.backups()] == ["deleting"]
    vbs.advance(BACKUP_SECONDS)
    assert (await vbs(f"GET /{version}/backups/{backup_id}"))[0] == 404
    assert await vbs.backups() == []
    assert (await job(vbs, job_id))["status"] == "SUCCESS"


async def test_a_backup_that_is_being_made_or_deleted_cannot_be_deleted(vbs: VbsCalls) -> None:
    await vbs.new_backup()
    (found,) = await vbs.backups()
    assert (await vbs(f"DELETE /v2/backups/{found['id']}"))[0] == 400
    vbs.advance(BACKUP_SECONDS)
    assert (await vbs(f"DELETE /v2/backups/{found['id']}"))[0] == 202
    status, answer = await vbs(f"DELETE /v2/backups/{found['id']}")
    assert (status, list(answer)) == (400, ["badRequest"])


async def test_a_failed_backup_can_be_deleted(vbs: VbsCalls) -> None:
    vbs.cloud.state.plan_failure("vbs", "storage pool is full")
    await good_backup(vbs)
    (found,) = await vbs.backups()
    assert (await vbs(f"DELETE /v2/backups/{found['id']}"))[0] == 202


async def test_a_deletion_that_fails_leaves_the_backup_and_can_be_repeated(vbs: VbsCalls) -> None:
    backup_id = await good_backup(vbs)
    vbs.cloud.state.plan_failure("vbs.deletion", "still attached")
    await vbs(f"DELETE /v2/backups/{backup_id}")
    vbs.advance(BACKUP_SECONDS)
    (found,) = await vbs.backups()
    assert (found["status"], found["fail_reason"]) == ("error_deleting", "still attached")
    assert (await vbs(f"DELETE /v2/backups/{backup_id}"))[0] == 202


# ---------------------------------------------------------------------------------------------------------- the outside


@pytest.mark.parametrize("prefix", ["", "/vbs", "/evs"])
async def test_backups_are_served_below_the_paths_of_the_catalog(vbs: VbsCalls, prefix: str) -> None:
    await good_backup(vbs)
    status, answer = await vbs(f"GET {vbs.cloud.url('vbs')}{prefix}/v3/{vbs.project_id}/backups/detail")
    assert (status, len(answer["backups"])) == (200, 1)


async def test_a_backup_that_was_running_continues_after_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    async with vbs_calls(file) as vbs:
        job_id = await vbs.new_backup()
        policy_id = await vbs.new_policy()
    async with vbs_calls(file) as vbs:
        vbs.advance(BACKUP_SECONDS / 2)
        assert (await job(vbs, job_id))["status"] == "RUNNING"
        vbs.advance(BACKUP_SECONDS / 2)
        assert [each["status"] for each in await vbs.backups()] == ["available"]
        assert (await vbs("GET /v2/backuppolicy"))[1]["backup_policies"][0]["backup_policy_id"] == policy_id


# ------------------------------------------------------------------------------------------------------ native create


@pytest.mark.parametrize("version", ["v2", "v3"])
async def test_a_backup_of_a_snapshot_is_answered_with_the_backup(vbs: VbsCalls, version: str) -> None:
    first = await good_backup(vbs)
    _, answer = await vbs(f"GET /v2/backups/{first}")
    request = backup(vbs.volume_ids[0], name="native", snapshot_id=answer["backup"]["snapshot_id"])

    status, answer = await vbs(f"POST /{version}/backups", request)

    assert (status, answer["backup"].keys()) == (202, {"id", "name", "links"})
    _, found = await vbs(f"GET /{version}/backups/{answer['backup']['id']}")
    assert (found["backup"]["name"], found["backup"]["status"]) == ("native", "creating")


@pytest.mark.parametrize(
    "members",
    [
        {"snapshot_id": None},
        {"volume_id": None, "snapshot_id": UNKNOWN},
        {"name": "a b", "snapshot_id": UNKNOWN},
        {"description": "d" * 256, "snapshot_id": UNKNOWN},
    ],
)
async def test_a_native_backup_that_breaks_a_rule_is_refused(vbs: VbsCalls, members: dict[str, Any]) -> None:
    body = {"backup": {"volume_id": vbs.volume_ids[0], "name": "native", **members}}
    assert (await vbs("POST /v2/backups", body))[0] == 400


async def test_a_native_backup_of_an_unknown_snapshot_is_refused(vbs: VbsCalls) -> None:
    request = backup(vbs.volume_ids[0], name="native", snapshot_id=UNKNOWN)
    assert await vbs.refused("POST /v2/backups", request) == (400, "VolumeBackup.0020")


# ------------------------------------------------------------------------------------------------- deletion with a job


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_the_older_deletion_is_answered_with_a_job(vbs: VbsCalls, method: str) -> None:
    backup_id = await good_backup(vbs)

    status, answer = await vbs(f"{method} /v2/cloudbackups/{backup_id}")

    assert (status, list(answer)) == (200, ["job_id"])
    running = await job(vbs, answer["job_id"])
    assert (running["job_type"], running["entities"]["backup_id"]) == ("bksDeleteBackup", backup_id)
    vbs.advance(BACKUP_SECONDS)
    assert (await job(vbs, answer["job_id"]))["status"] == "SUCCESS"
    assert (await vbs(f"GET /v2/backups/{backup_id}"))[0] == 404


async def test_the_job_of_a_deletion_that_fails_says_why(vbs: VbsCalls) -> None:
    backup_id = await good_backup(vbs)
    vbs.cloud.state.plan_failure("vbs.deletion", "an image was made from it")
    _, answer = await vbs(f"POST /v2/cloudbackups/{backup_id}")
    vbs.advance(BACKUP_SECONDS)
    ended = await job(vbs, answer["job_id"])
    assert (ended["status"], ended["error_code"]) == ("FAIL", "VolumeBackup.0102")
    assert ended["fail_reason"] == "an image was made from it"


async def test_the_older_deletion_of_an_unknown_or_busy_backup_is_refused(vbs: VbsCalls) -> None:
    backup_id = await good_backup(vbs)
    await vbs(f"POST /v2/cloudbackups/{backup_id}")
    assert await vbs.refused(f"POST /v2/cloudbackups/{backup_id}") == (400, "VolumeBackup.0125")
    assert await vbs.refused(f"POST /v2/cloudbackups/{UNKNOWN}") == (404, "VolumeBackup.0110")
