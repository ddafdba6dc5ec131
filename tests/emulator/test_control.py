"""Making the local cloud misbehave from another process."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_backup import __version__
from airflow_provider_backup.emulator.core.state import CloudState, system_time
from airflow_provider_backup.emulator.services.registry import SECOND_REGION, SERVICES
from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.emulator.callers import caller_of


def post(cloud: RunningCloud, path: str, body: Any = None) -> int:
    request = urllib.request.Request(cloud.url("iam") + path, data=json.dumps(body or {}).encode(), method="POST")
    try:
        with urllib.request.urlopen(request) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_failure_is_planned_for_the_next_backup_of_a_service(backup_cloud: RunningCloud) -> None:
    assert post(backup_cloud, "/_control/failures", {"service": "rds", "reason": "disk full"}) == 204
    assert backup_cloud.state.started("cbr")["failure"] is None
    assert backup_cloud.state.started("rds")["failure"] == "disk full"
    assert backup_cloud.state.started("rds")["failure"] is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"service": "nope", "reason": "x"},
        {"service": ["rds"], "reason": "x"},
        {"service": "rds"},
        {"service": "rds", "reason": 1},
    ],
)
def test_a_failure_needs_a_known_service_and_a_reason(backup_cloud: RunningCloud, body: Any) -> None:
    assert post(backup_cloud, "/_control/failures", body) == 400


def test_all_tokens_can_be_revoked(backup_cloud: RunningCloud) -> None:
    assert post(backup_cloud, "/_control/tokens/revoke") == 204


def test_a_clock_that_is_set_forward_ends_backups_sooner(backup_cloud: RunningCloud) -> None:
    backup_cloud.set_backup_seconds(3600)
    row = backup_cloud.state.started("rds")

    assert not backup_cloud.state.is_ready(row)
    assert post(backup_cloud, "/_control/clock", {"advance_seconds": 3601}) == 204
    assert backup_cloud.state.is_ready(row)


@pytest.mark.parametrize("seconds", [None, "60", True, -1, 1e12])
def test_a_clock_is_set_forward_by_a_number_of_seconds(backup_cloud: RunningCloud, seconds: Any) -> None:
    assert post(backup_cloud, "/_control/clock", {"advance_seconds": seconds}) == 400


def test_a_clock_that_was_set_forward_stays_so_over_a_restart(tmp_path: Path) -> None:
    state = CloudState(file=tmp_path / "cloud.json")
    state.advance_clock(3600)
    state.save()

    assert CloudState(file=tmp_path / "cloud.json").now() - system_time() > timedelta(minutes=59)


# What there is


async def test_the_first_port_shows_what_is_here(backup_cloud: RunningCloud) -> None:
    async with caller_of(backup_cloud) as caller:
        answer = await caller.call("GET", "iam", "/")

    assert answer.status == 200
    assert answer.body["version"] == __version__
    assert list(answer.body["services"]) == ["iam", *SERVICES, *SECOND_REGION]
    assert answer.body["control"] == f"{backup_cloud.url('iam')}/_control"


async def test_the_control_lists_its_calls_and_the_kinds_of_faults(backup_cloud: RunningCloud) -> None:
    async with caller_of(backup_cloud) as caller:
        about = (await caller.call("GET", "iam", "/_control")).body

    calls = {(call["method"], call["path"]): call["does"] for call in about["calls"]}
    assert calls["POST", "/_control/faults"].startswith("Arm a fault")
    assert all(calls.values())
    assert about["fault_kinds"]["delay"][-2:] == ["seconds", "after_effect"]
    assert "cbr.deletion" in about["outcome_services"]


async def test_what_describes_the_cloud_is_neither_hit_by_faults_nor_counted(backup_cloud: RunningCloud) -> None:
    async with caller_of(backup_cloud) as caller:
        before = backup_cloud.requests.total()
        backup_cloud.misbehave("close_before")

        assert [(await caller.call("GET", "iam", path)).status for path in ("/", "/_control")] == [200, 200]

    assert backup_cloud.requests.total() == before


# Planned outcomes


async def test_planned_outcomes_are_listed_in_the_order_of_their_use(backup_cloud: RunningCloud) -> None:
    backup_cloud.plan_outcome("rds", seconds=3)
    backup_cloud.fail_next_backup("rds", "disk full")
    backup_cloud.plan_outcome("cbr.deletion", stuck=True)

    async with caller_of(backup_cloud) as caller:
        listed = (await caller.call("GET", "iam", "/_control/outcomes")).body["outcomes"]

    assert listed == [
        {"service": "rds", "reason": None, "seconds": 3, "stuck": False},
        {"service": "rds", "reason": "disk full", "seconds": None, "stuck": False},
        {"service": "cbr.deletion", "reason": None, "seconds": None, "stuck": True},
    ]


async def test_an_outcome_that_was_used_up_is_no_longer_listed(backup_cloud: RunningCloud) -> None:
    backup_cloud.fail_next_backup("rds", "disk full")
    async with caller_of(backup_cloud) as caller:
        await caller.back_up("nightly")

        assert (await caller.call("GET", "iam", "/_control/outcomes")).body == {"outcomes": []}


@pytest.mark.parametrize(("path", "left"), [("/rds", ["cbr"]), ("", [])])
async def test_planned_outcomes_are_cancelled_for_a_service_or_for_all(
    path: str, left: list[str], backup_cloud: RunningCloud
) -> None:
    backup_cloud.fail_next_backup("rds", "disk full")
    backup_cloud.fail_next_backup("cbr", "disk full")

    async with caller_of(backup_cloud) as caller:
        assert (await caller.call("DELETE", "iam", f"/_control/outcomes{path}")).status == 204

    assert [plan["service"] for plan in backup_cloud.state.planned_outcomes()] == left
    assert backup_cloud.state.started("rds")["failure"] is None


async def test_outcomes_of_an_unknown_service_cannot_be_cancelled(backup_cloud: RunningCloud) -> None:
    async with caller_of(backup_cloud) as caller:
        assert (await caller.call("DELETE", "iam", "/_control/outcomes/s3")).status == 400


def test_a_test_can_cancel_what_it_planned(backup_cloud: RunningCloud) -> None:
    backup_cloud.fail_next_backup("rds", "disk full")
    backup_cloud.cancel_outcomes("rds")

    assert backup_cloud.state.started("rds")["failure"] is None


# Who may call


def status_with(cloud: RunningCloud, path: str, headers: Mapping[str, str], method: str = "GET") -> int:
    request = urllib.request.Request(cloud.url("iam") + path, headers=dict(headers), method=method)
    try:
        with urllib.request.urlopen(request) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


CONTROL_CALLS = [
    ("GET", "/_control"),
    ("GET", "/_control/faults"),
    ("POST", "/_control/faults"),
    ("DELETE", "/_control/faults"),
    ("DELETE", "/_control/faults/x"),
    ("GET", "/_control/outcomes"),
    ("POST", "/_control/outcomes"),
    ("DELETE", "/_control/outcomes"),
    ("DELETE", "/_control/outcomes/rds"),
    ("GET", "/_control/contents/rds/x"),
    ("POST", "/_control/contents/rds/x"),
    ("POST", "/_control/failures"),
    ("POST", "/_control/clock"),
    ("POST", "/_control/tokens/revoke"),
    ("GET", "/_control/requests"),
]


@pytest.mark.parametrize(("method", "path"), CONTROL_CALLS)
@pytest.mark.parametrize(
    "header",
    [
        ("Host", "evil.example"),
        ("Host", "127.0.0.1.evil.example:8780"),
        ("Host", "[::1"),
        ("Host", "192.0.2.7:8780"),
        ("Origin", "https://evil.example"),
        ("Origin", "http://localhost:3000"),
        ("Origin", "null"),
    ],
)
def test_a_control_call_from_a_foreign_web_page_is_refused(
    method: str, path: str, header: tuple[str, str], backup_cloud: RunningCloud
) -> None:
    assert status_with(backup_cloud, path, dict([header]), method) == 403


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_a_control_call_by_a_name_of_this_machine_is_answered(host: str, backup_cloud: RunningCloud) -> None:
    port = backup_cloud.url("iam").rpartition(":")[2]
    headers = {"Host": f"{host}:{port}", "Origin": f"http://{host}:{port}"}

    assert status_with(backup_cloud, "/_control", headers) == 200


def test_every_control_call_is_among_those_that_are_tested_for_strangers(backup_cloud: RunningCloud) -> None:
    with urllib.request.urlopen(backup_cloud.url("iam") + "/_control") as response:
        calls = json.load(response)["calls"]

    paths = [(call["method"], call["path"].format(fault_id="x", service="rds", resource_id="x")) for call in calls]
    assert sorted(paths) == sorted(CONTROL_CALLS)
