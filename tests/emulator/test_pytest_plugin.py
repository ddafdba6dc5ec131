"""The fixture that authors of DAGs use."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import urllib.request

import aiohttp

from airflow_provider_backup.emulator.core.accounts import PROJECT_ID
from airflow_provider_backup.emulator.threaded import RunningCloud


def test_blocking_code_can_use_the_cloud(backup_cloud: RunningCloud) -> None:
    with urllib.request.urlopen(backup_cloud.auth_url) as response:
        assert response.status == 200


def test_code_that_runs_a_loop_of_its_own_can_use_the_cloud(backup_cloud: RunningCloud) -> None:
    async def look() -> int:
        async with aiohttp.ClientSession() as session, session.get(backup_cloud.auth_url) as response:
            return response.status

    assert asyncio.run(look()) == 200


async def test_asynchronous_tests_can_use_the_cloud(backup_cloud: RunningCloud) -> None:
    async with aiohttp.ClientSession() as session, session.get(backup_cloud.auth_url) as response:
        assert response.status == 200


def test_it_describes_itself(backup_cloud: RunningCloud) -> None:
    assert backup_cloud.describe()["iam"] == backup_cloud.auth_url
    assert backup_cloud.describe()["cbr"] == backup_cloud.url("cbr")
    assert backup_cloud.describe()["project_id"] == PROJECT_ID


def test_two_clouds_share_nothing(backup_cloud: RunningCloud) -> None:
    with RunningCloud() as other:
        other.state.table("cbr.policies")["1"] = {}
        assert other.auth_url != backup_cloud.auth_url
        assert not backup_cloud.state.table("cbr.policies")


def test_the_next_backup_fails_on_request(backup_cloud: RunningCloud) -> None:
    backup_cloud.fail_next_backup("vbs", "the disk is broken")
    assert backup_cloud.state.started("vbs")["failure"] == "the disk is broken"
    assert backup_cloud.state.started("vbs")["failure"] is None


def test_backups_take_as_long_as_configured(backup_cloud: RunningCloud) -> None:
    backup_cloud.set_backup_seconds(0)
    assert backup_cloud.state.is_ready(backup_cloud.state.started("vbs"))
    backup_cloud.set_backup_seconds(3600)
    assert not backup_cloud.state.is_ready(backup_cloud.state.started("vbs"))


async def test_revoked_tokens_open_nothing_any_more(backup_cloud: RunningCloud) -> None:
    description = backup_cloud.describe()
    user = {
        "name": description["user"],
        "password": description["password"],
        "domain": {"name": description["domain"]},
    }
    auth = {"identity": {"methods": ["password"], "password": {"user": user}}}
    async with aiohttp.ClientSession() as session:
        async with session.post(backup_cloud.auth_url + "/auth/tokens", json={"auth": auth}) as response:
            headers = {"X-Auth-Token": response.headers["X-Subject-Token"]}
        async with session.get(backup_cloud.auth_url + "/projects", headers=headers) as response:
            assert response.status == 200
        backup_cloud.revoke_tokens()
        async with session.get(backup_cloud.auth_url + "/projects", headers=headers) as response:
            assert response.status == 401


def test_loading_the_plugin_does_not_load_the_server() -> None:
    # pytest loads the plugin in every run of everybody who has the package installed.
    code = (
        "import sys, airflow_provider_backup.emulator.pytest_plugin; "
        "sys.exit(bool({'aiohttp', 'pydantic', 'airflow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
