"""Refusals of any form become typed errors, and what the identity service says is read or refused: without surprise."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict

from airflow_provider_backup.cloud.auth.endpoints import service_url
from airflow_provider_backup.cloud.errors import BackupError
from airflow_provider_backup.cloud.http.error_parsing import error_from_response
from airflow_provider_backup.cloud.services.registry import SERVICES
from tests.cloud.clients import PASSWORD, open_account, settings_for
from tests.cloud.fuzzing.limits import assert_fit_for_logs, in_time, typed_errors
from tests.cloud.fuzzing.values import NASTY, encoded, json_values, mutated, nested
from tests.cloud.unruly_server import UnrulyServer, answer

REFUSALS: list[Any] = [
    {"error_code": "BackupService.6125", "error_msg": "running"},
    {"errorCode": "DBS.201205", "errorMsg": "busy"},
    {"errCode": "DBS.280001", "externalMessage": "wrong"},
    {"error": {"code": "AutoBackup.0205", "message": "no such policy"}},
    {"error": {"code": 401, "message": "The request you have made requires authentication.", "title": "Unauthorized"}},
    {"itemNotFound": {"code": 404, "message": "Backup could not be found."}},
    {"badRequest": {"error": {"code": "VBS.0001", "message": "deeper"}}},
    {"error_msg": "throttled, canonical request GET / x-security-token", "request_id": "r", "error_code": "APIGW.0308"},
    {"error_code": "PAP5.0010", "error_msg": "denied", "encoded_authorization_message": "x" * 3000},
    {"code": "x", "message": {"deep": nested(300)}},
    {"code": {"deep": nested(300)}, "message": "x"},
]
HEADERS = ("X-Request-Id", "X-Openstack-Request-Id", "Retry-After", "Date")
TOKEN: dict[str, Any] = {
    "token": {
        "expires_at": "2031-04-02T09:15:07.000000Z",
        "project": {"id": "p", "name": "eu-de"},
        "catalog": [
            {
                "type": "cbr",
                "endpoints": [{"interface": "public", "region_id": "eu-de", "url": "https://cbr.eu-de.example/v3/p"}],
            }
        ],
    }
}

header_text = st.text(st.characters(min_codepoint=32, max_codepoint=0xDCFF), max_size=30) | st.sampled_from(
    ("9" * 8000, "²", "-1", "1e999", "Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 99 Oct 0000 99:99:99 -9999", " ", "0 0 0")
)


@given(
    st.integers(300, 599),
    st.dictionaries(st.sampled_from(HEADERS), header_text),
    encoded(mutated(REFUSALS) | json_values),
)
@example(400, {}, json.dumps({"error_code": "x", "error_msg": " " * 500_000}).encode())
@example(500, {"X-Request-Id": "id\udcffwith a wrong byte"}, b"\xff\xfe\x00")
def test_any_refusal_becomes_a_typed_error(status: int, headers: dict[str, str], body: bytes) -> None:
    with in_time(10):
        error = error_from_response("cbr", status, CIMultiDict(headers), body)
    assert_fit_for_logs(error)
    assert error.retry_after is None or error.retry_after >= 0
    assert len(error.code) <= 100
    assert (error.request_id or "").isprintable()


@pytest.mark.parametrize("value", NASTY, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: str(next(iter(refusal))))
def test_every_hostile_value_in_every_place_of_a_refusal_is_read(refusal: Any, value: Any) -> None:
    for name in [*refusal, *(inner for inner in refusal.values() if isinstance(inner, dict))]:
        body = {**refusal, name: value} if isinstance(name, str) else {"error": {**name, "code": value}}
        with in_time(10):
            assert_fit_for_logs(error_from_response("cbr", 400, CIMultiDict(), json.dumps(body).encode()))


@given(mutated([TOKEN["token"]["catalog"]]).filter(lambda catalog: isinstance(catalog, list)))
@example([{"type": "cbr", "endpoints": 7}])
@example([{"type": "cbr", "endpoints": [{"interface": "public", "url": nested(300)}]}])
@example([{"type": "cbr", "endpoints": [{"interface": "public", "url": "http://[::1"}]}])
def test_any_catalog_names_an_endpoint_or_is_refused(catalog: list[Any]) -> None:
    settings = settings_for("https://cloud.example", cloud="otc", endpoints=())
    entries = [entry for entry in catalog if isinstance(entry, dict)]
    with typed_errors(BackupError):
        assert service_url(SERVICES["cbr"], settings, entries).startswith("http")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(encoded(mutated([TOKEN]) | json_values), st.sampled_from([201, 200, 204, 400, 401]), header_text)
async def test_whatever_the_identity_service_answers_there_is_a_token_or_a_typed_error(
    unruly: UnrulyServer, body: bytes, status: int, token: str
) -> None:
    token = "".join(each for each in token if each.isprintable())
    unruly.token_behaviours.clear()
    unruly.then_for_tokens(answer(body, status, X_Subject_Token=token))
    settings = settings_for(unruly.url, PASSWORD, project_id=None, endpoints=(), auth_url=f"{unruly.url}/v3")
    with in_time(20), typed_errors(BackupError):
        async with open_account(settings) as (account, _):
            assert isinstance(await account.project_id(), str)
            assert service_url(SERVICES["cbr"], settings, await account.catalog()).startswith("http")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(encoded(mutated([{"projects": [{"id": "p", "name": "eu-de"}]}]) | json_values))
async def test_whatever_projects_there_are_one_is_found_or_a_typed_error_says_why(
    unruly: UnrulyServer, body: bytes
) -> None:
    unruly.behaviours.clear()
    unruly.then(answer(body))
    with in_time(20), typed_errors(BackupError):
        async with open_account(settings_for(unruly.url, project_id=None)) as (account, _):
            assert isinstance(await account.project_id(), str)
