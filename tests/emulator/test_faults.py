"""What happens to requests when the local cloud is told to misbehave, and what clients see of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.errors import (
    AuthenticationError,
    CloudConnectionError,
    RateLimitedError,
    ServerError,
    UnexpectedResponseError,
)
from airflow_provider_backup.cloud.services.rds.models import Backup, BackupCreate
from airflow_provider_backup.emulator.core.accounts import PROJECT_ID
from airflow_provider_backup.emulator.faults.specs import read_faults
from airflow_provider_backup.emulator.server import LocalCloud
from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.emulator.callers import Caller, caller_of, client_of

BACKUPS = "/v3/{project_id}/backups"
POST = ("rds", "POST", BACKUPS)
LIST = "/v3/P/instances"


@pytest.fixture
def cloud(backup_cloud: RunningCloud) -> RunningCloud:
    """A local cloud whose backups take an hour."""
    backup_cloud.set_backup_seconds(3600)
    return backup_cloud


@pytest_asyncio.fixture
async def caller(cloud: RunningCloud) -> AsyncIterator[Caller]:
    """Raw HTTP with a token."""
    async with caller_of(cloud) as caller:
        yield caller


async def back_up(client: BackupCloud, cloud: RunningCloud, name: str = "nightly") -> Backup:
    instance_id = cloud.describe()["resources"]["rds_instances"][0]
    return await client.rds.backups.create(BackupCreate(instance_id=instance_id, name=name))


async def until(caller: Caller, names: list[str]) -> None:
    for _ in range(100):
        if await caller.names() == names:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(await caller.names())


# Refuse


@pytest.mark.parametrize(
    ("service", "path", "code", "body"),
    [
        ("cbr", "/v3/P/policies", "BackupService.6125", {"error_code": "BackupService.6125", "error_msg": "busy"}),
        ("csbs", "/v1/P/policies", "CSBS.6005", {"error_code": "CSBS.6005", "error_msg": "busy"}),
        (
            "vbs",
            "/v2/P/backuppolicy",
            "VolumeBackup.0013",
            {"error": {"code": "VolumeBackup.0013", "message": "busy"}},
        ),
        ("rds", LIST, "DBS.201205", {"error_code": "DBS.201205", "error_msg": "busy"}),
        ("gaussdb", LIST, "DBS.201205", {"error_code": "DBS.201205", "error_msg": "busy"}),
        ("taurusdb", LIST, "DBS.201205", {"error_code": "DBS.201205", "error_msg": "busy"}),
        ("iam", "/v3/auth/projects", "409", {"error": {"code": 409, "message": "busy", "title": "Conflict"}}),
    ],
)
async def test_a_refusal_has_the_form_of_the_service(
    service: str, path: str, code: str, body: Any, cloud: RunningCloud, caller: Caller
) -> None:
    cloud.misbehave("refuse", service=service, status=409, code=code, message="busy")
    answer = await caller.call("GET", service, path)
    assert (answer.status, answer.body) == (409, body)


async def test_a_refusal_with_a_code_of_the_gateway_has_the_form_of_the_gateway(
    cloud: RunningCloud, caller: Caller
) -> None:
    cloud.misbehave("refuse", status=503, code="APIGW.0613", message="IAM is away")
    answer = await caller.call("GET", "rds", LIST)
    request_id = answer.headers["X-Request-Id"]
    assert answer.status == 503
    assert answer.body == {"error_code": "APIGW.0613", "error_msg": "IAM is away", "request_id": request_id}


async def test_a_refused_request_has_no_effect(cloud: RunningCloud, caller: Caller) -> None:
    cloud.misbehave("refuse", method="POST", status=400, code="DBS.200022")
    assert (await caller.back_up("nightly")).status == 400
    assert await caller.names() == []


# Delay


async def test_a_delayed_request_has_its_effect_after_the_client_gave_up(cloud: RunningCloud, caller: Caller) -> None:
    cloud.misbehave("delay", method="POST", seconds=0.4)
    async with client_of(cloud, total_timeout=0.15) as client:
        with pytest.raises(CloudConnectionError) as raised:
            await back_up(client, cloud)
    assert raised.value.request_sent
    assert await caller.names() == []
    await until(caller, ["nightly"])


async def test_a_delayed_answer_comes_after_the_effect(cloud: RunningCloud, caller: Caller) -> None:
    cloud.misbehave("delay", method="POST", seconds=5, after_effect=True)
    async with client_of(cloud, total_timeout=0.15) as client:
        with pytest.raises(CloudConnectionError):
            await back_up(client, cloud)
    assert await caller.names() == ["nightly"]


async def test_delays_add_up_with_each_other_and_go_with_another_fault(cloud: RunningCloud, caller: Caller) -> None:
    delays = [cloud.misbehave("delay", service="rds", seconds=0.1) for _ in range(2)]
    refusal = cloud.misbehave("refuse", service="rds", status=400, code="DBS.200022")
    began = time.monotonic()
    assert (await caller.call("GET", "rds", LIST)).status == 400
    assert time.monotonic() - began >= 0.2
    assert [cloud.hits(each) for each in (*delays, refusal)] == [1, 1, 1]


async def test_a_delay_holds_up_no_other_request(cloud: RunningCloud, caller: Caller) -> None:
    cloud.misbehave("delay", count=1, seconds=5)
    first = asyncio.create_task(caller.names())
    while not cloud.requests["rds", "GET", BACKUPS]:
        await asyncio.sleep(0.01)
    began = time.monotonic()
    await caller.names()
    assert time.monotonic() - began < 4
    first.cancel()


# Throttle


async def test_throttling_says_what_the_gateway_says(cloud: RunningCloud, caller: Caller) -> None:
    cloud.misbehave("throttle")
    answer = await caller.call("GET", "rds", LIST)
    assert (answer.status, answer.body["error_code"]) == (429, "APIGW.0308")
    assert answer.body["error_msg"] == (
        "The throttling threshold has been reached: policy user over ratelimit,limit:5,time:1 minute"
    )
    assert "Retry-After" not in answer.headers


async def test_throttling_says_how_long_to_wait_when_that_is_planned(cloud: RunningCloud, caller: Caller) -> None:
    cloud.misbehave("throttle", retry_after=7)
    assert (await caller.call("GET", "rds", LIST)).headers["Retry-After"] == "7"


async def test_our_client_waits_as_long_as_the_throttling_asks_and_then_creates_once(cloud: RunningCloud) -> None:
    fault = cloud.misbehave("throttle", method="POST", count=1, retry_after=1)
    began = time.monotonic()
    async with client_of(cloud, attempts=2) as client:
        await back_up(client, cloud)
    assert time.monotonic() - began >= 1
    assert (cloud.hits(fault), cloud.requests[POST]) == (1, 2)


async def test_our_client_gives_up_when_throttling_does_not_end(cloud: RunningCloud) -> None:
    fault = cloud.misbehave("throttle")
    async with client_of(cloud, throttle_timeout=0.1) as client:
        with pytest.raises(RateLimitedError):
            await back_up(client, cloud)
    assert cloud.hits(fault) > 1


async def test_throttling_may_let_some_through_per_window_and_route(cloud: RunningCloud, caller: Caller) -> None:
    fault = cloud.misbehave("throttle", service="rds", limit=2, window=3600)
    assert [(await caller.call("GET", "rds", LIST)).status for _ in range(4)] == [200, 200, 429, 429]
    assert [(await caller.back_up(f"night-{number}", number)).status for number in range(3)] == [200, 200, 429]
    assert cloud.hits(fault) == 3


async def test_a_new_window_lets_as_many_through_again(cloud: RunningCloud, caller: Caller) -> None:
    cloud.misbehave("throttle", service="rds", limit=1, window=0.3)
    assert [(await caller.call("GET", "rds", LIST)).status for _ in range(2)] == [200, 429]
    await asyncio.sleep(0.31)
    assert [(await caller.call("GET", "rds", LIST)).status for _ in range(2)] == [200, 429]


def test_a_limit_without_a_window_is_refused(cloud: RunningCloud) -> None:
    with pytest.raises(ValueError, match="limit and window go together"):
        cloud.misbehave("throttle", limit=2)


# Server errors


async def test_an_internal_error_has_the_form_of_the_service(cloud: RunningCloud, caller: Caller) -> None:
    cloud.misbehave("server_error", code="DBS.200500", message="oops")
    answer = await caller.call("GET", "rds", LIST)
    assert (answer.status, answer.body) == (500, {"error_code": "DBS.200500", "error_msg": "oops"})


@pytest.mark.parametrize(
    ("status", "title"), [(502, "Bad Gateway"), (503, "Service Unavailable"), (504, "Gateway Timeout")]
)
async def test_an_error_of_the_edge_is_a_page(status: int, title: str, cloud: RunningCloud, caller: Caller) -> None:
    cloud.misbehave("server_error", status=status)
    answer = await caller.call("GET", "rds", LIST)
    assert (answer.status, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert f"<h1>{status} {title}</h1>" in answer.text


async def test_a_request_that_meets_a_server_error_has_no_effect(cloud: RunningCloud, caller: Caller) -> None:
    cloud.misbehave("server_error", method="POST", status=504)
    await caller.back_up("nightly")
    assert await caller.names() == []


@pytest.mark.parametrize("status", [500, 504])
async def test_a_server_error_may_come_after_the_effect(status: int, cloud: RunningCloud, caller: Caller) -> None:
    cloud.misbehave("server_error", method="POST", status=status, after_effect=True)
    assert (await caller.back_up("nightly")).status == status
    assert await caller.names() == ["nightly"]


async def test_our_client_does_not_repeat_a_creation_that_got_a_server_error(cloud: RunningCloud) -> None:
    cloud.misbehave("server_error", method="POST", status=502, after_effect=True)
    async with client_of(cloud, attempts=3) as client:
        with pytest.raises(ServerError):
            await back_up(client, cloud)
    assert cloud.requests[POST] == 1


# Broken answers


async def test_a_connection_closed_before_the_effect_leaves_nothing_behind(cloud: RunningCloud, caller: Caller) -> None:
    cloud.misbehave("close_before", method="POST")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await caller.back_up("nightly")
    assert await caller.names() == []


async def test_a_connection_closed_after_the_effect_leaves_a_backup_behind(cloud: RunningCloud, caller: Caller) -> None:
    cloud.misbehave("close_after", method="POST")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await caller.back_up("nightly")
    assert await caller.names() == ["nightly"]


@pytest.mark.parametrize("kind", ["close_before", "close_after", "half_body"])
async def test_our_client_says_that_a_request_without_an_answer_was_sent(kind: Any, cloud: RunningCloud) -> None:
    cloud.misbehave(kind, method="POST")
    async with client_of(cloud, attempts=3) as client:
        with pytest.raises(CloudConnectionError) as raised:
            await back_up(client, cloud)
    assert raised.value.request_sent
    assert cloud.requests[POST] == 1


async def test_half_a_body_is_cut_off_in_the_middle(cloud: RunningCloud) -> None:
    cloud.misbehave("half_body", service="iam", method="GET")
    async with aiohttp.ClientSession() as session, session.get(cloud.auth_url) as response:
        assert response.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()
        assert response.content.total_bytes == int(response.headers["Content-Length"]) // 2


async def test_half_a_body_comes_after_the_effect(cloud: RunningCloud, caller: Caller) -> None:
    cloud.misbehave("half_body", method="POST")
    with pytest.raises(aiohttp.ClientPayloadError):
        await caller.back_up("nightly")
    assert await caller.names() == ["nightly"]


async def test_half_of_what_has_no_body_is_no_answer(cloud: RunningCloud, caller: Caller) -> None:
    cloud.misbehave("half_body", method="DELETE")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await caller.call("DELETE", "rds", "/v3/P/backups/nothing")


async def test_an_answer_without_its_body_comes_after_the_effect(cloud: RunningCloud, caller: Caller) -> None:
    cloud.misbehave("no_body", method="POST")
    answer = await caller.back_up("nightly")
    assert (answer.status, answer.text) == (200, "")
    assert await caller.names() == ["nightly"]


async def test_what_is_not_json_comes_after_the_effect(cloud: RunningCloud, caller: Caller) -> None:
    cloud.misbehave("not_json", method="POST")
    answer = await caller.back_up("nightly")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.startswith("<html>")
    assert await caller.names() == ["nightly"]


async def test_our_client_says_that_an_answer_is_not_json(cloud: RunningCloud) -> None:
    cloud.misbehave("not_json", method="POST")
    async with client_of(cloud, attempts=3) as client:
        with pytest.raises(UnexpectedResponseError, match="not JSON"):
            await back_up(client, cloud)
    assert cloud.requests[POST] == 1


async def test_an_answer_that_is_lost_may_be_a_refusal(cloud: RunningCloud, caller: Caller) -> None:
    cloud.misbehave("close_after")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await caller.call("POST", "rds", "/v3/P/backups", {"instance_id": "no such thing"})


async def test_an_effect_whose_answer_is_lost_is_saved(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    lost: list[dict[str, Any]] = [{"kind": "close_after"}, {"kind": "half_body"}]
    lost.append({"kind": "server_error", "after_effect": True})
    cloud = LocalCloud(port=0, backup_seconds=3600, state_file=file)
    await cloud.start()
    try:
        async with caller_of(cloud) as caller:
            for number, fault in enumerate(lost):
                cloud.faults.arm(read_faults({**fault, "method": "POST", "count": 1}))
                with contextlib.suppress(aiohttp.ClientError):
                    await caller.back_up(f"backup-{number}", instance=number)
                names = [row["name"] for row in json.loads(file.read_text())["rds.backups"].values()]
                assert f"backup-{number}" in names
    finally:
        await cloud.stop()


async def test_an_effect_whose_answer_waits_is_saved(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    cloud = LocalCloud(port=0, backup_seconds=3600, state_file=file)
    await cloud.start()
    try:
        async with caller_of(cloud) as caller:
            cloud.faults.arm(read_faults({"kind": "delay", "method": "POST", "seconds": 30, "after_effect": True}))
            creation = asyncio.create_task(caller.back_up("nightly"))
            while not await caller.names():
                await asyncio.sleep(0.01)
            assert "nightly" in file.read_text()
            creation.cancel()
    finally:
        await cloud.stop()


@pytest.mark.parametrize("kind", ["close_before", "close_after", "half_body"])
async def test_a_broken_connection_is_no_mistake_of_the_local_cloud(
    kind: Any, cloud: RunningCloud, caller: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.misbehave(kind, service="rds")
    with pytest.raises(aiohttp.ClientError):
        await caller.back_up("nightly")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


# Old tokens


async def test_an_old_token_gets_the_words_of_the_gateway(cloud: RunningCloud, caller: Caller) -> None:
    cloud.misbehave("old_token")
    answer = await caller.call("GET", "rds", LIST)
    assert (answer.status, answer.body["error_code"]) == (401, "APIGW.0307")


async def test_our_client_gets_a_new_token_in_place_of_an_old_one(cloud: RunningCloud) -> None:
    cloud.misbehave("old_token", count=1)
    async with client_of(cloud, with_token=True) as client:
        await back_up(client, cloud)
    assert (cloud.requests["iam", "POST", "/v3/auth/tokens"], cloud.requests[POST]) == (2, 2)


async def test_our_client_gives_up_when_new_tokens_are_old_too(cloud: RunningCloud) -> None:
    cloud.misbehave("old_token")
    async with client_of(cloud, with_token=True) as client:
        with pytest.raises(AuthenticationError):
            await back_up(client, cloud)


async def test_a_request_without_a_token_has_no_old_one(cloud: RunningCloud) -> None:
    fault = cloud.misbehave("old_token")
    async with client_of(cloud) as client:
        await back_up(client, cloud)
    assert cloud.hits(fault) == 0


# Which requests are hit


@pytest.mark.parametrize(
    ("fits", "does_not_fit"),
    [
        ({"service": "rds"}, {"service": "cbr"}),
        ({"method": "GET"}, {"method": "POST"}),
        ({"route": "/v3/{project_id}/instances"}, {"route": "/v3/{project_id}/backups"}),
        ({"route": f"/v3/{PROJECT_ID}/inst"}, {"route": f"/v3/{PROJECT_ID}/back"}),
        ({"route": "^/v3/[0-9a-f]{32}/instances$"}, {"route": "^/instances"}),
        ({"probability": 1}, {"probability": 0}),
    ],
)
async def test_only_requests_that_fit_are_hit(
    fits: dict[str, Any], does_not_fit: dict[str, Any], cloud: RunningCloud, caller: Caller
) -> None:
    missing = cloud.misbehave("refuse", status=418, code="x", **does_not_fit)
    hitting = cloud.misbehave("refuse", status=409, code="x", **fits)
    assert (await caller.call("GET", "rds", LIST)).status == 409
    assert (cloud.hits(missing), cloud.hits(hitting)) == (0, 1)


@pytest.mark.parametrize("prefix", ["", "/evs", "/vbs"])
async def test_a_route_is_the_same_whatever_stands_before_it(prefix: str, cloud: RunningCloud, caller: Caller) -> None:
    template = "/v2/{project_id}/backups/detail"
    by_template = cloud.misbehave("delay", service="vbs", route=template, seconds=0)
    by_path = cloud.misbehave("delay", service="vbs", route=f"/v2/{PROJECT_ID}/backups", seconds=0)
    await caller.call("GET", "vbs", f"{prefix}/v2/P/backups/detail")
    assert (cloud.hits(by_template), cloud.hits(by_path)) == (1, 1)
    assert cloud.requests["vbs", "GET", template] == 1


async def test_a_fault_ends_after_its_count(cloud: RunningCloud, caller: Caller) -> None:
    fault = cloud.misbehave("refuse", count=2, status=409, code="x")
    assert [(await caller.call("GET", "rds", LIST)).status for _ in range(4)] == [409, 409, 200, 200]
    assert cloud.hits(fault) == 2


async def test_the_same_seed_hits_the_same_requests(cloud: RunningCloud, caller: Caller) -> None:
    async def statuses(seed: int) -> list[int]:
        cloud.misbehave("refuse", probability=0.5, seed=seed, status=409, code="x")
        try:
            return [(await caller.call("GET", "rds", LIST)).status for _ in range(20)]
        finally:
            cloud.behave()

    first = await statuses(3)
    assert set(first) == {200, 409}
    assert await statuses(3) == first
    assert await statuses(4) != first


async def test_of_two_faults_that_fit_the_one_that_was_armed_first_hits(cloud: RunningCloud, caller: Caller) -> None:
    first = cloud.misbehave("refuse", count=1, status=409, code="x")
    second = cloud.misbehave("refuse", status=418, code="x")
    assert [(await caller.call("GET", "rds", LIST)).status for _ in range(2)] == [409, 418]
    assert (cloud.hits(first), cloud.hits(second)) == (1, 1)


async def test_a_cloud_that_behaves_again_hits_nothing_and_still_knows_what_it_hit(
    cloud: RunningCloud, caller: Caller
) -> None:
    fault = cloud.misbehave("throttle")
    await caller.call("GET", "rds", LIST)
    cloud.behave()
    assert (await caller.call("GET", "rds", LIST)).status == 200
    assert cloud.hits(fault) == 1


async def test_a_fault_has_an_id_of_its_own_forever(cloud: RunningCloud) -> None:
    first = cloud.misbehave("throttle")
    cloud.behave()
    assert cloud.misbehave("throttle") != first


async def test_no_request_is_admitted_when_the_identity_service_fails(cloud: RunningCloud) -> None:
    cloud.misbehave("server_error", service="iam", status=503)
    caller = Caller(cloud)
    assert (await caller.enter()).status == 503
    await caller.close()


async def test_the_control_is_never_hit(cloud: RunningCloud, caller: Caller) -> None:
    cloud.misbehave("close_before")
    assert (await caller.call("DELETE", "iam", "/_control/faults")).status == 204
    assert (await caller.call("GET", "rds", LIST)).status == 200


async def test_requests_at_the_same_time_are_counted_and_hit_exactly(cloud: RunningCloud, caller: Caller) -> None:
    fault = cloud.misbehave("refuse", service="rds", count=20, status=409, code="x")
    cloud.misbehave("delay", service="rds", seconds=0.01)
    answers = await asyncio.gather(*(caller.call("GET", "rds", LIST) for _ in range(60)))
    assert sorted(answer.status for answer in answers) == [200] * 40 + [409] * 20
    assert cloud.hits(fault) == 20
    assert cloud.requests["rds", "GET", "/v3/{project_id}/instances"] == 60


async def test_every_request_that_reached_the_cloud_is_counted_by_its_route(
    cloud: RunningCloud, caller: Caller
) -> None:
    await caller.back_up("nightly")
    cloud.misbehave("close_before", method="POST")
    with pytest.raises(aiohttp.ClientError):
        await caller.back_up("weekly")
    assert cloud.requests[POST] == 2
    assert cloud.requests["rds", "GET", BACKUPS] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "explode"}, "kind"),
        ({"kind": "throttle", "service": "s3"}, "service: must be one of iam, vbs"),
        ({"kind": "throttle", "route": "/v3/{project_id}/nothing"}, "route: must be a route of the service"),
        ({"kind": "throttle", "service": "cbr", "route": "/v3/{project_id}/jobs"}, "route: must be a route"),
        ({"kind": "throttle", "route": "backups"}, "throttle.route: must begin with /"),
        ({"kind": "throttle", "route": "^("}, "throttle.route: is no regular expression"),
        ({"kind": "throttle", "method": "get"}, "throttle.method"),
        ({"kind": "throttle", "count": 0}, "throttle.count"),
        ({"kind": "throttle", "probability": 1.5}, "throttle.probability"),
        ({"kind": "throttle", "seconds": 1}, "throttle.seconds: is not a field of this request"),
        ({"kind": "throttle", "retry_after": 1.5}, "throttle.retry_after"),
        ({"kind": "delay"}, "delay.seconds: must be given"),
        ({"kind": "delay", "seconds": -1}, "delay.seconds"),
        ({"kind": "delay", "seconds": float("nan")}, "delay.seconds"),
        ({"kind": "refuse", "status": 200, "code": "x"}, "refuse.status: must be an HTTP status from 400 to 599"),
        ({"kind": "refuse", "status": 499, "code": "x"}, "refuse.status"),
        ({"kind": "server_error", "status": 501}, "server_error.status"),
        ({"kind": "stale_read"}, "needs either seconds or writes"),
        ({"kind": "stale_read", "seconds": 1, "writes": 1}, "needs either seconds or writes"),
        ({"kind": "stale_read", "writes": 1, "method": "POST"}, "stale_read.method"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_with_field_and_rule(
    arguments: dict[str, Any], message: str, cloud: RunningCloud
) -> None:
    with pytest.raises(ValueError, match="^.*") as raised:
        cloud.misbehave(**arguments)
    assert message in str(raised.value)
