"""The vaults of the emulated CBR, spoken to over plain HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from airflow_provider_backup.emulator.core.accounts import USER_ID
from tests.emulator.cbr_calls import BACKUP_SECONDS, PROJECT, SERVER, UNKNOWN, VOLUME, Cbr, billing, vault_body


@pytest_asyncio.fixture
async def cbr() -> AsyncIterator[Cbr]:
    cbr = Cbr()
    async with cbr.http:
        yield cbr


async def test_a_vault_is_created_as_documented(cbr: Cbr) -> None:
    server = cbr.inventory.servers[cbr.servers[1]]
    vault = await cbr.vault(server["id"])
    expected = {
        "id": vault["id"],
        "name": "vault-app",
        "project_id": PROJECT,
        "provider_id": "0daac4c5-6707-4851-97ba-169e36266b66",
        "created_at": "2031-01-07T08:15:00.000265",
        "description": None,
        "enterprise_project_id": "0",
        "user_id": USER_ID,
        "tags": [],
        "auto_bind": False,
        "bind_rules": {},
        "auto_expand": False,
        "smn_notify": True,
        "threshold": 80,
        "locked": False,
        "resources": [
            {
                "id": server["id"],
                "name": server["name"],
                "type": SERVER,
                "size": server["size_gb"],
                "protect_status": "available",
                "backup_count": 0,
                "backup_size": 0,
                "extra_info": {},
                "auto_protect": True,
            }
        ],
        "billing": {
            "allocated": server["size_gb"],
            "used": 0,
            "size": 200,
            "status": "available",
            "charging_mode": "post_paid",
            "cloud_type": "public",
            "consistent_level": "crash_consistent",
            "object_type": "server",
            "protect_type": "backup",
            "spec_code": "vault.backup.server.normal",
            "order_id": None,
            "product_id": None,
            "storage_unit": None,
            "frozen_scene": None,
            "is_multi_az": False,
        },
    }
    assert {name: vault[name] for name in expected} == expected
    assert await cbr.get_vault(vault["id"]) == vault


@pytest.mark.parametrize(
    ("object_type", "spec_code"),
    [
        ("disk", "vault.backup.volume.normal"),
        ("turbo", "vault.backup.turbo.normal"),
        ("rds", "vault.backup.database.normal"),
    ],
)
async def test_the_specification_follows_from_the_kind(cbr: Cbr, object_type: str, spec_code: str) -> None:
    vault = await cbr.vault(billing=billing(object_type=object_type))
    assert vault["billing"]["spec_code"] == spec_code


async def test_a_vault_of_disks_takes_disks(cbr: Cbr) -> None:
    resources = [{"id": cbr.volumes[0], "type": VOLUME, "name": "data"}]
    vault = await cbr.vault(billing=billing(object_type="disk"), resources=resources)
    assert [(resource["name"], resource["size"]) for resource in vault["resources"]] == [("data", 40)]
    assert vault["provider_id"] == "d1603440-187d-4516-af25-121250c7cc97"


def server(identifier: str) -> dict[str, Any]:
    return {"id": identifier, "type": SERVER}


@pytest.mark.parametrize(
    ("resources", "refusal"),
    [
        (lambda ids: [server(ids[0]), server(ids[0])], (400, "6104")),
        (lambda ids: [server(UNKNOWN)], (404, "7100")),
        (lambda ids: [{"id": ids[0], "type": VOLUME}], (400, "6102")),
        (lambda ids: [{"id": ids[0], "type": "OS::Sfs::Turbo"}], (400, "6102")),
        (lambda ids: [{"id": ids[0], "type": "OS::Workspace::DesktopV2"}], (400, "6116")),
        (lambda ids: [server(ids[0])] * 256, (400, "6100")),
        (lambda ids: [{"id": ids[0]}], (400, "9900")),
        (lambda ids: None, (400, "9900")),
    ],
)
async def test_a_vault_with_impossible_resources_is_refused(cbr: Cbr, resources: Any, refusal: tuple[int, str]) -> None:
    answer = await cbr.call("POST", "/vaults", {"vault": vault_body(resources=resources(cbr.servers))})
    assert answer.refusal == refusal
    assert (await cbr.good("GET", "/vaults"))["count"] == 0


async def test_an_unknown_disk_is_refused(cbr: Cbr) -> None:
    body = vault_body(billing=billing(object_type="disk"), resources=[{"id": UNKNOWN, "type": VOLUME}])
    assert (await cbr.call("POST", "/vaults", {"vault": body})).refusal == (404, "7000")


async def test_a_resource_is_in_one_vault_only(cbr: Cbr) -> None:
    await cbr.vault(cbr.servers[0])
    answer = await cbr.call("POST", "/vaults", {"vault": vault_body(cbr.servers[0])})
    assert answer.refusal == (400, "6103")


@pytest.mark.parametrize(
    "changes",
    [
        {"billing": billing(size=9)},
        {"billing": None},
        {"billing": billing(charging_mode="pre_paid", period_type="year", period_num=1)},
        {"name": "a b"},
        {"tags": []},
    ],
)
async def test_a_vault_that_breaks_a_rule_is_refused(cbr: Cbr, changes: dict[str, Any]) -> None:
    assert (await cbr.call("POST", "/vaults", {"vault": vault_body(**changes)})).refusal == (400, "9900")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PUT", "", {"vault": {}}),
        ("DELETE", "", None),
        ("POST", "/associatepolicy", {"policy_id": UNKNOWN}),
        ("POST", "/dissociatepolicy", {"policy_id": UNKNOWN}),
        ("POST", "/addresources", {"resources": [server(UNKNOWN)]}),
        ("POST", "/removeresources", {"resource_ids": [UNKNOWN]}),
    ],
)
async def test_a_vault_that_does_not_exist_is_not_found(cbr: Cbr, method: str, path: str, body: Any) -> None:
    assert (await cbr.call(method, f"/vaults/{UNKNOWN}{path}", body)).refusal == (404, "6105")


async def test_a_change_keeps_what_is_left_out(cbr: Cbr) -> None:
    vault = await cbr.vault(cbr.servers[0])
    changes = {"name": "b", "billing": {"size": 300}, "threshold": 50}
    changed = (await cbr.good("PUT", f"/vaults/{vault['id']}", {"vault": changes}))["vault"]
    assert changed == vault | {"name": "b", "billing": vault["billing"] | {"size": 300}, "threshold": 50}


async def test_a_vault_cannot_be_unlocked(cbr: Cbr) -> None:
    vault = await cbr.vault()
    path = f"/vaults/{vault['id']}"
    assert (await cbr.good("PUT", path, {"vault": {"locked": True}}))["vault"]["locked"] is True
    assert (await cbr.call("PUT", path, {"vault": {"locked": False}})).refusal == (400, "6110")


async def test_a_vault_cannot_become_smaller_than_its_backups(cbr: Cbr) -> None:
    vault = await cbr.vault(cbr.servers[2])
    await cbr.backed_up(vault["id"])
    path = f"/vaults/{vault['id']}"
    assert (await cbr.get_vault(vault["id"]))["billing"]["used"] > 10 * 1024
    assert (await cbr.call("PUT", path, {"vault": {"billing": {"size": 10}}})).refusal == (400, "6101")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["c", "b", "a"]),
        ("name=b", ["b"]),
        ("object_type=disk", ["b"]),
        ("protect_type=replication", ["c"]),
        ("cloud_type=hybrid", ["c"]),
        ("status=frozen", []),
        ("enterprise_project_id=1", ["b"]),
        ("enterprise_project_id=all_granted_eps", ["c", "b", "a"]),
        ("resource_ids={resource},other", ["a"]),
        ("policy_id={policy}", ["a"]),
        ("id={a}&id={b}", ["b", "a"]),
        ("name=", ["c", "b", "a"]),
        ("limit=2", ["c", "b"]),
        ("limit=2&offset=2", ["a"]),
        ("limit=2&marker={b}", ["a"]),
        ("offset=3", []),
    ],
)
async def test_vaults_are_listed_by_every_filter(cbr: Cbr, query: str, expected: list[str]) -> None:
    policy = await cbr.policy()
    vaults = []
    for changes in (
        {"name": "a", "resources": [server(cbr.servers[0])], "backup_policy_id": policy["id"]},
        {"name": "b", "billing": billing(object_type="disk"), "enterprise_project_id": "1"},
        {"name": "c", "billing": billing(protect_type="replication", cloud_type="hybrid")},
    ):
        vaults.append(await cbr.vault(**changes))
        cbr.pass_seconds(1)
    ids = {vault["name"]: vault["id"] for vault in vaults}
    filled = query.format(resource=cbr.servers[0], policy=policy["id"], **ids)
    answer = await cbr.good("GET", f"/vaults?{filled}")
    assert [vault["name"] for vault in answer["vaults"]] == expected


async def test_a_page_shows_how_many_there_are(cbr: Cbr) -> None:
    for _ in range(3):
        await cbr.vault()
    answer = await cbr.good("GET", "/vaults?limit=2&offset=1")
    assert (answer["count"], answer["limit"], answer["offset"]) == (3, 2, 1)
    answer = await cbr.good("GET", "/vaults")
    assert (answer["count"], answer["limit"], answer["offset"]) == (3, 1000, 0)


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "offset=-1", "status=good", "object_type=car"])
async def test_a_wrong_filter_is_refused(cbr: Cbr, query: str) -> None:
    assert (await cbr.call("GET", f"/vaults?{query}")).refusal == (400, "9900")


async def test_a_policy_is_bound_and_taken_off(cbr: Cbr) -> None:
    vault, policy = await cbr.vault(), await cbr.policy()
    path, ids = f"/vaults/{vault['id']}", {"vault_id": vault["id"], "policy_id": policy["id"]}
    body = {"policy_id": policy["id"]}
    assert await cbr.good("POST", f"{path}/associatepolicy", body) == {"associate_policy": ids}
    assert (await cbr.good("GET", f"/policies?vault_id={vault['id']}"))["count"] == 1
    assert await cbr.good("POST", f"{path}/dissociatepolicy", body) == {"dissociate_policy": ids}
    assert (await cbr.good("GET", f"/policies?vault_id={vault['id']}"))["count"] == 0
    assert (await cbr.call("POST", f"{path}/dissociatepolicy", body)).refusal == (404, "6002")


async def bound(cbr: Cbr, vault: dict[str, Any]) -> list[str]:
    return [policy["id"] for policy in (await cbr.good("GET", f"/policies?vault_id={vault['id']}"))["policies"]]


async def test_a_second_policy_of_the_same_type_replaces_the_first(cbr: Cbr) -> None:
    first, second, copying = await cbr.policy(), await cbr.policy(), await cbr.policy(operation_type="replication")
    vault = await cbr.vault(backup_policy_id=first["id"])
    path = f"/vaults/{vault['id']}/associatepolicy"
    answer = await cbr.good("POST", path, {"policy_id": copying["id"], "destination_vault_id": UNKNOWN})
    assert answer["associate_policy"]["destination_vault_id"] == UNKNOWN
    await cbr.good("POST", path, {"policy_id": second["id"]})
    assert await bound(cbr, vault) == [second["id"], copying["id"]]


async def test_the_newer_form_binds_several_policies(cbr: Cbr) -> None:
    first, second, vault = await cbr.policy(), await cbr.policy(), await cbr.vault()
    await cbr.good("POST", f"/vaults/{vault['id']}/associatepolicy", {"add_policy_ids": [first["id"], second["id"]]})
    assert await bound(cbr, vault) == [first["id"], second["id"]]


@pytest.mark.parametrize(
    ("kind", "destination", "refusal"),
    [("backup", UNKNOWN, (400, "9900")), ("replication", None, (400, "9900"))],
)
async def test_a_destination_belongs_to_replication_policies_only(
    cbr: Cbr, kind: str, destination: str | None, refusal: tuple[int, str]
) -> None:
    vault, policy = await cbr.vault(), await cbr.policy(operation_type=kind)
    body = {"policy_id": policy["id"], "destination_vault_id": destination}
    answer = await cbr.call("POST", f"/vaults/{vault['id']}/associatepolicy", body)
    assert answer.refusal == refusal


async def test_policies_that_cannot_be_bound_are_refused_and_nothing_changes(cbr: Cbr) -> None:
    policy, vault = await cbr.policy(), await cbr.vault()
    path = f"/vaults/{vault['id']}/associatepolicy"
    assert (await cbr.call("POST", path, {"policy_id": UNKNOWN})).refusal == (404, "6000")
    both = {"add_policy_ids": [policy["id"], UNKNOWN]}
    assert (await cbr.call("POST", path, both)).refusal == (404, "6000")
    assert (await cbr.call("POST", path, {})).refusal == (400, "9900")
    assert await bound(cbr, vault) == []


async def test_a_vault_for_copies_takes_no_policy(cbr: Cbr) -> None:
    policy, vault = await cbr.policy(), await cbr.vault(billing=billing(protect_type="replication"))
    answer = await cbr.call("POST", f"/vaults/{vault['id']}/associatepolicy", {"policy_id": policy["id"]})
    assert answer.refusal == (400, "6127")


async def test_a_policy_that_does_not_exist_cannot_be_taken_off(cbr: Cbr) -> None:
    vault = await cbr.vault()
    answer = await cbr.call("POST", f"/vaults/{vault['id']}/dissociatepolicy", {"policy_id": UNKNOWN})
    assert answer.refusal == (404, "6000")


async def test_resources_are_added(cbr: Cbr) -> None:
    vault = await cbr.vault(cbr.servers[0])
    added = {"resources": [server(cbr.servers[1]), server(cbr.servers[2])]}
    answer = await cbr.good("POST", f"/vaults/{vault['id']}/addresources", added)
    assert answer == {"add_resource_ids": cbr.servers[1:3]}
    resources = (await cbr.get_vault(vault["id"]))["resources"]
    assert [resource["id"] for resource in resources] == cbr.servers[:3]


@pytest.mark.parametrize(
    ("resources", "refusal"),
    [
        (lambda ids: [server(ids[0])], (400, "6103")),
        (lambda ids: [server(ids[1]), server(ids[1])], (400, "6104")),
        (lambda ids: [server(ids[1]), server(UNKNOWN)], (404, "7100")),
        (lambda ids: [server(ids[1])] * 256, (400, "6100")),
        (lambda ids: [], (400, "9900")),
    ],
)
async def test_resources_are_added_all_or_none(cbr: Cbr, resources: Any, refusal: tuple[int, str]) -> None:
    vault = await cbr.vault(cbr.servers[0])
    body = {"resources": resources(cbr.servers)}
    assert (await cbr.call("POST", f"/vaults/{vault['id']}/addresources", body)).refusal == refusal
    assert len((await cbr.get_vault(vault["id"]))["resources"]) == 1


async def test_removing_a_resource_takes_time_and_takes_its_backups_along(cbr: Cbr) -> None:
    vault = await cbr.vault(*cbr.servers[:2])
    await cbr.backed_up(vault["id"])
    path, body = f"/vaults/{vault['id']}/removeresources", {"resource_ids": [cbr.servers[0]]}
    assert await cbr.good("POST", path, body) == {"remove_resource_ids": [cbr.servers[0]]}
    statuses = [resource["protect_status"] for resource in (await cbr.get_vault(vault["id"]))["resources"]]
    assert statuses == ["removing", "available"]
    assert {backup["status"] for backup in await cbr.backups(f"resource_id={cbr.servers[0]}")} == {"deleting"}
    assert (await cbr.call("POST", path, body)).refusal == (400, "6134")
    cbr.pass_seconds(BACKUP_SECONDS)
    assert [resource["id"] for resource in (await cbr.get_vault(vault["id"]))["resources"]] == [cbr.servers[1]]
    assert [backup["resource_id"] for backup in await cbr.backups()] == [cbr.servers[1]]
    (log,) = await cbr.logs("operation_type=remove_resource")
    assert log["status"] == "success"
    assert log["extra_info"]["remove_resources"]["total_count"] == 1


async def test_a_removed_resource_may_go_into_another_vault(cbr: Cbr) -> None:
    vault = await cbr.vault(cbr.servers[0])
    await cbr.good("POST", f"/vaults/{vault['id']}/removeresources", {"resource_ids": [cbr.servers[0]]})
    cbr.pass_seconds(BACKUP_SECONDS)
    await cbr.vault(cbr.servers[0])


async def test_a_removal_that_fails_leaves_everything(cbr: Cbr) -> None:
    vault = await cbr.vault(cbr.servers[0])
    await cbr.backed_up(vault["id"])
    cbr.state.plan_failure("cbr.deletion", "The storage does not answer.")
    await cbr.good("POST", f"/vaults/{vault['id']}/removeresources", {"resource_ids": [cbr.servers[0]]})
    cbr.pass_seconds(BACKUP_SECONDS)
    assert (await cbr.get_vault(vault["id"]))["resources"][0]["protect_status"] == "error"
    assert [backup["status"] for backup in await cbr.backups()] == ["error"]
    (log,) = await cbr.logs("operation_type=remove_resource")
    assert (log["status"], log["error_info"]["message"]) == ("failed", "The storage does not answer.")


async def test_a_resource_that_is_not_in_the_vault_cannot_be_removed(cbr: Cbr) -> None:
    vault = await cbr.vault()
    body = {"resource_ids": [cbr.servers[0]]}
    assert (await cbr.call("POST", f"/vaults/{vault['id']}/removeresources", body)).refusal == (400, "6135")


async def test_a_resource_that_is_being_backed_up_cannot_be_removed(cbr: Cbr) -> None:
    vault = await cbr.vault(cbr.servers[0])
    await cbr.back_up(vault["id"])
    body = {"resource_ids": [cbr.servers[0]]}
    assert (await cbr.call("POST", f"/vaults/{vault['id']}/removeresources", body)).refusal == (400, "6203")


async def test_deleting_a_vault_deletes_its_backups(cbr: Cbr) -> None:
    vault = await cbr.vault(cbr.servers[0])
    checkpoint = await cbr.backed_up(vault["id"])
    assert await cbr.call("DELETE", f"/vaults/{vault['id']}") == (204, None)
    assert (await cbr.call("GET", f"/vaults/{vault['id']}")).refusal == (404, "6105")
    assert await cbr.backups() == []
    assert (await cbr.good("GET", f"/checkpoints/{checkpoint['id']}"))["checkpoint"]["status"] == "deleted"
    (log,) = await cbr.logs("operation_type=vault_delete")
    assert log["extra_info"]["vault_delete"] == {"fail_count": 0, "total_count": 1}


async def test_a_vault_with_a_running_backup_cannot_be_deleted(cbr: Cbr) -> None:
    vault = await cbr.vault(cbr.servers[0])
    await cbr.back_up(vault["id"])
    assert (await cbr.call("DELETE", f"/vaults/{vault['id']}")).refusal == (400, "6203")


async def test_a_locked_vault_keeps_its_resources(cbr: Cbr) -> None:
    vault = await cbr.vault(cbr.servers[0], locked=True)
    body = {"resource_ids": [cbr.servers[0]]}
    assert (await cbr.call("POST", f"/vaults/{vault['id']}/removeresources", body)).refusal == (400, "6110")


async def test_backups_move_along_with_their_resource(cbr: Cbr) -> None:
    old, new = await cbr.vault(*cbr.servers[:2]), await cbr.vault()
    await cbr.backed_up(old["id"])
    body = {"resource_ids": [cbr.servers[0]], "destination_vault_id": new["id"]}
    await cbr.good("POST", f"/vaults/{old['id']}/migrateresources", body)
    for vault, server_id in ((old, cbr.servers[1]), (new, cbr.servers[0])):
        assert [each["resource_id"] for each in await cbr.backups(f"vault_id={vault['id']}")] == [server_id]


@pytest.mark.parametrize(
    ("resource_ids", "destination", "refusal"),
    [
        (lambda ids: [ids[1]], "new", (400, "6135")),
        (lambda ids: [ids[2]], "old", (400, "9900")),
        (lambda ids: [ids[2]], UNKNOWN, (404, "6105")),
        (lambda ids: [ids[2]], "disks", (400, "6102")),
        (lambda ids: [ids[2]], "small", (400, "6129")),
        (lambda ids: [], "new", (400, "9900")),
    ],
)
async def test_a_move_that_is_not_possible_is_refused_and_nothing_moves(
    cbr: Cbr, resource_ids: Any, destination: str, refusal: tuple[int, str]
) -> None:
    vaults = {
        "old": await cbr.vault(cbr.servers[2]),
        "new": await cbr.vault(),
        "small": await cbr.vault(billing=billing(size=10)),
        "disks": await cbr.vault(billing=billing(object_type="disk")),
    }
    await cbr.backed_up(vaults["old"]["id"])
    to = vaults[destination]["id"] if destination in vaults else destination
    body = {"resource_ids": resource_ids(cbr.servers), "destination_vault_id": to}
    assert (await cbr.call("POST", f"/vaults/{vaults['old']['id']}/migrateresources", body)).refusal == refusal
    assert len((await cbr.get_vault(vaults["old"]["id"]))["resources"]) == 1


async def test_a_resource_that_is_paused_is_not_backed_up_by_its_policy(cbr: Cbr) -> None:
    policy = await cbr.policy()
    vault = await cbr.vault(*cbr.servers[:2], backup_policy_id=policy["id"])
    path = f"/vaults/{vault['id']}/set-resources"
    await cbr.good("PUT", path, {"resource_ids": cbr.servers[:1], "action": "suspend"})
    cbr.run_policy(policy["id"])
    assert [each["resource_id"] for each in await cbr.backups()] == [cbr.servers[1]]
    cbr.pass_seconds(BACKUP_SECONDS)
    await cbr.good("PUT", path, {"resource_ids": cbr.servers[1:2], "action": "suspend"})
    cbr.run_policy(policy["id"])
    assert len(await cbr.backups()) == 1


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"resource_ids": [UNKNOWN], "action": "suspend"}, (400, "6135")),
        ({"resource_ids": [UNKNOWN], "action": "stop"}, (400, "9900")),
        ({"resource_ids": [UNKNOWN]}, (400, "9900")),
    ],
)
async def test_a_wrong_setting_of_resources_is_refused(cbr: Cbr, body: Any, refusal: tuple[int, str]) -> None:
    vault = await cbr.vault(cbr.servers[0])
    assert (await cbr.call("PUT", f"/vaults/{vault['id']}/set-resources", body)).refusal == refusal


async def test_a_vault_has_twenty_tags_at_most(cbr: Cbr) -> None:
    vault = await cbr.vault(tags=[{"key": f"k{number}", "value": ""} for number in range(20)])
    path = f"/vault/{vault['id']}/tags"
    assert (await cbr.call("POST", path, {"tag": {"key": "k0", "value": "new"}})).status == 204
    assert (await cbr.call("POST", path, {"tag": {"key": "k20", "value": ""}})).refusal == (400, "6600")
    assert len((await cbr.good("GET", path))["tags"]) == 20


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"action": "find"},
        {"action": "count", "limit": "1"},
        {"action": "filter", "limit": 1},
        {"action": "filter", "limit": "0"},
        {"action": "filter", "offset": "-1"},
        {"action": "filter", "tags": []},
    ],
)
async def test_a_wrong_search_by_tags_is_refused(cbr: Cbr, body: Any) -> None:
    assert (await cbr.call("POST", "/vault/resource_instances/action", body)).refusal == (400, "9900")


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"expect_expiration_date": "2031-01-07", "time_zone": "UTC+00:00"}, (400, "9900")),
        ({"expect_expiration_date": "soon", "time_zone": "UTC+00:00"}, (400, "9900")),
        ({"expect_expiration_date": "2031-02-01", "time_zone": "Berlin"}, (400, "9900")),
    ],
)
async def test_a_wrong_expiration_is_refused(cbr: Cbr, body: Any, refusal: tuple[int, str]) -> None:
    vault = await cbr.vault()
    path = f"/vaults/{vault['id']}/update-backup-expiration-time"
    assert (await cbr.call("PUT", path, body)).refusal == refusal


async def test_what_is_wrong_with_a_resource_is_told_with_it(cbr: Cbr) -> None:
    cbr.inventory.servers[cbr.servers[0]]["status"] = "ERROR"
    path = f"/protectables/server/instances/{cbr.servers[0]}"
    found = (await cbr.good("GET", path))["instance"]["protectable"]
    assert (found["result"], found["code"]) == (False, "BackupService.7101")
    assert found["reason"]


@pytest.mark.parametrize(
    ("path", "refusal"),
    [
        ("/protectables/server/instances?limit=51", (400, "9900")),
        ("/protectables/car/instances", (400, "9900")),
        (f"/protectables/turbo/instances/{UNKNOWN}", (400, "9900")),
        (f"/protectables/server/instances/{UNKNOWN}", (404, "7100")),
        (f"/protectables/disk/instances/{UNKNOWN}", (404, "7000")),
        ("/storage_usage?limit=1001", (400, "9900")),
        (f"/backups/{UNKNOWN}/metadata", (404, "6200")),
    ],
)
async def test_a_wrong_question_is_refused(cbr: Cbr, path: str, refusal: tuple[int, str]) -> None:
    assert (await cbr.call("GET", path)).refusal == refusal


async def test_the_metadata_of_a_backup_that_is_being_made_cannot_be_read(cbr: Cbr) -> None:
    vault = await cbr.vault(cbr.servers[0])
    await cbr.back_up(vault["id"])
    (backup,) = await cbr.backups()
    assert (await cbr.call("GET", f"/backups/{backup['id']}/metadata")).refusal == (400, "6206")


async def test_a_full_vault_grows_by_a_quarter(cbr: Cbr) -> None:
    vault = await cbr.vault(cbr.servers[0], billing=billing(size=100), auto_expand=True)
    stored = cbr.state.table("cbr.vaults")[vault["id"]]
    await cbr.backed_up(vault["id"])
    stored["billing"]["size"] = 10
    used = (await cbr.get_vault(vault["id"]))["billing"]["used"]
    expected = 10
    while expected * 1024 <= used:
        expected = -(-expected * 5 // 4)
    await cbr.back_up(vault["id"])
    assert (await cbr.get_vault(vault["id"]))["billing"]["size"] == expected
