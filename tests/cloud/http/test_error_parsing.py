"""From an HTTP answer to a typed error: every documented body form and code (access section 4)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from multidict import CIMultiDict

from airflow_provider_backup.cloud.errors import (
    ApiDuplicateNameError,
    ApiError,
    ApiNotFoundError,
    ApiResourceBusyError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    NotFoundError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitedError,
    ServerError,
    UnknownProjectError,
    UnreadablePathError,
)
from airflow_provider_backup.cloud.http.error_parsing import error_from_response, gateway_number, request_id_in_headers

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["error", "code", "message", "error_code", "error_msg", "errCode", "request_id", "badRequest", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


def error_of(body: Any, status: int = 400, headers: dict[str, str] | None = None, **more: Any) -> ApiError:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return error_from_response("cbr", status, CIMultiDict(headers or {}), content, **more)


def fault(status: int, code: str, detail: str = "no") -> ApiError:
    return error_of({"error_code": code, "error_msg": detail}, status)


# Every form of access section 4, with what it is to be read as: code, words.
FORMS: dict[str, tuple[Any, str, str]] = {
    "keystone": ({"error": {"code": 401, "message": "Unauthorized.", "title": "Unauthorized"}}, "401", "Unauthorized."),
    "newer IAM calls": ({"error_code": "IAM.0002", "error_msg": "no right"}, "IAM.0002", "no right"),
    "CBR": ({"error_code": "BackupService.6000", "error_msg": "gone"}, "BackupService.6000", "gone"),
    "CSBS": ({"error_code": "CSBS.3000", "error_msg": "plan not found"}, "CSBS.3000", "plan not found"),
    "VBS": ({"error": {"code": "VolumeBackup.0012", "message": "bad disk"}}, "VolumeBackup.0012", "bad disk"),
    "Cinder, number": ({"badRequest": {"code": 400, "message": "bad"}}, "400", "bad"),
    "Cinder, text": ({"itemNotFound": {"code": "404", "message": "gone"}}, "404", "gone"),
    "Cinder, no message": ({"badRequest": {"code": 400}}, "400", ""),
    "Cinder, deeper": ({"error": {"badRequest": {"code": 400, "message": "bad"}}}, "400", "bad"),
    "Cinder, deeper still": ({"a": {"error": {"badRequest": {"code": 400, "message": "bad"}}}}, "400", "bad"),
    "databases": ({"error_code": "DBS.200022", "error_msg": "name taken"}, "DBS.200022", "name taken"),
    "RDS v1": ({"errCode": "RDS.0041", "externalMessage": "old"}, "RDS.0041", "old"),
    "camel case": ({"errorCode": "X.1", "errorMsg": "words"}, "X.1", "words"),
    "flat": ({"code": "common.0011", "message": "job look-up failed"}, "common.0011", "job look-up failed"),
    "gateway": (
        {"error_msg": "who?", "error_code": "APIGW.0301", "request_id": "5b0e"},
        "APIGW.0301",
        "who?",
    ),
    "identity policy": (
        {
            "error_code": "PAP5.0001",
            "error_msg": "denied",
            "request_id": "5b0e",
            "encoded_authorization_message": "bG9uZw==",
        },
        "PAP5.0001",
        "denied",
    ),
    "in a list": ({"errors": [{"code": "X.1", "message": "words"}]}, "X.1", "words"),
    "nulls beside": ({"error_code": None, "error_msg": None, "error": {"code": "X.1", "message": "m"}}, "X.1", "m"),
    "only words": ({"message": "words"}, "400", "words"),
    "HTML": (b"<html>\r\n  <h1>400 Bad Request</h1>\r\n</html>", "400", "400 Bad Request"),
    "empty": (b"", "400", ""),
    "a text": ({"error": "invalid_grant"}, "400", '{"error": "invalid_grant"}'),
    "not UTF-8": (b"\xe4 kaputt", "400", "\N{REPLACEMENT CHARACTER} kaputt"),
}


@pytest.mark.parametrize(("body", "code", "words"), FORMS.values(), ids=FORMS)
def test_code_and_words_are_found_in_every_documented_body(body: Any, code: str, words: str) -> None:
    error = error_of(body)
    assert (error.code, error.detail) == (code, words)


FAULT_NAMES = [
    "badRequest",
    "itemNotFound",
    "forbidden",
    "unauthorized",
    "overLimit",
    "conflictingRequest",
    "computeFault",
]


@pytest.mark.parametrize("name", FAULT_NAMES)
def test_every_cinder_fault_name_is_read(name: str) -> None:
    assert error_of({name: {"code": 400, "message": "words"}}).detail == "words"


def test_a_body_that_is_wrapped_without_end_is_shown_as_it_came() -> None:
    body: Any = {"code": "X.1", "message": "words"}
    for _ in range(10):
        body = {"error": body}
    error = error_of(body)
    assert error.code == "400"
    assert error.detail.startswith('{"error": {"error"')


@given(json_values, st.integers(300, 599))
def test_any_json_becomes_a_typed_error(body: Any, status: int) -> None:
    error = error_of(json.dumps(body).encode(), status)
    assert error.status == status
    assert error.code
    assert str(error)


@given(st.binary(), st.integers(300, 599), st.text())
@example(b"[" * 100_000, 400, "")
@example(b'{"code":' + b"9" * 5000 + b"}", 400, "")
@example(b"\xff\xfe\x00", 502, "")
@example(b"", 429, "²")
@example(b"", 429, "1" * 400)
@example(b"", 429, "1 Jan 99999999999 00:00:00 GMT")
@example(b"", 429, "Wed, 21 Oct 2015 07:28:00 +99999999999999")
def test_any_bytes_and_any_retry_after_become_a_typed_error(body: bytes, status: int, retry_after: str) -> None:
    error = error_of(body, status, {"Retry-After": retry_after})
    assert error.status == status
    assert error.retry_after is None or error.retry_after >= 0


@given(st.binary(max_size=20_000))
def test_the_text_of_an_error_stays_short(body: bytes) -> None:
    assert len(str(error_of(b"{" + body))) < 1000


def test_a_code_without_end_is_cut() -> None:
    assert len(fault(400, "x" * 10_000).code) == 100


# ------------------------------------------------------------------------------------------------------------ classes

BY_STATUS = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: ApiNotFoundError,
    405: BadRequestError,
    409: ApiResourceBusyError,
    413: QuotaExceededError,
    422: BadRequestError,
    429: RateLimitedError,
    500: ServerError,
    502: ServerError,
    503: ServerError,
    504: ServerError,
}


@pytest.mark.parametrize(("status", "error_class"), BY_STATUS.items())
def test_the_status_reports_the_class_of_an_unknown_code(status: int, error_class: type[ApiError]) -> None:
    assert type(fault(status, "Unknown.0001")) is error_class


IAM_CODES = (
    [(400, number, BadRequestError) for number in ("0007", "0011", "0072", "0073")]
    + [(400, number, AuthenticationError) for number in ("1104", "1105", "1106", "1107", "1108")]
    + [(400, "1109", UnknownProjectError)]
    + [(401, number, AuthenticationError) for number in ("0001", "0061", "0062", "0063", "0064", "0066", "0067")]
    + [(403, number, PermissionDeniedError) for number in ("0002", "0003", "0080", "0081", "0082", "0083")]
    + [
        (404, "0004", UnknownProjectError),
        (410, "0020", BadRequestError),
        (429, "0012", RateLimitedError),
        (500, "0006", ServerError),
    ]
)


@pytest.mark.parametrize(("status", "number", "error_class"), IAM_CODES)
def test_every_code_of_the_identity_service_has_its_class(
    status: int, number: str, error_class: type[ApiError]
) -> None:
    assert type(fault(status, f"IAM.{number}")) is error_class


GATEWAY_CODES = (
    [(404, "0101", BadRequestError), (404, "0103", BadRequestError)]
    + [(400, number, BadRequestError) for number in ("0104", "0105", "0106", "0201", "0602", "0607")]
    + [(status, "0201", BadRequestError) for status in (413, 414, 494)]
    + [(status, number, ServerError) for number in ("0201", "0202", "0203") for status in (502, 504)]
    + [(401, number, AuthenticationError) for number in ("0301", "0303", "0305", "0307", "0311")]
    + [
        (403, number, PermissionDeniedError)
        for number in ("0302", "0304", "0306", "0310", "0401", "0402", "0404", "0801", "0802")
    ]
    + [(429, "0308", RateLimitedError), (405, "0501", BadRequestError), (405, "0502", BadRequestError)]
    + [(500, number, ServerError) for number in "0103 0104 0105 0601 0605 0606 0608 0609 0611 0612 0705".split()]
    + [(502, "0610", ServerError), (503, "0613", ServerError)]
)


@pytest.mark.parametrize("prefix", ["APIGW", "APIG"])
@pytest.mark.parametrize(("status", "number", "error_class"), GATEWAY_CODES)
def test_every_code_of_the_gateway_has_its_class(
    prefix: str, status: int, number: str, error_class: type[ApiError]
) -> None:
    assert type(fault(status, f"{prefix}.{number}")) is error_class


def test_a_code_of_the_service_goes_before_the_status() -> None:
    error = error_of({"error_code": "CSBS.9007"}, 500, error_classes={"CSBS.9007": ApiDuplicateNameError})
    assert type(error) is ApiDuplicateNameError


def test_a_path_that_cbr_cannot_read_is_no_news_of_the_id_in_it() -> None:
    error = error_of({"unauthorized": {"code": "401", "message": "Malformed request url"}}, 401)
    assert type(error) is UnreadablePathError
    assert "project_id" in str(error)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error_code": "IAM.1109", "error_msg": "project not found"}),
        (404, {"error": {"code": 404, "message": "Could not find project: eu-nl.", "title": "Not Found"}}),
        (404, {"error_code": "IAM.0004", "error_msg": "not found"}),
        (404, {"error_code": "Unknown.1", "error_msg": "not found"}),
    ],
)
def test_what_the_identity_service_does_not_know_is_the_project_and_no_backup(status: int, body: Any) -> None:
    error = error_from_response("iam", status, CIMultiDict(), json.dumps(body).encode())
    assert type(error) is UnknownProjectError
    assert isinstance(error, ConfigurationError)
    assert not issubclass(type(error), NotFoundError)
    assert "project_id, project_name" in str(error)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b"<html>nginx: 404 Not Found</html>"),
        (404, b"404 page not found"),
        (404, b""),
        (404, b"{}"),
        (404, b'{"message": "no Route matched with those values"}'),
        (404, b'{"timestamp": "2026-11-30T07:23:02", "status": 404, "error": "Not Found", "path": "/v3/p/backups/b"}'),
        (404, b'{"itemNotFound": {"code": 404, "message": "The resource could not be found."}}'),
        (404, b'{"error_code": "APIGW.9999", "error_msg": "not here"}'),
        (404, b'{"error_code": "APIGW.0101", "error_msg": "The API does not exist"}'),
        (404, b'{"error_code": "APIG.0101", "error_msg": "The API does not exist"}'),
        (302, b""),
        (300, b'{"versions": []}'),
        (407, b"proxy wants a password"),
    ],
)
def test_an_answer_of_something_else_than_the_service_is_no_answer_about_the_resource(status: int, body: bytes) -> None:
    error = error_of(body, status)
    assert type(error) is BadRequestError
    assert "check endpoint, region, cloud and proxy" in str(error)
    assert "the path of a request() of your own" in str(error)


# --------------------------------------------------------------------------------------------------------- next steps


@pytest.mark.parametrize(
    ("status", "code", "step"),
    [
        (400, "X.1", "Change what the message names"),
        (401, "APIGW.0301", "this machine's clock"),
        (403, "PAP5.0001", "Give the user or agency the right"),
        (404, "BackupService.6000", "Check the id, and project_id and region in the connection"),
        (409, "DBS.201205", "Wait until the running task"),
        (413, "DBS.200046", "higher quota"),
        (429, "IAM.0012", "fewer requests at the same time"),
        (429, "APIGW.0308", "the window that the message names"),
        (503, "APIGW.0613", "support with the request id"),
    ],
)
def test_every_class_has_its_next_step(status: int, code: str, step: str) -> None:
    error = fault(status, code)
    assert step in (error.next_step or "")
    assert str(error).endswith(f"Next step: {error.next_step}")


def test_a_taken_name_says_to_choose_another() -> None:
    error = error_of({"error_code": "DBS.200022"}, 409, error_classes={"DBS.200022": ApiDuplicateNameError})
    assert "Choose another name" in str(error)


DENIED = {
    "error_code": "PAP5.0001",
    "error_msg": "denied",
    "request_id": "5b0e",
    "encoded_authorization_message": "bG9uZw==",
}


def test_the_encoded_reason_of_a_denial_is_kept_and_the_next_step_says_how_to_decode_it() -> None:
    error = error_of(DENIED, 403)
    assert type(error) is PermissionDeniedError
    assert error.encoded_authorization_message == "bG9uZw=="
    assert str(error).endswith("decode the reason with STS (POST /v5/decode-authorization-message): bG9uZw==")


@pytest.mark.parametrize("found", ["", None, 7, ["x"], "x" * 20_001, "x\ny", "\x1b[2J", "ä"])
def test_what_cannot_be_an_encoded_reason_is_left_out(found: Any) -> None:
    error = error_of(DENIED | {"encoded_authorization_message": found}, 403)
    assert error.encoded_authorization_message is None
    assert "Give the user or agency the right" in str(error)


def test_throttling_by_the_gateway_is_reported_by_its_code_whatever_the_status() -> None:
    assert type(fault(403, "APIG.0308")) is RateLimitedError


# ------------------------------------------------------------------------------------------------- pages and redirects


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (b"<html>\n<head><title>502 Bad Gateway</title></head>\n<body><h1>x</h1></body></html>", "502 Bad Gateway"),
        (b"<!DOCTYPE html><html lang=de><TITLE id=x>Zur&uuml;ck\n sp&auml;ter</TITLE>", "Zur\u00fcck sp\u00e4ter"),
        (b"<html><style>a {b: c}</style><body><h1>Away</h1><p>until <b>noon</b></p></body></html>", "Away until noon"),
        (b"<html><head><meta a=b></head><body>\n<center>nginx</center><script>x < y</script></body>", "nginx"),
        (b'<?xml version="1.0"?><Error><Code>Slow</Code><Message>down</Message></Error>', "Slow down"),
        (b"<!-- padding -->\n<html><title>Sign in</title>" + b"<br>" * 100_000, "Sign in"),
        (b"<html></html>", ""),
    ],
)
def test_a_page_is_shortened_to_its_title_or_its_text(page: bytes, words: str) -> None:
    assert error_of(page, 502).detail == words


@pytest.mark.parametrize("text", ["a < b", "5 <html>", "", "plain", "<nothing"])
def test_what_is_no_page_is_left_as_it_is(text: str) -> None:
    assert error_of(text.encode(), 502).detail == text


@given(st.text(st.sampled_from('<>/!-= "&;#stcriplyeha0'), max_size=400), st.sampled_from(["<html>", "<!--", "<head>"]))
@example("<script" * 3000, "<html>")
@example("<!--" * 3000, "<html>")
@example("<" * 20000, "<html>")
def test_any_page_becomes_a_short_text(text: str, beginning: str) -> None:
    assert len(error_of((beginning + text).encode(), 502).detail) <= 500


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("https://evil.example/v3?token=VERY-SECRET", "evil.example"),
        ("http://me:VERY-SECRET@evil.example:8080/x", "evil.example:8080"),
        ("//evil.example", "evil.example"),
        ("/login?token=VERY-SECRET", "another path"),
        ("https://[evil", "another path"),
    ],
)
def test_a_redirect_names_the_host_that_it_leads_to_and_nothing_else_of_it(location: str, place: str) -> None:
    error = error_of(b"<html>moved to VERY-SECRET</html>", 307, {"Location": location})
    assert f"it redirects to {place}, and redirects are not followed" in str(error)
    assert "VERY-SECRET" not in str(error)


# ------------------------------------------------------------------------------------------------------- request ids


@pytest.mark.parametrize(
    "header", ["X-Request-Id", "x-request-id", "X-Openstack-Request-Id", "X-Compute-Request-Id", "X-IAM-Trace-Id"]
)
def test_the_request_id_is_kept_from_each_header(header: str) -> None:
    assert error_of(b"", headers={header: "r-1"}).request_id == "r-1"


def test_the_request_id_is_taken_from_the_body_when_no_header_has_one() -> None:
    assert error_of({"error_code": "APIGW.0101", "request_id": "r-2"}).request_id == "r-2"


def test_an_empty_header_does_not_hide_the_request_id_in_the_body() -> None:
    assert error_of({"error_code": "X.1", "request_id": "r-2"}, headers={"X-Request-Id": ""}).request_id == "r-2"


def test_the_gateways_request_id_goes_before_those_behind_it() -> None:
    assert request_id_in_headers({"X-Compute-Request-Id": "r-2", "X-Request-Id": "r-1"}) == "r-1"


def test_an_empty_header_does_not_hide_the_next_one() -> None:
    assert request_id_in_headers({"X-Request-Id": "", "X-IAM-Trace-Id": "r-1"}) == "r-1"


def test_an_answer_without_a_request_id_has_none() -> None:
    assert error_of({"error_code": "X.1", "request_id": {"no": "text"}}).request_id is None


# ----------------------------------------------------------------------------------------------------- secrets, waits

ECHO = (
    "Incorrect IAM authentication information: verify aksk signature fail, canonicalRequest:GET|/v3/p/policies/||"
    "host:h|x-sdk-date:20310409T091507Z|x-security-token:VERY-SECRET||host;x-sdk-date;x-security-token|e3b0"
)


@pytest.mark.parametrize(
    "text",
    [
        ECHO,
        ECHO.replace(", canonicalRequest", ",canonicalRequest"),
        ECHO.replace(", canonicalRequest", " canonicalrequest"),
        ECHO.replace("canonicalRequest", "Canonical Request"),
    ],
)
@pytest.mark.parametrize("as_json", [True, False])
def test_the_canonical_request_that_the_gateway_repeats_is_not_shown(text: str, as_json: bool) -> None:
    error = error_of({"error_code": "APIGW.0301", "error_msg": text} if as_json else text.encode(), 401)
    assert "VERY-SECRET" not in f"{error} {error!r} {vars(error)}"
    assert "verify aksk signature fail" in error.detail


def test_retry_after_is_read_as_seconds() -> None:
    assert error_of(b"", 429, {"Retry-After": " 17 "}).retry_after == 17
    assert error_of(b"", 429, {"Retry-After": "17\x1f"}).retry_after == 17


def test_retry_after_is_read_as_a_date() -> None:
    moment = datetime.now(UTC) + timedelta(seconds=90)
    seconds = error_of(b"", 429, {"retry-after": format_datetime(moment, usegmt=True)}).retry_after
    assert seconds is not None
    assert 85 < seconds <= 90


def test_retry_after_as_a_date_counts_from_the_date_of_the_answer() -> None:
    written = datetime.now(UTC) - timedelta(minutes=30)
    headers = {
        name: format_datetime(moment, usegmt=True)
        for name, moment in (("Date", written), ("Retry-After", written + timedelta(seconds=90)))
    }
    assert error_of(b"", 429, headers).retry_after == 90


def test_a_date_in_the_past_asks_for_no_wait() -> None:
    assert error_of(b"", 429, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}).retry_after == 0


@pytest.mark.parametrize("text", ["", "soon", "-1", "1.5", "²", "NaN"])
def test_a_retry_after_that_cannot_be_read_counts_as_none(text: str) -> None:
    assert error_of(b"", 429, {"Retry-After": text}).retry_after is None


@pytest.mark.parametrize(
    ("code", "number"),
    [("APIGW.0308", "0308"), ("APIG.0308", "0308"), ("BackupService.6000", None), ("429", None), ("APIGW", "")],
)
def test_the_number_of_a_gateway_code_is_reported(code: str, number: str | None) -> None:
    assert gateway_number(code) == number
