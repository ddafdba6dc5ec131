"""IAM tokens: one request for all callers, renewed ahead in the background (access sections 1.1 and 1.2)."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from airflow_provider_backup.cloud.auth.tokens import Token, TokenSource, token_request
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
from airflow_provider_backup.cloud.limits import Limits
from airflow_provider_backup.cloud.settings import CloudSettings
from tests.cloud.clients import PASSWORD, network, settings_for
from tests.cloud.unruly_server import PROJECT_ID, Behaviour, UnrulyServer, answer, fault, hang_up
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.virtual_clock

NOW = datetime(2031, 4, 2, 9, 15, 7, tzinfo=UTC)
LIMITS = Limits()

WRONG_PASSWORD = answer({"error": {"code": 401, "message": "The username or password is wrong."}}, 401)


@asynccontextmanager
async def token_source(unruly: UnrulyServer, **changes: Any) -> AsyncIterator[TokenSource]:
    settings = settings_for(unruly.url, PASSWORD, **changes)
    async with Transport(settings.network) as transport:
        sender = RequestPipeline(transport, settings.network, clock=VIRTUAL_CLOCK)
        tokens = TokenSource(PASSWORD, settings, sender)
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
def test_a_token_is_requested_for_the_most_precise_project(changes: dict[str, Any], project: dict[str, str]) -> None:
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


async def test_a_token_request_is_as_documented(unruly: UnrulyServer) -> None:
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
    assert timedelta(hours=23) < token.expires_at - unruly.now() <= timedelta(hours=24)


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


@pytest.mark.parametrize(("left", "is_valid"), [(timedelta(seconds=5), True), (timedelta(seconds=-5), False)])
def test_a_token_is_valid_until_it_expires(left: timedelta, is_valid: bool) -> None:
    assert Token("t", NOW + left, None, []).is_valid(NOW) is is_valid


@pytest.mark.parametrize("off", [timedelta(minutes=30), -timedelta(minutes=30)], ids=["ahead", "behind"])
async def test_a_token_expires_by_the_clock_of_the_cloud_that_issued_it(unruly: UnrulyServer, off: timedelta) -> None:
    def token(lifetime: timedelta) -> Behaviour:
        now = unruly.now() + off
        body = {"token": {"expires_at": (now + lifetime).isoformat()}}
        return answer(body, 201, X_Subject_Token=f"for {lifetime}", Date=format_datetime(now, usegmt=True))

    expired, valid = -timedelta(minutes=1), timedelta(minutes=20)
    unruly.then_for_tokens(token(expired), token(valid))
    async with token_source(unruly) as tokens:
        values = [(await tokens.get()).value for _ in range(4)]
    assert values == [f"for {expired}", *[f"for {valid}"] * 3]


# ------------------------------------------------------------------------------------------- renewal in the background


async def minutes_before_the_end(tokens: TokenSource, unruly: UnrulyServer, minutes: float) -> str:
    """Fetch a token, let time pass until so many minutes are left of it, and return its value."""
    token = await tokens.get()
    await VIRTUAL_CLOCK.sleep((token.expires_at - unruly.now()).total_seconds() - 60 * minutes)
    return token.value


async def test_a_token_is_not_renewed_long_before_its_end(unruly: UnrulyServer) -> None:
    async with token_source(unruly) as tokens:
        await minutes_before_the_end(tokens, unruly, 11)
        await tokens.get()
        await VIRTUAL_CLOCK.sleep(30)
    assert len(unruly.token_requests) == 1


async def test_a_token_is_renewed_ahead_while_the_old_one_serves(unruly: UnrulyServer) -> None:
    unruly.token_seconds = 7
    async with token_source(unruly) as tokens:
        old = await minutes_before_the_end(tokens, unruly, 9)
        began = VIRTUAL_CLOCK.monotonic()
        assert (await tokens.get()).value == old
        assert VIRTUAL_CLOCK.monotonic() == began
        await VIRTUAL_CLOCK.sleep(8)
        assert (await tokens.get()).value == "TOKEN-2"
    assert len(unruly.token_requests) == 2


async def test_many_callers_start_one_renewal(unruly: UnrulyServer) -> None:
    unruly.token_seconds = 7
    async with token_source(unruly) as tokens:
        await minutes_before_the_end(tokens, unruly, 9)
        for _ in range(20):
            await asyncio.gather(*(tokens.get() for _ in range(10)))
            await VIRTUAL_CLOCK.sleep(1)
    assert len(unruly.token_requests) == 2


async def test_an_outage_of_the_identity_service_delays_no_request_until_the_token_expires(
    unruly: UnrulyServer,
) -> None:
    async with token_source(unruly) as tokens:
        old = await minutes_before_the_end(tokens, unruly, 9.9)
        unruly.then_for_tokens(*[fault(503, "503")] * 1000)
        for _ in range(59):
            began = VIRTUAL_CLOCK.monotonic()
            assert (await tokens.get()).value == old
            assert VIRTUAL_CLOCK.monotonic() == began
            await VIRTUAL_CLOCK.sleep(10)
    # Each attempt is three tries of the request; with back-off there are some fifteen attempts in ten minutes.
    assert 5 * 3 <= len(unruly.token_requests) <= 20 * 3


async def test_a_renewal_succeeds_as_soon_as_the_outage_ends(unruly: UnrulyServer) -> None:
    async with token_source(unruly) as tokens:
        await minutes_before_the_end(tokens, unruly, 9)
        unruly.then_for_tokens(*[fault(503, "503")] * 6)
        await tokens.get()
        await VIRTUAL_CLOCK.sleep(2 * LIMITS.longest_token_retry_pause)
        assert (await tokens.get()).value == "TOKEN-8"
        await VIRTUAL_CLOCK.sleep(600)
    assert len(unruly.token_requests) == 8


async def test_after_the_end_of_the_token_all_callers_wait_and_fail_with_the_error(unruly: UnrulyServer) -> None:
    async with token_source(unruly) as tokens:
        await minutes_before_the_end(tokens, unruly, 9)
        unruly.then_for_tokens(*[fault(503, "503")] * 1000)
        await tokens.get()
        await VIRTUAL_CLOCK.sleep(600)
        ends = await asyncio.gather(*(tokens.get() for _ in range(40)), return_exceptions=True)
        assert {type(end) for end in ends} == {ServerError}
        assert all("iam answered 503" in str(end) for end in ends)
        unruly.token_behaviours.clear()
        assert len({(await tokens.get()).value for _ in range(3)}) == 1


async def test_failed_renewals_and_their_end_are_logged_once(
    unruly: UnrulyServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="airflow_provider_backup.cloud.auth")
    async with token_source(unruly) as tokens:
        await minutes_before_the_end(tokens, unruly, 9)
        unruly.then_for_tokens(*[fault(503, "503")] * 9)
        await tokens.get()
        await VIRTUAL_CLOCK.sleep(240)
    lines = [each.getMessage() for each in caplog.records if each.name == "airflow_provider_backup.cloud.auth.tokens"]
    assert [re.sub(r"\d+ s", "N s", line.partition(";")[0]) for line in lines] == [
        "Could not renew the token of the identity service, retrying",
        "The token of the identity service is renewed after N s",
    ]
    assert len(lines) == 2


async def test_a_wrong_password_is_not_tried_again_in_the_background(unruly: UnrulyServer) -> None:
    async with token_source(unruly) as tokens:
        old = await minutes_before_the_end(tokens, unruly, 9)
        unruly.then_for_tokens(*[WRONG_PASSWORD] * 9)
        for _ in range(50):
            assert (await tokens.get()).value == old
            await VIRTUAL_CLOCK.sleep(10)
        assert len(unruly.token_requests) == 2
        await VIRTUAL_CLOCK.sleep(60)
        with pytest.raises(AuthenticationError):
            await tokens.get()


async def test_a_rejected_token_is_replaced_at_once_while_a_renewal_is_pausing(unruly: UnrulyServer) -> None:
    async with token_source(unruly) as tokens:
        old = await minutes_before_the_end(tokens, unruly, 9)
        unruly.then_for_tokens(*[fault(503, "503")] * 3)
        await tokens.get()
        await VIRTUAL_CLOCK.sleep(2)
        began = VIRTUAL_CLOCK.monotonic()
        assert (await tokens.get(instead_of=old)).value == "TOKEN-5"
        assert VIRTUAL_CLOCK.monotonic() == began
        await VIRTUAL_CLOCK.sleep(600)
        assert (await tokens.get()).value == "TOKEN-5"
    assert len(unruly.token_requests) == 5


async def test_a_token_that_lives_for_minutes_is_renewed_at_half_of_its_life(unruly: UnrulyServer) -> None:
    unruly.token_lifetime = timedelta(minutes=4)
    async with token_source(unruly) as tokens:
        for _ in range(60):
            await tokens.get()
            await VIRTUAL_CLOCK.sleep(10)
    assert 4 <= len(unruly.token_requests) <= 6


async def test_closing_ends_a_renewal(unruly: UnrulyServer) -> None:
    before = asyncio.all_tasks()
    async with token_source(unruly) as tokens:
        await minutes_before_the_end(tokens, unruly, 9)
        unruly.then_for_tokens(*[fault(503, "503")] * 1000)
        await tokens.get()
        await VIRTUAL_CLOCK.sleep(60)
        assert any("TokenSource._renew" in repr(task) for task in asyncio.all_tasks() - before)
    assert not any("TokenSource" in repr(task) for task in asyncio.all_tasks())


# --------------------------------------------------------------------------------------------------- rejected tokens


async def test_a_rejected_token_is_not_returned_again(unruly: UnrulyServer) -> None:
    async with token_source(unruly) as tokens:
        refused = (await tokens.get()).value
        assert (await tokens.get(instead_of=refused)).value == "TOKEN-2"
        assert (await tokens.get()).value == "TOKEN-2"


async def test_forty_callers_whose_token_was_rejected_fetch_one_new_token(unruly: UnrulyServer) -> None:
    unruly.token_seconds = 0.1
    async with token_source(unruly) as tokens:
        refused = (await tokens.get()).value
        found = await asyncio.gather(*(tokens.get(instead_of=refused) for _ in range(40)))
    assert {token.value for token in found} == {"TOKEN-2"}
    assert len(unruly.token_requests) == 2


async def test_a_late_caller_with_the_rejected_token_gets_the_new_one(
    unruly: UnrulyServer,
) -> None:
    async with token_source(unruly) as tokens:
        refused = (await tokens.get()).value
        await tokens.get(instead_of=refused)
        assert (await tokens.get(instead_of=refused)).value == "TOKEN-2"
    assert len(unruly.token_requests) == 2


# -------------------------------------------------------------------------------------------------------- giving up


async def test_a_cancelled_caller_does_not_cancel_the_request_of_the_others(unruly: UnrulyServer) -> None:
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


async def test_a_token_without_waiting_callers_is_kept_for_the_next_one(unruly: UnrulyServer) -> None:
    unruly.token_seconds = 0.1
    async with token_source(unruly) as tokens:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(tokens.get(), 0.05)
        assert (await tokens.get()).value == "TOKEN-1"
    assert len(unruly.token_requests) == 1


async def test_a_failure_without_waiting_callers_is_retrieved(
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


async def test_after_a_failure_with_a_cancelled_caller_the_next_one_fetches_anew(unruly: UnrulyServer) -> None:
    unruly.token_seconds = 0.1
    unruly.then_for_tokens(WRONG_PASSWORD)
    async with token_source(unruly) as tokens:
        first, second = (asyncio.create_task(tokens.get()) for _ in range(2))
        await asyncio.sleep(0.05)
        first.cancel()
        with pytest.raises(AuthenticationError):
            await second
        assert (await tokens.get()).value == "TOKEN-2"


async def test_closing_stops_a_request_in_flight(unruly: UnrulyServer, caplog: pytest.LogCaptureFixture) -> None:
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
async def test_a_failure_is_raised_and_not_kept(
    unruly: UnrulyServer, trouble: Behaviour, kind: type[BackupError]
) -> None:
    unruly.then_for_tokens(trouble)
    async with token_source(unruly) as tokens:
        with pytest.raises(kind) as caught:
            await tokens.get()
        assert "VERY-SECRET" not in str(caught.value)
        assert (await tokens.get()).value == "TOKEN-2"


async def test_a_failure_is_raised_for_all_waiting_callers(unruly: UnrulyServer) -> None:
    unruly.token_seconds = 0.1
    unruly.then_for_tokens(WRONG_PASSWORD)
    async with token_source(unruly) as tokens:
        ends = await asyncio.gather(*(tokens.get() for _ in range(40)), return_exceptions=True)
    assert {type(end) for end in ends} == {AuthenticationError}
    assert len(unruly.token_requests) == 1


@pytest.mark.parametrize("trouble", [hang_up, fault(503, "503"), fault(429, "IAM.0012")])
async def test_transient_errors_of_the_identity_service_are_retried(unruly: UnrulyServer, trouble: Behaviour) -> None:
    unruly.then_for_tokens(trouble, trouble)
    async with token_source(unruly) as tokens:
        assert (await tokens.get()).value == "TOKEN-3"


async def test_an_outage_without_a_valid_token_is_raised(unruly: UnrulyServer) -> None:
    unruly.then_for_tokens(*[hang_up] * 9)
    async with token_source(unruly) as tokens:
        with pytest.raises(CloudConnectionError):
            await tokens.get()
    assert len(unruly.token_requests) == 3


async def test_a_failed_replacement_leaves_the_valid_token_to_other_callers(unruly: UnrulyServer) -> None:
    async with token_source(unruly) as tokens:
        good = await tokens.get()
        unruly.then_for_tokens(WRONG_PASSWORD)
        with pytest.raises(AuthenticationError):
            await tokens.get(instead_of=good.value)
        assert await tokens.get() is good


async def test_an_answer_without_the_token_is_an_error(unruly: UnrulyServer) -> None:
    unruly.then_for_tokens(answer({"token": {}}, 201))
    async with token_source(unruly) as tokens:
        with pytest.raises(UnexpectedResponseError, match="no X-Subject-Token"):
            await tokens.get()


@pytest.mark.parametrize("body", [None, {}, [], {"token": None}, {"token": {"catalog": "none"}}])
async def test_an_answer_of_another_form_is_an_error(unruly: UnrulyServer, body: Any) -> None:
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
    assert token.is_valid(unruly.now() + timedelta(hours=23))
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
