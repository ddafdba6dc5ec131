"""Starting and stopping the local cloud."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from airflow_provider_backup.cloud.errors import ConfigurationError
from airflow_provider_backup.emulator.core import accounts
from airflow_provider_backup.emulator.server import LocalCloud
from airflow_provider_backup.emulator.services.registry import SERVICES

KEYS = {
    "iam",
    *SERVICES,
    "region",
    "project_id",
    "project_name",
    "domain",
    "user",
    "password",
    "ak",
    "sk",
    "resources",
    "airflow_connection",
    "second_region",
}


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def free_ports_in_a_row(count: int) -> int:
    for first in range(20000, 60000, count):
        taken = []
        try:
            for port in range(first, first + count):
                taken.append(socket.create_server(("127.0.0.1", port)))  # noqa: PERF401
        except OSError:
            continue
        finally:
            for each in taken:
                each.close()
        return first
    raise AssertionError("no free ports")


async def test_services_listen_on_the_ports_after_the_first() -> None:
    first = free_ports_in_a_row(len(SERVICES) + 1)
    cloud = LocalCloud(port=first)
    await cloud.start()
    try:
        assert cloud.describe()["iam"] == f"http://127.0.0.1:{first}/v3"
        assert [cloud.describe()[name] for name in SERVICES] == [
            f"http://127.0.0.1:{first + number}" for number in range(1, len(SERVICES) + 1)
        ]
    finally:
        await cloud.stop()


async def test_every_service_answers_on_its_port() -> None:
    cloud = LocalCloud(port=0)
    await cloud.start()
    try:
        async with aiohttp.ClientSession() as session:
            for name in ("iam", *SERVICES):
                async with session.get(cloud.url(name) + "/nowhere") as response:
                    assert (response.status, (await response.json())["error_code"]) == (404, "APIGW.0101")
    finally:
        await cloud.stop()


async def test_the_description_has_everything_that_a_client_needs() -> None:
    cloud = LocalCloud(port=0)
    await cloud.start()
    try:
        description = cloud.describe()
        assert set(description) == KEYS
        assert description["region"] == description["project_name"] == "eu-de"
        assert description["project_id"] == accounts.PROJECT_ID
        resources = description["resources"]
        assert {"servers", "volumes", "rds_instances", "gaussdb_instances", "taurusdb_instances"} <= set(resources)
        assert all(len(identifiers) >= 3 for identifiers in resources.values())
        assert len(resources["volumes"]) >= 4
    finally:
        await cloud.stop()


async def test_a_taken_port_is_named_with_the_way_out_and_nothing_listens() -> None:
    first = free_ports_in_a_row(len(SERVICES) + 1)
    with socket.create_server(("127.0.0.1", first + 3)):
        cloud = LocalCloud(port=first)
        with pytest.raises(ConfigurationError, match=rf"port {first + 3} \(cbr\).*--port"):
            await cloud.start()
        await cloud.stop()
    for port in range(first, first + len(SERVICES) + 1):
        socket.create_server(("127.0.0.1", port)).close()


async def test_a_port_beyond_the_last_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="there is no port above 65535"):
        await LocalCloud(port=65535).start()


async def test_a_stopped_cloud_listens_no_more() -> None:
    cloud = LocalCloud(port=0)
    await cloud.start()
    port = port_of(cloud.url("cbr"))
    await cloud.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port)).close()


async def test_tokens_and_resources_survive_a_restart_with_the_same_file(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    first = LocalCloud(port=0, state_file=file)
    await first.start()
    token, _ = first.accounts.issue_token("project")
    resources = first.describe()["resources"]
    await first.stop()
    second = LocalCloud(port=0, state_file=file)
    await second.start()
    try:
        assert second.accounts.is_valid(second.accounts.token(token))
        assert second.describe()["resources"] == resources
    finally:
        await second.stop()
    assert token not in file.read_text()


async def test_the_urls_of_a_cloud_on_another_loopback_address_have_that_address() -> None:
    cloud = LocalCloud(port=0, host="127.0.0.2")
    await cloud.start()
    try:
        assert cloud.url("iam").startswith("http://127.0.0.2:")
        async with aiohttp.ClientSession() as session, session.get(cloud.url("iam") + "/v3") as response:
            assert response.status == 200
    finally:
        await cloud.stop()


async def test_go_clients_reach_vbs_when_they_replace_evs_in_the_url_of_the_disk_service() -> None:
    cloud = LocalCloud(port=0)
    await cloud.start()
    try:
        path = f"/v2/{accounts.PROJECT_ID}/backuppolicy"
        token, _ = cloud.accounts.issue_token("project")
        headers = {"X-Auth-Token": token}
        async with aiohttp.ClientSession() as session:
            async with session.get(cloud.url("vbs") + path, headers=headers) as plain:
                expected = plain.status, await plain.json()
            async with session.get(cloud.url("vbs") + "/evs".replace("evs", "vbs") + path, headers=headers) as replaced:
                assert (replaced.status, await replaced.json()) == expected
        assert expected[0] == 200
    finally:
        await cloud.stop()


async def test_a_backup_that_was_running_at_a_restart_continues(tmp_path: Path) -> None:
    start = datetime.now(UTC)
    path = f"/v3/{accounts.PROJECT_ID}/backups"
    statuses = []
    for seconds in (0, 30, 60):
        time = start + timedelta(seconds=seconds)
        cloud = LocalCloud(0, backup_seconds=60, state_file=tmp_path / "state.json", now=partial(_same, time))
        await cloud.start()
        try:
            instance = cloud.describe()["resources"]["rds_instances"][0]
            headers = {"X-Auth-Token": cloud.accounts.issue_token("project")[0]}
            async with aiohttp.ClientSession(cloud.url("rds"), headers=headers) as session:
                if seconds == 0:
                    body = {"instance_id": instance, "name": "over-a-restart"}
                    async with session.post(path, json=body) as response:
                        assert response.status == 200
                async with session.get(path, params={"instance_id": instance}) as response:
                    backups = (await response.json())["backups"]
        finally:
            await cloud.stop()
        statuses += [backup["status"] for backup in backups if backup["name"] == "over-a-restart"]
    assert statuses == ["BUILDING", "BUILDING", "COMPLETED"]


def _same(time: datetime) -> datetime:
    return time
