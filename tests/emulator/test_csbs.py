"""The emulated CSBS, spoken to over plain HTTP: answers, refusals, limits, and what time does to backups."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from airflow_provider_backup.cloud.services.csbs.models import PROVIDER_ID
from airflow_provider_backup.emulator.core.gateway import answering
from airflow_provider_backup.emulator.core.inventory import Inventory
from airflow_provider_backup.emulator.core.state import CloudState
from airflow_provider_backup.emulator.services.csbs import EmulatedCsbs

PROJECT = "4d0f7b0c2a7e4b5f9f8e1d2c3b4a5968"
PATTERN = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nRRULE:FREQ=DAILY;BYHOUR=3;BYMINUTE=15\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
START = datetime(2031, 1, 7, 8, 15, 0, 265, tzinfo=UTC)
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}")


class Answer(NamedTuple):
    """An answer: status and decoded body, ``None`` without one."""

    status: int
    body: Any


class Csbs:
    """The service on a port of its own, without accounts, and with a clock that only tests move.

    :param file: where to keep the state.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.time = START
        self.state = CloudState(backup_seconds=100, file=file, now=lambda: self.time)
        self.inventory = Inventory(self.state)
        service = EmulatedCsbs(self.state, self.inventory)
        application = web.Application(middlewares=[answering(service, self.state)])
        application.add_routes(service.routes())
        self.http = TestClient(TestServer(application))
        self.servers = list(self.inventory.servers)

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass."""
        self.time += timedelta(seconds=seconds)

    async def call(self, method: str, path: str, body: Any = None) -> Answer:
        """Send one request; the path is what stands below the project."""
        async with self.http.request(method, f"/v1/{PROJECT}{path}", json=body) as response:
            text = await response.text()
            return Answer(response.status, json.loads(text) if text else None)

    async def good(self, method: str, path: str, body: Any = None) -> Any:
        """Send one request that must succeed, and return the body."""
        answer = await self.call(method, path, body)
        assert answer.status == 200, answer
        return answer.body

    async def create_policy(self, name: str = "nightly", servers: int = 0, **changes: Any) -> dict[str, Any]:
        """Create a policy with the first servers."""
        body = policy_body(name, [self.server(number) for number in range(servers)], **changes)
        policy: dict[str, Any] = (await self.good("POST", "/policies", body))["policy"]
        return policy

    def server(self, number: int, **changes: Any) -> dict[str, Any]:
        """Return a server as policies name it."""
        row = self.inventory.servers[self.servers[number]]
        return {"id": row["id"], "type": "OS::Nova::Server", "name": row["name"], **changes}

    async def execute(self, policy: dict[str, Any], **parameters: Any) -> Answer:
        """Execute a policy."""
        body = {"checkpoint": {"plan_id": policy["id"], "parameters": parameters}}
        return await self.call("POST", f"/providers/{PROVIDER_ID}/checkpoints", body)

    async def protect(self, number: int, **members: Any) -> Answer:
        """Back up one server."""
        path = f"/providers/{PROVIDER_ID}/resources/{self.servers[number]}/action"
        return await self.call("POST", path, {"protect": members})

    async def delete(self, checkpoint_id: str, query: str = "") -> Answer:
        """Delete a checkpoint's backups."""
        return await self.call("DELETE", f"/providers/{PROVIDER_ID}/checkpoints/{checkpoint_id}{query}")

    async def items(self, query: str = "") -> list[dict[str, Any]]:
        """List backups."""
        found: list[dict[str, Any]] = (await self.good("GET", f"/checkpoint_items{query}"))["checkpoint_items"]
        return found


def policy_body(name: str, servers: list[dict[str, Any]], /, **changes: Any) -> dict[str, Any]:
    operation = {
        "name": "period",
        "enabled": True,
        "operation_type": "backup",
        "operation_definition": {"max_backups": 20, "retention_duration_days": -1, "permanent": False},
        "trigger": {"properties": {"pattern": PATTERN}},
    }
    return {
        "policy": {
            "name": name,
            "provider_id": PROVIDER_ID,
            "parameters": {"common": {}},
            "resources": servers,
            "scheduled_operations": [operation],
            **changes,
        }
    }


def refused(status: int, code: str, message: str) -> Answer:
    return Answer(status, {"error_code": code, "error_msg": message})


@pytest_asyncio.fixture
async def csbs() -> AsyncIterator[Csbs]:
    csbs = Csbs()
    async with csbs.http:
        yield csbs


# ---------------------------------------------------------------------------------------------------------- policies


async def test_a_new_policy_is_answered_like_the_pages_sample(csbs: Csbs) -> None:
    policy = await csbs.create_policy(servers=1, description="all", tags=[{"key": "team", "value": "billing"}])

    operation = policy["scheduled_operations"][0]
    assert policy == {
        "id": policy["id"],
        "name": "nightly",
        "description": "all",
        "status": "suspended",
        "project_id": PROJECT,
        "provider_id": PROVIDER_ID,
        "created_at": "2031-01-07T08:15:00.000265",
        "parameters": {"common": {}},
        "resources": [csbs.server(0, extra_info={})],
        "scheduled_operations": [
            {
                "id": operation["id"],
                "name": "period",
                "description": "",
                "enabled": True,
                "operation_type": "backup",
                "operation_definition": {
                    "max_backups": "20",
                    "retention_duration_days": "-1",
                    "permanent": "False",
                    "plan_id": policy["id"],
                    "provider_id": PROVIDER_ID,
                },
                "trigger": {
                    "id": operation["trigger_id"],
                    "name": "default",
                    "type": "time",
                    "properties": {"pattern": PATTERN, "start_time": "2031-01-07 08:15:00", "format": "ical"},
                },
                "trigger_id": operation["trigger_id"],
            }
        ],
        "tags": [{"key": "team", "value": "billing"}],
    }
    assert await csbs.good("GET", f"/policies/{policy['id']}") == {"policy": policy}


@pytest.mark.parametrize(
    ("definition", "permanent"),
    [({}, "True"), ({"max_backups": 5}, "False"), ({"max_backups": 5, "permanent": True}, "True")],
)
async def test_backups_are_kept_for_ever_when_nothing_or_that_is_said(
    csbs: Csbs, definition: dict[str, Any], permanent: str
) -> None:
    body = policy_body("nightly", [])
    body["policy"]["scheduled_operations"][0]["operation_definition"] = definition

    policy = (await csbs.good("POST", "/policies", body))["policy"]

    assert policy["scheduled_operations"][0]["operation_definition"]["permanent"] == permanent


async def test_a_second_policy_of_the_same_name_is_refused(csbs: Csbs) -> None:
    await csbs.create_policy()

    answer = await csbs.call("POST", "/policies", policy_body("nightly", []))

    assert answer == refused(400, "CSBS.9007", "duplicate service name")


async def test_a_33rd_policy_is_refused(csbs: Csbs) -> None:
    for number in range(32):
        await csbs.create_policy(f"policy-{number}")

    assert await csbs.call("POST", "/policies", policy_body("one-more", [])) == refused(
        400, "CSBS.0001", "Service over limit"
    )


async def test_a_server_of_another_policy_is_refused(csbs: Csbs) -> None:
    await csbs.create_policy(servers=1)

    answer = await csbs.call("POST", "/policies", policy_body("second", [csbs.server(0)]))

    assert answer == refused(400, "CSBS.6004", f"Server ({csbs.servers[0]}) is already in service.")


async def test_an_unknown_server_is_refused(csbs: Csbs) -> None:
    answer = await csbs.call("POST", "/policies", policy_body("nightly", [csbs.server(0, id="unknown")]))

    assert answer == refused(400, "CSBS.6000", "server do not exist")


async def test_a_disk_in_a_policy_is_refused(csbs: Csbs) -> None:
    server = csbs.server(0, type="OS::Cinder::Volume")

    answer = await csbs.call("POST", "/policies", policy_body("nightly", [server]))

    assert answer.body["error_code"] == "CSBS.6003"


@pytest.mark.parametrize(
    "changes", [{"name": "with blank"}, {"provider_id": "other"}, {"scheduled_operations": []}, {"tags": "none"}]
)
async def test_a_policy_that_breaks_a_rule_is_refused_and_not_kept(csbs: Csbs, changes: dict[str, Any]) -> None:
    answer = await csbs.call("POST", "/policies", policy_body("nightly", [], **changes))

    assert (answer.status, answer.body["error_code"]) == (400, "CSBS.9001")
    assert next(iter(changes)) in answer.body["error_msg"]
    assert await csbs.good("GET", "/policies") == {"policies": []}


@pytest.mark.parametrize("body", [{}, {"policy": []}, {"policy": None}, "text"])
async def test_a_body_without_a_policy_is_refused(csbs: Csbs, body: Any) -> None:
    answer = await csbs.call("POST", "/policies", body)

    assert (answer.status, answer.body["error_code"]) == (400, "CSBS.9001")


async def test_nulls_and_unknown_members_are_taken_as_not_given(csbs: Csbs) -> None:
    policy = await csbs.create_policy(description=None, tags=None, colour="red")

    assert (policy["description"], policy["tags"], "colour" in policy) == ("", [], False)


async def test_policies_are_listed_newest_first(csbs: Csbs) -> None:
    for name in ("first", "second"):
        csbs.pass_seconds(1)
        await csbs.create_policy(name)

    assert [policy["name"] for policy in (await csbs.good("GET", "/policies"))["policies"]] == ["second", "first"]


async def test_policies_are_found_by_exact_name(csbs: Csbs) -> None:
    for name in ("nightly", "nightly-2"):
        await csbs.create_policy(name)

    found = (await csbs.good("GET", "/policies?name=nightly"))["policies"]

    assert [policy["name"] for policy in found] == ["nightly"]


async def test_policies_are_sorted_by_several_keys(csbs: Csbs) -> None:
    for name in ("b", "a"):
        await csbs.create_policy(name)

    found = (await csbs.good("GET", "/policies?sort=status,name:asc"))["policies"]

    assert [policy["name"] for policy in found] == ["a", "b"]


@pytest.mark.parametrize(
    "query", ["sort=colour", "sort=name:up", "sort=" + "x" * 256, "limit=0", "limit=x", "offset=-1"]
)
async def test_a_list_with_a_bad_query_is_refused(csbs: Csbs, query: str) -> None:
    answer = await csbs.call("GET", f"/policies?{query}")

    assert (answer.status, answer.body["error_code"]) == (400, "CSBS.9001")


async def test_a_list_names_its_next_page_until_the_last(csbs: Csbs) -> None:
    for name in ("a", "b", "c"):
        await csbs.create_policy(name)

    first = await csbs.good("GET", "/policies?sort=name:asc&limit=2")
    (link,) = first["policies_links"]
    async with csbs.http.session.get(link["href"]) as response:
        last = await response.json()

    assert [policy["name"] for policy in first["policies"]] == ["a", "b"]
    assert (link["rel"], [policy["name"] for policy in last["policies"]]) == ("next", ["c"])
    assert "policies_links" not in last


async def test_an_update_changes_what_is_given_and_keeps_the_rest(csbs: Csbs) -> None:
    before = await csbs.create_policy(servers=1, tags=[{"key": "team", "value": "billing"}])

    await csbs.good("PUT", f"/policies/{before['id']}", {"policy": {"name": "renamed"}})

    assert (await csbs.good("GET", f"/policies/{before['id']}"))["policy"] == {**before, "name": "renamed"}


async def test_an_update_of_the_period_merges_member_by_member(csbs: Csbs) -> None:
    policy = await csbs.create_policy()
    period = policy["scheduled_operations"][0]
    pattern = "RRULE:FREQ=DAILY;BYHOUR=4;BYMINUTE=0"
    change = {
        "id": period["id"],
        "enabled": False,
        "operation_definition": {"retention_duration_days": 7},
        "trigger": {"properties": {"pattern": pattern}},
    }

    await csbs.good("PUT", f"/policies/{policy['id']}", {"policy": {"scheduled_operations": [change]}})

    after = (await csbs.good("GET", f"/policies/{policy['id']}"))["policy"]["scheduled_operations"][0]
    assert (after["enabled"], after["name"], after["trigger"]["properties"]["pattern"]) == (False, "period", pattern)
    assert after["operation_definition"] == {**period["operation_definition"], "retention_duration_days": "7"}
    assert after["trigger"]["id"] == period["trigger"]["id"]


async def test_the_answer_to_an_update_is_barer_than_that_of_a_read(csbs: Csbs) -> None:
    policy = await csbs.create_policy()

    answered = (await csbs.good("PUT", f"/policies/{policy['id']}", {"policy": {"description": "new"}}))["policy"]

    assert list(answered["scheduled_operations"][0]["trigger"]) == ["properties"]
    assert "tags" not in answered


async def test_an_update_replaces_the_servers(csbs: Csbs) -> None:
    policy = await csbs.create_policy(servers=2)
    body = {"policy": {"resources": [csbs.server(1), csbs.server(2)]}}

    answered = (await csbs.good("PUT", f"/policies/{policy['id']}", body))["policy"]

    assert [server["id"] for server in answered["resources"]] == csbs.servers[1:3]


async def test_an_update_cannot_take_the_name_or_a_server_of_another_policy(csbs: Csbs) -> None:
    await csbs.create_policy("first", servers=1)
    second = await csbs.create_policy("second")

    name = await csbs.call("PUT", f"/policies/{second['id']}", {"policy": {"name": "first"}})
    server = await csbs.call("PUT", f"/policies/{second['id']}", {"policy": {"resources": [csbs.server(0)]}})

    assert (name.body["error_code"], server.body["error_code"]) == ("CSBS.9007", "CSBS.6004")
    assert (await csbs.good("GET", f"/policies/{second['id']}"))["policy"] == second


async def test_an_update_of_another_period_is_refused(csbs: Csbs) -> None:
    policy = await csbs.create_policy()
    body = {"policy": {"name": "renamed", "scheduled_operations": [{"id": "unknown", "enabled": False}]}}

    answer = await csbs.call("PUT", f"/policies/{policy['id']}", body)

    assert (answer.status, answer.body["error_code"]) == (400, "CSBS.9001")
    assert (await csbs.good("GET", f"/policies/{policy['id']}"))["policy"] == policy


async def test_a_policy_is_deleted_without_a_body(csbs: Csbs) -> None:
    policy = await csbs.create_policy()

    assert await csbs.call("DELETE", f"/policies/{policy['id']}") == Answer(200, None)
    assert await csbs.call("GET", f"/policies/{policy['id']}") == refused(404, "CSBS.3000", "plan not found")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_an_unknown_policy_is_not_found(csbs: Csbs, method: str) -> None:
    body: dict[str, Any] | None = {"policy": {}} if method == "PUT" else None

    assert await csbs.call(method, "/policies/unknown", body) == refused(404, "CSBS.3000", "plan not found")


# ----------------------------------------------------------------------------------------------------- taking backups


async def test_executing_a_policy_makes_one_backup_of_each_server_at_once(csbs: Csbs) -> None:
    policy = await csbs.create_policy(servers=2, tags=[{"key": "team", "value": "billing"}])

    checkpoint = (await csbs.execute(policy, auto_trigger=False)).body["checkpoint"]

    assert checkpoint == {
        "id": checkpoint["id"],
        "status": "protecting",
        "created_at": "2031-01-07T08:15:00.000265",
        "project_id": PROJECT,
        "resource_graph": None,
        "protection_plan": {"id": policy["id"], "name": "nightly", "resources": policy["resources"]},
        "extra_info": '{"created_by": "manual"}',
    }
    items = await csbs.items(f"?checkpoint_id={checkpoint['id']}")
    assert {item["resource_id"] for item in items} == set(csbs.servers[:2])
    assert {item["status"] for item in items} == {"protecting"}
    assert all(item["tags"] == policy["tags"] for item in items)
    assert all(re.fullmatch("manualbk_[0-9a-f]{4}", item["name"]) for item in items)


async def test_null_servers_mean_all_and_a_list_means_these(csbs: Csbs) -> None:
    policy = await csbs.create_policy(servers=3)
    all_of_them = (await csbs.execute(policy, resources=None)).body["checkpoint"]["id"]
    csbs.pass_seconds(100)
    one = (await csbs.execute(policy, resources=[csbs.servers[1]])).body["checkpoint"]["id"]

    assert len(await csbs.items(f"?checkpoint_id={all_of_them}")) == 3
    assert [item["resource_id"] for item in await csbs.items(f"?checkpoint_id={one}")] == [csbs.servers[1]]


async def test_a_policy_executed_as_scheduled_makes_automatic_backups(csbs: Csbs) -> None:
    await csbs.execute(await csbs.create_policy(servers=1), auto_trigger=True)

    (item,) = await csbs.items()

    assert item["name"].startswith("autobk_")
    assert item["extend_info"]["auto_trigger"] is True


@pytest.mark.parametrize(
    ("auto_trigger", "code", "message"),
    [(False, "CSBS.1001", "The policy is executing backup."), (True, "CSBS.6030", "auto plan executing")],
)
async def test_a_policy_that_runs_is_not_executed_again(
    csbs: Csbs, auto_trigger: bool, code: str, message: str
) -> None:
    policy = await csbs.create_policy(servers=1)
    await csbs.execute(policy, auto_trigger=auto_trigger)

    assert await csbs.execute(policy) == refused(500, code, message)


async def test_an_unknown_policy_is_not_executed(csbs: Csbs) -> None:
    assert await csbs.execute({"id": "unknown"}) == refused(404, "CSBS.3000", "plan not found")


async def test_a_policy_without_servers_has_nothing_to_back_up(csbs: Csbs) -> None:
    assert await csbs.execute(await csbs.create_policy()) == refused(500, "CSBS.6032", "plan has no resource backup")


async def test_a_server_outside_the_policy_is_refused(csbs: Csbs) -> None:
    answer = await csbs.execute(await csbs.create_policy(servers=1), resources=[csbs.servers[1]])

    assert (answer.status, answer.body["error_code"]) == (400, "CSBS.9001")


async def test_a_server_that_cannot_be_backed_up_is_left_out(csbs: Csbs) -> None:
    policy = await csbs.create_policy(servers=2)
    await csbs.protect(0)

    checkpoint = (await csbs.execute(policy)).body["checkpoint"]

    items = await csbs.items(f"?checkpoint_id={checkpoint['id']}")
    assert [item["resource_id"] for item in items] == [csbs.servers[1]]
    assert len(checkpoint["protection_plan"]["resources"]) == 2


async def test_a_server_is_protected_by_itself(csbs: Csbs) -> None:
    answer = await csbs.protect(
        1, backup_name="before-upgrade", description="v4", tags=[{"key": "team", "value": "billing"}]
    )

    checkpoint = answer.body["checkpoint"]
    plan = checkpoint["protection_plan"]
    assert plan["id"].startswith("fake_")
    assert plan["name"] == f"server protect plan for {csbs.servers[1]}"
    assert plan["resources"] == [csbs.server(1, extra_info="{}")]
    assert (checkpoint["status"], checkpoint["extra_info"]) == ("protecting", None)
    (item,) = await csbs.items()
    assert (item["name"], item["description"], item["checkpoint_id"]) == ("before-upgrade", "v4", checkpoint["id"])
    assert item["tags"] == [{"key": "team", "value": "billing"}]


async def test_a_protection_without_members_gets_a_name_of_its_own(csbs: Csbs) -> None:
    await csbs.protect(0)

    assert re.fullmatch("manualbk_[0-9a-f]{4}", (await csbs.items())[0]["name"])


async def test_a_server_that_is_being_backed_up_is_refused(csbs: Csbs) -> None:
    await csbs.protect(0)

    assert await csbs.protect(0) == refused(400, "CSBS.6005", f"Server ({csbs.servers[0]}) is already in service.")


async def test_a_server_without_disks_is_refused(csbs: Csbs) -> None:
    csbs.inventory.servers[csbs.servers[0]]["volumes"] = []

    answer = await csbs.protect(0)

    assert answer == refused(400, "CSBS.6007", f"No volume attached to the server ({csbs.servers[0]}) for protect.")


async def test_a_server_in_a_bad_state_is_refused(csbs: Csbs) -> None:
    csbs.inventory.servers[csbs.servers[0]]["status"] = "ERROR"

    message = f"Server ({csbs.servers[0]}) status (ERROR) is not allowed to protect."
    assert await csbs.protect(0) == refused(400, "CSBS.6006", message)


async def test_an_unknown_server_is_not_protected(csbs: Csbs) -> None:
    answer = await csbs.call("POST", f"/providers/{PROVIDER_ID}/resources/unknown/action", {"protect": {}})

    assert answer == refused(400, "CSBS.6000", "server do not exist")


async def test_a_bare_metal_server_is_not_protected(csbs: Csbs) -> None:
    assert (await csbs.protect(0, resource_type="OS::Ironic::BareMetalServer")).body["error_code"] == "CSBS.6003"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "checkpoints"),
        ("DELETE", "checkpoints/1"),
        ("POST", "resources/1/action"),
        ("POST", "resources/action"),
    ],
)
async def test_another_provider_is_refused(csbs: Csbs, method: str, path: str) -> None:
    assert await csbs.call(method, f"/providers/other/{path}", {}) == refused(400, "CSBS.9001", "provider invalid")


async def test_asking_what_can_be_backed_up_always_succeeds(csbs: Csbs) -> None:
    await csbs.protect(0)
    ids = [csbs.servers[0], csbs.servers[1], "unknown"]
    body = {"check_protectable": [{"resource_id": each, "resource_type": "OS::Nova::Server"} for each in ids]}

    answers = (await csbs.good("POST", f"/providers/{PROVIDER_ID}/resources/action", body))["protectable"]

    assert [(answer["result"], answer["error_code"]) for answer in answers] == [
        (False, "CSBS.6005"),
        (True, ""),
        (False, "CSBS.6000"),
    ]
    assert [answer["resource_id"] for answer in answers] == ids


@pytest.mark.parametrize(
    "body",
    [{}, {"check_restorable": [{"checkpoint_item_id": "1"}]}, {"check_protectable": [{"resource_id": "1"}]}],
)
async def test_asking_in_another_form_is_refused(csbs: Csbs, body: dict[str, Any]) -> None:
    answer = await csbs.call("POST", f"/providers/{PROVIDER_ID}/resources/action", body)

    assert (answer.status, answer.body["error_code"]) == (400, "CSBS.9001")


# ---------------------------------------------------------------------------------------------------- reading backups


async def test_a_backup_rises_and_ends_with_its_disks(csbs: Csbs) -> None:
    await csbs.protect(1)
    (running,) = await csbs.items()
    csbs.pass_seconds(42)
    (half,) = await csbs.items()
    csbs.pass_seconds(58)
    (done,) = await csbs.items()

    info = half["extend_info"]
    assert (running["status"], running["extend_info"]["progress"]) == ("protecting", 0)
    assert (half["status"], info["progress"], info["size"], info["volume_backups"]) == ("protecting", 42, None, [])
    assert info["finished_at"] is None
    info = done["extend_info"]
    assert (done["status"], info["progress"], info["finished_at"]) == ("available", 100, "2031-01-07T08:16:40.000265")
    volumes = csbs.inventory.servers[csbs.servers[1]]["volumes"]
    assert sorted(disk["source_volume_id"] for disk in info["volume_backups"]) == sorted(volumes)
    assert info["size"] == sum(disk["size"] for disk in info["volume_backups"])


async def test_a_finished_backup_has_every_documented_member_in_the_types_that_clients_need(csbs: Csbs) -> None:
    await csbs.protect(0, backup_name="before-upgrade")
    csbs.pass_seconds(100)

    item = (await csbs.good("GET", f"/checkpoint_items/{(await csbs.items())[0]['id']}"))["checkpoint_item"]

    assert set(item) == set(
        "id checkpoint_id name description status resource_id resource_type created_at updated_at protected_at "
        "backup_data extend_info tags".split()
    )
    assert all(TIMESTAMP.fullmatch(item[name]) for name in ("created_at", "updated_at", "protected_at"))
    info = item["extend_info"]
    assert set(info) == set(
        "auto_trigger progress average_speed space_saving_ratio size incremental image_type resource_az resource_name "
        "resource_type copy_from copy_status fail_code fail_op fail_reason finished_at hypervisor_type "
        "supported_restore_mode support_lld taskid os_images_data volume_backups".split()
    )
    (disk,) = info["volume_backups"]
    assert set(disk) == set(
        "id name status image_type source_volume_id source_volume_name source_volume_size snapshot_id bootable "
        "incremental size average_speed space_saving_ratio".split()
    )
    # Go clients fail on fractions of a disk, on text for these numbers and on a fail_code that is no object.
    whole = (disk["size"], disk["average_speed"], disk["space_saving_ratio"], info["progress"], info["size"])
    assert {type(number) for number in whole} == {int}
    assert {type(item["backup_data"][name]) for name in ("disk", "ram", "vcpus")} == {int}
    assert info["fail_code"] == {}


async def test_the_first_backup_of_a_server_is_full_and_the_next_is_not(csbs: Csbs) -> None:
    for _ in range(3):
        await csbs.protect(0, incremental=True)
        csbs.pass_seconds(100)
    await csbs.protect(0, incremental=False)

    items = await csbs.items("?sort=created_at:asc")

    assert [item["extend_info"]["incremental"] for item in items] == [False, True, True, False]
    assert items[1]["extend_info"]["size"] < items[0]["extend_info"]["size"]


async def test_disks_that_are_left_out_are_not_backed_up(csbs: Csbs) -> None:
    kept, left_out = csbs.inventory.servers[csbs.servers[1]]["volumes"]
    await csbs.protect(1, extra_info={"exclude_volumes": [left_out]})
    csbs.pass_seconds(100)

    (item,) = await csbs.items()

    assert [disk["source_volume_id"] for disk in item["extend_info"]["volume_backups"]] == [kept]


async def test_a_failed_backup_reports_why(csbs: Csbs) -> None:
    csbs.state.plan_failure("csbs", "the agent is silent")
    await csbs.protect(0)
    csbs.pass_seconds(50)
    before = (await csbs.items())[0]["status"]
    csbs.pass_seconds(50)

    (item,) = await csbs.items()

    assert (before, item["status"]) == ("protecting", "error")
    info = item["extend_info"]
    assert (info["fail_reason"], info["fail_op"]) == ("the agent is silent", "backup")
    assert info["fail_code"] == {"Code": "CSBS.9999", "Description": "the agent is silent"}
    assert info["volume_backups"] == []


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 3),
        ("status=available", 1),
        ("status=protecting", 2),
        ("name=before", 1),
        ("name=BEFORE", 0),
        ("resource_id={web}", 1),
        ("resource_id=web", 0),
        ("resource_name=web", 1),
        ("resource_type=OS::Nova::Server", 3),
        ("resource_type=OS::Ironic::BareMetalServer", 0),
        ("resource_type=OS::Ironic::BareMetalServer&resource_type=OS::Nova::Server", 3),
        ("checkpoint_id={checkpoint}", 2),
        ("policy_id={policy}", 2),
        ("policy_id=unknown", 0),
        ("az=eu-de-01", 2),
        ("az=eu-de-02", 1),
        ("image_type=backup", 3),
        ("image_type=other", 0),
        ("ip=192.168.0.10", 1),
        ("start_time=2031-01-07T08:15:00.000266", 2),
        ("start_time=2031-01-07T08:15:00", 3),
        ("end_time=2031-01-07T08:15:00.000265", 1),
        ("end_time=2031-01-07T08:15:00", 0),
        ("all_tenants=false", 3),
        ("policy_id={policy}&resource_name=app", 1),
    ],
)
async def test_backups_are_found_and_counted_by_every_filter(csbs: Csbs, query: str, count: int) -> None:
    await csbs.protect(0, backup_name="before-upgrade")
    csbs.pass_seconds(100)
    servers = [csbs.server(1), csbs.server(2)]
    policy = (await csbs.good("POST", "/policies", policy_body("nightly", servers)))["policy"]
    checkpoint = (await csbs.execute(policy)).body["checkpoint"]
    asked = "?" + query.format(web=csbs.servers[0], policy=policy["id"], checkpoint=checkpoint["id"])

    assert len(await csbs.items(asked)) == count
    assert await csbs.good("GET", f"/checkpoint_items/count{asked}") == {"count": count}


async def test_a_time_that_cannot_be_read_is_refused(csbs: Csbs) -> None:
    answer = await csbs.call("GET", "/checkpoint_items?start_time=yesterday")

    assert (answer.status, answer.body["error_code"]) == (400, "CSBS.9001")


async def test_backups_come_newest_first_in_pages_that_name_the_next(csbs: Csbs) -> None:
    for number in range(3):
        await csbs.protect(number)
        csbs.pass_seconds(1)

    page = await csbs.good("GET", "/checkpoint_items?limit=2")
    rest = await csbs.items(f"?limit=2&marker={page['checkpoint_items'][-1]['id']}")

    assert [item["resource_id"] for item in [*page["checkpoint_items"], *rest]] == csbs.servers[2::-1]
    assert page["checkpoint_items_links"][0]["rel"] == "next"
    assert [item["resource_id"] for item in await csbs.items("?offset=2")] == csbs.servers[:1]


async def test_the_id_of_a_checkpoint_stands_for_its_only_backup(csbs: Csbs) -> None:
    checkpoint = (await csbs.protect(0)).body["checkpoint"]

    answer = await csbs.good("GET", f"/checkpoint_items/{checkpoint['id']}")

    assert answer["checkpoint_item"]["checkpoint_id"] == checkpoint["id"]


async def test_an_unknown_backup_is_not_found(csbs: Csbs) -> None:
    answer = await csbs.call("GET", "/checkpoint_items/unknown")

    assert answer == refused(404, "CSBS.3001", "Checkpoint_item (unknown) is not found.")


async def test_disk_backups_are_kept_as_rows_for_the_disk_service(csbs: Csbs) -> None:
    await csbs.protect(1)
    csbs.pass_seconds(100)
    (item,) = await csbs.items()

    rows = csbs.state.table("csbs.volume_backups")

    assert set(rows) == {disk["id"] for disk in item["extend_info"]["volume_backups"]}
    assert {row["item_id"] for row in rows.values()} == {item["id"]}
    assert {row["item_id"] for row in rows.values()} <= set(csbs.state.table("csbs.items"))


# ------------------------------------------------------------------------------------------------------ going backups


async def test_a_checkpoint_is_deleted_after_a_while(csbs: Csbs) -> None:
    policy = await csbs.create_policy(servers=2)
    checkpoint = (await csbs.execute(policy)).body["checkpoint"]
    csbs.pass_seconds(100)
    ids = [item["id"] for item in await csbs.items()]

    answer = await csbs.delete(checkpoint["id"])

    assert answer == Answer(200, {})
    assert {item["status"] for item in await csbs.items()} == {"deleting"}
    csbs.pass_seconds(100)
    assert [(await csbs.call("GET", f"/checkpoint_items/{each}")).status for each in ids] == [404, 404]
    assert csbs.state.table("csbs.volume_backups") == {}


@pytest.mark.parametrize("separator", [",", "&checkpoint_items="])
async def test_named_backups_of_a_checkpoint_are_deleted_and_the_others_stay(csbs: Csbs, separator: str) -> None:
    checkpoint = (await csbs.execute(await csbs.create_policy(servers=3))).body["checkpoint"]
    csbs.pass_seconds(100)
    kept, *gone = [item["id"] for item in await csbs.items()]

    await csbs.delete(checkpoint["id"], "?checkpoint_items=" + separator.join(gone))
    csbs.pass_seconds(100)

    assert [item["id"] for item in await csbs.items()] == [kept]


async def test_what_is_running_or_going_is_not_deleted(csbs: Csbs) -> None:
    checkpoint = (await csbs.protect(0)).body["checkpoint"]
    busy = refused(400, "CSBS.2003", "item in executing")

    running = await csbs.delete(checkpoint["id"])
    csbs.pass_seconds(100)
    await csbs.delete(checkpoint["id"])
    going = await csbs.delete(checkpoint["id"])
    csbs.pass_seconds(100)

    assert (running, going) == (busy, busy)
    assert (await csbs.delete(checkpoint["id"])).status == 404


async def test_nothing_of_a_running_policy_is_deleted(csbs: Csbs) -> None:
    policy = await csbs.create_policy(servers=1)
    old = (await csbs.execute(policy)).body["checkpoint"]
    csbs.pass_seconds(100)
    await csbs.execute(policy)

    assert await csbs.delete(old["id"]) == refused(400, "CSBS.2004", "item in plan executing")


@pytest.mark.parametrize("query", ["", "?checkpoint_items=unknown"])
async def test_an_unknown_backup_is_not_deleted(csbs: Csbs, query: str) -> None:
    checkpoint = (await csbs.protect(0)).body["checkpoint"]
    csbs.pass_seconds(100)

    answer = await csbs.delete(checkpoint["id"] if query else "unknown", query)

    assert answer == refused(404, "CSBS.3001", "Checkpoint_item (unknown) is not found.")
    assert len(await csbs.items("?status=available")) == 1


async def test_the_sixth_deletion_waits_for_the_first(csbs: Csbs) -> None:
    ids = []
    for _ in range(6):
        ids.append((await csbs.protect(0)).body["checkpoint"]["id"])
        csbs.pass_seconds(100)
    for each in ids:
        await csbs.delete(each)
        csbs.pass_seconds(1)

    (waiting,) = await csbs.items("?status=waiting_delete")
    csbs.pass_seconds(100)
    (going,) = await csbs.items("?status=deleting")
    csbs.pass_seconds(100)

    assert waiting["checkpoint_id"] == going["checkpoint_id"] == ids[-1]
    assert await csbs.items() == []


async def test_a_failed_deletion_ends_in_error_and_can_be_repeated(csbs: Csbs) -> None:
    checkpoint = (await csbs.protect(0)).body["checkpoint"]
    csbs.pass_seconds(100)
    csbs.state.plan_failure("csbs.deletion", "the storage is silent")
    await csbs.delete(checkpoint["id"])
    csbs.pass_seconds(100)

    (item,) = await csbs.items()
    await csbs.delete(checkpoint["id"])
    csbs.pass_seconds(100)

    info = item["extend_info"]
    assert (item["status"], info["fail_op"], info["fail_reason"]) == ("error", "delete", "the storage is silent")
    assert await csbs.items() == []


async def test_backups_stay_when_their_policy_goes(csbs: Csbs) -> None:
    policy = await csbs.create_policy(servers=1)
    await csbs.execute(policy)
    await csbs.good("DELETE", f"/policies/{policy['id']}")

    assert len(await csbs.items(f"?policy_id={policy['id']}")) == 1


async def test_a_running_backup_continues_after_a_restart(tmp_path: Path) -> None:
    first = Csbs(tmp_path / "state.json")
    async with first.http:
        policy = await first.create_policy(servers=1)
        await first.execute(policy)
        (running,) = await first.items()

    second = Csbs(tmp_path / "state.json")
    second.pass_seconds(100)
    async with second.http:
        (done,) = await second.items()
        read = (await second.good("GET", f"/policies/{policy['id']}"))["policy"]

    assert (running["status"], done["status"]) == ("protecting", "available")
    assert (done["id"], read) == (running["id"], policy)
