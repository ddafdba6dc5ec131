"""A request until it is answered: retries, credentials that die, errors, decoded JSON."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.errors import (
    ApiDuplicateNameError,
    AuthenticationError,
    BackupError,
    BadRequestError,
    CloudConnectionError,
    ConfigurationError,
    NotFoundError,
    RateLimitedError,
    ServerError,
    UnexpectedResponseError,
)
from airflow_provider_backup.cloud.http.pipeline import Anonymous, Answer, Request, RequestPipeline, encoded_body
from airflow_provider_backup.cloud.http.transport import Transport
from tests.cloud.clients import network
from tests.cloud.unruly_server import (
    Behaviour,
    UnrulyServer,
    answer,
    break_off,
    closing_idle_connections,
    fault,
    hang_up,
    running,
    slow,
)
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.virtual_clock

FINE = {"fine": True}
ANONYMOUS = Anonymous()


class Badge:
    """Credentials for tests: a number that grows when they are renewed, or the error that getting them meets."""

    def __init__(self) -> None:
        self.number = 1
        self.refused: list[Mapping[str, str]] = []
        self.can_be_renewed = True
        self.errors: list[BackupError] = []
        self.asked = 0

    async def headers(self, request: Request) -> dict[str, str]:
        """Return the badge."""
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        return {"X-Badge": str(self.number)}

    async def renew(self, refused: Mapping[str, str]) -> bool:
        """Take the next number."""
        self.refused.append(refused)
        self.number += 1
        return self.can_be_renewed


@pytest_asyncio.fixture
async def sender() -> AsyncIterator[RequestPipeline]:
    async with Transport(network()) as transport:
        yield RequestPipeline(transport, network(), clock=VIRTUAL_CLOCK)


def request(unruly: UnrulyServer, method: str = "GET", **more: Any) -> Request:
    return Request("cbr", method, f"{unruly.url}/v3/p/things", **more)


def methods(unruly: UnrulyServer) -> list[str]:
    return [each.method for each in unruly.received]


# ------------------------------------------------------------------------------------------------------------- answers


async def test_json_is_decoded(sender: RequestPipeline, unruly: UnrulyServer) -> None:
    unruly.then(answer({"name": "ä"}, 201, X_Subject_Token="t"))
    found = await sender.send(request(unruly), ANONYMOUS)
    assert (found.content, found.headers["X-Subject-Token"]) == ({"name": "ä"}, "t")


@pytest.mark.parametrize("body", [b"", b" \r\n"])
@pytest.mark.parametrize("status", [200, 202, 204])
async def test_an_empty_answer_is_none(sender: RequestPipeline, unruly: UnrulyServer, status: int, body: bytes) -> None:
    unruly.then(answer(body, status))
    assert (await sender.send(request(unruly), ANONYMOUS)).content is None


@pytest.mark.parametrize(
    "body", [b"<html>Sign in, please</html>", b"{", b"\xff\xfe\x00", b"[" * 100_000, b'{"a": ' + b"9" * 5000]
)
async def test_an_answer_that_is_not_json_is_reported_with_path_and_request_id(
    sender: RequestPipeline, unruly: UnrulyServer, body: bytes
) -> None:
    unruly.then(answer(body, X_Openstack_Request_Id="r-1"))
    with pytest.raises(UnexpectedResponseError) as caught:
        await sender.send(request(unruly), ANONYMOUS)
    assert caught.value.request_id == "r-1"
    assert "cbr answered 200 to GET /v3/p/things with something that is not JSON (request id r-1)" in str(caught.value)
    assert len(unruly.received) == 1


async def test_a_refusal_is_typed_with_code_and_request_id(sender: RequestPipeline, unruly: UnrulyServer) -> None:
    unruly.then(fault(400, "X.1", "taken", X_Request_Id="r-1"))
    with pytest.raises(ApiDuplicateNameError) as caught:
        await sender.send(request(unruly, error_classes={"X.1": ApiDuplicateNameError}), ANONYMOUS)
    error = caught.value
    assert (error.service, error.status, error.code, error.detail, error.request_id) == (
        "cbr",
        400,
        "X.1",
        "taken",
        "r-1",
    )


async def test_a_redirect_is_refused_and_credentials_do_not_follow_it(
    sender: RequestPipeline, unruly: UnrulyServer
) -> None:
    async with running() as other:
        unruly.then(answer(b"<html>moved</html>", 307, Location=f"{other.url}/v3/p/things"))
        with pytest.raises(BadRequestError, match=f"307.*redirects to {other.url[7:]}, .*check endpoint"):
            await sender.send(request(unruly, "POST", body=b"{}"), Badge())
        assert not other.received


async def test_the_query_is_sent_sorted_and_encoded(sender: RequestPipeline, unruly: UnrulyServer) -> None:
    await sender.send(request(unruly, query=[("b", "ä +/"), ("a", "2"), ("a", "10"), ("c", "")]), ANONYMOUS)
    assert unruly.received[0].target == "/v3/p/things?a=10&a=2&b=%C3%A4%20%2B%2F&c="


def test_secrets_are_not_in_the_text_of_requests_and_answers() -> None:
    sent = Request("iam", "POST", "https://iam/v3/auth/tokens", body=b"VERY-SECRET-PASSWORD")
    assert "SECRET" not in repr(sent) + repr(Answer({"X-Subject-Token": "VERY-SECRET-TOKEN"}, {}))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])), st.lists
    )
)
def test_a_body_says_what_was_put_into_it(body: Any) -> None:
    assert encoded_body(body) == b"" if body is None else json.loads(encoded_body(body)) == body


# ------------------------------------------------------------------------------------------------------------- retries


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "trouble",
    [
        fault(502, "502"),
        answer(b"<html>Bad Gateway</html>", 502),
        fault(503, "X.1"),
        fault(504, "APIGW.0201"),
        fault(429, "APIGW.0308"),
        hang_up,
        break_off,
    ],
)
async def test_transient_errors_are_tolerated(
    sender: RequestPipeline, unruly: UnrulyServer, method: str, trouble: Behaviour
) -> None:
    unruly.then(trouble, trouble)
    assert (await sender.send(request(unruly, method), ANONYMOUS)).content == FINE
    assert methods(unruly) == [method] * 3


@pytest.mark.parametrize("trouble", [fault(429, "APIGW.0308"), fault(502, "APIGW.0610"), fault(503, "APIG.0613")])
async def test_what_was_stopped_before_the_service_is_posted_again(
    sender: RequestPipeline, unruly: UnrulyServer, trouble: Behaviour
) -> None:
    unruly.then(trouble, trouble)
    assert (await sender.send(request(unruly, "POST", body=b"{}"), ANONYMOUS)).content == FINE
    assert [each.body for each in unruly.received] == [b"{}"] * 3


@pytest.mark.parametrize("trouble", [hang_up, break_off, slow(5, answer())])
async def test_a_post_whose_answer_got_lost_is_not_repeated(unruly: UnrulyServer, trouble: Behaviour) -> None:
    unruly.then(trouble)
    settings = network(total_timeout=0.5)
    async with Transport(settings) as transport:
        with pytest.raises(CloudConnectionError) as caught:
            await RequestPipeline(transport, settings, clock=VIRTUAL_CLOCK).send(
                request(unruly, "POST", body=b"{}"), ANONYMOUS
            )
    assert caught.value.request_sent
    assert methods(unruly) == ["POST"]


async def test_fifteen_posts_arrive_once_each_at_a_server_that_closes_idle_connections() -> None:
    settings = network(attempts=1)
    async with closing_idle_connections() as server, Transport(settings) as transport:
        sender = RequestPipeline(transport, settings, clock=VIRTUAL_CLOCK)
        for number in range(15):
            # The next connection is idle, and closed, when the request is sent.
            with suppress(CloudConnectionError):
                await sender.send(request(server), ANONYMOUS)
            await sender.send(Request("cbr", "POST", f"{server.url}/{number}", body=b"{}"), ANONYMOUS)
    assert [each.target for each in server.received if each.method == "POST"] == [f"/{n}" for n in range(15)]


@pytest.mark.parametrize("trouble", [fault(500, "500"), fault(502, "502"), fault(503, "503"), fault(504, "APIGW.0201")])
async def test_a_post_that_may_have_had_an_effect_is_not_repeated(
    sender: RequestPipeline, unruly: UnrulyServer, trouble: Behaviour
) -> None:
    unruly.then(trouble)
    with pytest.raises(ServerError):
        await sender.send(request(unruly, "POST", body=b"{}"), ANONYMOUS)
    assert methods(unruly) == ["POST"]


@pytest.mark.parametrize("trouble", [hang_up, fault(503, "503")])
async def test_a_post_that_is_called_harmless_is_repeated(
    sender: RequestPipeline, unruly: UnrulyServer, trouble: Behaviour
) -> None:
    unruly.then(trouble)
    assert (await sender.send(request(unruly, "POST", repeatable=True), ANONYMOUS)).content == FINE


async def test_a_post_that_found_no_connection_is_repeated(
    sender: RequestPipeline, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(CloudConnectionError) as caught, caplog.at_level(logging.DEBUG):
        await sender.send(Request("cbr", "POST", "http://127.0.0.1:1/v3/p/things"), ANONYMOUS)
    assert not caught.value.request_sent
    assert len([record for record in caplog.records if "failed, next in" in record.getMessage()]) == 2


async def test_an_outage_is_reported_once_and_its_end_too(
    unruly: UnrulyServer, caplog: pytest.LogCaptureFixture
) -> None:
    unruly.then(*[fault(503, "503")] * 30)
    caplog.set_level(logging.INFO)
    for _ in range(11):
        # A client of its own for each look, as sensors have.
        async with Transport(network()) as transport:
            with suppress(ServerError):
                await RequestPipeline(transport, network(), clock=VIRTUAL_CLOCK).send(request(unruly), ANONYMOUS)
    own = [record for record in caplog.records if record.name.startswith("airflow_provider_backup")]
    lines = [record.getMessage() for record in own if record.levelno >= logging.INFO]
    assert [line.partition(":")[0] for line in lines] == ["GET /v3/p/things", "cbr at 127.0.0.1"]
    assert "answers again after" in lines[-1]


async def test_a_failure_inside_the_service_is_repeated_only_when_reading(
    sender: RequestPipeline, unruly: UnrulyServer
) -> None:
    unruly.then(fault(500, "500"))
    assert (await sender.send(request(unruly), ANONYMOUS)).content == FINE
    unruly.then(fault(500, "500"))
    with pytest.raises(ServerError):
        await sender.send(request(unruly, "PUT"), ANONYMOUS)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413])
async def test_what_will_not_pass_is_asked_once(sender: RequestPipeline, unruly: UnrulyServer, status: int) -> None:
    unruly.then(fault(status, "X.1"))
    with pytest.raises(BackupError):
        await sender.send(request(unruly), ANONYMOUS)
    assert len(unruly.received) == 1


async def test_the_last_error_is_raised_as_it_is_when_all_tries_are_used_up(
    sender: RequestPipeline, unruly: UnrulyServer
) -> None:
    unruly.then(*(fault(503, "503", f"try {number}") for number in range(1, 9)))
    with pytest.raises(ServerError, match="try 3"):
        await sender.send(request(unruly), ANONYMOUS)
    assert len(unruly.received) == 3


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_tries_that_are_refused_for_their_rate_do_not_count(
    sender: RequestPipeline, unruly: UnrulyServer, method: str
) -> None:
    unruly.then(*[fault(429, "APIGW.0308")] * 6)
    assert (await sender.send(request(unruly, method), ANONYMOUS)).content == FINE
    assert len(unruly.received) == 7


async def test_tries_that_failed_count_among_those_that_were_refused_for_their_rate(
    sender: RequestPipeline, unruly: UnrulyServer
) -> None:
    unruly.then(*[fault(429, "APIGW.0308"), fault(503, "503")] * 4)
    with pytest.raises(ServerError):
        await sender.send(request(unruly), ANONYMOUS)
    assert len(unruly.received) == 6


@pytest.mark.parametrize("retry_after", [{}, {"Retry_After": "7"}])
async def test_a_service_that_lets_nothing_through_is_tolerated_for_some_time(
    unruly: UnrulyServer, retry_after: dict[str, str]
) -> None:
    unruly.then(*[fault(429, "APIGW.0308", **retry_after)] * 100)
    settings = network(throttle_timeout=0.3)
    began = VIRTUAL_CLOCK.monotonic()
    async with Transport(settings) as transport:
        sender = RequestPipeline(transport, settings, clock=VIRTUAL_CLOCK)
        sent = await asyncio.gather(
            *(sender.send(request(unruly), ANONYMOUS) for _ in range(50)), return_exceptions=True
        )
    assert [type(each) for each in sent] == [RateLimitedError] * 50
    assert VIRTUAL_CLOCK.monotonic() - began < 3
    assert len(unruly.received) < 40


async def test_each_service_has_a_line_of_its_own(sender: RequestPipeline, unruly: UnrulyServer) -> None:
    unruly.then(fault(429, "APIGW.0308", Retry_After="5"))
    throttled = asyncio.create_task(sender.send(request(unruly), ANONYMOUS))
    while not unruly.received:
        await asyncio.sleep(0.01)
    other = Request("rds", "GET", f"{unruly.url}/v3/p/instances")
    assert (await asyncio.wait_for(sender.send(other, ANONYMOUS), 2)).content == FINE
    throttled.cancel()


async def test_so_many_requests_as_allowed_are_under_way_at_once(unruly: UnrulyServer) -> None:
    settings, under_way, most = network(requests_at_once=4), 0, 0

    async def count(_: Any) -> Any:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        return await answer(FINE)(_)

    unruly.then(*[count] * 20)
    async with Transport(settings) as transport:
        sender = RequestPipeline(transport, settings, clock=VIRTUAL_CLOCK)
        await asyncio.gather(*(sender.send(request(unruly), ANONYMOUS) for _ in range(20)))
    assert most == 4


async def test_the_service_shows_how_long_to_wait(sender: RequestPipeline, unruly: UnrulyServer) -> None:
    unruly.then(fault(429, "APIGW.0308", Retry_After="1"))
    started = VIRTUAL_CLOCK.monotonic()
    await sender.send(request(unruly), ANONYMOUS)
    # With jitter, so that not all who were told so come back in the same moment.
    assert 1 <= VIRTUAL_CLOCK.monotonic() - started <= 1.25


@pytest.mark.parametrize("silly", ["soon", "-5", "", "0", "Wed, 21 Oct 2015 07:28:00 GMT", "1e9", "²"])
async def test_a_silly_wait_is_not_waited(sender: RequestPipeline, unruly: UnrulyServer, silly: str) -> None:
    unruly.then(fault(429, "APIGW.0308", Retry_After=silly))
    started = VIRTUAL_CLOCK.monotonic()
    assert (await sender.send(request(unruly), ANONYMOUS)).content == FINE
    assert VIRTUAL_CLOCK.monotonic() - started < 1


async def test_every_repetition_is_logged_with_its_reason_and_without_secrets(
    sender: RequestPipeline, unruly: UnrulyServer, caplog: pytest.LogCaptureFixture
) -> None:
    unruly.then(fault(503, "APIGW.0613", "slower"))
    with caplog.at_level(logging.DEBUG):
        await sender.send(request(unruly, query=[("name", "x")], headers={"X-Auth-Token": "VERY-SECRET"}), ANONYMOUS)
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert record.getMessage().startswith("GET /v3/p/things: try 1 failed, next in 0.0 s: cbr answered 503 APIGW.0613")
    assert "VERY-SECRET" not in caplog.text


async def test_a_caller_who_gives_up_between_two_tries_is_let_go(unruly: UnrulyServer) -> None:
    settings = network(retry_wait=30)
    unruly.then(fault(503, "503"))
    async with Transport(settings) as transport:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(
                RequestPipeline(transport, settings, clock=VIRTUAL_CLOCK).send(request(unruly), ANONYMOUS), 0.2
            )
    assert len(unruly.received) == 1


async def test_one_try_is_enough_when_only_one_is_allowed(unruly: UnrulyServer) -> None:
    settings = network(attempts=1)
    unruly.then(fault(503, "503"))
    async with Transport(settings) as transport:
        with pytest.raises(ServerError):
            await RequestPipeline(transport, settings, clock=VIRTUAL_CLOCK).send(request(unruly), ANONYMOUS)


@pytest.mark.parametrize("trouble", [hang_up, fault(504, "504")])
async def test_a_deletion_whose_answer_got_lost_is_done_when_nothing_is_found_any_more(
    sender: RequestPipeline, unruly: UnrulyServer, trouble: Behaviour
) -> None:
    unruly.then(trouble, fault(404, "BackupService.6200"))
    assert (await sender.send(request(unruly, "DELETE"), ANONYMOUS)).content is None


async def test_a_deletion_that_was_only_refused_for_its_rate_has_deleted_nothing(
    sender: RequestPipeline, unruly: UnrulyServer
) -> None:
    unruly.then(fault(429, "APIGW.0308"), fault(404, "BackupService.6200"))
    with pytest.raises(NotFoundError):
        await sender.send(request(unruly, "DELETE"), ANONYMOUS)


async def test_a_deletion_that_never_reached_the_service_has_deleted_nothing(
    sender: RequestPipeline, unruly: UnrulyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    unruly.then(fault(404, "BackupService.6200"))
    send, tries = Transport.send, 0

    async def unreachable_once(*arguments: Any, **more: Any) -> Any:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise CloudConnectionError("refused", request_sent=False)
        return await send(*arguments, **more)

    monkeypatch.setattr(Transport, "send", unreachable_once)
    with pytest.raises(NotFoundError):
        await sender.send(request(unruly, "DELETE"), ANONYMOUS)
    assert tries == 2


async def test_a_first_deletion_of_nothing_is_reported(sender: RequestPipeline, unruly: UnrulyServer) -> None:
    unruly.then(fault(404, "BackupService.6200"))
    with pytest.raises(NotFoundError):
        await sender.send(request(unruly, "DELETE"), ANONYMOUS)


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_only_a_deletion_is_done_when_nothing_is_found(
    sender: RequestPipeline, unruly: UnrulyServer, method: str
) -> None:
    unruly.then(fault(503, "503"), fault(404, "X.1"))
    with pytest.raises(NotFoundError):
        await sender.send(request(unruly, method), ANONYMOUS)


# --------------------------------------------------------------------------------------------------------- credentials


async def test_credentials_are_asked_for_before_every_try(sender: RequestPipeline, unruly: UnrulyServer) -> None:
    # A signature holds the time, and a token may have been renewed meanwhile.
    unruly.then(fault(503, "503"), fault(503, "503"))
    badge = Badge()
    await sender.send(request(unruly), badge)
    assert badge.asked == 3


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_refused_credentials_are_renewed_once_and_the_request_is_sent_again(
    sender: RequestPipeline, unruly: UnrulyServer, method: str
) -> None:
    unruly.then(fault(401, "APIGW.0307"))
    badge = Badge()
    assert (await sender.send(request(unruly, method), badge)).content == FINE
    assert [each.headers["X-Badge"] for each in unruly.received] == ["1", "2"]
    assert badge.refused == [{"X-Badge": "1"}]


async def test_new_credentials_that_are_refused_too_are_reported(sender: RequestPipeline, unruly: UnrulyServer) -> None:
    unruly.then(*[fault(401, "APIGW.0301")] * 5)
    with pytest.raises(AuthenticationError):
        await sender.send(request(unruly), Badge())
    assert len(unruly.received) == 2


async def test_credentials_that_cannot_be_renewed_are_not_tried_again(
    sender: RequestPipeline, unruly: UnrulyServer
) -> None:
    unruly.then(fault(401, "APIGW.0301"))
    badge = Badge()
    badge.can_be_renewed = False
    with pytest.raises(AuthenticationError):
        await sender.send(request(unruly), badge)
    assert len(unruly.received) == 1


async def test_the_credentials_of_the_last_try_are_the_refused_ones(
    sender: RequestPipeline, unruly: UnrulyServer
) -> None:
    badge = Badge()

    async def meanwhile(_: Any) -> Any:
        badge.number = 7
        return await fault(503, "503")(_)

    unruly.then(meanwhile, fault(401, "APIGW.0307"))
    await sender.send(request(unruly), badge)
    assert badge.refused == [{"X-Badge": "7"}]


async def test_transient_errors_after_a_renewal_are_tolerated_too(
    sender: RequestPipeline, unruly: UnrulyServer
) -> None:
    unruly.then(fault(401, "APIGW.0307"), fault(503, "503"))
    assert (await sender.send(request(unruly), Badge())).content == FINE


@pytest.mark.parametrize(
    "error",
    [
        CloudConnectionError("the identity service is away", request_sent=True),
        CloudConnectionError("the identity service is away", request_sent=False),
        RateLimitedError(service="iam", status=429, code="IAM.0012", detail=""),
        AuthenticationError(service="iam", status=401, code="IAM.0062", detail=""),
        ConfigurationError("no project"),
    ],
)
async def test_errors_of_getting_credentials_are_left_to_the_requests_that_get_them(
    sender: RequestPipeline, unruly: UnrulyServer, error: BackupError
) -> None:
    badge = Badge()
    badge.errors = [error]
    with pytest.raises(type(error)):
        await sender.send(request(unruly), badge)
    assert (badge.asked, badge.refused, unruly.received) == (1, [], [])
