"""The identity service of the local cloud, spoken to over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.http.signing import canonical_query, format_sdk_date, sign_request
from airflow_provider_backup.cloud.services.registry import SERVICES
from airflow_provider_backup.cloud.settings import CloudSettings, NetworkSettings, PasswordCredentials
from airflow_provider_backup.emulator.core.accounts import (
    ACCESS_KEY,
    DOMAIN_ID,
    DOMAIN_NAME,
    PASSWORD,
    PROJECT_ID,
    PROJECT_NAME,
    REGION,
    SECRET_KEY,
    USER_ID,
    USER_NAME,
)
from airflow_provider_backup.emulator.core.regions import SECOND
from airflow_provider_backup.emulator.server import LocalCloud

USER = {"name": USER_NAME, "password": PASSWORD, "domain": {"name": DOMAIN_NAME}}
Answer = tuple[int, dict[str, str], Any]


class Iam:
    """A running local cloud, and a client for its identity service."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC)
        self.cloud = LocalCloud(port=0, now=lambda: self.time)
        self.session = aiohttp.ClientSession()

    async def send(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        url = self.cloud.url("iam") + path
        async with self.session.request(method, url, json=body, headers=headers) as response:
            content = await response.json() if await response.read() else None
            return response.status, dict(response.headers), content

    async def log_in(self, user: Any = None, scope: Any = None, query: str = "") -> Answer:
        auth: dict[str, Any] = {"identity": {"methods": ["password"], "password": {"user": user or USER}}}
        if scope is not None:
            auth["scope"] = scope
        return await self.send("POST", f"/v3/auth/tokens{query}", {"auth": auth})

    async def token(self, scope: Any = None) -> dict[str, str]:
        _, headers, _ = await self.log_in(scope=scope or {"project": {"id": PROJECT_ID}})
        return {"X-Auth-Token": headers["X-Subject-Token"]}

    def signed(self, path: str, query: list[tuple[str, str]], secret_key: str = SECRET_KEY) -> dict[str, str]:
        host = self.cloud.url("iam").removeprefix("http://")
        headers = {"Host": host, "X-Sdk-Date": format_sdk_date(self.time)}
        authorization = sign_request(
            method="GET",
            path=path,
            query=query,
            headers=headers,
            body=b"",
            access_key=ACCESS_KEY,
            secret_key=secret_key,
            moment=self.time,
        )
        return headers | {"Authorization": authorization}


@pytest_asyncio.fixture
async def iam() -> AsyncIterator[Iam]:
    iam = Iam()
    await iam.cloud.start()
    yield iam
    await iam.session.close()
    await iam.cloud.stop()


def assert_keystone_error(answer: Answer, status: int, title: str, text: str) -> None:
    assert answer[0] == status
    error = answer[2]["error"]
    assert (error["code"], error["title"]) == (status, title)
    assert text in error["message"]
    assert PASSWORD not in error["message"]


@pytest.mark.parametrize("path", ["/v3", "/v3/"])
async def test_the_version_document_points_back_at_the_local_cloud(iam: Iam, path: str) -> None:
    status, _, body = await iam.send("GET", path)
    assert status == 200
    assert body["version"]["links"] == [{"rel": "self", "href": iam.cloud.url("iam") + "/v3/"}]


async def test_a_password_gives_a_token_for_24_hours(iam: Iam) -> None:
    status, headers, body = await iam.log_in(scope={"project": {"name": PROJECT_NAME}})
    token = body["token"]
    assert status == 201
    assert headers["X-Subject-Token"].startswith("MII")
    assert token["methods"] == ["password"]
    assert token["user"]["name"] == USER_NAME
    assert token["project"] == {
        "id": PROJECT_ID,
        "name": PROJECT_NAME,
        "domain": {"id": DOMAIN_ID, "name": DOMAIN_NAME},
    }
    form = "%Y-%m-%dT%H:%M:%S.%fZ"
    lifetime = datetime.strptime(token["expires_at"], form) - datetime.strptime(token["issued_at"], form)  # noqa: DTZ007
    assert lifetime == timedelta(hours=24)


@pytest.mark.parametrize(
    "user",
    [
        USER,
        {"id": USER_ID, "password": PASSWORD},
        {"name": USER_NAME, "password": PASSWORD, "domain": {"id": DOMAIN_ID}},
    ],
    ids=["name and domain name", "id", "name and domain id"],
)
async def test_a_user_logs_in_by_name_or_id(iam: Iam, user: Any) -> None:
    assert (await iam.log_in(user))[0] == 201


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "wrong"},
        {"name": "nobody"},
        {"domain": {"name": "elsewhere"}},
        {"domain": {"id": "elsewhere"}},
        {"id": "nobody"},
    ],
)
async def test_wrong_credentials_are_refused_without_saying_what_is_wrong(iam: Iam, wrong: Any) -> None:
    answer = await iam.log_in(USER | wrong)
    assert_keystone_error(answer, 401, "Unauthorized", "The username or password is wrong.")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"auth": {}},
        {"auth": {"identity": {"methods": ["password"]}}},
        {"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": USER_NAME}}}}},
        {"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "x", "password": PASSWORD}}}}},
        {"auth": {"identity": {"methods": ["assume_role"], "assume_role": {"xrole_name": "agency"}}}},
        {"auth": "text"},
        ["auth"],
    ],
)
async def test_a_malformed_login_is_a_bad_request_that_repeats_no_password(iam: Iam, body: Any) -> None:
    assert_keystone_error(await iam.send("POST", "/v3/auth/tokens", body), 400, "Bad Request", "")


@pytest.mark.parametrize(
    ("scope", "members"),
    [
        ({"project": {"id": PROJECT_ID}}, {"project"}),
        ({"project": {"name": PROJECT_NAME, "domain": {"name": DOMAIN_NAME}}}, {"project"}),
        ({"domain": {"name": DOMAIN_NAME}}, {"domain"}),
        ({"domain": {"id": DOMAIN_ID}}, {"domain"}),
        ({"project": {"id": PROJECT_ID}, "domain": {"id": DOMAIN_ID}}, {"project"}),
        (None, set()),
    ],
)
async def test_the_token_shows_its_scope(iam: Iam, scope: Any, members: set[str]) -> None:
    status, _, body = await iam.log_in(scope=scope)
    assert status == 201
    assert set(body["token"]) & {"project", "domain"} == members


@pytest.mark.parametrize(
    "scope",
    [
        {"project": {"name": "eu-fr"}},
        {"project": {"id": "0" * 32}},
        {"project": {"name": PROJECT_NAME, "domain": {"name": "elsewhere"}}},
        {"domain": {"name": "elsewhere"}},
    ],
)
async def test_a_scope_that_does_not_exist_is_not_found(iam: Iam, scope: Any) -> None:
    assert_keystone_error(await iam.log_in(scope=scope), 404, "Not Found", "Could not find")


async def test_the_catalog_has_every_service_under_every_type_that_clients_look_for(iam: Iam) -> None:
    _, _, body = await iam.log_in(scope={"project": {"id": PROJECT_ID}})
    endpoints = {entry["type"]: entry["endpoints"] for entry in body["token"]["catalog"]}
    assert all(len(found) == 1 and found[0]["interface"] == "public" for found in endpoints.values())
    urls = {kind: found[0]["url"] for kind, found in endpoints.items()}
    url = iam.cloud.url
    documented = {
        "vbs": url("vbs") + "/v2/",
        "vbsv2": url("vbs") + f"/v2/{PROJECT_ID}",
        "volumev2": url("vbs") + f"/evs/v2/{PROJECT_ID}",
        "volumev3": url("vbs") + f"/evs/v3/{PROJECT_ID}",
        "data-protect": url("csbs") + f"/v1/{PROJECT_ID}",
        "cbr": url("cbr") + f"/v3/{PROJECT_ID}",
        "rdsv3": url("rds") + f"/v3/{PROJECT_ID}",
        "gaussdb-opengauss": url("gaussdb") + f"/v3/{PROJECT_ID}",
        "gaussdb-mysql": url("taurusdb") + f"/v3/{PROJECT_ID}",
        "identity": url("iam") + "/v3",
    }
    assert {kind: urls.get(kind) for kind in documented} == documented
    # The others are those of their manifests.
    assert urls.keys() - documented.keys() <= {kind for each in SERVICES.values() for kind in each.catalog_types}
    regions = {kind: found[0]["region"] for kind, found in endpoints.items()}
    assert regions.pop("identity") == "*"
    assert set(regions.values()) == {REGION}


async def test_our_own_client_finds_every_service_in_the_catalog(iam: Iam) -> None:
    _, _, body = await iam.log_in(scope={"project": {"id": PROJECT_ID}})
    types = {entry["type"] for entry in body["token"]["catalog"]}
    assert all(set(definition.catalog_types) <= types for definition in SERVICES.values())


async def test_a_token_without_a_project_has_only_the_global_services_in_its_catalog(iam: Iam) -> None:
    _, _, body = await iam.log_in(scope={"domain": {"id": DOMAIN_ID}})
    assert [entry["type"] for entry in body["token"]["catalog"]] == ["identity"]


async def test_a_token_of_the_second_region_opens_that_region_only(iam: Iam) -> None:
    _, headers, body = await iam.log_in(scope={"project": {"name": SECOND.name}})
    entries = {entry["type"]: entry["endpoints"][0] for entry in body["token"]["catalog"]}
    there = iam.cloud.url(f"cbr@{SECOND.name}")

    assert set(entries) == {"cbr", "identity"}
    assert (entries["cbr"]["region"], entries["cbr"]["url"]) == (SECOND.name, f"{there}/v3/{SECOND.project_id}")
    token = {"X-Auth-Token": headers["X-Subject-Token"]}
    for url, project_id, status in (
        (there, SECOND.project_id, 200),
        (there, PROJECT_ID, 403),
        (iam.cloud.url("cbr"), SECOND.project_id, 403),
        (iam.cloud.url("cbr"), PROJECT_ID, 403),
    ):
        async with iam.session.get(f"{url}/v3/{project_id}/vaults", headers=token) as response:
            assert response.status == status, (url, project_id)


async def test_the_catalog_is_left_out_when_asked(iam: Iam) -> None:
    _, _, body = await iam.log_in(scope={"project": {"id": PROJECT_ID}}, query="?nocatalog=true")
    assert "catalog" not in body["token"]


async def test_a_token_can_be_looked_at(iam: Iam) -> None:
    token = await iam.token()
    headers = token | {"X-Subject-Token": token["X-Auth-Token"]}
    status, answered, body = await iam.send("GET", "/v3/auth/tokens", headers=headers)
    assert status == 200
    assert answered["X-Subject-Token"] == token["X-Auth-Token"]
    assert body["token"]["project"]["id"] == PROJECT_ID
    assert (await iam.send("HEAD", "/v3/auth/tokens", headers=headers))[0] == 200


async def test_an_unknown_token_cannot_be_looked_at(iam: Iam) -> None:
    headers = await iam.token() | {"X-Subject-Token": "MIIunknown"}
    assert_keystone_error(await iam.send("GET", "/v3/auth/tokens", headers=headers), 404, "Not Found", "token")


async def test_a_revoked_token_opens_nothing_any_more(iam: Iam) -> None:
    token, other = await iam.token(), await iam.token()
    headers = token | {"X-Subject-Token": token["X-Auth-Token"]}
    assert (await iam.send("DELETE", "/v3/auth/tokens", headers=headers))[0] == 204
    assert_keystone_error(await iam.send("GET", "/v3/auth/projects", headers=token), 401, "Unauthorized", "")
    assert (await iam.send("GET", "/v3/auth/projects", headers=other))[0] == 200


async def test_an_expired_token_opens_nothing_any_more(iam: Iam) -> None:
    token = await iam.token()
    iam.time += timedelta(hours=24)
    assert_keystone_error(await iam.send("GET", "/v3/auth/projects", headers=token), 401, "Unauthorized", "")


@pytest.mark.parametrize(
    "path", ["/v3/auth/tokens", "/v3/auth/catalog", "/v3/auth/projects", "/v3/auth/domains", "/v3/projects"]
)
async def test_nothing_is_shown_without_credentials(iam: Iam, path: str) -> None:
    answer = await iam.send("GET", path)
    assert_keystone_error(answer, 401, "Unauthorized", "requires authentication")


async def test_the_catalog_can_be_asked_for_with_a_project_token_only(iam: Iam) -> None:
    status, _, body = await iam.send("GET", "/v3/auth/catalog", headers=await iam.token())
    assert status == 200
    assert {"cbr", "rdsv3"} <= {entry["type"] for entry in body["catalog"]}
    answer = await iam.send("GET", "/v3/auth/catalog", headers=await iam.token({"domain": {"id": DOMAIN_ID}}))
    assert_keystone_error(answer, 403, "Forbidden", "not scoped to a project")


async def test_the_account_is_listed(iam: Iam) -> None:
    status, _, body = await iam.send("GET", "/v3/auth/domains", headers=await iam.token())
    assert status == 200
    assert [(domain["id"], domain["name"]) for domain in body["domains"]] == [(DOMAIN_ID, DOMAIN_NAME)]


async def test_the_projects_of_the_user_are_listed(iam: Iam) -> None:
    status, _, body = await iam.send("GET", "/v3/auth/projects", headers=await iam.token())
    assert status == 200
    assert [project["id"] for project in body["projects"]] == [PROJECT_ID, SECOND.project_id]


async def test_a_project_is_found_by_name_with_a_token(iam: Iam) -> None:
    status, _, body = await iam.send("GET", f"/v3/projects?name={PROJECT_NAME}", headers=await iam.token())
    assert status == 200
    assert [project["id"] for project in body["projects"]] == [PROJECT_ID]


async def test_a_project_is_found_by_name_with_a_signature(iam: Iam) -> None:
    query = [("name", PROJECT_NAME)]
    headers = iam.signed("/v3/projects", query)
    status, _, body = await iam.send("GET", f"/v3/projects?{canonical_query(query)}", headers=headers)
    assert status == 200
    assert [project["id"] for project in body["projects"]] == [PROJECT_ID]


async def test_a_wrong_signature_gets_the_refusal_of_the_gateway(iam: Iam) -> None:
    status, _, body = await iam.send("GET", "/v3/projects", headers=iam.signed("/v3/projects", [], secret_key="x"))
    assert (status, body["error_code"]) == (401, "APIGW.0301")


@pytest.mark.parametrize("query", ["name=nowhere", "enabled=false", "is_domain=true", "domain_id=0", "parent_id=0"])
async def test_projects_that_do_not_match_are_an_empty_list(iam: Iam, query: str) -> None:
    status, _, body = await iam.send("GET", f"/v3/projects?{query}", headers=await iam.token())
    assert (status, body["projects"]) == (200, [])


@pytest.mark.parametrize(("query", "found"), [("page=1&per_page=1", 1), ("page=2&per_page=2", 0)])
async def test_projects_come_in_pages(iam: Iam, query: str, found: int) -> None:
    status, _, body = await iam.send("GET", f"/v3/projects?{query}", headers=await iam.token())
    assert (status, len(body["projects"])) == (200, found)


@pytest.mark.parametrize(
    "query", ["page=1", "per_page=1", "page=0&per_page=1", "page=1&per_page=5001", "page=a&per_page=1"]
)
async def test_a_page_that_cannot_be_is_a_bad_request(iam: Iam, query: str) -> None:
    answer = await iam.send("GET", f"/v3/projects?{query}", headers=await iam.token())
    assert_keystone_error(answer, 400, "Bad Request", "page")


KEYS = "/v3.0/OS-CREDENTIAL/securitytokens"


def key_request(**token: Any) -> dict[str, Any]:
    return {"auth": {"identity": {"methods": ["token"], "token": token}}}


@pytest.mark.parametrize("place", ["header", "body"])
async def test_a_token_gives_a_temporary_key_for_15_minutes(iam: Iam, place: str) -> None:
    token = await iam.token()
    if place == "header":
        status, _, body = await iam.send("POST", KEYS, {"auth": {"identity": {"methods": ["token"]}}}, token)
    else:
        status, _, body = await iam.send("POST", KEYS, key_request(id=token["X-Auth-Token"]))
    credential = body["credential"]
    assert status == 201
    assert set(credential) == {"access", "secret", "securitytoken", "expires_at"}
    expected = iam.time + timedelta(minutes=15)
    assert credential["expires_at"] == expected.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def test_a_temporary_key_lasts_as_long_as_asked_for(iam: Iam) -> None:
    _, _, body = await iam.send("POST", KEYS, key_request(duration_seconds=86400), await iam.token())
    expected = iam.time + timedelta(days=1)
    assert body["credential"]["expires_at"] == expected.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@pytest.mark.parametrize("seconds", [899, 86401])
async def test_a_temporary_key_lasts_900_to_86400_seconds(iam: Iam, seconds: int) -> None:
    status, _, body = await iam.send("POST", KEYS, key_request(duration_seconds=seconds), await iam.token())
    assert (status, body["error_code"]) == (400, "IAM.0007")


async def test_a_temporary_key_needs_a_token(iam: Iam) -> None:
    status, _, body = await iam.send("POST", KEYS, key_request())
    assert (status, body["error_code"]) == (401, "IAM.0001")


async def test_a_temporary_key_needs_a_valid_token(iam: Iam) -> None:
    status, _, body = await iam.send("POST", KEYS, key_request(id="MIIunknown"))
    assert (status, body["error_code"]) == (401, "IAM.0067")


@pytest.mark.parametrize("body", [{}, {"auth": {"identity": {"methods": ["assume_role"]}}}])
async def test_a_malformed_request_for_a_temporary_key_is_a_bad_request(iam: Iam, body: Any) -> None:
    status, _, answer = await iam.send("POST", KEYS, body, await iam.token())
    assert (status, answer["error_code"]) == (400, "IAM.0011")


@pytest.mark.parametrize("token_bytes", [15_000, 48 * 1024, 150_000])
async def test_a_token_of_any_documented_length_is_issued_and_taken(iam: Iam, token_bytes: int) -> None:
    iam.cloud.accounts.token_bytes = token_bytes
    settings = CloudSettings(
        PasswordCredentials(USER_NAME, PASSWORD, DOMAIN_NAME),
        region=REGION,
        cloud="custom",
        auth_url=iam.cloud.url("iam") + "/v3",
        network=NetworkSettings(attempts=1),
    )
    async with BackupCloud(settings) as client:
        assert [vault async for vault in client.cbr.vaults.list()] == []
