"""The whole client, in front of a server that misbehaves and of the local cloud's gateway."""

from __future__ import annotations

import asyncio
import logging
import traceback
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.errors import (
    AuthenticationError,
    CloudConnectionError,
    ConfigurationError,
    NotFoundError,
    UnknownProjectError,
)
from airflow_provider_backup.cloud.services.registry import SERVICES
from airflow_provider_backup.cloud.settings import (
    AccessKeyCredentials,
    CloudSettings,
    Credentials,
    PasswordCredentials,
)
from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.cloud.certificates import Certificate
from tests.cloud.clients import PASSWORD, network, open_api, settings_for
from tests.cloud.unruly_server import PROJECT_ID, UnrulyServer, answer, running

UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"


# ------------------------------------------------------------------------------------------------------------- objects


@pytest.mark.parametrize("name", SERVICES)
async def test_every_service_is_an_attribute_and_can_be_named(name: str) -> None:
    async with BackupCloud(settings_for("https://h")) as cloud:
        service: Any = cloud.service(name)
        assert service is getattr(cloud, name)
        assert service.name == name


async def test_an_unknown_service_is_reported_with_those_that_exist() -> None:
    async with BackupCloud(settings_for("https://h")) as cloud:
        with pytest.raises(ConfigurationError, match="There is no service 'obs'. Next step: Use one of vbs, csbs, cbr"):
            cloud.service("obs")


def test_making_a_client_needs_no_event_loop_and_no_network() -> None:
    assert "SECRET" not in repr(BackupCloud(settings_for("https://nowhere.invalid", PASSWORD)))


async def test_closing_stops_everything_even_while_a_token_is_fetched(unruly: UnrulyServer) -> None:
    unruly.token_seconds = 30
    cloud = BackupCloud(settings_for(unruly.url, PASSWORD))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(cloud.verify(), 0.1)
    before = asyncio.all_tasks()
    await cloud.close()
    await cloud.close()
    assert len(asyncio.all_tasks()) < len(before)


async def test_verifying_reports_a_host_that_does_not_answer() -> None:
    async with BackupCloud(settings_for("http://127.0.0.1:1", PASSWORD)) as cloud:
        with pytest.raises(CloudConnectionError, match="No connection to 127.0.0.1:1"):
            await cloud.verify()


async def test_a_server_with_a_certificate_of_its_own_is_asked_with_its_bundle(certificate: Certificate) -> None:
    async with running(certificate.server) as server:
        settings = settings_for(server.url, PASSWORD)
        async with BackupCloud(settings) as cloud:
            with pytest.raises(ConfigurationError, match="is not trusted.*Set ca_bundle"):
                await cloud.verify()
        async with BackupCloud(replace(settings, network=network(ca_bundle=certificate.bundle))) as cloud:
            assert await cloud.verify() == PROJECT_ID


async def test_no_secret_is_logged_at_any_level(unruly: UnrulyServer, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with BackupCloud(settings_for(unruly.url, PASSWORD)) as cloud:
            unruly.then(answer(None, 503), answer({"policies": []}))
            assert [policy async for policy in cloud.cbr.policies.list()] == []
    assert caplog.records
    assert "SECRET" not in caplog.text
    assert "TOKEN-1" not in caplog.text


# ---------------------------------------------------------------------------------------------------- the local cloud


def place_of(local: RunningCloud, credentials: Credentials | None = None, **changes: Any) -> CloudSettings:
    about = local.describe()
    given: dict[str, Any] = {
        "region": about["region"],
        "auth_url": about["iam"],
        "endpoints": CloudSettings.endpoint_pairs({name: about[name] for name in SERVICES}),
        "network": network(),
    }
    return CloudSettings(credentials or AccessKeyCredentials(about["ak"], about["sk"]), **given | changes)


def password_of(local: RunningCloud) -> PasswordCredentials:
    about = local.describe()
    return PasswordCredentials(about["user"], about["password"], about["domain"])


async def temporary_key_of(local: RunningCloud) -> AccessKeyCredentials:
    """Get a temporary key as somebody would who uses another tool."""
    about = local.describe()
    user = {"name": about["user"], "password": about["password"], "domain": {"name": about["domain"]}}
    scope = {"project": {"id": about["project_id"]}}
    by_password = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{about['iam']}/auth/tokens", json=by_password) as response:
            token = response.headers["X-Subject-Token"]
        by_token = {"auth": {"identity": {"methods": ["token"], "token": {"id": token}}}}
        url = about["iam"].removesuffix("/v3") + "/v3.0/OS-CREDENTIAL/securitytokens"
        async with session.post(url, json=by_token) as response:
            key = (await response.json())["credential"]
    return AccessKeyCredentials(key["access"], key["secret"], key["securitytoken"])


COLLECTIONS = {
    "vbs": "backuppolicy",
    "csbs": "policies",
    "cbr": "policies",
    "rds": "instances",
    "gaussdb": "instances",
    "taurusdb": "instances",
}


@pytest.mark.parametrize("service", COLLECTIONS)
@pytest.mark.parametrize("kind", ["password", "key"])
async def test_the_gateway_of_every_service_accepts_the_credentials(
    backup_cloud: RunningCloud, service: str, kind: str
) -> None:
    credentials = password_of(backup_cloud) if kind == "password" else None
    async with open_api(place_of(backup_cloud, credentials), service) as api:
        assert await api.get(COLLECTIONS[service])


@pytest.mark.parametrize(
    "query", [{"name": "Ä +/*~:,%&="}, {"name": ""}, {"b": "10", "a": ["9", "10", "Z", "a"]}, {"name": "日本 語"}]
)
async def test_the_gateway_accepts_the_signature_of_any_query(
    backup_cloud: RunningCloud, query: dict[str, Any]
) -> None:
    async with open_api(place_of(backup_cloud)) as api:
        # Behind the gateway, the service does not know the policy.
        with pytest.raises(NotFoundError, match=r"BackupService\.6000"):
            await api.get("policies", UNKNOWN_ID, query=query)


async def test_the_gateway_accepts_the_signature_of_a_body(backup_cloud: RunningCloud) -> None:
    async with open_api(place_of(backup_cloud)) as api:
        with pytest.raises(NotFoundError, match=r"BackupService\.6000"):
            await api.put("policies", UNKNOWN_ID, body={"policy": {"name": "Übung"}})


async def test_the_gateway_accepts_a_temporary_key(backup_cloud: RunningCloud) -> None:
    async with BackupCloud(place_of(backup_cloud, await temporary_key_of(backup_cloud))) as cloud:
        assert await cloud.verify() == backup_cloud.describe()["project_id"]
        assert [policy async for policy in cloud.cbr.policies.list()] == []


@pytest.mark.parametrize("field", ["secret_key", "security_token", "access_key"])
async def test_a_wrong_part_of_a_key_is_reported_without_any_secret(backup_cloud: RunningCloud, field: str) -> None:
    right = await temporary_key_of(backup_cloud)
    wrong = replace(right, **{field: "VERYWRONG"})
    async with BackupCloud(place_of(backup_cloud, wrong)) as cloud:
        with pytest.raises(AuthenticationError, match=r"APIGW\.0301") as caught:
            await cloud.verify()
    shown = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    assert right.secret_key not in shown
    assert str(right.security_token) not in shown
    assert "x-sdk-date" not in shown
    assert caught.value.request_id


async def test_a_wrong_password_is_reported_without_it(backup_cloud: RunningCloud) -> None:
    wrong = replace(password_of(backup_cloud), password="VERY-WRONG")
    async with BackupCloud(place_of(backup_cloud, wrong)) as cloud:
        with pytest.raises(AuthenticationError, match="iam answered 401.*password is wrong") as caught:
            await cloud.verify()
    assert "VERY-WRONG" not in repr(vars(caught.value))


async def test_a_project_that_does_not_exist_is_reported(backup_cloud: RunningCloud) -> None:
    async with BackupCloud(place_of(backup_cloud, project_name="eu-de_nowhere")) as cloud:
        with pytest.raises(ConfigurationError, match="0 projects are named 'eu-de_nowhere'"):
            await cloud.verify()
    settings = place_of(backup_cloud, password_of(backup_cloud), project_name="eu-de_nowhere")
    async with BackupCloud(settings) as cloud:
        with pytest.raises(UnknownProjectError, match=r"Could not find project: eu-de_nowhere.*Correct project_name"):
            await cloud.verify()


@pytest.mark.parametrize(
    ("place", "has_argument"), [({"project_name": "nowhere"}, False), ({"project_id": "f" * 32}, True)], ids=str
)
async def test_the_way_to_a_project_names_an_argument_of_the_task_only_where_there_is_one(
    backup_cloud: RunningCloud, place: dict[str, str], has_argument: bool
) -> None:
    async with BackupCloud(place_of(backup_cloud, password_of(backup_cloud), **place)) as cloud:
        with pytest.raises(UnknownProjectError) as caught:
            await cloud.verify()
    assert ("in the connection or in the task's argument" in str(caught.value)) is has_argument


@pytest.mark.parametrize("kind", ["password", "key"])
async def test_the_project_is_found_by_the_name_of_the_region(backup_cloud: RunningCloud, kind: str) -> None:
    credentials = password_of(backup_cloud) if kind == "password" else None
    async with BackupCloud(place_of(backup_cloud, credentials)) as cloud:
        assert await cloud.project_id() == backup_cloud.describe()["project_id"]


async def test_a_token_that_dies_early_is_renewed_quietly(
    backup_cloud: RunningCloud, caplog: pytest.LogCaptureFixture
) -> None:
    async with BackupCloud(place_of(backup_cloud, password_of(backup_cloud), endpoints=())) as cloud:
        assert [policy async for policy in cloud.cbr.policies.list()] == []
        backup_cloud.revoke_tokens()
        with caplog.at_level(logging.INFO, "airflow_provider_backup.cloud"):
            assert [policy async for policy in cloud.cbr.policies.list()] == []
    assert [record for record in caplog.records if record.name.startswith("airflow_provider_backup.cloud")] == []


@pytest.mark.parametrize("kind", ["password", "key"])
def test_one_event_loop_after_another_can_have_a_client_of_its_own(backup_cloud: RunningCloud, kind: str) -> None:
    credentials = password_of(backup_cloud) if kind == "password" else None

    async def ask() -> str:
        async with BackupCloud(place_of(backup_cloud, credentials)) as cloud:
            await asyncio.gather(*(cloud.project_id() for _ in range(5)))
            return await cloud.verify()

    assert asyncio.run(ask()) == asyncio.run(ask()) == backup_cloud.describe()["project_id"]


def test_a_client_that_was_made_before_the_event_loop_can_be_used_in_it(backup_cloud: RunningCloud) -> None:
    cloud = BackupCloud(place_of(backup_cloud))

    async def ask() -> str:
        async with cloud:
            return await cloud.verify()

    assert asyncio.run(ask()) == backup_cloud.describe()["project_id"]


def test_an_event_loop_that_ends_in_the_middle_leaves_no_complaint(
    backup_cloud: RunningCloud, caplog: pytest.LogCaptureFixture
) -> None:
    async def give_up() -> None:
        async with BackupCloud(place_of(backup_cloud, password_of(backup_cloud))) as cloud:
            asking = [asyncio.create_task(cloud.verify()) for _ in range(3)]
            await asyncio.sleep(0)
            asking[0].cancel()

    asyncio.run(give_up())
    assert [record for record in caplog.records if record.name == "asyncio"] == []
