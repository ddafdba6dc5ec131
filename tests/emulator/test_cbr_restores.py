"""Restoring in the emulated CBR: what is overwritten, what is refused, what the logs say (CBR section 7.4)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from airflow_provider_backup.emulator.core.contents import Contents
from tests.emulator.cbr_calls import BACKUP_SECONDS, FILE_SYSTEM, UNKNOWN, VOLUME, Cbr, billing


@pytest.fixture
async def cbr() -> AsyncIterator[Cbr]:
    service = Cbr()
    async with service.http:
        yield service


class Restorable:
    """A good backup, and the order to restore it to where it is from.

    :param cbr: the service.
    :param backup: the backup.
    """

    def __init__(self, cbr: Cbr, backup: dict[str, Any]) -> None:
        self.cbr = cbr
        self.backup = backup
        self.contents = Contents(cbr.state)

    @property
    def path(self) -> str:
        return f"/backups/{self.backup['id']}/restore"

    def order(self, **changes: Any) -> dict[str, Any]:
        if self.backup["resource_type"] == VOLUME:
            order: dict[str, Any] = {"volume_id": self.backup["resource_id"]}
        elif self.backup["resource_type"] == FILE_SYSTEM:
            order = {"resource_id": self.backup["resource_id"]}
        else:
            children = self.backup["children"]
            mappings = [{"backup_id": child["id"], "volume_id": child["resource_id"]} for child in children]
            order = {"server_id": self.backup["resource_id"], "mappings": mappings}
        return {name: value for name, value in {**order, **changes}.items() if value is not None}

    async def restore(self, **changes: Any) -> str:
        answer = await self.cbr.call("POST", self.path, {"restore": self.order(**changes)})
        assert answer.status == 202, answer
        return str(answer.body["job_id"])

    async def refusal(self, **changes: Any) -> tuple[int, str]:
        answer = await self.cbr.call("POST", self.path, {"restore": self.order(**changes)})
        assert answer.status != 202, answer
        return answer.refusal

    async def status(self) -> str:
        return str((await self.cbr.good("GET", f"/backups/{self.backup['id']}"))["backup"]["status"])

    async def log(self, log_id: str) -> dict[str, Any]:
        log: dict[str, Any] = (await self.cbr.good("GET", f"/operation-logs/{log_id}"))["operation_log"]
        return log


@pytest.fixture
async def server(cbr: Cbr) -> Restorable:
    """The backup of a server with two disks."""
    vault = await cbr.vault(cbr.servers[1])
    await cbr.backed_up(vault["id"])
    return Restorable(cbr, (await cbr.backups())[0])


@pytest.fixture
async def disk(cbr: Cbr) -> Restorable:
    """The backup of a disk that is not attached."""
    detached = next(row["id"] for row in cbr.inventory.volumes.values() if row["status"] == "available")
    vault = await cbr.vault(resources=[{"id": detached, "type": VOLUME}], billing=billing(object_type="disk"))
    await cbr.backed_up(vault["id"])
    return Restorable(cbr, (await cbr.backups())[0])


@pytest.fixture
async def file_system(cbr: Cbr) -> Restorable:
    """The backup of a file system."""
    identifier = next(iter(cbr.inventory.file_systems))
    vault = await cbr.vault(resources=[{"id": identifier, "type": FILE_SYSTEM}], billing=billing(object_type="turbo"))
    await cbr.backed_up(vault["id"])
    return Restorable(cbr, (await cbr.backups())[0])


async def test_a_restore_of_a_file_system_brings_its_content_back(cbr: Cbr, file_system: Restorable) -> None:
    identifier = file_system.backup["resource_id"]
    file_system.contents.change(identifier, 2)

    log_id = await file_system.restore()

    assert (await file_system.log(log_id))["extra_info"]["restore"]["target_resource_id"] == identifier
    cbr.pass_seconds(BACKUP_SECONDS)
    assert (await file_system.log(log_id))["status"] == "success"
    assert file_system.contents.version(identifier) == 1


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"resource_id": UNKNOWN}, (404, "6302")),
        ({"resource_id": None, "volume_id": UNKNOWN}, (400, "9900")),
        ({"resource_id": None}, (400, "9900")),
    ],
)
async def test_an_order_that_does_not_fit_the_backup_of_a_file_system_is_refused(
    file_system: Restorable, changes: dict[str, Any], refusal: tuple[int, str]
) -> None:
    assert await file_system.refusal(**changes) == refusal


async def test_a_file_system_that_is_smaller_than_the_backup_is_refused(cbr: Cbr, file_system: Restorable) -> None:
    cbr.inventory.file_systems[file_system.backup["resource_id"]]["size_gb"] -= 1

    assert await file_system.refusal() == (400, "2001")


async def test_a_restore_of_a_server_brings_the_content_of_its_disks_back(cbr: Cbr, server: Restorable) -> None:
    server.contents.change(cbr.servers[1], 2)

    log_id = await server.restore()

    assert await server.status() == "restoring"
    assert (await server.log(log_id))["status"] == "running"
    assert server.contents.version(cbr.servers[1]) == 2
    cbr.pass_seconds(BACKUP_SECONDS)
    assert await server.status() == "available"
    assert (await server.log(log_id))["status"] == "success"
    assert server.contents.version(cbr.servers[1]) == 1


async def test_the_log_names_the_backup_and_what_is_overwritten(cbr: Cbr, server: Restorable) -> None:
    log = await server.log(await server.restore())

    assert (log["operation_type"], log["vault_id"]) == ("restore", server.backup["vault_id"])
    assert log["extra_info"]["restore"] == {
        "backup_id": server.backup["id"],
        "backup_name": server.backup["name"],
        "target_resource_id": cbr.servers[1],
        "target_resource_name": "app-1",
    }
    assert [each["id"] for each in await cbr.logs("operation_type=restore")] == [log["id"]]


async def test_a_mapping_that_leaves_disks_out_leaves_their_content_alone(cbr: Cbr, server: Restorable) -> None:
    server.contents.change(cbr.servers[1], 2)
    kept, wanted = server.order()["mappings"]

    await server.restore(mappings=[wanted])
    cbr.pass_seconds(BACKUP_SECONDS)

    assert server.contents.version(wanted["volume_id"]) == 1
    assert server.contents.version(kept["volume_id"]) == 2


async def test_a_disk_is_restored_to_itself(cbr: Cbr, disk: Restorable) -> None:
    server_disk = disk.backup["resource_id"]
    disk.contents.change(server_disk, 5)

    await disk.restore()
    cbr.pass_seconds(BACKUP_SECONDS)

    assert disk.contents.version(server_disk) == 1


@pytest.mark.parametrize(("power_on", "status"), [(None, "ACTIVE"), (True, "ACTIVE"), (False, "SHUTOFF")])
async def test_a_server_runs_afterwards_unless_it_is_to_stay_off(
    cbr: Cbr, server: Restorable, power_on: bool | None, status: str
) -> None:
    await server.restore(power_on=power_on)

    assert cbr.inventory.servers[cbr.servers[1]]["status"] == status


async def test_a_restore_that_fails_gives_its_reason_and_leaves_the_content(cbr: Cbr, server: Restorable) -> None:
    server.contents.change(cbr.servers[1], 2)
    cbr.state.plan_failure("cbr.restore", "the disk cannot be written")

    log_id = await server.restore()
    cbr.pass_seconds(BACKUP_SECONDS)

    log = await server.log(log_id)
    assert (log["status"], log["error_info"]["message"]) == ("failed", "the disk cannot be written")
    assert await server.status() == "available"
    assert server.contents.version(cbr.servers[1]) == 2


async def test_a_restore_that_is_stuck_never_ends(cbr: Cbr, server: Restorable) -> None:
    cbr.state.plan_outcome("cbr.restore", stuck=True)

    log_id = await server.restore()
    cbr.pass_seconds(10 * BACKUP_SECONDS)

    assert (await server.log(log_id))["status"] == "running"
    assert await server.status() == "restoring"


async def test_what_is_being_restored_is_neither_backed_up_nor_restored_again(cbr: Cbr, server: Restorable) -> None:
    await server.restore()

    body = {"checkpoint": {"vault_id": server.backup["vault_id"]}}
    assert (await cbr.call("POST", "/checkpoints", body)).refusal == (400, "2010")
    assert await server.refusal() == (400, "2010")
    resource = (await cbr.get_vault(server.backup["vault_id"]))["resources"][0]
    assert resource["protect_status"] == "restoring"


async def test_a_backup_that_is_restored_from_is_not_deleted(cbr: Cbr, server: Restorable) -> None:
    await server.restore()

    assert (await cbr.call("DELETE", f"/backups/{server.backup['id']}")).refusal == (400, "6216")


async def test_the_checkpoint_of_a_backup_that_is_restored_from_is_available(cbr: Cbr, server: Restorable) -> None:
    await server.restore()

    answer = await cbr.call("GET", f"/checkpoints/{server.backup['checkpoint_id']}")
    assert answer.body["checkpoint"]["status"] == "available"


async def test_what_is_being_backed_up_is_not_restored(cbr: Cbr, server: Restorable) -> None:
    await cbr.back_up(server.backup["vault_id"])

    assert await server.refusal() == (400, "2002")


async def test_only_a_good_backup_is_restored(cbr: Cbr) -> None:
    vault = await cbr.vault(cbr.servers[1])
    await cbr.back_up(vault["id"])
    running = Restorable(cbr, (await cbr.backups())[0])

    assert await running.refusal() == (400, "2005")


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"server_id": UNKNOWN}, (404, "7100")),
        ({"mappings": []}, (400, "9900")),
        ({"volume_id": UNKNOWN}, (400, "9900")),
        ({"server_id": None}, (400, "9900")),
        ({"mappings": [{"backup_id": UNKNOWN, "volume_id": UNKNOWN}]}, (404, "6200")),
        ({"details": {}}, (400, "9900")),
        ({"server_id": None, "mappings": None, "resource_id": UNKNOWN}, (400, "9900")),
    ],
)
async def test_an_order_that_does_not_fit_the_backup_of_a_server_is_refused(
    server: Restorable, changes: dict[str, Any], refusal: tuple[int, str]
) -> None:
    assert await server.refusal(**changes) == refusal


async def test_a_backup_is_restored_only_to_its_own_server(cbr: Cbr, server: Restorable) -> None:
    assert await server.refusal(server_id=cbr.servers[2]) == (400, "2003")


async def test_a_disk_of_the_mapping_must_exist_fit_and_belong_to_the_server(cbr: Cbr, server: Restorable) -> None:
    system, data = server.order()["mappings"]
    of_another = cbr.inventory.servers[cbr.servers[2]]["volumes"][1]

    async def refusal(mapping: dict[str, str], volume_id: str) -> tuple[int, str]:
        return await server.refusal(mappings=[{**mapping, "volume_id": volume_id}])

    assert await refusal(data, UNKNOWN) == (404, "7000")
    assert await refusal(data, system["volume_id"]) == (400, "2001")
    assert await refusal(data, of_another) == (400, "7201")


async def test_a_disk_must_be_detached_and_large_enough(cbr: Cbr, disk: Restorable) -> None:
    attached = next(row["id"] for row in cbr.inventory.volumes.values() if row["size_gb"] > 200)
    small = next(row["id"] for row in cbr.inventory.volumes.values() if row["size_gb"] < 200)

    assert await disk.refusal(volume_id=attached) == (400, "2011")
    assert await disk.refusal(volume_id=small) == (400, "2001")


async def test_an_unknown_backup_is_not_restored(cbr: Cbr) -> None:
    body = {"restore": {"volume_id": UNKNOWN}}
    assert (await cbr.call("POST", f"/backups/{UNKNOWN}/restore", body)).refusal == (404, "6200")
