"""Content versions: a maintenance changes them, a backup remembers them, a restore brings them back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from airflow_provider_backup.emulator.core.contents import Contents
from airflow_provider_backup.emulator.core.inventory import Inventory
from airflow_provider_backup.emulator.core.state import CloudState
from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.emulator.callers import caller_of


def inventory_of(cloud: RunningCloud) -> Inventory:
    return Inventory(cloud.state)


def a_server(cloud: RunningCloud) -> tuple[str, list[str]]:
    """Return a server with two disks, and the disks."""
    server = next(row for row in inventory_of(cloud).servers.values() if len(row["volumes"]) == 2)
    return server["id"], server["volumes"]


async def test_a_maintenance_changes_the_content_of_a_disk_and_its_server(backup_cloud: RunningCloud) -> None:
    server, (system, data) = a_server(backup_cloud)
    async with caller_of(backup_cloud) as caller:
        changed = await caller.call("POST", "iam", f"/_control/contents/vbs/{data}", {"version": 7})
        answer = await caller.call("GET", "iam", f"/_control/contents/cbr/{server}")
        untouched = await caller.call("GET", "iam", f"/_control/contents/cbr/{system}")

    assert (changed.status, answer.status, answer.body) == (204, 200, {"version": 7})
    assert untouched.body == {"version": 1}


def test_a_maintenance_of_a_server_changes_all_its_disks(backup_cloud: RunningCloud) -> None:
    server, disks = a_server(backup_cloud)

    backup_cloud.change_content(server, 4)

    assert [backup_cloud.content(each) for each in (server, *disks)] == [4, 4, 4]


@pytest.mark.parametrize("service", ["rds", "gaussdb", "taurusdb"])
async def test_database_instances_have_content(backup_cloud: RunningCloud, service: str) -> None:
    instance = next(iter(inventory_of(backup_cloud).instances(service)))
    async with caller_of(backup_cloud) as caller:
        await caller.call("POST", "iam", f"/_control/contents/{service}/{instance}", {"version": 3})

    assert backup_cloud.content(instance) == 3


@pytest.mark.parametrize("body", [{}, {"version": "7"}, {"version": True}, {"version": -1}, {"version": 2**53}])
async def test_a_version_is_a_whole_number(backup_cloud: RunningCloud, body: dict[str, object]) -> None:
    server, _ = a_server(backup_cloud)
    async with caller_of(backup_cloud) as caller:
        assert (await caller.call("POST", "iam", f"/_control/contents/cbr/{server}", body)).status == 400


async def test_content_is_asked_of_the_service_that_protects_the_resource(backup_cloud: RunningCloud) -> None:
    server, _ = a_server(backup_cloud)
    async with caller_of(backup_cloud) as caller:
        assert (await caller.call("GET", "iam", f"/_control/contents/rds/{server}")).status == 404
        assert (await caller.call("GET", "iam", f"/_control/contents/nope/{server}")).status == 404
        assert (await caller.call("GET", "iam", "/_control/contents/cbr/nope")).status == 404


class Cloud:
    """A state with a clock of its own, and its contents."""

    def __init__(self, file: Path | None = None) -> None:
        self.time = datetime(2026, 5, 2, 10, tzinfo=UTC)
        self.state = CloudState(backup_seconds=60, now=lambda: self.time, file=file)
        self.disk = next(iter(Inventory(self.state).volumes))
        self.contents = Contents(self.state)

    def later(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


def test_a_restore_brings_the_version_back_when_it_is_over() -> None:
    cloud = Cloud()
    held = cloud.contents.snapshot(cloud.disk)
    cloud.contents.change(cloud.disk, 2)

    cloud.contents.restore(held, cloud.state.started("cbr.restore"))

    assert cloud.contents.version(cloud.disk) == 2
    cloud.later(61)
    assert cloud.contents.version(cloud.disk) == 1


def test_what_is_changed_after_a_restore_stays_changed() -> None:
    cloud = Cloud()
    cloud.contents.restore(cloud.contents.snapshot(cloud.disk), cloud.state.started("cbr.restore"))
    cloud.later(61)

    cloud.contents.change(cloud.disk, 5)

    assert cloud.contents.version(cloud.disk) == 5


def test_a_restore_that_fails_brings_nothing_back() -> None:
    cloud = Cloud()
    held = cloud.contents.snapshot(cloud.disk)
    cloud.contents.change(cloud.disk, 2)
    cloud.state.plan_failure("cbr.restore", "disk full")

    cloud.contents.restore(held, cloud.state.started("cbr.restore"))
    cloud.later(61)

    assert cloud.contents.version(cloud.disk) == 2


def test_versions_stay_over_a_restart(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path / "cloud.json")
    cloud.contents.change(cloud.disk, 9)
    cloud.state.save()

    assert Contents(CloudState(file=tmp_path / "cloud.json")).version(cloud.disk) == 9
