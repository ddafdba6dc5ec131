"""The connection: every field, the older type, and a test that says what is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import ConfigurationError
from airflow_provider_backup.cloud.settings import (
    AccessKeyCredentials,
    CloudSettings,
    NetworkSettings,
    PasswordCredentials,
)
from airflow_provider_backup.emulator.running import RunningCloud
from airflow_provider_backup.hooks.base import BackupCloudHook
from airflow_provider_backup.hooks.cbr import CbrHook
from airflow_provider_backup.hooks.connection import settings_from_connection
from tests.airflow.conftest import CONNECTION


def read(extra: Any = None, **fields: Any) -> CloudSettings:
    given = {"login": "AK", "password": "SK", "host": None, **fields}
    return settings_from_connection(**given, extra=extra if isinstance(extra, str) else json.dumps(extra or {}))


def test_login_and_password_are_an_access_key_without_a_domain() -> None:
    settings = read({"region": "eu-de", "security_token": "T"})

    assert settings.credentials == AccessKeyCredentials("AK", "SK", "T")


def test_login_and_password_are_those_of_an_iam_user_with_a_domain() -> None:
    assert read({"region": "eu-de", "domain": "D"}).credentials == PasswordCredentials("AK", "SK", "D")


def test_every_field_reaches_the_client() -> None:
    settings = read(
        {
            "region": "eu-de",
            "project_name": "eu-de_team1",
            "cloud": "otc",
            "endpoints": {"rds": "https://rds.example", "cbr": "https://cbr.example"},
            "proxy": "http://proxy:3128",
            "ca_bundle": "/ca.pem",
            "client_certificate": "/c.pem",
            "client_key": "/k.pem",
            "client_key_password": "P",
            "total_timeout": 30,
            "connect_timeout": "5",
            "attempts": 3,
            "retry_wait": 0.5,
            "requests_at_once": "7",
            "throttle_timeout": 60,
            "allow_plain_http": "true",
        },
        host="https://iam.example/v3",
    )

    assert (settings.region, settings.project_name, settings.cloud) == ("eu-de", "eu-de_team1", "otc")
    assert settings.auth_url == "https://iam.example/v3"
    assert settings.endpoints == (("cbr", "https://cbr.example"), ("rds", "https://rds.example"))
    assert settings.network == NetworkSettings(
        total_timeout=30,
        connect_timeout=5,
        attempts=3,
        retry_wait=0.5,
        requests_at_once=7,
        throttle_timeout=60,
        proxy="http://proxy:3128",
        ca_bundle="/ca.pem",
        client_certificate="/c.pem",
        client_key="/k.pem",
        client_key_password="P",
        allow_plain_http=True,
    )


def test_endpoints_may_be_the_text_of_a_json_object() -> None:
    assert read({"region": "r", "endpoints": '{"cbr": "https://c"}'}).endpoints == (("cbr", "https://c"),)


def test_a_connection_of_the_older_type_works_unchanged() -> None:
    settings = read({"region": "ap-southeast-1", "project_id": "0f3c"})

    assert settings == CloudSettings(AccessKeyCredentials("AK", "SK"), "ap-southeast-1", project_id="0f3c")


def test_region_and_project_of_the_task_win() -> None:
    extra = {"region": "eu-de", "project_id": "old", "project_name": "eu-de_x"}
    settings = read(extra, region="eu-nl", project_id="new")

    assert (settings.region, settings.project_id, settings.project_name) == ("eu-nl", "new", None)


@pytest.mark.parametrize(
    ("extra", "fields", "text"),
    [
        ({}, {}, "region"),
        ({"region": "r"}, {"login": ""}, "no login"),
        ({"region": "r"}, {"password": None}, "no login or no password"),
        ("{", {}, "not JSON"),
        ("[]", {}, "not a JSON object"),
        ({"region": "r", "cloud": "aws"}, {}, "'cloud' must be one of huaweicloud"),
        ({"region": "r", "endpoints": "{"}, {}, "'endpoints' must be a JSON object"),
        ({"region": "r", "endpoints": {"s3": "https://x"}}, {}, "but not s3"),
        ({"region": "r", "total_timeout": "long"}, {}, "'total_timeout' must be a number"),
        ({"region": "r", "attempts": 0}, {}, "'attempts' must be 1 or more"),
        ({"region": "r", "requests_at_once": 0}, {}, "'requests_at_once' must be 1 or more"),
        ({"region": "r", "throttle_timeout": -1}, {}, "'throttle_timeout' must be 0 or more"),
    ],
)
def test_a_wrong_field_is_named(extra: Any, fields: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        read(extra, **fields)


@pytest.mark.parametrize("with_access_key", [False, True])
def test_testing_a_right_connection_names_the_project(
    cloud: RunningCloud, with_access_key: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CONNECTION, cloud.connection_json(with_access_key=with_access_key))

    works, text = BackupCloudHook().test_connection()

    assert works
    assert cloud.describe()["project_id"] in text


@pytest.mark.parametrize(
    ("with_access_key", "changes", "extra", "text"),
    [
        (False, {"password": "wrong"}, {}, "Check user, password and account"),
        (False, {"login": "nobody"}, {}, "Check user, password and account"),
        (False, {}, {"domain": "elsewhere"}, "Check user, password and account"),
        (False, {}, {"region": "mars"}, "mars"),
        (False, {}, {"project_id": "f" * 32}, "project"),
        (False, {"host": "http://127.0.0.1:9/v3"}, {}, "No connection to 127.0.0.1:9"),
        (True, {"password": "wrong"}, {}, "verify aksk signature fail"),
        (True, {"login": "NOKEY"}, {}, "not exist"),
        (True, {}, {"region": "mars"}, "0 projects are named 'mars'"),
        (True, {}, {"project_id": "f" * 32}, "has no project f"),
        (True, {"host": "http://127.0.0.1:9/v3"}, {}, "No connection to 127.0.0.1:9"),
    ],
)
def test_testing_a_wrong_connection_says_what_is_wrong(
    cloud: RunningCloud,
    monkeypatch: pytest.MonkeyPatch,
    with_access_key: bool,
    changes: dict[str, str],
    extra: dict[str, str],
    text: str,
) -> None:
    connection = json.loads(cloud.connection_json(with_access_key=with_access_key, attempts=1))
    connection["extra"] |= extra
    monkeypatch.setenv(CONNECTION, json.dumps(connection | changes))

    works, told = BackupCloudHook().test_connection()

    assert not works
    assert text in told


def test_testing_a_connection_to_a_cloud_in_trouble_takes_some_seconds_only(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CONNECTION, cloud.connection_json(attempts=7, retry_wait=0.1))
    cloud.misbehave("server_error", service="iam", status=503)

    works, text = BackupCloudHook().test_connection()

    assert not works
    assert "503" in text
    assert cloud.requests["iam", "POST", "/v3/auth/tokens"] == 2


def test_a_hook_runs_an_action_of_its_service_from_plain_code(cloud: RunningCloud) -> None:
    async def names(cbr: Any) -> list[str]:
        return [policy.name async for policy in cbr.policies.list()]

    assert CbrHook().run(names) == []


async def test_a_hook_opens_its_service_in_async_code(cloud: RunningCloud) -> None:
    async with CbrHook().open() as cbr:
        assert [policy async for policy in cbr.policies.list()] == []


async def test_equal_connections_share_one_client_and_an_edited_one_gets_its_own(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_backup.hooks.recent_settings.MEMORY", 0.0)
    async with BackupCloudHook().open_cloud() as first, BackupCloudHook().open_cloud() as second:
        monkeypatch.setenv(CONNECTION, cloud.connection_json(attempts=4))
        async with BackupCloudHook().open_cloud() as edited:
            assert first is second
            assert edited is not first
            await first.project_id()
            await second.project_id()

    assert cloud.requests["iam", "POST", "/v3/auth/tokens"] == 1
