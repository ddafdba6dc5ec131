"""Copies of RDS backups in another region: the rules of the local cloud (databases section 8.6)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from airflow_provider_backup.emulator.core.accounts import PROJECT_ID, REGION
from airflow_provider_backup.emulator.core.inventory import Inventory
from airflow_provider_backup.emulator.core.state import Row
from airflow_provider_backup.emulator.services.rds import EmulatedRds
from tests.emulator.database_service import Answer, DatabaseServer

DAY = 86_400


class Offsite:
    """RDS with calls for the copies of its backups."""

    def __init__(self, server: DatabaseServer) -> None:
        self.server = server
        self.instance_id = server.instance_id
        self.sql_server = next(row["id"] for row in server.instances.values() if row["engine"] == "SQLServer")

    async def put(self, backup_type: str, keep_days: Any, instance_id: str | None = None, **values: Any) -> Answer:
        """Put a policy."""
        policy = {
            "backup_type": backup_type,
            "keep_days": keep_days,
            "destination_region": "eu-nl",
            "destination_project_id": PROJECT_ID,
            **values,
        }
        path = f"instances/{instance_id or self.instance_id}/backups/offsite-policy"
        return await self.server.send("PUT", path, {"policy_para": policy})

    async def policy(self, instance_id: str | None = None) -> dict[str, int]:
        """Return the days of each type that is copied."""
        answer = await self.server.send("GET", f"instances/{instance_id or self.instance_id}/backups/offsite-policy")
        return {row["backup_type"]: row["keep_days"] for row in answer.body["policy_para"]}

    async def copies(self, **query: str) -> list[Row]:
        """List the copies of the instance."""
        answer = await self.server.send("GET", "offsite-backups", **{"instance_id": self.instance_id, **query})
        rows: list[Row] = answer.body["backups"]
        assert answer.body["total_count"] == len(rows)
        return rows

    def take_automatic_backup(self) -> None:
        """Let the schedule of the instance take a backup now."""
        schedules = EmulatedRds(self.server.state, Inventory(self.server.state)).schedules
        assert schedules is not None
        schedules.run(self.instance_id)


@pytest_asyncio.fixture
async def offsite() -> AsyncIterator[Offsite]:
    async with DatabaseServer("rds") as server:
        yield Offsite(server)


async def test_copying_is_off_at_first(offsite: Offsite) -> None:
    assert await offsite.policy() == {}


async def test_all_types_of_backups_are_copied_when_asked(offsite: Offsite) -> None:
    assert (await offsite.put("all", 7)).status == 200
    assert await offsite.policy() == {"auto": 7, "incremental": 7}


async def test_sql_server_copies_manual_backups_too(offsite: Offsite) -> None:
    assert (await offsite.put("all", 7, offsite.sql_server)).status == 200
    assert await offsite.policy(offsite.sql_server) == {"auto": 7, "incremental": 7, "manual": 7}


async def test_sql_server_knows_all_types_together_only(offsite: Offsite) -> None:
    assert (await offsite.put("auto", 7, offsite.sql_server)).refusal == (400, "DBS.201204")


async def test_incremental_backups_are_copied_only_with_full_ones(offsite: Offsite) -> None:
    assert (await offsite.put("incremental", 7)).refusal == (409, "DBS.200402")
    await offsite.put("auto", 7)
    assert (await offsite.put("incremental", 7)).status == 200
    assert await offsite.policy() == {"auto": 7, "incremental": 7}


async def test_full_and_incremental_copies_stay_equally_long(offsite: Offsite) -> None:
    await offsite.put("auto", 7)
    assert (await offsite.put("incremental", 8)).refusal == (400, "DBS.201106")


async def test_full_backups_are_switched_off_after_incremental_ones(offsite: Offsite) -> None:
    await offsite.put("all", 7)
    assert (await offsite.put("auto", 0)).refusal == (409, "DBS.200402")
    assert (await offsite.put("incremental", 0)).status == 200
    assert await offsite.policy() == {"auto": 7}
    assert (await offsite.put("auto", 0)).status == 200
    assert await offsite.policy() == {}


async def test_the_destination_cannot_be_changed_while_copying_is_on(offsite: Offsite) -> None:
    await offsite.put("auto", 7)
    await offsite.put("auto", 9, destination_region="eu-ch2")
    path = f"instances/{offsite.instance_id}/backups/offsite-policy"
    (row,) = (await offsite.server.send("GET", path)).body["policy_para"]
    assert (row["keep_days"], row["destination_region"]) == (9, "eu-nl")


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"keep_days": 1826}, "DBS.201106"),
        ({"keep_days": -1}, "DBS.201106"),
        ({"backup_type": "manual"}, "DBS.201004"),
        ({"destination_region": ""}, "DBS.280001"),
        ({"destination_project_id": None}, "DBS.280001"),
    ],
)
async def test_a_policy_that_breaks_a_rule_is_refused(offsite: Offsite, values: Row, code: str) -> None:
    answer = await offsite.put(**{"backup_type": "auto", "keep_days": 7, **values})
    assert answer.refusal == (400, code)


async def test_a_policy_is_refused_while_the_instance_is_backed_up(offsite: Offsite) -> None:
    await offsite.server.start()
    assert (await offsite.put("auto", 7)).refusal == (500, "DBS.280228")


async def test_the_policy_of_an_unknown_instance_is_refused(offsite: Offsite) -> None:
    assert (await offsite.put("auto", 7, "0" * 32 + "in01")).refusal == (404, "DBS.200045")


async def test_an_automatic_backup_is_copied_once_it_is_good(offsite: Offsite) -> None:
    await offsite.put("auto", 7)
    offsite.take_automatic_backup()
    offsite.server.clock.move(99)
    assert await offsite.copies() == []
    offsite.server.clock.move(2)
    (copying,) = await offsite.copies()
    offsite.server.clock.move(100)
    (copy,) = await offsite.copies()
    assert (copying["status"], copy["status"]) == ("BUILDING", "COMPLETED")
    assert (copy["instance_id"], copy["type"]) == (offsite.instance_id, "auto")
    assert await offsite.copies(backup_type="incremental") == []
    assert await offsite.copies(backup_id=copy["id"]) == [copy]


async def test_a_failed_backup_is_not_copied(offsite: Offsite) -> None:
    await offsite.put("auto", 7)
    offsite.server.state.plan_failure("rds", "disk is broken")
    offsite.take_automatic_backup()
    offsite.server.clock.move(DAY / 2)
    assert await offsite.copies() == []


async def test_a_copy_can_be_planned_to_fail(offsite: Offsite) -> None:
    await offsite.put("auto", 7)
    offsite.server.state.plan_failure("rds.offsite", "the other region is full")
    offsite.take_automatic_backup()
    offsite.server.clock.move(201)
    assert [copy["status"] for copy in await offsite.copies()] == ["FAILED"]


async def test_manual_backups_are_not_copied(offsite: Offsite) -> None:
    await offsite.put("all", 7)
    await offsite.server.finish()
    offsite.server.clock.move(200)
    assert await offsite.copies() == []


async def test_copies_go_after_the_days_of_the_policy(offsite: Offsite) -> None:
    await offsite.put("auto", 7)
    offsite.take_automatic_backup()
    offsite.server.clock.move(7 * DAY)
    assert len(await offsite.copies()) == 1
    offsite.server.clock.move(1)
    assert await offsite.copies() == []


async def test_switching_off_keeps_full_copies(offsite: Offsite) -> None:
    await offsite.put("auto", 1)
    offsite.take_automatic_backup()
    offsite.server.clock.move(201)
    await offsite.put("all", 0)
    offsite.server.clock.move(9 * DAY)
    offsite.take_automatic_backup()
    offsite.server.clock.move(201)
    assert len(await offsite.copies()) == 1


async def test_an_instance_can_be_restored_from_its_copies_to_moments_after_the_first(offsite: Offsite) -> None:
    path = f"instances/{offsite.instance_id}/offsite-restore-time"
    await offsite.put("all", 7)
    assert (await offsite.server.send("GET", path)).body == {"restore_time": []}
    offsite.take_automatic_backup()
    offsite.server.clock.move(3600)
    (window,) = (await offsite.server.send("GET", path)).body["restore_time"]
    now = int(offsite.server.clock().timestamp() * 1000)
    assert (window["start_time"], window["end_time"]) == (now - 3500 * 1000, now - 300 * 1000)
    tomorrow = (offsite.server.clock() + timedelta(days=1)).date().isoformat()
    assert (await offsite.server.send("GET", path, date=tomorrow)).body == {"restore_time": []}


async def test_the_other_region_shows_which_instances_have_copies(offsite: Offsite) -> None:
    await offsite.put("auto", 7)
    offsite.take_automatic_backup()
    offsite.server.clock.move(101)
    answer = await offsite.server.send("GET", "../backups/offsite-backup-instance")
    (row,) = answer.body["offsite_backup_instances"]
    assert (row["id"], row["source_region"], row["destination_region"], row["keep_days"]) == (
        offsite.instance_id,
        REGION,
        "eu-nl",
        7,
    )
