"""The two ways to prove who asks, each in front of a server (access sections 1 and 2)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from airflow_provider_backup.cloud.auth.credentials import AccessKeyAccount, PasswordAccount
from airflow_provider_backup.cloud.errors import AuthenticationError, ConfigurationError, UnexpectedResponseError
from airflow_provider_backup.cloud.http.pipeline import Request
from airflow_provider_backup.cloud.http.signing import parse_sdk_date, sign_request
from airflow_provider_backup.cloud.settings import AccessKeyCredentials
from tests.cloud.clients import ACCESS_KEY, PASSWORD, open_account, settings_for
from tests.cloud.unruly_server import PROJECT_ID, Received, UnrulyServer, answer, fault, slow

TEMPORARY_KEY = AccessKeyCredentials("HSTAK", "VERY-SECRET-KEY", "VERY-SECRET-TOKEN")
PROJECTS = {"projects": [{"id": PROJECT_ID, "name": "eu-de"}], "links": {}}


def signature_of(received: Received, credentials: AccessKeyCredentials) -> str:
    """Sign a request again from what came over the wire."""
    _, _, names_and_rest = received.headers["Authorization"].partition("SignedHeaders=")
    names = names_and_rest.partition(",")[0].split(";")
    parts = urlsplit(received.target)
    return sign_request(
        method=received.method,
        path=parts.path,
        query=parse_qsl(parts.query, keep_blank_values=True),
        headers={name: received.headers[name] for name in names},
        body=received.body,
        access_key=credentials.access_key,
        secret_key=credentials.secret_key,
        moment=parse_sdk_date(received.headers["X-Sdk-Date"]),
    )


@pytest.mark.parametrize("credentials", [ACCESS_KEY, TEMPORARY_KEY])
async def test_a_request_with_an_access_key_is_signed_as_it_is_sent(
    unruly: UnrulyServer, credentials: AccessKeyCredentials
) -> None:
    async with open_account(settings_for(unruly.url, credentials)) as (account, sender):
        request = Request(
            "cbr",
            "POST",
            f"{unruly.url}/v3/{PROJECT_ID}/p%C3%A4th%2Fx",
            query=[("b", "ä +/*~"), ("a", ""), ("a", "2")],
            body="{'ä'}".encode(),
            headers={"Content-Type": "application/json"},
        )
        await sender.send(request, account)
    (received,) = unruly.received
    assert received.headers["Authorization"] == signature_of(received, credentials)
    assert received.headers["Host"] == urlsplit(unruly.url).netloc
    assert received.headers["X-Project-Id"] == PROJECT_ID
    assert received.headers.get("X-Security-Token") == credentials.security_token
    assert "VERY-SECRET-KEY" not in f"{received}"


async def test_what_matters_is_signed(unruly: UnrulyServer) -> None:
    async with open_account(settings_for(unruly.url, TEMPORARY_KEY)) as (account, sender):
        headers = {"Content-Type": "application/json", "X-Language": "en-us"}
        await sender.send(Request("rds", "GET", unruly.url, headers=headers), account)
    names = unruly.received[0].headers["Authorization"].partition("SignedHeaders=")[2].partition(",")[0]
    assert names == "content-type;host;x-language;x-project-id;x-sdk-date;x-security-token"


async def test_a_refused_key_is_not_tried_again(unruly: UnrulyServer) -> None:
    unruly.then(*[fault(401, "APIGW.0301", "ak AK not exist")] * 3)
    async with open_account(settings_for(unruly.url)) as (account, sender):
        with pytest.raises(AuthenticationError, match="ak AK not exist"):
            await sender.send(Request("cbr", "GET", unruly.url), account)
    assert len(unruly.received) == 1


async def test_requests_with_a_password_carry_the_token(unruly: UnrulyServer) -> None:
    async with open_account(settings_for(unruly.url, PASSWORD)) as (account, sender):
        for _ in range(3):
            await sender.send(Request("cbr", "GET", unruly.url), account)
    assert unruly.tokens == ["TOKEN-1"] * 3
    assert "Authorization" not in unruly.received[0].headers


async def test_forty_requests_with_a_dead_token_go_on_with_one_new_token(unruly: UnrulyServer) -> None:
    async def only_the_second(request: Any) -> Any:
        return await (answer({}) if request.headers["X-Auth-Token"] == "TOKEN-2" else fault(401, "APIGW.0307"))(request)

    unruly.then(*[only_the_second] * 80)
    async with open_account(settings_for(unruly.url, PASSWORD)) as (account, sender):
        await asyncio.gather(*(sender.send(Request("cbr", "GET", unruly.url), account) for _ in range(40)))
    assert len(unruly.token_requests) == 2
    assert sorted(token or "" for token in unruly.tokens) == ["TOKEN-1"] * 40 + ["TOKEN-2"] * 40


async def test_errors_of_the_token_are_not_multiplied_by_the_tries_of_the_request(unruly: UnrulyServer) -> None:
    unruly.then_for_tokens(*[fault(503, "503")] * 30)
    async with open_account(settings_for(unruly.url, PASSWORD)) as (account, sender):
        with pytest.raises(Exception, match="iam answered 503"):
            await sender.send(Request("cbr", "GET", unruly.url), account)
    assert len(unruly.token_requests) == 3
    assert not unruly.received


# ------------------------------------------------------------------------------------------------------------- project


async def test_the_project_of_a_token_is_known_without_another_request(unruly: UnrulyServer) -> None:
    async with open_account(settings_for(unruly.url, PASSWORD, project_id=None)) as (account, _):
        assert await account.project_id() == await account.verify() == PROJECT_ID
    assert len(unruly.token_requests) == 1
    assert not unruly.received


async def test_a_token_that_is_for_no_project_is_reported(unruly: UnrulyServer) -> None:
    unruly.then_for_tokens(answer({"token": {}}, 201, X_Subject_Token="t"))
    async with open_account(settings_for(unruly.url, PASSWORD)) as (account, _):
        with pytest.raises(
            ConfigurationError, match=r"not for a project\. Next step: Set region, project_name or project_id"
        ):
            await account.project_id()


@pytest.mark.parametrize(("project_name", "asked"), [(None, "eu-de"), ("eu-de_team1", "eu-de_team1")])
async def test_a_key_looks_its_project_up_by_name(unruly: UnrulyServer, project_name: str | None, asked: str) -> None:
    unruly.then(answer(PROJECTS))
    settings = settings_for(unruly.url, project_id=None, project_name=project_name)
    async with open_account(settings) as (account, _):
        assert await account.project_id() == PROJECT_ID
    (received,) = unruly.received
    assert received.target == f"/v3/projects?name={asked}"
    assert "X-Project-Id" not in received.headers


async def test_forty_callers_at_once_look_the_project_up_once(unruly: UnrulyServer) -> None:
    unruly.then(slow(0.1, answer(PROJECTS)))
    async with open_account(settings_for(unruly.url, project_id=None)) as (account, _):
        assert set(await asyncio.gather(*(account.project_id() for _ in range(40)))) == {PROJECT_ID}
    assert len(unruly.received) == 1


async def test_a_caller_who_gives_up_does_not_take_the_look_up_from_the_others(unruly: UnrulyServer) -> None:
    unruly.then(slow(0.1, answer(PROJECTS)), answer(PROJECTS))
    async with open_account(settings_for(unruly.url, project_id=None)) as (account, _):
        first, second = (asyncio.create_task(account.project_id()) for _ in range(2))
        await asyncio.sleep(0.05)
        first.cancel()
        assert await second == PROJECT_ID


async def test_requests_after_the_look_up_are_signed_for_the_project(unruly: UnrulyServer) -> None:
    unruly.then(answer(PROJECTS))
    async with open_account(settings_for(unruly.url, project_id=None)) as (account, sender):
        await account.project_id()
        await sender.send(Request("cbr", "GET", unruly.url), account)
    assert unruly.received[1].headers["X-Project-Id"] == PROJECT_ID


@pytest.mark.parametrize(("found", "number"), [([], 0), ([{"id": "1"}, {"id": "2"}], 2)])
async def test_a_project_that_cannot_be_found_by_its_name_is_refused_and_asked_for_again(
    unruly: UnrulyServer, found: list[Any], number: int
) -> None:
    unruly.then(answer({"projects": found}), answer(PROJECTS))
    async with open_account(settings_for(unruly.url, project_id=None)) as (account, _):
        with pytest.raises(ConfigurationError, match=f"{number} projects are named 'eu-de'.*Set project_id"):
            await account.project_id()
        assert await account.project_id() == PROJECT_ID


@pytest.mark.parametrize("body", [None, [], {}, {"projects": None}, {"projects": {}}, "text"])
async def test_an_answer_without_projects_is_reported(unruly: UnrulyServer, body: Any) -> None:
    unruly.then(answer(body))
    async with open_account(settings_for(unruly.url, project_id=None)) as (account, _):
        with pytest.raises(UnexpectedResponseError, match="no list of projects"):
            await account.project_id()


async def test_rows_that_are_no_projects_are_passed_over(unruly: UnrulyServer) -> None:
    unruly.then(answer({"projects": [None, {}, {"id": ""}, "x", *PROJECTS["projects"]]}))
    async with open_account(settings_for(unruly.url, project_id=None)) as (account, _):
        assert await account.project_id() == PROJECT_ID


async def test_verifying_a_key_finds_its_project_among_those_of_the_account(unruly: UnrulyServer) -> None:
    unruly.then(answer(PROJECTS))
    async with open_account(settings_for(unruly.url)) as (account, _):
        assert await account.verify() == PROJECT_ID
    assert unruly.received[0].target == "/v3/projects"


async def test_verifying_a_key_reports_a_project_that_the_account_does_not_have(unruly: UnrulyServer) -> None:
    unruly.then(answer(PROJECTS))
    async with open_account(settings_for(unruly.url, project_id="other")) as (account, _):
        with pytest.raises(ConfigurationError, match="has no project other here.*Check project_id and region"):
            await account.verify()


async def test_verifying_wrong_credentials_reports_it(unruly: UnrulyServer) -> None:
    unruly.then(fault(401, "APIGW.0301", "verify aksk signature fail"))
    async with open_account(settings_for(unruly.url)) as (account, _):
        with pytest.raises(AuthenticationError, match="Check user, password and account, or access key"):
            await account.verify()


async def test_only_a_token_brings_a_catalog(unruly: UnrulyServer) -> None:
    unruly.catalog = [{"type": "cbr"}]
    async with open_account(settings_for(unruly.url, PASSWORD)) as (account, _):
        assert await account.catalog() == unruly.catalog
    async with open_account(settings_for(unruly.url)) as (account, _):
        assert await account.catalog() == ()


async def test_no_secret_is_in_the_text_of_an_account(unruly: UnrulyServer) -> None:
    async with open_account(settings_for(unruly.url, PASSWORD)) as (account, _):
        assert isinstance(account, PasswordAccount)
        assert "SECRET" not in repr(account)
    async with open_account(settings_for(unruly.url, replace(TEMPORARY_KEY))) as (account, _):
        assert isinstance(account, AccessKeyAccount)
        assert "SECRET" not in repr(account)
