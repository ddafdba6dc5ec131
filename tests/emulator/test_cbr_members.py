"""Backups of the emulated CBR that are shared with other projects: what is refused, and what an answer changes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.emulator.cbr_calls import PROJECT, UNKNOWN, VOLUME, Answer, Cbr, billing

RECEIVER = "10ca1c100d0000000000000000000a08"


@pytest_asyncio.fixture
async def cbr() -> AsyncIterator[Cbr]:
    cbr = Cbr()
    async with cbr.http:
        yield cbr


async def good_backup(cbr: Cbr) -> str:
    vault = await cbr.vault(cbr.servers[0])
    await cbr.backed_up(vault["id"])
    return str((await cbr.backups())[0]["id"])


async def disk_vault(cbr: Cbr) -> dict[str, Any]:
    return await cbr.vault(billing=billing(object_type="disk"), resources=[{"id": cbr.volumes[-1], "type": VOLUME}])


async def share(cbr: Cbr, backup_id: str, *project_ids: str) -> Answer:
    return await cbr.call("POST", f"/backups/{backup_id}/members", {"members": list(project_ids)})


async def test_a_project_is_a_member_until_it_is_taken_away(cbr: Cbr) -> None:
    backup_id = await good_backup(cbr)
    (member,) = (await share(cbr, backup_id, RECEIVER)).body["members"]
    assert (member["backup_id"], member["dest_project_id"], member["status"]) == (backup_id, RECEIVER, "pending")
    path = f"/backups/{backup_id}/members/{RECEIVER}"
    assert (await cbr.call("GET", path)).body == {"member": member}
    assert (await cbr.call("DELETE", path)).status == 204
    for method in ("GET", "DELETE"):
        assert (await cbr.call(method, path)).refusal == (404, "6705")


async def test_a_backup_has_ten_members_at_most(cbr: Cbr) -> None:
    backup_id = await good_backup(cbr)
    assert (await share(cbr, backup_id, *(f"project-{number}" for number in range(10)))).status == 200
    assert (await share(cbr, backup_id, RECEIVER)).refusal == (400, "6701")


@pytest.mark.parametrize(("project_id", "code"), [(PROJECT, "6704"), ("", "9900")])
async def test_a_backup_is_not_shared_with_its_own_project_or_none(cbr: Cbr, project_id: str, code: str) -> None:
    assert (await share(cbr, await good_backup(cbr), project_id)).refusal == (400, code)


async def test_no_project_is_added_if_one_of_them_is_a_member_already(cbr: Cbr) -> None:
    backup_id = await good_backup(cbr)
    await share(cbr, backup_id, RECEIVER)
    assert (await share(cbr, backup_id, "other", RECEIVER)).refusal == (400, "6703")
    assert (await cbr.call("GET", f"/backups/{backup_id}/members")).body["count"] == 1


async def test_only_good_backups_of_servers_are_shared(cbr: Cbr) -> None:
    assert (await share(cbr, UNKNOWN, RECEIVER)).refusal == (404, "6200")
    vault = await cbr.vault(cbr.servers[0])
    await cbr.back_up(vault["id"])
    assert (await share(cbr, (await cbr.backups())[0]["id"], RECEIVER)).refusal == (400, "6702")
    await cbr.backed_up((await disk_vault(cbr))["id"])
    (of_disk,) = (row for row in await cbr.backups() if row["resource_type"] == VOLUME)
    assert (await share(cbr, of_disk["id"], RECEIVER)).refusal == (400, "6700")


async def test_a_receiver_answers_once_and_accepts_into_a_vault_for_servers(cbr: Cbr) -> None:
    backup_id = await good_backup(cbr)
    vault_id = (await cbr.backups())[0]["vault_id"]
    path = f"/backups/{backup_id}/members/{RECEIVER}"
    await share(cbr, backup_id, RECEIVER)
    for body, status, code in (
        ({"status": "accepted"}, 400, "9900"),
        ({"status": "pending"}, 400, "6706"),
        ({"status": "accepted", "vault_id": UNKNOWN}, 404, "6105"),
        ({"status": "accepted", "vault_id": (await disk_vault(cbr))["id"]}, 400, "6713"),
    ):
        assert (await cbr.call("PUT", path, body)).refusal == (status, code), body
    member = (await cbr.call("PUT", path, {"status": "accepted", "vault_id": vault_id})).body["member"]
    assert (member["status"], member["vault_id"]) == ("accepted", vault_id)
    assert (await cbr.call("PUT", path, {"status": "rejected"})).refusal == (400, "6706")
