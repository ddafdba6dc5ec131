"""The gateway in front of every service: who may enter, and the form of every answer."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from airflow_provider_backup.cloud.http.signing import format_sdk_date, sign_request
from airflow_provider_backup.emulator.core.accounts import ACCESS_KEY, PROJECT_ID, SECRET_KEY, Accounts
from airflow_provider_backup.emulator.core.authentication import Authenticator
from airflow_provider_backup.emulator.core.gateway import MAXIMUM_BODY, admitting, answering
from airflow_provider_backup.emulator.core.service import ServiceError
from airflow_provider_backup.emulator.core.state import CloudState, Row

THINGS = f"/v3/{PROJECT_ID}/things"


class Things:
    """The least service that shows what the gateway does."""

    name: ClassVar[str] = "things"

    def __init__(self, state: CloudState) -> None:
        self._state = state

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v3/{project_id}/things", self.list),
            web.post("/v3/{project_id}/things", self.create),
            web.get("/v3/{project_id}/things/missing", self.missing),
            web.get("/v3/{project_id}/things/broken", self.broken),
        ]

    def error_body(self, status: int, code: str, message: str) -> dict[str, Any]:
        return {"thing_error": {"status": status, "code": code, "message": message}}

    async def list(self, request: web.Request) -> web.Response:
        return web.json_response({"names": list(self._state.table("things"))})

    async def create(self, request: web.Request) -> web.Response:
        self._state.table("things")[(await request.read()).decode()] = {}
        return web.Response(status=204)

    async def missing(self, request: web.Request) -> web.Response:
        raise ServiceError(404, "Things.0404", "There is no such thing.")

    async def broken(self, request: web.Request) -> web.Response:
        raise RuntimeError("a mistake in the service")


class Clock:
    def __init__(self) -> None:
        self.time = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.time


class Gateway:
    """A running service behind the gateway, and a client for it."""

    def __init__(self, file: Path) -> None:
        self.clock = Clock()
        self.file = file
        self.state = CloudState(file=file, now=self.clock)
        self.accounts = Accounts(self.state)
        service = Things(self.state)
        application = web.Application(
            middlewares=[
                answering(service, self.state),
                admitting(Authenticator(self.state, self.accounts), PROJECT_ID),
            ],
            client_max_size=MAXIMUM_BODY,
        )
        application.add_routes(service.routes())
        self.server = TestServer(application)
        self.session = aiohttp.ClientSession()

    async def send(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> tuple[aiohttp.ClientResponse, Any]:
        async with self.session.request(method, self.server.make_url(path), headers=headers, data=body) as response:
            text = await response.text()
            return response, json.loads(text) if text else None

    def token(self) -> dict[str, str]:
        return {"X-Auth-Token": self.accounts.issue_token("project")[0]}

    def signed(
        self,
        method: str = "GET",
        path: str = THINGS,
        *,
        body: bytes = b"",
        access_key: str = ACCESS_KEY,
        secret_key: str = SECRET_KEY,
        moment: datetime | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        moment = moment or self.clock()
        given = {
            "Host": f"{self.server.host}:{self.server.port}",
            "X-Sdk-Date": format_sdk_date(moment),
            "Content-Type": "application/json",
            **(extra or {}),
        }
        given["Authorization"] = sign_request(
            method=method,
            path=path,
            query=[],
            headers=given,
            body=body,
            access_key=access_key,
            secret_key=secret_key,
            moment=moment,
        )
        return given

    def temporary_key(self) -> tuple[str, str, Row]:
        return self.accounts.issue_temporary_key(timedelta(minutes=15))


@pytest_asyncio.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    gateway = Gateway(tmp_path / "state.json")
    await gateway.server.start_server()
    yield gateway
    await gateway.session.close()
    await gateway.server.close()


def assert_refused(answer: tuple[aiohttp.ClientResponse, Any], status: int, code: str, text: str) -> None:
    response, body = answer
    assert response.status == status
    assert body["error_code"] == code
    assert text in body["error_msg"]
    assert body["request_id"] == response.headers["X-Request-Id"]


async def test_a_request_without_credentials_is_refused(gateway: Gateway) -> None:
    assert_refused(await gateway.send("GET", THINGS), 401, "APIGW.0301", "information: x-auth-token not found")


async def test_a_valid_token_is_let_in(gateway: Gateway) -> None:
    response, body = await gateway.send("GET", THINGS, gateway.token())
    assert (response.status, body) == (200, {"names": []})


async def test_an_unknown_token_is_refused(gateway: Gateway) -> None:
    answer = await gateway.send("GET", THINGS, {"X-Auth-Token": "MIInever-issued"})
    assert_refused(answer, 401, "APIGW.0301", "decrypt token fail")


async def test_a_token_that_is_not_even_text_is_refused(gateway: Gateway) -> None:
    answer = await gateway.send("GET", THINGS, {"X-Auth-Token": "t\xf6ken"})
    assert_refused(answer, 401, "APIGW.0301", "decrypt token fail")


async def test_a_token_is_good_for_24_hours(gateway: Gateway) -> None:
    token = gateway.token()
    gateway.clock.time += timedelta(hours=23, minutes=59)
    assert (await gateway.send("GET", THINGS, token))[0].status == 200
    gateway.clock.time += timedelta(minutes=1)
    assert_refused(await gateway.send("GET", THINGS, token), 401, "APIGW.0301", "token expires, expires_at: ")


async def test_a_revoked_token_must_be_updated(gateway: Gateway) -> None:
    token = gateway.token()
    gateway.accounts.revoke_all_tokens()
    assert_refused(await gateway.send("GET", THINGS, token), 401, "APIGW.0307", "The token must be updated")


@pytest.mark.parametrize("scope", ["domain", "none"])
async def test_a_token_without_a_project_is_refused(gateway: Gateway, scope: Any) -> None:
    token, _ = gateway.accounts.issue_token(scope)
    answer = await gateway.send("GET", THINGS, {"X-Auth-Token": token})
    assert_refused(answer, 403, "APIGW.0302", "not scoped to a project")


async def test_another_project_in_the_path_is_refused(gateway: Gateway) -> None:
    answer = await gateway.send("GET", f"/v3/{'0' * 32}/things", gateway.token())
    assert_refused(answer, 403, "APIGW.0302", "not for this project")


async def test_another_project_in_the_header_is_refused(gateway: Gateway) -> None:
    answer = await gateway.send("GET", THINGS, gateway.signed(extra={"X-Project-Id": "0" * 32}))
    assert_refused(answer, 403, "APIGW.0302", "not for this project")


async def test_a_signed_request_is_let_in(gateway: Gateway) -> None:
    assert (await gateway.send("GET", THINGS, gateway.signed()))[0].status == 200


async def test_a_signed_request_with_a_body_and_umlauts_in_headers_is_let_in(gateway: Gateway) -> None:
    body = "größer".encode()
    headers = gateway.signed("POST", body=body, extra={"X-Note": "grün"})
    assert (await gateway.send("POST", THINGS, headers, body))[0].status == 204


async def test_a_body_that_was_changed_on_the_way_is_refused(gateway: Gateway) -> None:
    answer = await gateway.send("POST", THINGS, gateway.signed("POST", body=b"one"), b"two")
    assert_refused(answer, 401, "APIGW.0301", "verify aksk signature fail, canonicalRequest:POST|/v3/")


async def test_a_wrong_secret_key_is_refused(gateway: Gateway) -> None:
    answer = await gateway.send("GET", THINGS, gateway.signed(secret_key="wrong"))
    assert_refused(answer, 401, "APIGW.0301", "verify aksk signature fail")


async def test_an_unknown_access_key_is_refused_by_name(gateway: Gateway) -> None:
    answer = await gateway.send("GET", THINGS, gateway.signed(access_key="NOBODY"))
    assert_refused(answer, 401, "APIGW.0301", "information: ak NOBODY not exist")


async def test_an_authorization_of_another_scheme_is_refused(gateway: Gateway) -> None:
    answer = await gateway.send("GET", THINGS, {"Authorization": "Basic abc"})
    assert_refused(answer, 401, "APIGW.0301", "verify aksk signature fail")


@pytest.mark.parametrize("minutes", [-14, 14])
async def test_a_clock_that_differs_by_less_than_15_minutes_is_let_in(gateway: Gateway, minutes: int) -> None:
    headers = gateway.signed(moment=gateway.clock() + timedelta(minutes=minutes))
    assert (await gateway.send("GET", THINGS, headers))[0].status == 200


@pytest.mark.parametrize("minutes", [-16, 16])
async def test_a_clock_that_differs_by_more_than_15_minutes_is_refused(gateway: Gateway, minutes: int) -> None:
    headers = gateway.signed(moment=gateway.clock() + timedelta(minutes=minutes))
    answer = await gateway.send("GET", THINGS, headers)
    assert_refused(answer, 401, "APIGW.0301", "calc ak sk signature fail:signature expired")


async def test_a_date_that_is_not_signed_is_refused(gateway: Gateway) -> None:
    headers = gateway.signed()
    headers["Authorization"] = headers["Authorization"].replace(";x-sdk-date", "")
    assert_refused(await gateway.send("GET", THINGS, headers), 401, "APIGW.0301", "verify aksk signature fail")


async def test_a_signed_header_that_is_missing_is_refused(gateway: Gateway) -> None:
    headers = gateway.signed(extra={"X-Note": "here"})
    del headers["X-Note"]
    assert_refused(await gateway.send("GET", THINGS, headers), 401, "APIGW.0301", "verify aksk signature fail")


async def test_more_than_five_failures_in_a_row_lock_the_key_for_five_minutes(gateway: Gateway) -> None:
    for _ in range(6):
        answer = await gateway.send("GET", THINGS, gateway.signed(secret_key="wrong"))
        assert_refused(answer, 401, "APIGW.0301", "verify aksk signature fail")
    answer = await gateway.send("GET", THINGS, gateway.signed())
    assert_refused(answer, 401, "APIGW.0301", "AK access failed to reach the limit,forbidden")
    gateway.clock.time += timedelta(minutes=5)
    assert (await gateway.send("GET", THINGS, gateway.signed()))[0].status == 200


async def test_a_good_signature_starts_the_count_of_failures_anew(gateway: Gateway) -> None:
    for _ in range(3):
        for _ in range(5):
            await gateway.send("GET", THINGS, gateway.signed(secret_key="wrong"))
        assert (await gateway.send("GET", THINGS, gateway.signed()))[0].status == 200


async def test_a_temporary_key_is_let_in_with_its_security_token(gateway: Gateway) -> None:
    access_key, security_token, row = gateway.temporary_key()
    headers = gateway.signed(
        access_key=access_key, secret_key=row["secret"], extra={"X-Security-Token": security_token}
    )
    assert (await gateway.send("GET", THINGS, headers))[0].status == 200


async def test_a_security_token_that_is_sent_but_not_signed_is_let_in(gateway: Gateway) -> None:
    # OTC's Go tools add it after signing.
    access_key, security_token, row = gateway.temporary_key()
    headers = gateway.signed(access_key=access_key, secret_key=row["secret"]) | {"X-Security-Token": security_token}
    assert (await gateway.send("GET", THINGS, headers))[0].status == 200


@pytest.mark.parametrize("extra", [{}, {"X-Security-Token": "wrong"}])
async def test_a_temporary_key_without_its_security_token_is_refused(gateway: Gateway, extra: dict[str, str]) -> None:
    access_key, _, row = gateway.temporary_key()
    answer = await gateway.send(
        "GET", THINGS, gateway.signed(access_key=access_key, secret_key=row["secret"], extra=extra)
    )
    assert_refused(answer, 401, "APIGW.0301", "decrypt token fail")


async def test_a_temporary_key_is_refused_when_it_expires(gateway: Gateway) -> None:
    access_key, security_token, row = gateway.temporary_key()
    gateway.clock.time += timedelta(minutes=15)
    headers = gateway.signed(
        access_key=access_key, secret_key=row["secret"], extra={"X-Security-Token": security_token}
    )
    answer = await gateway.send("GET", THINGS, headers)
    assert_refused(answer, 401, "APIGW.0301", "calc ak sk signature fail:signature expired")


@pytest.mark.parametrize(("method", "path"), [("GET", "/nowhere"), ("GET", THINGS + "/1/2"), ("PATCH", THINGS)])
async def test_an_unknown_path_or_method_is_no_api_even_without_credentials(
    gateway: Gateway, method: str, path: str
) -> None:
    assert_refused(await gateway.send(method, path), 404, "APIGW.0101", "The API does not exist")


async def test_a_refusal_by_the_service_comes_in_the_form_of_the_service(gateway: Gateway) -> None:
    response, body = await gateway.send("GET", THINGS + "/missing", gateway.token())
    assert response.status == 404
    assert body == {"thing_error": {"status": 404, "code": "Things.0404", "message": "There is no such thing."}}


async def test_a_mistake_in_the_service_is_a_500_with_a_traceback_in_the_log(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        response, body = await gateway.send("GET", THINGS + "/broken", gateway.token())
    assert response.status == 500
    assert body["thing_error"]["status"] == 500
    assert "a mistake in the service" in caplog.text
    assert "a mistake in the service" not in json.dumps(body)


async def test_every_answer_has_a_request_id_of_its_own(gateway: Gateway) -> None:
    ids = []
    for path in (THINGS, THINGS + "/missing", THINGS + "/broken", "/nowhere"):
        response, _ = await gateway.send("GET", path, gateway.token())
        ids.append(response.headers["X-Request-Id"])
    assert len(set(ids)) == 4
    assert all(len(identifier) == 32 for identifier in ids)


async def test_the_state_is_saved_after_a_change_and_not_after_a_look(gateway: Gateway) -> None:
    await gateway.send("GET", THINGS, gateway.token())
    assert not gateway.file.exists()
    await gateway.send("POST", THINGS, gateway.token(), b"chair")
    assert json.loads(gateway.file.read_text())["things"] == {"chair": {}}


async def test_a_body_beyond_12_mb_is_refused(gateway: Gateway) -> None:
    answer = await gateway.send("POST", THINGS, gateway.token(), b"x" * (MAXIMUM_BODY + 1))
    assert_refused(answer, 413, "APIGW.0201", "Too Large")


async def test_a_path_forges_no_line_of_the_log(gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        await gateway.send("GET", f"{THINGS}/x%0a2031-01-01%20INFO%20forged%1b%5b31m%e2%80%ae")
    assert "x 2031-01-01 INFO forged" in caplog.text
    assert all(record.getMessage().isprintable() for record in caplog.records)


async def test_no_secret_is_written_to_the_log(gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        token = gateway.token()
        await gateway.send("GET", THINGS, token)
        await gateway.send("GET", THINGS, gateway.signed())
    assert token["X-Auth-Token"] not in caplog.text
    assert SECRET_KEY not in caplog.text
