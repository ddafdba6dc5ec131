"""Restores of RDS, GaussDB and TaurusDB in the local cloud: jobs, states, content, refusals (databases section 8)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from airflow_provider_backup.cloud.services.databases.restore_models import milliseconds_of
from airflow_provider_backup.emulator.core.contents import Contents
from airflow_provider_backup.emulator.core.state import Row
from tests.emulator.database_service import Answer, DatabaseServer

UNKNOWN_INSTANCE = "0" * 32 + "in01"
UNKNOWN_BACKUP = "0" * 32 + "br01"


class Restorable:
    """A service with an instance that has a good backup of content 1 and content 2 now."""

    def __init__(self, server: DatabaseServer, backup_id: str) -> None:
        self.server = server
        self.backup_id = backup_id
        self.instance_id = server.instance_id
        self.contents = Contents(server.state)
        self.contents.change(self.instance_id, 2)

    def point(self, **values: Any) -> Row:
        """What is restored: the backup, unless something else is given."""
        source = {"instance_id": self.instance_id, "type": "backup", "backup_id": self.backup_id, **values}
        return {name: value for name, value in source.items() if value is not None}

    def moment(self, time: datetime) -> Row:
        """The state of a moment."""
        return self.point(type="timestamp", backup_id=None, restore_time=milliseconds_of(time))

    async def restore(self, target_id: str | None = None, **source: Any) -> Answer:
        """Post a restore to an existing instance."""
        body = {"source": self.point(**source), "target": {"instance_id": target_id or self.instance_id}}
        return await self.server.send("POST", "instances/recovery", body)

    async def create(self, **values: Any) -> Answer:
        """Post a restore to a new instance."""
        body = {
            "name": "rehearsal-1",
            "flavor_ref": "rds.mysql.x1.xlarge.4",
            "volume": {"type": "CLOUDSSD", "size": 200},
            "availability_zone": "eu-de-01",
            "restore_point": self.point(),
            "password": "Secret-1234",
            **values,
        }
        return await self.server.send("POST", "instances", body)

    async def instance(self, instance_id: str | None = None) -> Row | None:
        """Return an instance as the list shows it."""
        rows = (await self.server.send("GET", "instances", id=instance_id or self.instance_id)).body["instances"]
        return rows[0] if rows else None

    async def status(self, instance_id: str | None = None) -> str | None:
        """Return the status of an instance."""
        row = await self.instance(instance_id)
        return str(row["status"]) if row else None

    async def job(self, job_id: str) -> Row:
        """Return a job."""
        job: Row = (await self.server.send("GET", "jobs", id=job_id)).body["job"]
        return job

    async def windows(self, **query: str) -> list[tuple[int, int]]:
        """Return the restore windows."""
        answer = await self.server.send("GET", f"instances/{self.instance_id}/restore-time", **query)
        return [(row["start_time"], row["end_time"]) for row in answer.body["restore_time"]]


@pytest_asyncio.fixture
async def rds() -> AsyncIterator[Restorable]:
    async with DatabaseServer("rds") as server:
        yield Restorable(server, await server.finish())


async def test_a_restore_in_place_brings_the_content_back_when_its_job_is_over(rds: Restorable) -> None:
    answer = await rds.restore()

    assert answer.status == 200
    job_id = answer.body["job_id"]
    assert await rds.status() == "ACTIVE"
    rds.server.clock.move(2)
    assert await rds.status() == "RESTORING"
    assert ((await rds.job(job_id))["status"], rds.contents.version(rds.instance_id)) == ("Running", 2)
    rds.server.clock.move(99)
    assert await rds.status() == "ACTIVE"
    assert (await rds.job(job_id))["status"] == "Completed"
    assert rds.contents.version(rds.instance_id) == 1


async def test_a_restore_that_fails_gives_its_reason_and_leaves_the_content(rds: Restorable) -> None:
    rds.server.state.plan_failure("rds.restore", "disk full")

    job_id = (await rds.restore()).body["job_id"]
    rds.server.clock.move(101)

    job = await rds.job(job_id)
    assert (job["status"], job["fail_reason"]) == ("Failed", "disk full")
    assert (await rds.status(), rds.contents.version(rds.instance_id)) == ("ACTIVE", 2)


async def test_a_restore_that_is_stuck_never_ends(rds: Restorable) -> None:
    rds.server.state.plan_outcome("rds.restore", stuck=True)

    job_id = (await rds.restore()).body["job_id"]
    rds.server.clock.move(10_000)

    assert (await rds.status(), (await rds.job(job_id))["status"]) == ("RESTORING", "Running")


async def test_an_instance_that_is_restored_is_busy_from_the_first_moment(rds: Restorable) -> None:
    await rds.restore()

    assert (await rds.restore()).refusal == (409, "DBS.201202")
    assert (await rds.server.create("second")).refusal == (409, "DBS.201202")
    assert (await rds.server.send("DELETE", f"instances/{rds.instance_id}")).refusal == (409, "DBS.201202")


async def test_an_instance_that_is_backed_up_is_not_restored(rds: Restorable) -> None:
    await rds.server.start("second")

    assert (await rds.restore()).refusal == (409, "DBS.201202")


async def test_the_state_of_a_moment_is_restored(rds: Restorable) -> None:
    rds.server.clock.move(600)
    moment = rds.server.clock.time
    rds.server.clock.move(60)
    rds.contents.change(rds.instance_id, 3)
    rds.server.clock.move(600)

    point = rds.moment(moment)
    answer = await rds.restore(**{"backup_id": None, **point})
    rds.server.clock.move(101)

    assert answer.status == 200
    assert rds.contents.version(rds.instance_id) == 2


async def test_a_moment_outside_the_windows_is_refused(rds: Restorable) -> None:
    for away in (timedelta(), timedelta(days=-30)):
        point = rds.moment(rds.server.clock.time + away)
        assert (await rds.restore(**{"backup_id": None, **point})).refusal == (400, "RDS.3029")


async def test_a_restore_in_place_leaves_a_gap_in_the_windows(rds: Restorable) -> None:
    rds.server.clock.move(600)
    began = rds.server.clock.time
    await rds.restore()
    rds.server.clock.move(700)

    (_, first_end), (second_start, second_end) = await rds.windows()

    assert first_end == milliseconds_of(began)
    assert second_start == milliseconds_of(began + timedelta(seconds=100))
    assert second_end == milliseconds_of(rds.server.clock.time - timedelta(minutes=5))
    assert len(await rds.windows(date=f"{began:%Y-%m-%d}")) == 2
    assert await rds.windows(date="2030-01-01") == []


async def test_windows_need_automatic_backups(rds: Restorable) -> None:
    await rds.server.put_policy(keep_days=0)

    assert await rds.windows() == []


async def test_a_new_instance_has_the_content_of_the_backup(rds: Restorable) -> None:
    answer = await rds.create(tags=[{"key": "purpose", "value": "rehearsal"}])

    assert answer.status == 202
    new_id = answer.body["instance"]["id"]
    assert new_id[-4:] == "in01"
    assert answer.body["instance"]["status"] == await rds.status(new_id) == "BUILD"
    rds.server.clock.move(101)
    row = await rds.instance(new_id)
    assert row is not None
    assert (row["name"], row["status"], row["type"]) == ("rehearsal-1", "ACTIVE", "Single")
    assert (row["flavor_ref"], row["tags"]) == ("rds.mysql.x1.xlarge.4", [{"key": "purpose", "value": "rehearsal"}])
    assert row["backup_strategy"]["keep_days"] == 0
    assert (await rds.job(answer.body["job_id"]))["status"] == "Completed"
    assert (rds.contents.version(new_id), rds.contents.version(rds.instance_id)) == (1, 2)


async def test_a_new_instance_that_fails_is_failed(rds: Restorable) -> None:
    rds.server.state.plan_failure("rds.restore", "no capacity")

    answer = await rds.create()
    rds.server.clock.move(101)

    assert await rds.status(answer.body["instance"]["id"]) == "FAILED"
    assert (await rds.job(answer.body["job_id"]))["fail_reason"] == "no capacity"


async def test_the_password_of_a_new_instance_is_not_kept(rds: Restorable) -> None:
    await rds.create()

    assert "Secret-1234" not in rds.server.state.to_json()


async def test_a_deleted_instance_is_backed_up_and_then_gone(rds: Restorable) -> None:
    answer = await rds.server.send("DELETE", f"instances/{rds.instance_id}")

    assert answer.status == 202
    assert await rds.status() == "BACKING UP"
    rds.server.clock.move(101)
    assert await rds.status() is None
    assert (await rds.job(answer.body["job_id"]))["status"] == "Completed"
    assert [row["type"] for row in (await rds.server.list()).body["backups"]] == ["manual"]
    assert (await rds.server.send("DELETE", f"instances/{rds.instance_id}")).refusal == (404, "DBS.200045")


async def test_the_backup_of_a_deleted_instance_is_restored_elsewhere_only(rds: Restorable) -> None:
    await rds.server.send("DELETE", f"instances/{rds.instance_id}")
    rds.server.clock.move(101)

    assert (await rds.restore()).refusal == (404, "DBS.200045")
    assert (await rds.create()).status == 202


async def test_a_deletion_that_fails_leaves_the_instance(rds: Restorable) -> None:
    rds.server.state.plan_failure("rds.instance_deletion", "locked")

    await rds.server.send("DELETE", f"instances/{rds.instance_id}")
    rds.server.clock.move(101)

    assert await rds.status() == "ACTIVE"


async def test_target_backup_and_source_must_exist_and_fit(rds: Restorable) -> None:
    _, postgresql, sqlserver, small = rds.server.instances

    assert (await rds.restore(UNKNOWN_INSTANCE)).refusal == (404, "DBS.200045")
    assert (await rds.restore("no-id")).refusal == (400, "DBS.280404")
    assert (await rds.restore(backup_id=UNKNOWN_BACKUP)).refusal == (404, "DBS.201010")
    assert (await rds.restore(instance_id=postgresql)).refusal == (404, "DBS.200013")
    assert (await rds.restore(postgresql)).refusal == (400, "DBS.201207")
    assert (await rds.restore(small)).refusal == (400, "DBS.200306")
    assert (await rds.create(volume={"type": "CLOUDSSD", "size": 100})).refusal == (400, "DBS.200306")
    running = await rds.server.start("running", instance_id=sqlserver)
    assert (await rds.restore(sqlserver, instance_id=sqlserver, backup_id=running["id"])).refusal[1] == "DBS.201208"


@pytest.mark.parametrize("version", ["5.7", "8.4"])
async def test_mysql_takes_the_data_of_the_same_or_a_lower_version(rds: Restorable, version: str) -> None:
    rds.server.instances[rds.instance_id]["version"] = version

    assert (await rds.restore()).status == (200 if version == "8.4" else 400)


async def test_sql_server_needs_its_databases(rds: Restorable) -> None:
    sqlserver = next(key for key, row in rds.server.instances.items() if row["engine"] == "SQLServer")
    backup_id = await rds.server.finish("of-sqlserver", instance_id=sqlserver)
    source = {"instance_id": sqlserver, "backup_id": backup_id}

    assert (await rds.restore(sqlserver, **source)).refusal == (400, "DBS.280001")
    assert (await rds.restore(sqlserver, **source, restore_all_database=True)).status == 200


@pytest.mark.parametrize("body", [{}, {"source": {}}, {"source": [], "target": {}}])
async def test_a_malformed_restore_is_refused(rds: Restorable, body: Row) -> None:
    assert (await rds.server.send("POST", "instances/recovery", body)).status == 400
    assert (await rds.server.send("POST", "instances", body)).status == 400


# Tables and databases of RDS


def part_of(rds: Restorable, engine: str) -> Row:
    """An instance of an engine, and a moment inside its windows."""
    rds.server.clock.move(600)
    instance_id = next(key for key, row in rds.server.instances.items() if row["engine"] == engine)
    return {
        "instance_id": instance_id,
        "restore_time": milliseconds_of(rds.server.clock.time - timedelta(minutes=6)),
    }


NAMES = [{"old_name": "orders", "new_name": "orders_old"}]


async def test_databases_are_restored_beside_the_old_ones(rds: Restorable) -> None:
    part = {**part_of(rds, "MySQL"), "databases": NAMES}

    answer = await rds.server.send("POST", "instances/batch/restore/databases", {"instances": [part]})

    (result,) = answer.body["restore_result"]
    assert (answer.status, result["instance_id"]) == (200, rds.instance_id)
    assert (await rds.status(), (await rds.job(result["job_id"]))["status"]) == ("ACTIVE", "Running")
    rds.server.clock.move(101)
    assert (await rds.job(result["job_id"]))["status"] == "Completed"
    assert rds.contents.version(rds.instance_id) == 2


async def test_tables_are_restored_of_the_right_engine_and_moment_only(rds: Restorable) -> None:
    path = "instances/batch/restore/tables"
    databases = [{"database": "shop", "schemas": [{"schema": "public", "tables": NAMES}]}]
    mysql = {**part_of(rds, "MySQL"), "databases": databases}
    future = {**part_of(rds, "PostgreSQL"), "databases": databases}
    future["restore_time"] += 3_600_000

    assert (await rds.server.send("POST", path, {"instances": [mysql]})).refusal == (400, "DBS.201207")
    assert (await rds.server.send("POST", path, {"instances": [future]})).refusal == (400, "RDS.3029")
    assert (await rds.server.send("POST", path, {"instances": []})).status == 400
    assert (await rds.server.send("POST", path, {"instances": [1]})).status == 400


# GaussDB and TaurusDB

GAUSSDB_INSTANCE = {
    "flavor_ref": "gaussdb.opengauss.ee.dn.m6.2xlarge.8.in",
    "volume": {"type": "ULTRAHIGH", "size": 160},
    "availability_zone": "eu-de-01,eu-de-02,eu-de-03",
    "vpc_id": "v",
    "subnet_id": "n",
    "security_group_id": "s",
}


@pytest_asyncio.fixture
async def gaussdb() -> AsyncIterator[Restorable]:
    async with DatabaseServer("gaussdb") as server:
        yield Restorable(server, await server.finish())


@pytest_asyncio.fixture
async def taurusdb() -> AsyncIterator[Restorable]:
    async with DatabaseServer("taurusdb") as server:
        yield Restorable(server, await server.finish())


async def test_gaussdb_shows_the_windows_of_one_day_only(gaussdb: Restorable) -> None:
    gaussdb.server.clock.move(600)
    path = f"instances/{gaussdb.instance_id}/restore-time"

    assert (await gaussdb.server.send("GET", path)).refusal == (400, "DBS.280001")
    assert (await gaussdb.server.send("GET", path, date="yesterday")).refusal == (400, "DBS.280001")
    assert len(await gaussdb.windows(date=f"{gaussdb.server.clock.time:%Y-%m-%d}")) == 1


async def test_the_jobs_of_gaussdb_have_the_documented_names(gaussdb: Restorable) -> None:
    other = next(key for key in gaussdb.server.instances if key != gaussdb.instance_id)
    answers = [await gaussdb.create(**GAUSSDB_INSTANCE), await gaussdb.restore(other), await gaussdb.restore()]
    gaussdb.server.clock.move(101)
    answers.append(await gaussdb.server.send("DELETE", f"instances/{other}"))

    assert [(await gaussdb.job(answer.body["job_id"]))["name"] for answer in answers] == [
        "CloneGaussDBV5NewInstance",
        "RestoreGaussDBV5InInstanceToExistedInst",
        "RestoreGaussDBV5InInstance",
        "DeleteGaussDBV5Instance",
    ]


async def test_automatic_backups_of_a_new_gaussdb_instance_stay_seven_days(gaussdb: Restorable) -> None:
    answer = await gaussdb.create(**GAUSSDB_INSTANCE)

    row = await gaussdb.instance(answer.body["instance"]["id"])
    assert row is not None
    assert row["backup_strategy"]["keep_days"] == 7


async def test_gaussdb_and_taurusdb_require_the_type_of_a_restore_in_place(
    gaussdb: Restorable, taurusdb: Restorable
) -> None:
    assert (await gaussdb.restore(type=None)).refusal == (400, "DBS.280001")
    own = taurusdb.instance_id
    body = {"source_instance_id": own, "target_instance_id": own, "backup_id": taurusdb.backup_id}
    assert (await taurusdb.server.send("POST", "instances/restore", body)).refusal == (400, "DBS.280001")
    answer = await taurusdb.server.send("POST", "instances/restore", {**body, "type": "backup"})
    assert answer.status == 200


async def test_a_deleted_taurusdb_instance_keeps_its_status_until_it_is_gone(taurusdb: Restorable) -> None:
    answer = await taurusdb.server.send("DELETE", f"instances/{taurusdb.instance_id}")

    assert (answer.status, await taurusdb.status()) == (200, "ACTIVE")
    taurusdb.server.clock.move(101)
    assert await taurusdb.status() is None
    path = f"instances/{taurusdb.instance_id}"
    assert (await taurusdb.server.send("GET", path)).refusal == (404, "DBS.200045")
