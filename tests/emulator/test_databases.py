"""RDS, GaussDB and TaurusDB of the local cloud: answers, state changes and refusals (databases sections 2 to 12)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.emulator.database_service import Clock, DatabaseServer

UNKNOWN_INSTANCE = "0" * 32 + "in01"
UNKNOWN_BACKUP = "0" * 32 + "br01"
WITH_JOBS = pytest.mark.parametrize("service", ["gaussdb", "taurusdb"], indirect=True)
RDS = pytest.mark.parametrize("service", ["rds"], indirect=True)
GAUSSDB = pytest.mark.parametrize("service", ["gaussdb"], indirect=True)
TAURUSDB = pytest.mark.parametrize("service", ["taurusdb"], indirect=True)


@pytest_asyncio.fixture(params=["rds", "gaussdb", "taurusdb"])
async def service(request: pytest.FixtureRequest) -> AsyncIterator[DatabaseServer]:
    async with DatabaseServer(request.param) as server:
        yield server


def instance_of(service: DatabaseServer, **values: str) -> str:
    return next(key for key, row in service.instances.items() if all(row[name] == values[name] for name in values))


# Creation


@RDS
async def test_rds_answers_a_new_backup_with_200_and_no_job(service: DatabaseServer) -> None:
    answer = await service.create("before-upgrade", description="manual copy")
    assert answer.status == 200
    assert answer.body == {
        "backup": {
            "id": answer.body["backup"]["id"],
            "instance_id": service.instance_id,
            "name": "before-upgrade",
            "description": "manual copy",
            "begin_time": "2031-04-02T09:15:07Z",
            "status": "BUILDING",
            "type": "manual",
        }
    }


@GAUSSDB
async def test_gaussdb_answers_a_new_backup_with_202_and_a_job(service: DatabaseServer) -> None:
    answer = await service.create("before-upgrade", description="manual copy")
    assert answer.status == 202
    assert answer.body == {
        "backup": {
            "id": answer.body["backup"]["id"],
            "instance_id": service.instance_id,
            "name": "before-upgrade",
            "description": "manual copy",
            "begin_time": "2031-04-02T17:15:07+0800",
            "status": "BUILDING",
            "type": "manual",
        },
        "job_id": answer.body["job_id"],
    }


@TAURUSDB
async def test_taurusdb_answers_a_new_backup_with_201_and_a_job(service: DatabaseServer) -> None:
    answer = await service.create("升级之前")
    assert answer.status == 201
    assert answer.body == {
        "backup": {
            "id": answer.body["backup"]["id"],
            "instance_id": service.instance_id,
            "name": "升级之前",
            "description": "",
            "begin_time": "2031-04-02T09:15:07+0000",
            "status": "BUILDING",
            "type": "manual",
        },
        "job_id": answer.body["job_id"],
    }


async def test_the_id_of_a_backup_ends_like_that_of_its_instance(service: DatabaseServer) -> None:
    for instance_id in service.instances:
        backup = await service.start(f"copy-of-{instance_id[:8]}", instance_id=instance_id)
        assert len(backup["id"]) == 36
        assert backup["id"][-4:] == "br" + instance_id[-2:]


async def test_unknown_members_and_nulls_of_a_request_are_ignored(service: DatabaseServer) -> None:
    backup = await service.start(description=None, something_new=1)
    assert backup.get("description", "") == ""


@RDS
@pytest.mark.parametrize("engine", ["SQLServer", "PostgreSQL"])
async def test_databases_are_kept_for_engines_that_know_them(service: DatabaseServer, engine: str) -> None:
    instance_id = instance_of(service, engine=engine)
    backup = await service.start(instance_id=instance_id, databases=[{"name": "orders"}])
    assert backup["databases"] == [{"name": "orders"}]
    listed = (await service.list(instance_id=instance_id, backup_type="manual")).body["backups"]
    assert listed[0]["databases"] == [{"name": "orders"}]


@RDS
async def test_databases_are_ignored_for_other_engines(service: DatabaseServer) -> None:
    backup = await service.start(databases=[{"name": "orders"}])
    assert "databases" not in backup


# Life of a backup


async def test_a_backup_is_built_and_then_complete(service: DatabaseServer) -> None:
    backup = await service.start()
    service.clock.move(99)
    building = await service.row(backup["id"])
    service.clock.move(1)
    complete = await service.row(backup["id"])
    assert building is not None
    assert complete is not None
    assert (building["status"], building["end_time"], building["size"]) == ("BUILDING", None, 0)
    assert (complete["status"], complete["type"]) == ("COMPLETED", "manual")
    assert complete["size"] > 0


async def test_a_backup_that_is_meant_to_fail_fails_at_its_end(service: DatabaseServer) -> None:
    service.state.plan_failure(service.name, "The storage of backups cannot be reached.")
    backup = await service.start()
    building = await service.row(backup["id"])
    service.clock.move(101)
    failed = await service.row(backup["id"])
    assert building is not None
    assert failed is not None
    assert (building["status"], failed["status"], failed["size"]) == ("BUILDING", "FAILED", 0)


@RDS
async def test_an_rds_backup_is_listed_as_documented(service: DatabaseServer) -> None:
    backup_id = await service.finish()
    assert await service.row(backup_id) == {
        "id": backup_id,
        "instance_id": service.instance_id,
        "name": "before-upgrade",
        "type": "manual",
        "status": "COMPLETED",
        "size": 200 * 1024 * 1024 // 10,
        "begin_time": "2031-04-02T09:15:07+0000",
        "end_time": "2031-04-02T09:16:47+0000",
        "datastore": {"type": "MySQL", "version": "8.0"},
        "associated_with_ddm": False,
    }


@GAUSSDB
async def test_a_gaussdb_backup_is_listed_as_documented(service: DatabaseServer) -> None:
    backup_id = await service.finish()
    assert await service.row(backup_id) == {
        "id": backup_id,
        "instance_id": service.instance_id,
        "name": "before-upgrade",
        "description": None,
        "type": "manual",
        "status": "COMPLETED",
        "size": 160 * 102.4,
        "begin_time": "2031-04-02T17:15:07+0800",
        "end_time": "2031-04-02T17:16:47+0800",
        "datastore": {"type": "GaussDB", "version": "8.201"},
    }


@TAURUSDB
async def test_a_taurusdb_backup_is_listed_as_documented(service: DatabaseServer) -> None:
    backup_id = await service.finish()
    assert await service.row(backup_id) == {
        "id": backup_id,
        "instance_id": service.instance_id,
        "instance_name": "shop",
        "name": "before-upgrade",
        "description": "",
        "type": "manual",
        "status": "COMPLETED",
        "size": 64 * 102.4,
        "begin_time": "2031-04-02T09:15:07+0000",
        "end_time": "2031-04-02T09:16:47+0000",
        "take_up_time": 2,
        "datastore": {"type": "gaussdb-mysql", "version": "8.0"},
    }


async def test_the_instance_shows_that_it_is_being_backed_up(service: DatabaseServer) -> None:
    async def status() -> str:
        answer = await service.send("GET", "instances", id=service.instance_id)
        return str(answer.body["instances"][0]["status"])

    before = await status()
    await service.start()
    during = await status()
    service.clock.move(101)
    assert (before, during, await status()) == ("ACTIVE", "BACKING UP", "ACTIVE")


async def test_every_instance_has_one_automatic_backup_from_the_start(service: DatabaseServer) -> None:
    for instance_id in service.instances:
        rows = (await service.list(instance_id=instance_id)).body["backups"]
        assert [(row["type"], row["status"]) for row in rows] == [("auto", "COMPLETED")]


async def test_automatic_backups_are_the_same_in_every_new_cloud(service: DatabaseServer) -> None:
    async with DatabaseServer(service.name) as other:
        assert (await other.list()).body == (await service.list()).body


async def test_a_running_backup_continues_after_a_restart(service: DatabaseServer, tmp_path: Path) -> None:
    clock, file = Clock(), tmp_path / "state.json"
    async with DatabaseServer(service.name, file, clock) as first:
        backup = await first.start()
    clock.move(50)
    async with DatabaseServer(service.name, file, clock) as second:
        building = await second.row(backup["id"])
        clock.move(51)
        complete = await second.row(backup["id"])
        assert (await second.list()).body["total_count"] == 2
    assert building is not None
    assert complete is not None
    assert (building["status"], complete["status"]) == ("BUILDING", "COMPLETED")


# Refusals of a creation


@pytest.mark.parametrize("body", ["", "{}"])
async def test_an_empty_request_is_refused(service: DatabaseServer, body: str) -> None:
    path = "backups/create" if service.name == "taurusdb" else "backups"
    assert (await service.send("POST", path, body)).refusal == (400, "DBS.200006")


@pytest.mark.parametrize("body", ["{", "[]", '"x"', "1"])
async def test_a_request_that_is_no_object_is_refused(service: DatabaseServer, body: str) -> None:
    path = "backups/create" if service.name == "taurusdb" else "backups"
    assert (await service.send("POST", path, body)).refusal == (400, "DBS.280001")


@pytest.mark.parametrize("name", ["abc", "a" * 65, "1abc", "a b c", "a.b.c", None, 1234])
async def test_a_bad_name_is_refused(service: DatabaseServer, name: Any) -> None:
    code = "DBS.201210" if service.name == "rds" else "DBS.280277"
    assert (await service.create(name)).refusal == (400, code)


@pytest.mark.parametrize("description", ["a" * 257, "a>b", "a!b", "a<b", 'a"b', "a&b", "a'b", "a=b", 1])
async def test_a_bad_description_is_refused(service: DatabaseServer, description: Any) -> None:
    assert (await service.create(description=description)).refusal == (400, "DBS.280127")


@pytest.mark.parametrize("instance_id", ["", "x", "0" * 36, None, 1, "0" * 32 + "br01"])
async def test_a_malformed_instance_id_is_refused(service: DatabaseServer, instance_id: Any) -> None:
    assert (await service.create(instance_id=instance_id)).refusal == (400, "DBS.280404")


@pytest.mark.parametrize("instance_id", [UNKNOWN_INSTANCE, "6e7d9a3c-5c7a-4a52-92f6-0e5d0a1b7c11"])
async def test_an_unknown_instance_is_refused(service: DatabaseServer, instance_id: str) -> None:
    assert (await service.create(instance_id=instance_id)).refusal == (404, "DBS.200045")


async def test_a_read_replica_is_refused(service: DatabaseServer) -> None:
    service.instances[service.instance_id]["type"] = "Replica"
    assert (await service.create()).refusal == (409, "DBS.280406")


@pytest.mark.parametrize(
    ("status", "refusal"),
    [
        ("STORAGE FULL", (409, "DBS.200316")),
        ("FROZEN", (400, "DBS.280449")),
        ("FAILED", (400, "DBS.200086")),
        ("REBOOTING", (409, "DBS.201202")),
    ],
)
async def test_an_instance_in_another_status_is_refused(
    service: DatabaseServer, status: str, refusal: tuple[int, str]
) -> None:
    service.instances[service.instance_id]["status"] = status
    assert (await service.create()).refusal == refusal


async def test_a_second_backup_of_the_instance_at_the_same_time_is_refused(service: DatabaseServer) -> None:
    await service.start("first")
    assert (await service.create("second")).refusal == (409, "DBS.201205")
    assert (await service.create("third", instance_id=service.other_id)).status < 300
    service.clock.move(101)
    assert (await service.create("second")).status < 300


async def test_a_used_name_is_refused_for_every_instance(service: DatabaseServer) -> None:
    await service.start()
    code = "DBS.201209" if service.name == "taurusdb" else "DBS.201201"
    assert (await service.create()).refusal == (409, code)
    assert (await service.create(instance_id=service.other_id)).refusal == (409, code)


async def test_a_failed_backup_keeps_its_name(service: DatabaseServer) -> None:
    service.state.plan_failure(service.name, "no")
    await service.finish()
    code = "DBS.201209" if service.name == "taurusdb" else "DBS.201201"
    assert (await service.create()).refusal == (409, code)


async def test_case_counts_in_names(service: DatabaseServer) -> None:
    await service.finish("before-upgrade")
    assert (await service.create("Before-upgrade")).status < 300


async def test_a_refused_request_starts_nothing(service: DatabaseServer) -> None:
    await service.create("x")
    assert (await service.list()).body["total_count"] == 1


@RDS
@pytest.mark.parametrize("databases", [None, [], "orders", [{"nam": "orders"}], [{"name": ""}], ["orders"]])
async def test_individual_databases_must_be_named(service: DatabaseServer, databases: Any) -> None:
    answer = await service.create(databases=databases, backup_database_individually=True)
    assert answer.refusal == (400, "DBS.280001")


# Lists


async def test_the_count_is_that_of_all_matches(service: DatabaseServer) -> None:
    for number in range(3):
        await service.finish(f"copy-{number}")
    answer = await service.list(backup_type="manual", limit="2", offset="0")
    assert [row["name"] for row in answer.body["backups"]] == ["copy-2", "copy-1"]
    assert answer.body["total_count"] == 3


@pytest.mark.parametrize("offset", ["3", "4", "1000"])
async def test_a_page_beyond_the_end_is_empty(service: DatabaseServer, offset: str) -> None:
    for number in range(2):
        await service.finish(f"copy-{number}")
    answer = await service.list(offset=offset)
    assert answer.body == {"backups": [], "total_count": 3}


async def test_an_unknown_backup_gives_an_empty_list(service: DatabaseServer) -> None:
    assert (await service.list(backup_id=UNKNOWN_BACKUP)).body == {"backups": [], "total_count": 0}


async def test_backups_are_filtered_by_time(service: DatabaseServer) -> None:
    await service.finish()
    inside = await service.list(begin_time="2031-04-02T17:15:07+0800", end_time="2031-04-02T17:15:08+0800")
    outside = await service.list(begin_time="2031-04-02T17:15:08+0800", end_time="2031-04-02T17:15:09+0800")
    assert (inside.body["total_count"], outside.body["total_count"]) == (1, 0)


@pytest.mark.parametrize("limit", ["0", "101", "-1", "x", "1.5"])
async def test_a_bad_limit_is_refused(service: DatabaseServer, limit: str) -> None:
    assert (await service.list(limit=limit)).refusal == (400, "DBS.280439")


@pytest.mark.parametrize("offset", ["-1", "x"])
async def test_a_bad_offset_is_refused(service: DatabaseServer, offset: str) -> None:
    assert (await service.list(offset=offset)).refusal == (400, "DBS.280440")


async def test_an_unknown_type_of_backups_is_refused(service: DatabaseServer) -> None:
    assert (await service.list(backup_type="weekly")).refusal == (400, "DBS.201004")


async def test_a_malformed_backup_id_is_refused(service: DatabaseServer) -> None:
    assert (await service.list(backup_id="before-upgrade")).refusal == (400, "DBS.280124")


@pytest.mark.parametrize(
    "query",
    [
        {"begin_time": "2031-04-02T00:00:00+0000"},
        {"end_time": "2031-04-02T00:00:00+0000"},
        {"begin_time": "2031-04-02T00:00:00+0000", "end_time": "2031-04-02T00:00:00+0000"},
    ],
)
async def test_times_that_are_no_pair_are_refused(service: DatabaseServer, query: dict[str, str]) -> None:
    assert (await service.list(**query)).refusal == (400, "DBS.280416")


async def test_a_time_that_cannot_be_read_is_refused(service: DatabaseServer) -> None:
    answer = await service.list(begin_time="yesterday", end_time="2031-04-02T00:00:00+0000")
    assert answer.refusal == (400, "DBS.280001")


async def test_the_list_of_an_unknown_instance_is_refused(service: DatabaseServer) -> None:
    assert (await service.list(instance_id=UNKNOWN_INSTANCE)).refusal == (404, "DBS.200045")


async def test_backups_outlive_their_instance(service: DatabaseServer) -> None:
    await service.finish()
    del service.instances[service.instance_id]
    assert (await service.list()).body["total_count"] == 2


@RDS
async def test_rds_refuses_a_list_without_an_instance(service: DatabaseServer) -> None:
    assert (await service.send("GET", "backups")).refusal == (400, "DBS.280001")


@WITH_JOBS
async def test_the_others_list_backups_of_all_instances(service: DatabaseServer) -> None:
    assert (await service.send("GET", "backups")).body["total_count"] == len(service.instances)


@RDS
async def test_the_status_filters_backups_of_sql_server_only(service: DatabaseServer) -> None:
    sql_server = instance_of(service, engine="SQLServer")
    assert (await service.list(instance_id=sql_server, status="FAILED")).body["total_count"] == 0
    assert (await service.list(instance_id=sql_server, status="COMPLETED")).body["total_count"] == 1
    assert (await service.list(status="FAILED")).body["total_count"] == 1


@TAURUSDB
async def test_taurusdb_filters_by_names(service: DatabaseServer) -> None:
    await service.finish()
    assert (await service.send("GET", "backups", name="before-upgrade")).body["total_count"] == 1
    assert (await service.send("GET", "backups", instance_name="shop")).body["total_count"] == 2


# Deletion


async def test_a_deletion_is_answered_as_documented(service: DatabaseServer) -> None:
    backup_id = await service.finish()
    answer = await service.send("DELETE", f"backups/{backup_id}")
    documented = {
        "rds": (200, None),
        "gaussdb": (202, {}),
        "taurusdb": (200, {"backup_id": backup_id, "backup_name": "before-upgrade"}),
    }
    assert (answer.status, answer.body) == documented[service.name]


async def test_a_deleted_backup_shows_as_deleting_and_is_then_gone(service: DatabaseServer) -> None:
    backup_id = await service.finish()
    await service.send("DELETE", f"backups/{backup_id}")
    going = await service.row(backup_id)
    service.clock.move(2)
    assert going is not None
    assert (going["status"], await service.row(backup_id)) == ("DELETING", None)


async def test_the_name_of_a_deleted_backup_is_free_again(service: DatabaseServer) -> None:
    backup_id = await service.finish()
    await service.send("DELETE", f"backups/{backup_id}")
    service.clock.move(2)
    assert (await service.create()).status < 300


async def test_an_automatic_backup_is_not_deleted(service: DatabaseServer) -> None:
    automatic = (await service.list()).body["backups"][0]["id"]
    assert (await service.send("DELETE", f"backups/{automatic}")).refusal == (400, "DBS.201218")


async def test_a_running_backup_is_not_deleted(service: DatabaseServer) -> None:
    backup = await service.start()
    assert (await service.send("DELETE", f"backups/{backup['id']}")).refusal == (400, "DBS.201208")


async def test_a_backup_that_is_being_deleted_is_not_deleted_again(service: DatabaseServer) -> None:
    backup_id = await service.finish()
    await service.send("DELETE", f"backups/{backup_id}")
    assert (await service.send("DELETE", f"backups/{backup_id}")).refusal == (400, "DBS.201208")


async def test_an_unknown_backup_is_not_deleted(service: DatabaseServer) -> None:
    refusal = (404, "DBS.201010") if service.name == "rds" else (400, "DBS.201203")
    assert (await service.send("DELETE", f"backups/{UNKNOWN_BACKUP}")).refusal == refusal


async def test_the_deletion_of_a_malformed_id_is_refused(service: DatabaseServer) -> None:
    assert (await service.send("DELETE", "backups/before-upgrade")).refusal == (400, "DBS.280124")


@RDS
async def test_rds_deletes_several_backups_of_sql_server(service: DatabaseServer) -> None:
    sql_server = instance_of(service, engine="SQLServer")
    good = await service.finish("of-sql-server", instance_id=sql_server)
    other_engine = await service.finish("of-mysql")
    answer = await service.send(
        "POST", "backups/batch-delete", {"backup_ids": [good, other_engine, UNKNOWN_BACKUP, "x"]}
    )
    assert answer.status == 200
    assert [(result["backup_id"], result["error_code"]) for result in answer.body["delete_results"]] == [
        (good, "0"),
        (other_engine, "DBS.201207"),
        (UNKNOWN_BACKUP, "DBS.201010"),
        ("x", "DBS.280124"),
    ]


@TAURUSDB
async def test_taurusdb_deletes_several_backups(service: DatabaseServer) -> None:
    good = await service.finish()
    answer = await service.send("DELETE", "backups", {"backup_ids": [good, UNKNOWN_BACKUP]})
    assert (answer.status, answer.body["success_count"], answer.body["failed_count"]) == (200, 1, 1)
    assert [(result["backup_id"], result["error_code"]) for result in answer.body["failed_results"]] == [
        (UNKNOWN_BACKUP, "DBS.201203")
    ]


@pytest.mark.parametrize("identifiers", [None, [], "x", [1], [UNKNOWN_BACKUP] * 51])
@pytest.mark.parametrize("service", ["rds", "taurusdb"], indirect=True)
async def test_a_deletion_of_none_or_too_many_backups_is_refused(service: DatabaseServer, identifiers: Any) -> None:
    method, path = ("POST", "backups/batch-delete") if service.name == "rds" else ("DELETE", "backups")
    assert (await service.send(method, path, {"backup_ids": identifiers})).refusal == (400, "DBS.280001")


# Policies


async def test_a_policy_is_set_and_read(service: DatabaseServer) -> None:
    answer = await service.put_policy(**service.good_policy)
    name = service.instances[service.instance_id]["name"]
    documented = {"status": "COMPLETED", "instance_id": service.instance_id, "instance_name": name}
    assert (answer.status, answer.body) == (200, documented if service.name == "taurusdb" else None)
    policy = (await service.send("GET", f"instances/{service.instance_id}/backups/policy")).body["backup_policy"]
    assert {key: policy[key] for key in ("keep_days", "start_time", "period")} == {
        "keep_days": 10,
        "start_time": "01:00-02:00",
        "period": "1,3,5",
    }


@GAUSSDB
async def test_the_differential_period_is_set_as_text_and_read_as_number(service: DatabaseServer) -> None:
    await service.put_policy(**service.good_policy)
    policy = (await service.send("GET", f"instances/{service.instance_id}/backups/policy")).body["backup_policy"]
    assert (policy["differential_period"], policy["differential_priod"]) == (60, "60")
    assert (policy["file_split_size"], policy["filesplit_size"]) == (4, 4)


@pytest.mark.parametrize(
    ("field", "value", "codes"),
    [
        ("period", "8", {"rds": "DBS.201101", "gaussdb": "DBS.280215", "taurusdb": "DBS.280251"}),
        ("start_time", "01:00-03:00", {"rds": "DBS.201103", "gaussdb": "DBS.280216", "taurusdb": "DBS.280253"}),
        ("keep_days", -1, {"rds": "DBS.201106", "gaussdb": "DBS.280214", "taurusdb": "DBS.280250"}),
        ("keep_days", "many", {"rds": "DBS.201106", "gaussdb": "DBS.280214", "taurusdb": "DBS.280250"}),
    ],
)
async def test_a_policy_that_breaks_a_rule_is_refused(
    service: DatabaseServer, field: str, value: Any, codes: dict[str, str]
) -> None:
    answer = await service.put_policy(**{**service.good_policy, field: value})
    assert answer.refusal == (400, codes[service.name])


@GAUSSDB
@pytest.mark.parametrize("period", ["45", None])
async def test_a_bad_differential_period_is_refused(service: DatabaseServer, period: str | None) -> None:
    answer = await service.put_policy(**{**service.good_policy, "differential_period": period})
    assert answer.refusal == (400, "DBS.280618")


async def test_a_policy_without_its_envelope_is_refused(service: DatabaseServer) -> None:
    path = "backups/policy/update" if service.name == "taurusdb" else "backups/policy"
    answer = await service.send("PUT", f"instances/{service.instance_id}/{path}", service.good_policy)
    assert answer.refusal == (400, "DBS.280001")


async def test_the_policy_of_an_unknown_instance_is_refused(service: DatabaseServer) -> None:
    answer = await service.send("GET", f"instances/{UNKNOWN_INSTANCE}/backups/policy")
    assert answer.refusal == (404, "DBS.200045")


@RDS
async def test_switching_automatic_backups_off_keeps_existing_ones(service: DatabaseServer) -> None:
    assert (await service.put_policy(keep_days=0)).status == 200
    service.clock.move(2)
    assert (await service.list()).body["total_count"] == 1


@RDS
async def test_switching_automatic_backups_off_deletes_existing_ones_when_asked(service: DatabaseServer) -> None:
    await service.finish()
    path = f"instances/{service.instance_id}/backups/policy"
    body = {"backup_policy": {"keep_days": 0}, "reserve_backups": False}
    assert (await service.send("PUT", path, body)).status == 200
    service.clock.move(2)
    assert [row["type"] for row in (await service.list()).body["backups"]] == ["manual"]


@RDS
async def test_deleted_automatic_backups_do_not_come_back_after_a_restart(
    service: DatabaseServer, tmp_path: Path
) -> None:
    clock, file = Clock(), tmp_path / "state.json"
    async with DatabaseServer("rds", file, clock) as first:
        path = f"instances/{first.instance_id}/backups/policy"
        await first.send("PUT", path, {"backup_policy": {"keep_days": 0}, "reserve_backups": False})
    clock.move(2)
    async with DatabaseServer("rds", file, clock) as second:
        assert (await second.list()).body["total_count"] == 0


# Jobs


@WITH_JOBS
async def test_a_job_runs_and_is_then_complete(service: DatabaseServer) -> None:
    created = await service.create()
    service.clock.move(60)
    running = (await service.send("GET", "jobs", id=created.body["job_id"])).body["job"]
    service.clock.move(41)
    complete = (await service.send("GET", "jobs", id=created.body["job_id"])).body["job"]
    key = "progress" if service.name == "gaussdb" else "process"
    assert (running["status"], running[key], running["ended"]) == ("Running", "60%", "")
    assert (complete["status"], complete[key], complete["fail_reason"]) == ("Completed", "", "")
    assert complete["ended"] > complete["created"]
    assert complete["instance"]["id"] == service.instance_id


@WITH_JOBS
async def test_a_failed_job_reports_the_reason(service: DatabaseServer) -> None:
    service.state.plan_failure(service.name, "The storage of backups cannot be reached.")
    created = await service.create()
    running = (await service.send("GET", "jobs", id=created.body["job_id"])).body["job"]
    service.clock.move(101)
    failed = (await service.send("GET", "jobs", id=created.body["job_id"])).body["job"]
    assert (running["status"], running["fail_reason"]) == ("Running", "")
    assert (failed["status"], failed["fail_reason"]) == ("Failed", "The storage of backups cannot be reached.")


@WITH_JOBS
async def test_a_job_is_forgotten_after_a_month(service: DatabaseServer) -> None:
    created = await service.create()
    service.clock.move(32 * 24 * 3600)
    assert (await service.send("GET", "jobs", id=created.body["job_id"])).refusal == (400, "DBS.200543")


@pytest.mark.parametrize("query", [{}, {"id": ""}, {"id": "6e7d9a3c-5c7a-4a52-92f6-0e5d0a1b7c11"}])
async def test_an_unknown_job_is_refused(service: DatabaseServer, query: dict[str, str]) -> None:
    assert (await service.send("GET", "jobs", **query)).refusal == (400, "DBS.200543")


# Instances


async def test_instances_are_counted_and_paged(service: DatabaseServer) -> None:
    answer = await service.send("GET", "instances", limit="1", offset="1")
    assert [row["id"] for row in answer.body["instances"]] == [service.other_id]
    assert answer.body["total_count"] == len(service.instances)
    beyond = await service.send("GET", "instances", offset=str(len(service.instances)))
    assert beyond.body["instances"] == []


async def test_an_instance_shows_the_policy_of_its_backups(service: DatabaseServer) -> None:
    await service.put_policy(**service.good_policy)
    row = (await service.send("GET", "instances", id=service.instance_id)).body["instances"][0]
    days = "10" if service.name == "taurusdb" else 10
    assert row["backup_strategy"] == {"start_time": "01:00-02:00", "keep_days": days}


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"name": "orders-mysql"}, 1),
        ({"name": "orders"}, 0),
        ({"name": "*mysql"}, 2),
        ({"type": "Ha"}, 1),
        ({"datastore_type": "MySQL"}, 2),
        ({"type": "Single", "datastore_type": "MySQL"}, 1),
        ({"vpc_id": "6e7d9a3c-5c7a-4a52-92f6-0e5d0a1b7c11"}, 0),
        ({"group_type": "flexus"}, 0),
        ({"tags": "stage=prod"}, 1),
        ({"tags": "stage=prod,team=a"}, 0),
        ({"id": UNKNOWN_INSTANCE}, 0),
    ],
)
@RDS
async def test_instances_are_filtered(service: DatabaseServer, query: dict[str, str], count: int) -> None:
    service.instances[service.instance_id]["tags"] = [{"key": "stage", "value": "prod"}]
    assert (await service.send("GET", "instances", **query)).body["total_count"] == count


@pytest.mark.parametrize(
    ("query", "code"), [({"name": "*"}, "DBS.280001"), ({"limit": "0"}, "DBS.280439"), ({"offset": "-1"}, "DBS.280440")]
)
async def test_a_bad_search_for_instances_is_refused(service: DatabaseServer, query: dict[str, str], code: str) -> None:
    assert (await service.send("GET", "instances", **query)).refusal == (400, code)


async def test_the_state_is_plain_json(service: DatabaseServer, tmp_path: Path) -> None:
    async with DatabaseServer(service.name, tmp_path / "state.json") as saved:
        await saved.finish()
    assert json.loads((tmp_path / "state.json").read_text())[f"{service.name}.backups"]
