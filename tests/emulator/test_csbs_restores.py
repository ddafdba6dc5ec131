"""Restoring in the emulated CSBS: states, content, refusals (CSBS sections 4.4, 6.1, 6.4 and 10)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from airflow_provider_backup.cloud.services.csbs.models import PROVIDER_ID
from airflow_provider_backup.emulator.core.contents import Contents
from tests.emulator.test_csbs import Csbs

BACKUP_SECONDS = 100


class Server:
    """A server with a good backup, whose content has changed since from 1 to 2.

    :param csbs: the service.
    """

    def __init__(self, csbs: Csbs) -> None:
        self.csbs = csbs
        rows = csbs.inventory.servers
        self.number = next(number for number, each in enumerate(csbs.servers) if len(rows[each]["volumes"]) > 1)
        self.id = csbs.servers[self.number]
        self.contents = Contents(csbs.state)
        self.item: dict[str, Any] = {}

    async def back_up(self) -> None:
        checkpoint = (await self.csbs.protect(self.number)).body["checkpoint"]["id"]
        self.csbs.pass_seconds(BACKUP_SECONDS)
        (self.item,) = await self.csbs.items(f"?checkpoint_id={checkpoint}")
        self.contents.change(self.id, 2)

    @property
    def content(self) -> int:
        return self.contents.version(self.id)

    @property
    def volumes(self) -> list[dict[str, str]]:
        return [
            {"backup_id": disk["id"], "volume_id": disk["source_volume_id"]}
            for disk in self.item["extend_info"]["volume_backups"]
        ]

    def order(self, **changes: Any) -> dict[str, Any]:
        targets = {"server_id": changes.pop("server_id", self.id), "volumes": changes.pop("volumes", self.volumes)}
        parameters = {"checkpoint_item_id": changes.pop("item_id", self.item["id"]), "power_on": True}
        order = {"provider_id": PROVIDER_ID, "checkpoint_id": self.item["checkpoint_id"]}
        return {"restore": {**order, "parameters": {**parameters, "targets": targets}, **changes}}

    async def restore(self, **changes: Any) -> dict[str, Any]:
        restore: dict[str, Any] = (await self.csbs.good("POST", "/restores", self.order(**changes)))["restore"]
        return restore

    async def refusal(self, **changes: Any) -> tuple[int, str]:
        answer = await self.csbs.call("POST", "/restores", self.order(**changes))
        return answer.status, answer.body.get("error_code")

    async def check(self, **changes: Any) -> dict[str, Any]:
        parameters = self.order(**changes)["restore"]["parameters"]
        target = {"resource_id": parameters["targets"]["server_id"], "resource_type": "OS::Nova::Server"}
        target["volumes"] = parameters["targets"]["volumes"]
        question = {"checkpoint_item_id": parameters["checkpoint_item_id"], "target": target}
        path = f"/providers/{PROVIDER_ID}/resources/action"
        (answer,) = (await self.csbs.good("POST", path, {"check_restorable": [question]}))["restorable"]
        return dict(answer)

    async def read(self) -> dict[str, Any]:
        return dict((await self.csbs.good("GET", f"/checkpoint_items/{self.item['id']}"))["checkpoint_item"])


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    csbs = Csbs()
    async with csbs.http:
        server = Server(csbs)
        await server.back_up()
        yield server


async def test_a_restore_brings_the_content_back_when_it_is_over(server: Server) -> None:
    restore = await server.restore()

    assert (restore["status"], restore["checkpoint_id"]) == ("in_progress", server.item["checkpoint_id"])
    assert (await server.read())["status"] == "restoring"
    assert server.content == 2
    server.csbs.pass_seconds(BACKUP_SECONDS)
    item = await server.read()
    assert (item["status"], item["extend_info"]["fail_op"]) == ("available", "")
    assert item["updated_at"] > server.item["updated_at"]
    assert server.content == 1


async def test_backups_that_are_restored_from_are_listed_by_their_status(server: Server) -> None:
    await server.restore()

    assert [item["id"] for item in await server.csbs.items("?status=restoring")] == [server.item["id"]]


async def test_a_restore_that_fails_brings_nothing_back_and_shows_the_reason(server: Server) -> None:
    server.csbs.state.plan_failure("csbs.restore", "the disk cannot be written")
    await server.restore()
    server.csbs.pass_seconds(BACKUP_SECONDS)

    item = await server.read()
    info = item["extend_info"]
    assert (item["status"], info["fail_op"]) == ("available", "restore")
    assert info["fail_reason"] == "the disk cannot be written"
    assert server.content == 2


async def test_the_next_restore_clears_the_failure_of_the_last_one(server: Server) -> None:
    server.csbs.state.plan_failure("csbs.restore", "the disk cannot be written")
    await server.restore()
    server.csbs.pass_seconds(BACKUP_SECONDS)
    await server.restore()
    server.csbs.pass_seconds(BACKUP_SECONDS)

    assert (await server.read())["extend_info"]["fail_op"] == ""
    assert server.content == 1


@pytest.mark.parametrize(("power_on", "status"), [(True, "ACTIVE"), (False, "SHUTOFF")])
async def test_power_on_decides_whether_the_server_runs_afterwards(server: Server, power_on: bool, status: str) -> None:
    order = server.order()
    order["restore"]["parameters"]["power_on"] = power_on

    await server.csbs.good("POST", "/restores", order)

    assert server.csbs.inventory.servers[server.id]["status"] == status


async def test_a_server_that_is_restored_takes_no_restore_no_backup_and_no_deletion(server: Server) -> None:
    await server.restore()

    assert await server.refusal() == (400, "CSBS.6015")
    assert (await server.csbs.protect(server.number)).body["error_code"] == "CSBS.6005"
    assert (await server.csbs.delete(server.item["checkpoint_id"])).body["error_code"] == "CSBS.2003"


async def test_a_server_that_is_backed_up_takes_no_restore(server: Server) -> None:
    await server.csbs.protect(server.number)

    assert await server.refusal() == (400, "CSBS.2003")


async def test_a_backup_that_failed_is_not_restored(server: Server) -> None:
    server.csbs.state.table("csbs.items")[server.item["id"]]["failure"] = "no space"

    assert await server.refusal() == (400, "CSBS.4000")


async def test_a_backup_that_is_being_deleted_is_not_restored(server: Server) -> None:
    await server.csbs.delete(server.item["checkpoint_id"])

    assert await server.refusal() == (400, "CSBS.2003")


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"item_id": "unknown"}, (404, "CSBS.3001")),
        ({"checkpoint_id": "unknown"}, (404, "CSBS.3001")),
        ({"server_id": "unknown"}, (400, "CSBS.6000")),
        ({"volumes": []}, (400, "CSBS.9001")),
        ({"provider_id": "unknown"}, (400, "CSBS.9001")),
    ],
)
async def test_what_does_not_exist_is_not_restored(
    server: Server, changes: dict[str, Any], refusal: tuple[int, str]
) -> None:
    assert await server.refusal(**changes) == refusal
    assert server.content == 2


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (lambda volumes: volumes[:1], (400, "CSBS.6018")),
        (lambda volumes: [*volumes, {"backup_id": "unknown", "volume_id": "disk"}], (400, "CSBS.6017")),
        (lambda volumes: [{**volumes[0], "volume_id": "elsewhere"}, *volumes[1:]], (400, "CSBS.6014")),
        (
            lambda volumes: [
                {"backup_id": volumes[1]["backup_id"], "volume_id": volumes[0]["volume_id"]},
                {"backup_id": volumes[0]["backup_id"], "volume_id": volumes[1]["volume_id"]},
            ],
            (500, "CSBS.6023"),
        ),
    ],
)
async def test_disks_that_do_not_fit_are_refused_and_the_question_says_the_same(
    server: Server, change: Any, refusal: tuple[int, str]
) -> None:
    volumes = change(server.volumes)

    assert await server.refusal(volumes=volumes) == refusal
    answer = await server.check(volumes=volumes)
    assert (answer["result"], answer["error_code"]) == (False, refusal[1])


async def test_a_disk_that_is_smaller_than_its_backup_is_refused(server: Server) -> None:
    server.csbs.inventory.volumes[server.volumes[0]["volume_id"]]["size_gb"] = 1

    assert await server.refusal() == (400, "CSBS.6024")


async def test_a_server_in_another_zone_or_without_disks_is_refused(server: Server) -> None:
    row = server.csbs.inventory.servers[server.id]
    row["availability_zone"] = "elsewhere"
    assert await server.refusal() == (400, "CSBS.6025")
    row["volumes"] = []
    assert await server.refusal() == (400, "CSBS.6020")


async def test_what_can_be_restored_is_answered_before_anything_is_overwritten(server: Server) -> None:
    answer = await server.check()

    assert answer == {
        "resource_id": server.id,
        "resource_type": "OS::Nova::Server",
        "result": True,
        "error_code": "",
        "error_msg": "",
    }
    assert (await server.read())["status"] == "available"
