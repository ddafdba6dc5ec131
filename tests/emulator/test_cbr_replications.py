"""Copies of backups in the second region of the local cloud: what is refused, how far they are, what stays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from airflow_provider_backup.emulator.core.gateway import answering
from airflow_provider_backup.emulator.core.inventory import Inventory
from airflow_provider_backup.emulator.core.regions import HOME, SECOND
from airflow_provider_backup.emulator.services.cbr import EmulatedCbr
from tests.emulator.cbr_calls import BACKUP_SECONDS, UNKNOWN, VOLUME, Answer, Cbr, vault_body


class TwoRegions(Cbr):
    """CBR in both regions, with a vault for copies in the second."""

    def __init__(self) -> None:
        super().__init__()
        there = self.state.in_region(SECOND.name)
        service = EmulatedCbr(there, Inventory(there))
        application = web.Application(middlewares=[answering(service, there)])
        application.add_routes(service.routes())
        self.second = TestClient(TestServer(application))
        self.copies_vault = ""

    async def there(self, method: str, path: str, body: Any = None) -> Answer:
        """Send one request to the second region."""
        async with self.second.request(method, f"/v3/{SECOND.project_id}{path}", json=body) as response:
            return Answer(response.status, await response.json() if response.status != 204 else None)

    async def vault_there(self, protect_type: str = "replication", object_type: str = "server") -> str:
        """Create a vault in the second region."""
        billing = {"protect_type": protect_type, "object_type": object_type, "size": 40}
        values = vault_body()
        values["billing"] |= billing
        answer = await self.there("POST", "/vaults", {"vault": values})
        return str(answer.body["vault"]["id"])

    async def backup(self, **changes: Any) -> str:
        """Take a good backup, and return its id."""
        vault = await self.vault(self.servers[0], **changes)
        await self.backed_up(vault["id"])
        return str((await self.backups())[0]["id"])

    def order(self, **changes: Any) -> dict[str, Any]:
        """Return the body of a request for a copy."""
        destination = {
            "destination_region": SECOND.name,
            "destination_project_id": SECOND.project_id,
            "destination_vault_id": self.copies_vault,
        }
        return {"replicate": destination | changes}

    async def copy(self, backup_id: str, **changes: Any) -> Answer:
        """Begin to copy a backup."""
        return await self.call("POST", f"/backups/{backup_id}/replicate", self.order(**changes))

    async def record(self, backup_id: str) -> dict[str, Any]:
        """Return the only record of a copy of a backup."""
        (record,) = (await self.good("GET", f"/backups/{backup_id}"))["backup"]["replication_records"]
        found: dict[str, Any] = record
        return found

    async def copies(self) -> list[dict[str, Any]]:
        """List what is in the second region."""
        rows: list[dict[str, Any]] = (await self.there("GET", "/backups")).body["backups"]
        return rows


@pytest_asyncio.fixture
async def cbr() -> AsyncIterator[TwoRegions]:
    cbr = TwoRegions()
    async with cbr.http, cbr.second:
        cbr.copies_vault = await cbr.vault_there()
        yield cbr


async def test_a_copy_shows_up_in_the_other_region_when_it_has_succeeded(cbr: TwoRegions) -> None:
    backup_id = await cbr.backup()
    begun = (await cbr.copy(backup_id, name="copied", description="d")).body["replication"]
    running = await cbr.record(backup_id)

    assert (begun["backup_id"], begun["replication_record_id"]) == (backup_id, running["id"])
    assert (running["status"], running["destination_backup_id"]) == ("replicating", None)
    assert await cbr.copies() == []

    cbr.pass_seconds(BACKUP_SECONDS)
    done, (copy,) = await cbr.record(backup_id), await cbr.copies()

    assert (done["status"], done["destination_backup_id"]) == ("success", copy["id"])
    assert (copy["name"], copy["image_type"], copy["status"]) == ("copied", "replication", "available")
    assert (copy["vault_id"], copy["project_id"]) == (cbr.copies_vault, SECOND.project_id)
    assert [row["image_type"] for row in await cbr.backups()] == ["backup"]


async def test_the_progress_of_a_copy_follows_the_clock(cbr: TwoRegions) -> None:
    backup_id = await cbr.backup()
    await cbr.copy(backup_id)
    cbr.pass_seconds(BACKUP_SECONDS / 2)
    assert (await cbr.record(backup_id))["extra_info"]["progress"] == 50


async def test_a_copy_that_fails_says_why_and_leaves_nothing_in_the_other_region(cbr: TwoRegions) -> None:
    backup_id = await cbr.backup()
    cbr.state.plan_failure("cbr.replication", "The network between the regions is down.")
    await cbr.copy(backup_id)
    cbr.pass_seconds(BACKUP_SECONDS)
    record = await cbr.record(backup_id)
    extra_info = record["extra_info"]
    reason = "The network between the regions is down."
    assert (record["status"], extra_info["fail_code"], extra_info["fail_reason"]) == (
        "fail",
        "BackupService.1006",
        reason,
    )
    assert await cbr.copies() == []
    (log,) = await cbr.logs("operation_type=replication")
    assert (log["status"], log["error_info"]["message"]) == ("failed", reason)


async def test_a_copy_that_failed_can_be_made_again(cbr: TwoRegions) -> None:
    backup_id = await cbr.backup()
    cbr.state.plan_failure("cbr.replication", "down")
    await cbr.copy(backup_id)
    cbr.pass_seconds(BACKUP_SECONDS)
    assert (await cbr.copy(backup_id)).status == 200


async def test_a_copy_can_be_planned_to_stay_under_way(cbr: TwoRegions) -> None:
    backup_id = await cbr.backup()
    cbr.state.plan_outcome("cbr.replication", stuck=True)
    await cbr.copy(backup_id)
    cbr.pass_seconds(1000 * BACKUP_SECONDS)
    assert (await cbr.record(backup_id))["status"] == "replicating"


async def test_a_backup_has_one_copy_in_a_region_until_that_is_deleted(cbr: TwoRegions) -> None:
    backup_id = await cbr.backup()
    await cbr.copy(backup_id)
    assert (await cbr.copy(backup_id)).refusal == (400, "6130")
    cbr.pass_seconds(BACKUP_SECONDS)
    assert (await cbr.copy(backup_id)).refusal == (400, "9900")
    (copy,) = await cbr.copies()
    assert (await cbr.there("DELETE", f"/backups/{copy['id']}")).status == 204
    cbr.pass_seconds(BACKUP_SECONDS)
    assert (await cbr.copy(backup_id)).status == 200


async def test_a_copy_stays_when_its_source_is_deleted(cbr: TwoRegions) -> None:
    backup_id = await cbr.backup()
    await cbr.copy(backup_id)
    cbr.pass_seconds(BACKUP_SECONDS)
    assert (await cbr.call("DELETE", f"/backups/{backup_id}")).status == 204
    cbr.pass_seconds(BACKUP_SECONDS)
    assert await cbr.backups() == []
    assert len(await cbr.copies()) == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"destination_region": "eu-fr"}, "1005"),
        ({"destination_region": HOME.name}, "1005"),
        ({"destination_project_id": HOME.project_id}, "1011"),
        ({"destination_vault_id": UNKNOWN}, "6120"),
        ({"destination_vault_id": None}, "9900"),
        ({"name": "a b"}, "9900"),
    ],
)
async def test_a_destination_that_cannot_be_is_refused(cbr: TwoRegions, changes: dict[str, Any], code: str) -> None:
    assert (await cbr.copy(await cbr.backup(), **changes)).refusal == (400, code)


@pytest.mark.parametrize(
    ("protect_type", "object_type", "code"), [("backup", "server", "6119"), ("replication", "turbo", "6128")]
)
async def test_a_vault_that_takes_no_copies_of_servers_is_refused(
    cbr: TwoRegions, protect_type: str, object_type: str, code: str
) -> None:
    vault_id = await cbr.vault_there(protect_type, object_type)
    assert (await cbr.copy(await cbr.backup(), destination_vault_id=vault_id)).refusal == (400, code)


async def test_a_vault_that_is_full_takes_no_copies(cbr: TwoRegions) -> None:
    backup_id = await cbr.backup()
    there = cbr.state.in_region(SECOND.name)
    there.table("cbr.vaults")[cbr.copies_vault]["billing"]["size"] = 0
    assert (await cbr.copy(backup_id)).refusal == (400, "6129")


async def test_a_backup_that_is_running_restored_from_or_gone_is_not_copied(cbr: TwoRegions) -> None:
    vault = await cbr.vault(cbr.servers[0])
    await cbr.back_up(vault["id"])
    (running,) = await cbr.backups()
    assert (await cbr.copy(running["id"])).refusal == (400, "6203")
    cbr.pass_seconds(BACKUP_SECONDS)
    await cbr.call("DELETE", f"/backups/{running['id']}")
    assert (await cbr.copy(running["id"])).refusal == (400, "6216")
    cbr.pass_seconds(BACKUP_SECONDS)
    assert (await cbr.copy(running["id"])).refusal == (404, "6200")


async def test_the_backup_of_a_disk_is_not_copied(cbr: TwoRegions) -> None:
    values = vault_body(resources=[{"id": cbr.volumes[0], "type": VOLUME}])
    values["billing"]["object_type"] = "disk"
    vault = (await cbr.good("POST", "/vaults", {"vault": values}))["vault"]
    await cbr.backed_up(vault["id"])
    (backup,) = await cbr.backups()
    assert (await cbr.copy(backup["id"])).refusal == (400, "6122")


async def test_a_copy_is_not_copied_back(cbr: TwoRegions) -> None:
    await cbr.copy(await cbr.backup())
    cbr.pass_seconds(BACKUP_SECONDS)
    (copy,) = await cbr.copies()
    back = {"destination_region": HOME.name, "destination_project_id": HOME.project_id, "destination_vault_id": "v"}
    answer = await cbr.there("POST", f"/backups/{copy['id']}/replicate", {"replicate": back})
    assert answer.refusal == (400, "6122")


async def test_a_whole_vault_is_copied_once(cbr: TwoRegions) -> None:
    vault = await cbr.vault(cbr.servers[0], cbr.servers[1])
    await cbr.backed_up(vault["id"])
    body = cbr.order(vault_id=vault["id"])
    begun = (await cbr.good("POST", "/checkpoints/replicate", body))["replication"]
    assert {each["backup_id"] for each in begun["backups"]} == {row["id"] for row in await cbr.backups()}
    cbr.pass_seconds(BACKUP_SECONDS)
    assert len(await cbr.copies()) == 2
    await cbr.backed_up(vault["id"])
    assert (await cbr.call("POST", "/checkpoints/replicate", body)).refusal == (400, "0001")


async def test_a_vault_without_backups_is_not_copied(cbr: TwoRegions) -> None:
    vault = await cbr.vault(cbr.servers[0])
    body = cbr.order(vault_id=vault["id"])
    assert (await cbr.call("POST", "/checkpoints/replicate", body)).refusal == (400, "0001")
    assert (await cbr.call("POST", "/checkpoints/replicate", cbr.order(vault_id=UNKNOWN))).refusal == (404, "6105")


async def test_each_region_tells_the_other(cbr: TwoRegions) -> None:
    regions = (await cbr.good("GET", "/replication-capabilities"))["regions"]
    assert regions == [
        {"name": "eu-de", "replication_destinations": ["eu-nl"]},
        {"name": "eu-nl", "replication_destinations": ["eu-de"]},
    ]


async def test_the_second_region_has_nothing_to_back_up(cbr: TwoRegions) -> None:
    values = vault_body(cbr.servers[0])
    assert (await cbr.there("POST", "/vaults", {"vault": values})).refusal == (404, "7100")
