"""Faults from outside: the calls below ``/_control``, the command line, and a cloud that crashes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from airflow_provider_backup.emulator.cli import main
from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.emulator.callers import Caller, caller_of
from tests.emulator.test_cli import emulator

FAULTS = "/_control/faults"
INSTANCES = "/v3/P/instances"
REFUSAL = {"kind": "refuse", "service": "rds", "status": 409, "code": "DBS.201205"}


@pytest_asyncio.fixture
async def caller(backup_cloud: RunningCloud) -> AsyncIterator[Caller]:
    """Raw HTTP with a token."""
    async with caller_of(backup_cloud) as caller:
        yield caller


async def status_of_rds(caller: Caller) -> int:
    return (await caller.call("GET", "rds", INSTANCES)).status


async def test_a_fault_is_armed_from_outside(backup_cloud: RunningCloud, caller: Caller) -> None:
    answer = await caller.call("POST", "iam", FAULTS, REFUSAL)
    assert answer.status == 201
    assert await status_of_rds(caller) == 409
    assert backup_cloud.hits(answer.body["id"]) == 1


async def test_several_faults_are_armed_at_once(caller: Caller) -> None:
    answer = await caller.call("POST", "iam", FAULTS, [REFUSAL | {"count": 1}, {"kind": "throttle"}])
    assert len({each["id"] for each in answer.body}) == 2
    assert [await status_of_rds(caller), await status_of_rds(caller)] == [409, 429]


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "refuse", "status": 200, "code": "x"},
        {"kind": "throttle", "route": "/v3/{project_id}/nothing"},
    ],
)
async def test_of_several_faults_with_a_wrong_one_none_is_armed(wrong: Any, caller: Caller) -> None:
    assert (await caller.call("POST", "iam", FAULTS, [REFUSAL, wrong])).status == 400
    assert await status_of_rds(caller) == 200


async def test_a_wrong_fault_is_answered_with_field_and_rule(caller: Caller) -> None:
    answer = await caller.call("POST", "iam", FAULTS, {"kind": "delay", "seconds": -1})
    assert answer.status == 400
    assert "delay.seconds: Input should be greater than or equal to 0 (given: -1)" in answer.body["error"]["message"]


@pytest.mark.parametrize("body", [None, 7, "throttle", {}])
async def test_what_is_no_fault_is_refused(body: Any, caller: Caller) -> None:
    assert (await caller.call("POST", "iam", FAULTS, body)).status == 400


async def test_armed_faults_are_listed_with_their_hits(caller: Caller) -> None:
    identifier = (await caller.call("POST", "iam", FAULTS, REFUSAL | {"count": 1})).body["id"]
    await status_of_rds(caller)
    assert (await caller.call("GET", "iam", FAULTS)).body == {
        "faults": [
            {
                **REFUSAL,
                "id": identifier,
                "count": 1,
                "probability": 1.0,
                "seed": 0,
                "message": "This refusal was planned in the local cloud.",
                "hits": 1,
            }
        ]
    }


async def test_one_fault_is_disarmed_and_others_stay(caller: Caller) -> None:
    answer = await caller.call("POST", "iam", FAULTS, [REFUSAL, {"kind": "throttle"}])
    assert (await caller.call("DELETE", "iam", f"{FAULTS}/{answer.body[0]['id']}")).status == 204
    assert await status_of_rds(caller) == 429


async def test_all_faults_are_disarmed(caller: Caller) -> None:
    await caller.call("POST", "iam", FAULTS, [REFUSAL, {"kind": "throttle"}])
    assert (await caller.call("DELETE", "iam", FAULTS)).status == 204
    assert await status_of_rds(caller) == 200
    assert (await caller.call("GET", "iam", FAULTS)).body == {"faults": []}


async def test_a_fault_that_is_not_armed_cannot_be_disarmed(caller: Caller) -> None:
    assert (await caller.call("DELETE", "iam", f"{FAULTS}/fault-1")).status == 404


async def test_requests_are_counted_for_callers_from_outside(caller: Caller) -> None:
    await status_of_rds(caller)
    await status_of_rds(caller)
    assert (await caller.call("GET", "iam", "/_control/requests")).body == {
        "requests": [
            {"service": "iam", "method": "POST", "route": "/v3/auth/tokens", "count": 1},
            {"service": "rds", "method": "GET", "route": "/v3/{project_id}/instances", "count": 2},
        ]
    }


# A cloud that crashes


async def test_a_stopped_cloud_cannot_be_reached(backup_cloud: RunningCloud, caller: Caller) -> None:
    backup_cloud.stop()
    with pytest.raises(aiohttp.ClientConnectorError):
        await status_of_rds(caller)


async def test_a_restarted_cloud_knows_everything_at_the_same_addresses(
    backup_cloud: RunningCloud, caller: Caller
) -> None:
    before = backup_cloud.describe()
    fault = backup_cloud.misbehave("delay", seconds=0, service="rds")
    await caller.back_up("nightly")
    backup_cloud.stop()
    backup_cloud.restart()
    assert backup_cloud.describe() == before
    assert await caller.names() == ["nightly"]
    assert backup_cloud.hits(fault) == 2
    assert backup_cloud.requests["rds", "POST", "/v3/{project_id}/backups"] == 1


async def test_a_request_that_waits_when_the_cloud_stops_has_no_effect(
    backup_cloud: RunningCloud, caller: Caller
) -> None:
    backup_cloud.misbehave("delay", method="POST", count=1, seconds=30)
    creation = asyncio.create_task(caller.back_up("nightly"))
    while not backup_cloud.requests["rds", "POST", "/v3/{project_id}/backups"]:
        await asyncio.sleep(0.01)
    began = time.monotonic()
    backup_cloud.restart()
    assert time.monotonic() - began < 5
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await creation
    assert await caller.names() == []


# The command line


def test_the_command_misbehaves_from_the_start(tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    file.write_text(json.dumps([{"kind": "server_error", "service": "iam", "status": 503}]))

    async def look(url: str) -> int:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return response.status

    with emulator("--port", "0", "--faults", str(file)) as (_, line):
        assert asyncio.run(look(json.loads(line)["iam"])) == 503


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file or directory"),
        ("no json", "Expecting value"),
        ('[{"kind": "delay"}]', "0.delay.seconds: must be given"),
        ('[{"kind": "throttle", "service": "s3"}]', "service: must be one of iam"),
    ],
)
def test_a_file_of_faults_that_cannot_be_used_is_an_error_on_one_line(
    content: str | None, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "faults.json"
    if content is not None:
        file.write_text(content)
    assert main(["--port", "0", "--faults", str(file)]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    assert f"The fault file {file} cannot be used: {reason}" in output.err
