"""Checkpoints, backups and operation logs of the emulated CBR, spoken to over plain HTTP."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.emulator.cbr_calls import BACKUP_SECONDS, PROJECT, SERVER, UNKNOWN, VOLUME, Cbr, billing

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}")


@pytest_asyncio.fixture
async def cbr() -> AsyncIterator[Cbr]:
    cbr = Cbr()
    async with cbr.http:
        yield cbr


async def disk_vault(cbr: Cbr, **changes: Any) -> dict[str, Any]:
    resources = [{"id": cbr.volumes[-1], "type": VOLUME}]
    return await cbr.vault(billing=billing(object_type="disk", **changes), resources=resources)


async def test_a_checkpoint_is_taken_as_documented(cbr: Cbr) -> None:
    server = cbr.inventory.servers[cbr.servers[1]]
    vault = await cbr.vault(server["id"])
    checkpoint = await cbr.back_up(vault["id"], name="pre_release", description="before 4.2", incremental=False)
    assert checkpoint == {
        "id": checkpoint["id"],
        "project_id": PROJECT,
        "status": "protecting",
        "created_at": "2031-01-07T08:15:00.000265",
        "vault": {
            "id": vault["id"],
            "name": "vault-app",
            "resources": [
                {
                    "id": server["id"],
                    "name": server["name"],
                    "type": SERVER,
                    "protect_status": "protecting",
                    "resource_size": str(server["size_gb"]),
                    "backup_size": "0",
                    "backup_count": "1",
                    "extra_info": None,
                }
            ],
            "skipped_resources": [],
        },
        "extra_info": {"name": "pre_release", "description": "before 4.2", "retention_duration": -1},
    }
    read = await cbr.good("GET", f"/checkpoints/{checkpoint['id']}")
    vault_as_read = {**checkpoint["vault"], "provider_id": "0daac4c5-6707-4851-97ba-169e36266b66"}
    assert read == {"checkpoint": {**checkpoint, "vault": vault_as_read}}


async def test_a_checkpoint_needs_no_parameters(cbr: Cbr) -> None:
    vault = await cbr.vault(*cbr.servers[:2])
    checkpoint = (await cbr.good("POST", "/checkpoints", {"checkpoint": {"vault_id": vault["id"]}}))["checkpoint"]
    assert {resource["id"] for resource in checkpoint["vault"]["resources"]} == set(cbr.servers[:2])
    assert re.fullmatch(r"manualbk_[0-9a-f]{4}", checkpoint["extra_info"]["name"])


async def test_automatic_names_carry_the_prefix_of_the_vault(cbr: Cbr) -> None:
    vault = await cbr.vault(cbr.servers[0], backup_name_prefix="team")
    await cbr.back_up(vault["id"], auto_trigger=True)
    (backup,) = await cbr.backups()
    assert re.fullmatch(r"team_autobk_[0-9a-f]{4}", backup["name"])


@pytest.mark.parametrize("form", ["resources", "resource_details"])
async def test_some_resources_of_a_vault_are_backed_up(cbr: Cbr, form: str) -> None:
    vault = await cbr.vault(*cbr.servers[:3])
    chosen: Any = [cbr.servers[1]] if form == "resources" else [{"id": cbr.servers[1], "type": SERVER}]
    checkpoint = await cbr.back_up(vault["id"], **{form: chosen})
    assert [resource["id"] for resource in checkpoint["vault"]["resources"]] == [cbr.servers[1]]
    assert [backup["resource_id"] for backup in await cbr.backups()] == [cbr.servers[1]]


async def test_several_backups_get_numbers_behind_their_name(cbr: Cbr) -> None:
    vault = await cbr.vault(*cbr.servers[:2])
    await cbr.back_up(vault["id"], name="nightly")
    assert [backup["name"] for backup in await cbr.backups("sort=name:asc")] == ["nightly-0001", "nightly-0002"]


async def test_a_checkpoint_ends_with_the_last_of_its_backups(cbr: Cbr) -> None:
    vault = await cbr.vault(*cbr.servers[:2])
    checkpoint = await cbr.back_up(vault["id"])
    for seconds, status, progress in ((BACKUP_SECONDS / 2, "protecting", 50), (BACKUP_SECONDS / 2, "available", 100)):
        cbr.pass_seconds(seconds)
        assert (await cbr.good("GET", f"/checkpoints/{checkpoint['id']}"))["checkpoint"]["status"] == status
        for backup in await cbr.backups():
            assert (backup["status"], backup["extend_info"]["progress"]) == (status, progress)


async def test_a_checkpoint_fails_when_one_of_its_backups_fails(cbr: Cbr) -> None:
    vault = await cbr.vault(*cbr.servers[:2])
    cbr.state.plan_failure("cbr", "The snapshot could not be made.")
    checkpoint = await cbr.backed_up(vault["id"], name="a")
    assert (await cbr.good("GET", f"/checkpoints/{checkpoint['id']}"))["checkpoint"]["status"] == "error"
    assert [backup["status"] for backup in await cbr.backups("sort=name:asc")] == ["error", "available"]


@pytest.mark.parametrize(
    ("checkpoint", "refusal"),
    [
        ({"vault_id": UNKNOWN}, (404, "6105")),
        ({}, (400, "9900")),
        ({"vault_id": "vault"}, (400, "9900")),
        ({"parameters": {"name": "a b"}}, (400, "9900")),
        ({"parameters": {"resources": [UNKNOWN]}}, (400, "6135")),
        ({"parameters": {"resource_details": [{"id": UNKNOWN, "type": SERVER}]}}, (400, "6135")),
        ({"parameters": {"policy_id": UNKNOWN}}, (404, "6000")),
    ],
)
async def test_an_impossible_checkpoint_is_refused(
    cbr: Cbr, checkpoint: dict[str, Any], refusal: tuple[int, str]
) -> None:
    vault = await cbr.vault(cbr.servers[0])
    values = {"vault_id": vault["id"], **checkpoint} if "parameters" in checkpoint else checkpoint
    assert (await cbr.call("POST", "/checkpoints", {"checkpoint": values})).refusal == refusal
    assert await cbr.backups() == []


async def test_an_empty_vault_has_nothing_to_back_up(cbr: Cbr) -> None:
    body = {"checkpoint": {"vault_id": (await cbr.vault())["id"]}}
    assert (await cbr.call("POST", "/checkpoints", body)).refusal == (400, "0001")


async def test_a_vault_for_copies_cannot_be_backed_up_to(cbr: Cbr) -> None:
    vault = await cbr.vault(cbr.servers[0], billing=billing(protect_type="replication"))
    assert (await cbr.call("POST", "/checkpoints", {"checkpoint": {"vault_id": vault["id"]}})).refusal == (400, "6124")


async def test_one_checkpoint_of_a_vault_runs_at_a_time(cbr: Cbr) -> None:
    vault = await cbr.vault(*cbr.servers[:2])
    await cbr.back_up(vault["id"], resources=[cbr.servers[0]])
    body = {"checkpoint": {"vault_id": vault["id"], "parameters": {"resources": [cbr.servers[1]]}}}
    assert (await cbr.call("POST", "/checkpoints", body)).refusal == (400, "6125")
    other = await cbr.vault(cbr.servers[2])
    await cbr.back_up(other["id"])
    cbr.pass_seconds(BACKUP_SECONDS)
    await cbr.back_up(vault["id"])


async def test_a_full_vault_takes_no_backup(cbr: Cbr) -> None:
    vault = await cbr.vault(cbr.servers[2], billing=billing(size=10))
    await cbr.backed_up(vault["id"])
    assert (await cbr.call("POST", "/checkpoints", {"checkpoint": {"vault_id": vault["id"]}})).refusal == (400, "6114")


async def test_a_full_vault_grows_when_it_may(cbr: Cbr) -> None:
    vault = await cbr.vault(cbr.servers[2], billing=billing(size=10), auto_expand=True)
    await cbr.backed_up(vault["id"])
    await cbr.back_up(vault["id"])
    grown = (await cbr.get_vault(vault["id"]))["billing"]
    assert grown["size"] * 1024 > grown["used"] > 10 * 1024


async def test_what_cannot_be_backed_up_is_skipped_with_a_reason(cbr: Cbr) -> None:
    vault = await cbr.vault(*cbr.servers[:3])
    del cbr.inventory.servers[cbr.servers[0]]
    cbr.inventory.servers[cbr.servers[1]]["status"] = "ERROR"
    checkpoint = await cbr.back_up(vault["id"])
    skipped = {resource["id"]: resource["code"] for resource in checkpoint["vault"]["skipped_resources"]}
    assert skipped == {cbr.servers[0]: "BackupService.7100", cbr.servers[1]: "BackupService.7101"}
    assert all(resource["reason"] for resource in checkpoint["vault"]["skipped_resources"])
    assert [resource["id"] for resource in checkpoint["vault"]["resources"]] == [cbr.servers[2]]


async def test_a_disk_in_a_wrong_state_is_skipped(cbr: Cbr) -> None:
    vault = await disk_vault(cbr)
    cbr.inventory.volumes[cbr.volumes[-1]]["status"] = "error"
    checkpoint = await cbr.back_up(vault["id"])
    assert [resource["code"] for resource in checkpoint["vault"]["skipped_resources"]] == ["BackupService.7001"]
    assert checkpoint["status"] == "available"
    assert await cbr.backups() == []


async def test_a_resource_that_is_being_removed_is_skipped(cbr: Cbr) -> None:
    vault = await cbr.vault(*cbr.servers[:2])
    await cbr.good("POST", f"/vaults/{vault['id']}/removeresources", {"resource_ids": [cbr.servers[0]]})
    checkpoint = await cbr.back_up(vault["id"])
    assert [resource["code"] for resource in checkpoint["vault"]["skipped_resources"]] == ["BackupService.6134"]


async def test_a_checkpoint_that_does_not_exist_is_not_found(cbr: Cbr) -> None:
    assert (await cbr.call("GET", f"/checkpoints/{UNKNOWN}")).refusal == (404, "6217")


async def test_the_backup_of_a_server_holds_one_of_each_disk(cbr: Cbr) -> None:
    server = cbr.inventory.servers[cbr.servers[1]]
    vault = await cbr.vault(server["id"])
    checkpoint = await cbr.backed_up(vault["id"], name="nightly", description="d", retention_duration_days=3)
    (backup,) = await cbr.backups()
    children = backup["children"]
    assert [child["resource_id"] for child in children] == server["volumes"]
    assert {child["parent_id"] for child in children} == {backup["id"]}
    assert {child["resource_type"] for child in children} == {VOLUME}
    assert [child["extend_info"]["bootable"] for child in children] == [True, False]
    expected = {
        "checkpoint_id": checkpoint["id"],
        "vault_id": vault["id"],
        "project_id": PROJECT,
        "provider_id": "0daac4c5-6707-4851-97ba-169e36266b66",
        "parent_id": None,
        "name": "nightly",
        "description": "d",
        "resource_id": server["id"],
        "resource_name": server["name"],
        "resource_type": SERVER,
        "resource_az": server["availability_zone"],
        "resource_size": server["size_gb"],
        "status": "available",
        "image_type": "backup",
        "created_at": "2031-01-07T08:15:00.000265",
        "updated_at": "2031-01-07T08:16:40.000265",
        "expired_at": "2031-01-10T08:15:00.000265",
        "protected_at": None,
        "enterprise_project_id": "0",
        "incremental": False,
        "version": 3,
        "replication_records": [],
    }
    assert {name: backup[name] for name in expected} == expected
    for one in (backup, *children):
        assert (await cbr.good("GET", f"/backups/{one['id']}")) == {"backup": one}


async def test_disks_may_be_left_out_of_a_servers_backup(cbr: Cbr) -> None:
    system, data = cbr.inventory.servers[cbr.servers[1]]["volumes"]
    resource = {"id": cbr.servers[1], "type": SERVER, "extra_info": {"exclude_volumes": [system]}}
    vault = await cbr.vault(resources=[resource])
    await cbr.backed_up(vault["id"], name="a")
    resource["extra_info"] = {"include_volumes": [{"id": system}]}
    await cbr.backed_up(vault["id"], name="b", resource_details=[resource])
    first, second = await cbr.backups("sort=name:asc")
    assert [child["resource_id"] for child in first["children"]] == [data]
    assert [child["resource_id"] for child in second["children"]] == [system]


async def test_the_backup_of_a_disk_has_no_children(cbr: Cbr) -> None:
    vault = await disk_vault(cbr)
    await cbr.backed_up(vault["id"])
    (backup,) = await cbr.backups()
    assert (backup["resource_type"], backup["resource_size"], backup["children"]) == (VOLUME, 200, [])


async def test_only_the_first_backup_is_full_unless_a_full_one_is_asked_for(cbr: Cbr) -> None:
    vault = await cbr.vault(cbr.servers[0])
    await cbr.backed_up(vault["id"])
    await cbr.backed_up(vault["id"])
    await cbr.backed_up(vault["id"], incremental=False)
    backups = await cbr.backups("sort=created_at:asc")
    assert [backup["incremental"] for backup in backups] == [False, True, False]
    assert [backup["extend_info"]["incremental"] for backup in backups] == [False, True, False]


async def test_the_vault_counts_its_backups(cbr: Cbr) -> None:
    vault = await cbr.vault(cbr.servers[0])
    await cbr.backed_up(vault["id"])
    resource = (await cbr.get_vault(vault["id"]))["resources"][0]
    assert (resource["backup_count"], resource["backup_size"], resource["protect_status"]) == (1, 4000, "available")


@pytest_asyncio.fixture
async def filled(cbr: Cbr) -> dict[str, str]:
    """Three backups, a second apart: a (server), b (disk, failed), c (server, incremental, running); and their ids."""
    servers, disks = await cbr.vault(cbr.servers[0], billing=billing(size=10)), await disk_vault(cbr)
    first = await cbr.backed_up(servers["id"], name="a")
    cbr.pass_seconds(1)
    cbr.state.plan_failure("cbr", "The snapshot could not be made.")
    await cbr.backed_up(disks["id"], name="b")
    cbr.pass_seconds(1)
    await cbr.back_up(servers["id"], name="c")
    ids = {backup["name"]: backup["id"] for backup in await cbr.backups()}
    return {**ids, "vault": servers["id"], "checkpoint": first["id"], "disk": cbr.volumes[-1], "server": cbr.servers[0]}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "cba"),
        ("checkpoint_id={checkpoint}", "a"),
        ("vault_id={vault}", "ca"),
        ("resource_id={disk}", "b"),
        ("resource_name=archive", "b"),
        ("resource_name=arch", ""),
        ("resource_az=eu-de-01", "cba"),
        ("resource_az=eu-de-09", ""),
        ("resource_type=OS::Nova::Server", "ca"),
        ("name=b", "b"),
        ("image_type=backup", "cba"),
        ("image_type=replication", ""),
        ("status=available", "a"),
        ("status=available&status=error", "ba"),
        ("status=protecting", "c"),
        ("start_time=2031-01-07T08:16:41Z", "cb"),
        ("end_time=2031-01-07T08:16:42Z", "ba"),
        ("start_time=2031-01-07T08:16:41Z&end_time=2031-01-07T08:16:42Z", "b"),
        ("incremental=true", "c"),
        ("incremental=false", "ba"),
        ("enterprise_project_id=0", "cba"),
        ("enterprise_project_id=1", ""),
        ("enterprise_project_id=all_granted_eps", "cba"),
        ("own_type=private", "cba"),
        ("own_type=all_granted", "cba"),
        ("own_type=shared", ""),
        ("own_type=shared&member_status=pending", ""),
        ("used_percent=10", "ca"),
        ("used_percent=90", ""),
        ("dec=true", ""),
        ("dec=false", "cba"),
        ("show_replication=true", "cba"),
        ("sort=name", "cba"),
        ("sort=name:asc", "abc"),
        ("sort=status:asc,name:asc", "abc"),
        ("sort=id:asc", None),
        ("limit=2", "cb"),
        ("limit=2&offset=1", "ba"),
        ("limit=1&marker={b}", "a"),
        ("marker={a}", ""),
        ("marker=unknown", ""),
        ("name=&vault_id=", "cba"),
        ("colour=blue", "cba"),
    ],
)
async def test_backups_are_listed_by_every_filter(
    cbr: Cbr, filled: dict[str, str], query: str, expected: str | None
) -> None:
    found = [backup["name"] for backup in await cbr.backups(query.format(**filled))]
    if expected is None:
        expected = "".join(sorted("abc", key=lambda name: filled[name]))
    assert "".join(found) == expected


@pytest.mark.parametrize(
    "query",
    ["status=good", "sort=size", "sort=name:up", "start_time=yesterday", "used_percent=0", "limit=0", "own_type=mine"],
)
async def test_a_wrong_filter_is_refused(cbr: Cbr, query: str) -> None:
    assert (await cbr.call("GET", f"/backups?{query}")).refusal == (400, "9900")


async def test_disk_backups_are_listed_when_their_server_backup_is_named(cbr: Cbr) -> None:
    vault = await cbr.vault(cbr.servers[1])
    await cbr.backed_up(vault["id"])
    (backup,) = await cbr.backups()
    assert sorted(child["id"] for child in await cbr.backups(f"parent_id={backup['id']}")) == sorted(
        child["id"] for child in backup["children"]
    )
    assert await cbr.backups(f"parent_id={UNKNOWN}") == []


async def test_a_page_shows_how_many_there_are(cbr: Cbr, filled: dict[str, str]) -> None:
    answer = await cbr.good("GET", "/backups?limit=1&offset=1")
    assert (answer["count"], answer["limit"], answer["offset"]) == (3, 1, 1)
    assert [backup["id"] for backup in answer["backups"]] == [filled["b"]]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_a_backup_that_does_not_exist_is_not_found(cbr: Cbr, method: str) -> None:
    assert (await cbr.call(method, f"/backups/{UNKNOWN}")).refusal == (404, "6200")


async def test_deleting_a_backup_takes_time(cbr: Cbr) -> None:
    vault = await cbr.vault(cbr.servers[0])
    checkpoint = await cbr.backed_up(vault["id"])
    (backup,) = await cbr.backups()
    path = f"/backups/{backup['id']}"
    assert await cbr.call("DELETE", path) == (204, None)
    assert (await cbr.good("GET", path))["backup"]["status"] == "deleting"
    assert (await cbr.good("GET", f"/checkpoints/{checkpoint['id']}"))["checkpoint"]["status"] == "deleting"
    assert (await cbr.call("DELETE", path)).refusal == (400, "6201")
    cbr.pass_seconds(BACKUP_SECONDS)
    assert (await cbr.call("GET", path)).refusal == (404, "6200")
    assert (await cbr.good("GET", f"/checkpoints/{checkpoint['id']}"))["checkpoint"]["status"] == "deleted"
    (log,) = await cbr.logs("operation_type=delete")
    assert log["extra_info"]["delete"] == {"backup_id": backup["id"], "backup_name": backup["name"]}


async def test_a_failed_deletion_leaves_a_backup_that_can_be_deleted_again(cbr: Cbr) -> None:
    vault = await cbr.vault(cbr.servers[0])
    await cbr.backed_up(vault["id"])
    (backup,) = await cbr.backups()
    cbr.state.plan_failure("cbr.deletion", "The storage does not answer.")
    await cbr.call("DELETE", f"/backups/{backup['id']}")
    cbr.pass_seconds(BACKUP_SECONDS)
    assert [row["status"] for row in await cbr.backups()] == ["error"]
    assert (await cbr.call("DELETE", f"/backups/{backup['id']}")).status == 204
    cbr.pass_seconds(BACKUP_SECONDS)
    assert await cbr.backups() == []


async def test_a_running_backup_cannot_be_deleted(cbr: Cbr) -> None:
    vault = await cbr.vault(cbr.servers[0])
    await cbr.back_up(vault["id"])
    (backup,) = await cbr.backups()
    assert (await cbr.call("DELETE", f"/backups/{backup['id']}")).refusal == (400, "6203")


async def test_a_disk_backup_inside_a_servers_backup_cannot_be_deleted_alone(cbr: Cbr) -> None:
    vault = await cbr.vault(cbr.servers[0])
    await cbr.backed_up(vault["id"])
    (backup,) = await cbr.backups()
    assert (await cbr.call("DELETE", f"/backups/{backup['children'][0]['id']}")).refusal == (400, "6201")


async def test_automatic_backups_of_a_locked_vault_cannot_be_deleted(cbr: Cbr) -> None:
    vault = await cbr.vault(cbr.servers[0], locked=True)
    await cbr.backed_up(vault["id"], name="auto", auto_trigger=True)
    await cbr.backed_up(vault["id"], name="manual")
    ids = {backup["name"]: backup["id"] for backup in await cbr.backups()}
    assert (await cbr.call("DELETE", f"/backups/{ids['auto']}")).refusal == (400, "6220")
    assert (await cbr.call("DELETE", f"/backups/{ids['manual']}")).status == 204


async def test_each_resource_of_a_checkpoint_has_a_log(cbr: Cbr) -> None:
    policy, vault = await cbr.policy(), await cbr.vault(*cbr.servers[:2])
    cbr.state.plan_failure("cbr", "The snapshot could not be made.")
    checkpoint = await cbr.back_up(vault["id"], name="a", policy_id=policy["id"])
    cbr.pass_seconds(BACKUP_SECONDS / 2)
    assert [(log["status"], log["ended_at"]) for log in await cbr.logs()] == [("running", None)] * 2
    cbr.pass_seconds(BACKUP_SECONDS / 2)
    logs = {log["extra_info"]["backup"]["backup_name"]: log for log in await cbr.logs()}
    failed, good = logs["a-0001"], logs["a-0002"]
    assert failed["status"] == "failed"
    assert failed["error_info"] == {"code": "BackupService.9910", "message": "The snapshot could not be made."}
    assert good["status"] == "success"
    assert good["error_info"] == {"code": "", "message": ""}
    assert good["extra_info"]["resource"]["id"] == cbr.servers[1]
    assert good["extra_info"]["common"]["progress"] == 100
    assert good["extra_info"]["backup"]["incremental"] == "false"
    for log in logs.values():
        assert (log["checkpoint_id"], log["vault_id"], log["vault_name"]) == (
            checkpoint["id"],
            vault["id"],
            "vault-app",
        )
        assert (log["policy_id"], log["operation_type"], log["project_id"]) == (policy["id"], "backup", PROJECT)
        for name in ("created_at", "started_at", "updated_at", "ended_at"):
            assert TIMESTAMP.fullmatch(log[name])
        assert (await cbr.good("GET", f"/operation-logs/{log['id']}")) == {"operation_log": log}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "cba"),
        ("operation_type=backup", "cba"),
        ("operation_type=delete", ""),
        ("status=failed", "b"),
        ("status=running", "c"),
        ("provider_id=d1603440-187d-4516-af25-121250c7cc97", "b"),
        ("resource_id={server}", "ca"),
        ("resource_name=archive", "b"),
        ("vault_id={vault}", "ca"),
        ("vault_name=vault-app", "cba"),
        ("vault_name=other", ""),
        ("start_time=2031-01-07T08:16:41Z", "cb"),
        ("end_time=2031-01-07T08:16:42Z", "ba"),
        ("enterprise_project_id=1", ""),
        ("limit=1&offset=1", "b"),
        ("limit=2&offset=0", "cb"),
        ("checkpoint_id=unknown", "cba"),
    ],
)
async def test_logs_are_listed_by_every_filter(cbr: Cbr, filled: dict[str, str], query: str, expected: str) -> None:
    found = [log["extra_info"]["backup"]["backup_name"] for log in await cbr.logs(query.format(**filled))]
    assert "".join(found) == expected


async def test_a_log_that_does_not_exist_is_not_found(cbr: Cbr) -> None:
    assert (await cbr.call("GET", f"/operation-logs/{UNKNOWN}")).refusal == (404, "6500")


async def test_a_backup_continues_over_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    before = Cbr(file)
    async with before.http:
        vault = await before.vault(before.servers[0])
        checkpoint = await before.back_up(vault["id"])
        before.pass_seconds(BACKUP_SECONDS / 2)
    after = Cbr(file, time=before.time)
    async with after.http:
        assert [backup["extend_info"]["progress"] for backup in await after.backups()] == [50]
        after.pass_seconds(BACKUP_SECONDS / 2)
        assert (await after.good("GET", f"/checkpoints/{checkpoint['id']}"))["checkpoint"]["status"] == "available"
        assert (await after.get_vault(vault["id"]))["name"] == "vault-app"
