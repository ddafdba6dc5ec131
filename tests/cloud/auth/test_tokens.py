"""IAM tokens: fetched once however many ask, renewed in time, lost by nobody (access sections 1.1 and 1.2)."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from airflow_provider_backup.cloud.auth.tokens import RENEW_AHEAD, Token, TokenSource, token_request
from airflow_provider_backup.cloud.errors import (
    AuthenticationError,
    BackupError,
    CloudConnectionError,
    ConfigurationError,
    ServerError,
    UnexpectedResponseError,
)
from airflow_provider_backup.cloud.http.pipeline import RequestPipeline
from airflow_provider_backup.cloud.http.transport import Transport
from airflow_provider_backup.cloud.settings import CloudSettings
from tests.cloud.clients import PASSWORD, network, settings_for
from tests.cloud.unruly_server import PROJECT_ID, Behaviour, UnrulyServer, answer, fault, hang_up

NOW = datetime(2031, 4, 2, 9, 15, 7, tzinfo=UTC)

WRONG_PASSWORD = answer({"error": {"code": 401, "message": "The username or password is wrong."}}, 401)


@asynccontextmanager
async def token_source(unruly: UnrulyServer, **changes: Any) -> AsyncIterator[TokenSource]:
    settings = settings_for(unruly.url, PASSWORD, **changes)
    async with Transport(settings.network) as transport:
        tokens = TokenSource(PASSWORD, settings, RequestPipeline(transport, settings.network))
        try:
            yield tokens
        finally:
            await tokens.close()


# ------------------------------------------------------------------------------------------------------------- request


@pytest.mark.parametrize(
    ("changes", "project"),
    [
        ({"project_id": PROJECT_ID}, {"id": PROJECT_ID}),
        ({"project_id": PROJECT_ID, "project_name": "eu-de_team1"}, {"id": PROJECT_ID}),
        ({"project_id": None, "project_name": "eu-de_team1"}, {"name": "eu-de_team1"}),
        ({"project_id": None}, {"name": "eu-de"}),
    ],
)
def test_a_token_is_asked_for_the_project_that_is_known_best(changes: dict[str, Any], project: dict[str, str]) -> None:
    assert token_request(PASSWORD, settings_for("https://h", PASSWORD, **changes)) == {
        "auth": {
            "identity": {
                "methods": ["password"],
                "password": {
                    "user": {"name": "me", "password": "VERY-SECRET-PASSWORD", "domain": {"name": "my-account"}}
                },
            },
            "scope": {"project": project},
        }
    }


async def test_a_token_is_asked_for_as_documented(unruly: UnrulyServer) -> None:
    settings = settings_for(unruly.url, PASSWORD)
    async with token_source(unruly) as tokens:
        await tokens.get()
    (received,) = unruly.token_requests
    assert (received.method, received.target) == ("POST", "/v3/auth/tokens")
    assert received.headers["Content-Type"] == "application/json;charset=utf8"
    assert "X-Auth-Token" not in received.headers
    assert json.loads(received.body) == token_request(PASSWORD, settings)


async def test_a_token_comes_with_project_catalog_and_end(unruly: UnrulyServer) -> None:
    unruly.catalog = [{"type": "cbr", "endpoints": []}]
    async with token_source(unruly) as tokens:
        token = await tokens.get()
    assert token.value == "TOKEN-1"
    assert token.project is not None
    assert (token.project.id, list(token.catalog)) == (PROJECT_ID, unruly.catalog)
    assert timedelta(hours=23) < token.expires_at - datetime.now(UTC) <= timedelta(hours=24)


def test_the_value_of_a_token_is_not_in_its_text() -> None:
    token = Token("VERY-SECRET", datetime.now(UTC), None, [{"name": "VERY-SECRET"}])
    assert "SECRET" not in f"{token} {token!r}"


# ------------------------------------------------------------------------------------------------------- once for all


async def test_forty_callers_at_once_fetch_one_token(unruly: UnrulyServer) -> None:
    unruly.token_seconds = 0.1
    async with token_source(unruly) as tokens:
        found = await asyncio.gather(*(tokens.get() for _ in range(40)))
    assert {token.value for token in found} == {"TOKEN-1"}
    assert len(unruly.token_requests) == 1


async def test_a_good_token_is_not_fetched_again(unruly: UnrulyServer) -> None:
    async with token_source(unruly) as tokens:
        assert await tokens.get() is await tokens.get()
    assert len(unruly.token_requests) == 1


async def test_a_token_that_ends_soon_is_renewed_ahead(unruly: UnrulyServer) -> None:
    unruly.token_lifetime = RENEW_AHEAD - timedelta(seconds=5)
    async with token_source(unruly) as tokens:
        await tokens.get()
        unruly.token_lifetime = timedelta(hours=24)
        assert [(await tokens.get()).value for _ in range(3)] == ["TOKEN-2"] * 3


@pytest.mark.parametrize(("left", "fresh"), [(timedelta(seconds=5), True), (timedelta(seconds=-5), False)])
def test_a_token_is_fresh_while_more_than_the_margin_is_left(left: timedelta, fresh: bool) -> None:
    assert Token("t", NOW + RENEW_AHEAD + left, None, []).is_fresh(NOW) is fresh


@pytest.mark.parametrize("off", [timedelta(minutes=30), -timedelta(minutes=30)], ids=["ahead", "behind"])
async def test_a_token_ends_by_the_clock_of_the_cloud_that_issued_it(unruly: UnrulyServer, off: timedelta) -> None:
    def token(lifetime: timedelta) -> Behaviour:
        now = datetime.now(UTC) + off
        body = {"token": {"expires_at": (now + lifetime).isoformat()}}
        return answer(body, 201, X_Subject_Token=f"for {lifetime}", Date=format_datetime(now, usegmt=True))

    short, long = RENEW_AHEAD - timedelta(minutes=1), RENEW_AHEAD + timedelta(minutes=1)
    unruly.then_for_tokens(token(short), token(long))
    async with token_source(unruly) as tokens:
        values = [(await tokens.get()).value for _ in range(4)]
    assert values == [f"for {short}", *[f"for {long}"] * 3]


async def test_a_refused_token_is_not_handed_out_again(unruly: UnrulyServer) -> None:
    async with token_source(unruly) as tokens:
        refused = (await tokens.get()).value
        assert (await tokens.get(instead_of=refused)).value == "TOKEN-2"
        assert (await tokens.get()).value == "TOKEN-2"


async def test_forty_callers_whose_token_was_refused_fetch_one_new_token(unruly: UnrulyServer) -> None:
    unruly.token_seconds = 0.1
    async with token_source(unruly) as tokens:
        refused = (await tokens.get()).value
        found = await asyncio.gather(*(tokens.get(instead_of=refused) for _ in range(40)))
    assert {token.value for token in found} == {"TOKEN-2"}
    assert len(unruly.token_requests) == 2


async def test_a_late_caller_with_the_refused_token_gets_the_one_that_was_fetched_meanwhile(
    unruly: UnrulyServer,
) -> None:
    async with token_source(unruly) as tokens:
        refused = (await tokens.get()).value
        await tokens.get(instead_of=refused)
        assert (await tokens.get(instead_of=refused)).value == "TOKEN-2"
    assert len(unruly.token_requests) == 2


# -------------------------------------------------------------------------------------------------------- giving up


async def test_a_caller_who_gives_up_does_not_take_the_token_from_the_others(unruly: UnrulyServer) -> None:
    unruly.token_seconds = 0.2
    async with token_source(unruly) as tokens:
        callers = [asyncio.create_task(tokens.get()) for _ in range(3)]
        await asyncio.sleep(0.05)
        callers[0].cancel()
        callers[2].cancel()
        assert (await callers[1]).value == "TOKEN-1"
        assert callers[0].cancelled()
        assert callers[2].cancelled()
    assert len(unruly.token_requests) == 1


async def test_a_token_that_nobody_waits_for_any_more_is_kept_for_the_next(unruly: UnrulyServer) -> None:
    unruly.token_seconds = 0.1
    async with token_source(unruly) as tokens:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(tokens.get(), 0.05)
        assert (await tokens.get()).value == "TOKEN-1"
    assert len(unruly.token_requests) == 1


async def test_a_failure_that_nobody_waits_for_any_more_is_not_complained_about(
    unruly: UnrulyServer, caplog: pytest.LogCaptureFixture
) -> None:
    unruly.token_seconds = 0.1
    unruly.then_for_tokens(WRONG_PASSWORD)
    async with token_source(unruly) as tokens:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(tokens.get(), 0.05)
        await asyncio.sleep(0.2)
    del tokens
    gc.collect()
    await asyncio.sleep(0)
    assert [record for record in caplog.records if record.name == "asyncio"] == []
    assert len(unruly.token_requests) == 1


async def test_after_a_failure_with_a_caller_who_gave_up_the_next_caller_fetches_anew(unruly: UnrulyServer) -> None:
    unruly.token_seconds = 0.1
    unruly.then_for_tokens(WRONG_PASSWORD)
    async with token_source(unruly) as tokens:
        first, second = (asyncio.create_task(tokens.get()) for _ in range(2))
        await asyncio.sleep(0.05)
        first.cancel()
        with pytest.raises(AuthenticationError):
            await second
        assert (await tokens.get()).value == "TOKEN-2"


async def test_closing_stops_a_fetch_that_is_going_on(unruly: UnrulyServer, caplog: pytest.LogCaptureFixture) -> None:
    unruly.token_seconds = 30
    async with token_source(unruly) as tokens:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(tokens.get(), 0.05)
    assert [task for task in asyncio.all_tasks() if "TokenSource._fetch" in repr(task)] == []
    assert not caplog.records


# ------------------------------------------------------------------------------------------------------------ failures


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (WRONG_PASSWORD, AuthenticationError),
        (answer({"error_code": "IAM.1104", "error_msg": "blacklisted"}, 400), AuthenticationError),
        (answer(b"<html>Sign in</html>"), UnexpectedResponseError),
        (fault(500, "IAM.0006"), ServerError),
    ],
)
async def test_a_failed_fetch_is_told_and_not_kept(
    unruly: UnrulyServer, trouble: Behaviour, kind: type[BackupError]
) -> None:
    unruly.then_for_tokens(trouble)
    async with token_source(unruly) as tokens:
        with pytest.raises(kind) as caught:
            await tokens.get()
        assert "VERY-SECRET" not in str(caught.value)
        assert (await tokens.get()).value == "TOKEN-2"


async def test_everybody_who_waits_for_a_failing_fetch_is_told(unruly: UnrulyServer) -> None:
    unruly.token_seconds = 0.1
    unruly.then_for_tokens(WRONG_PASSWORD)
    async with token_source(unruly) as tokens:
        ends = await asyncio.gather(*(tokens.get() for _ in range(40)), return_exceptions=True)
    assert {type(end) for end in ends} == {AuthenticationError}
    assert len(unruly.token_requests) == 1


@pytest.mark.parametrize("trouble", [hang_up, fault(503, "503"), fault(429, "IAM.0012")])
async def test_passing_trouble_of_the_identity_service_is_outlived(unruly: UnrulyServer, trouble: Behaviour) -> None:
    unruly.then_for_tokens(trouble, trouble)
    async with token_source(unruly) as tokens:
        assert (await tokens.get()).value == "TOKEN-3"


async def test_an_identity_service_that_stays_away_is_told(unruly: UnrulyServer) -> None:
    unruly.then_for_tokens(*[hang_up] * 9)
    async with token_source(unruly) as tokens:
        with pytest.raises(CloudConnectionError):
            await tokens.get()
    assert len(unruly.token_requests) == 3


async def test_a_failing_renewal_leaves_a_fresh_token_to_those_who_may_use_it(unruly: UnrulyServer) -> None:
    async with token_source(unruly) as tokens:
        good = await tokens.get()
        unruly.then_for_tokens(WRONG_PASSWORD)
        with pytest.raises(AuthenticationError):
            await tokens.get(instead_of=good.value)
        assert await tokens.get() is good


async def test_an_answer_without_the_token_is_told(unruly: UnrulyServer) -> None:
    unruly.then_for_tokens(answer({"token": {}}, 201))
    async with token_source(unruly) as tokens:
        with pytest.raises(UnexpectedResponseError, match="no X-Subject-Token"):
            await tokens.get()


@pytest.mark.parametrize("body", [None, {}, [], {"token": None}, {"token": {"catalog": "none"}}])
async def test_an_answer_of_another_form_is_told(unruly: UnrulyServer, body: Any) -> None:
    unruly.then_for_tokens(answer(body, 201, X_Subject_Token="VERY-SECRET"))
    async with token_source(unruly) as tokens:
        with pytest.raises(UnexpectedResponseError) as caught:
            await tokens.get()
    assert "VERY-SECRET" not in str(caught.value)


@pytest.mark.parametrize("expires_at", [None, "", "soon", "9999-12-31T23:59:59-2300"])
async def test_a_token_without_a_readable_end_lasts_a_day(unruly: UnrulyServer, expires_at: Any) -> None:
    unruly.then_for_tokens(answer({"token": {"expires_at": expires_at}}, 201, X_Subject_Token="t"))
    async with token_source(unruly) as tokens:
        token = await tokens.get()
    assert token.is_fresh(datetime.now(UTC))
    assert (token.project, list(token.catalog)) == (None, [])


@pytest.mark.parametrize("url", ["http://iam.example", "ftp://iam.example"])
async def test_a_password_is_not_sent_where_it_would_be_unprotected(unruly: UnrulyServer, url: str) -> None:
    async with token_source(unruly, auth_url=url) as tokens:
        with pytest.raises(ConfigurationError):
            await tokens.get()


async def test_a_redirect_does_not_take_the_password_along(unruly: UnrulyServer) -> None:
    unruly.then_for_tokens(answer(None, 307, Location=f"{unruly.url}/elsewhere"))
    async with token_source(unruly) as tokens:
        with pytest.raises(BackupError, match="307"):
            await tokens.get()
    assert not unruly.received


def _in_a_loop_of_its_own(settings: CloudSettings) -> Callable[[], str]:
    async def fetch() -> str:
        async with Transport(settings.network) as transport:
            return (await TokenSource(PASSWORD, settings, RequestPipeline(transport, settings.network)).get()).value

    return lambda: asyncio.run(fetch())


async def test_every_event_loop_can_have_a_source_of_its_own(unruly: UnrulyServer) -> None:
    in_loop = _in_a_loop_of_its_own(replace(settings_for(unruly.url, PASSWORD), network=network()))
    assert [await asyncio.to_thread(in_loop) for _ in range(2)] == ["TOKEN-1", "TOKEN-2"]
