"""Checking signatures: what clients sign is accepted, what was changed on the way is not."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.http.signing import canonical_query, format_sdk_date, sign_request
from airflow_provider_backup.emulator.core.signatures import (
    ReceivedRequest,
    SignatureClaim,
    canonical_form,
    signature_matches,
)

_FILE: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "docs" / "api" / "signing-vectors.json").read_text(encoding="utf-8")
)
VENDOR: list[dict[str, Any]] = _FILE["vectors"]
OTC: list[dict[str, Any]] = _FILE["otc_go_variant"]["vectors"]
every_vector = pytest.mark.parametrize("vector", VENDOR + OTC, ids=[vector["name"] for vector in VENDOR + OTC])
MOMENT = datetime(2031, 4, 9, 9, 15, 7, tzinfo=UTC)
plain_text = st.text(st.characters(exclude_categories=["Cs", "Cc"]))


def received(vector: dict[str, Any]) -> ReceivedRequest:
    given_request, expected = vector["input"], vector["expected"]
    headers = expected.get("headers_on_wire") or given_request["headers"] | {
        "Host": given_request["host"],
        "X-Sdk-Date": given_request["x_sdk_date"],
    }
    query = "&".join(f"{name}={value}".replace(" ", "%20") for name, value in given_request["query"])
    target = expected.get("request_target") or given_request["path"] + (f"?{query}" if query else "")
    return ReceivedRequest(
        given_request["method"],
        target,
        {name.lower(): value for name, value in headers.items()},
        (given_request["body"] or "").encode(),
    )


def accepted(authorization: str, request: ReceivedRequest, secret_key: str) -> bool:
    claim = SignatureClaim.parse(authorization)
    assert claim is not None
    return signature_matches(claim, request, canonical_form(claim, request), secret_key)


@every_vector
def test_the_signature_of_a_published_client_is_accepted(vector: dict[str, Any]) -> None:
    assert accepted(vector["expected"]["authorization"], received(vector), vector["input"]["sk"])


@every_vector
def test_the_canonical_request_is_that_of_the_client(vector: dict[str, Any]) -> None:
    claim = SignatureClaim.parse(vector["expected"]["authorization"])
    assert claim is not None
    assert canonical_form(claim, received(vector)) == vector["expected"]["canonical_request"]


@every_vector
def test_another_secret_key_is_refused(vector: dict[str, Any]) -> None:
    assert not accepted(vector["expected"]["authorization"], received(vector), vector["input"]["sk"] + "x")


@every_vector
def test_a_request_that_was_changed_on_the_way_is_refused(vector: dict[str, Any]) -> None:
    authorization, secret_key, request = vector["expected"]["authorization"], vector["input"]["sk"], received(vector)
    path, question_mark, query = request.target.partition("?")
    assert not accepted(authorization, replace(request, method="PATCH"), secret_key)
    assert not accepted(authorization, replace(request, target=path + "x" + question_mark + query), secret_key)
    assert not accepted(
        authorization, replace(request, target=f"{request.target}{'&' if query else '?'}x=1"), secret_key
    )
    assert not accepted(authorization, replace(request, body=request.body + b" "), secret_key)
    assert not accepted(authorization, replace(request, headers={**request.headers, "host": "other"}), secret_key)


def test_a_header_that_is_not_in_the_list_may_change() -> None:
    request = received(VENDOR[0])
    changed = replace(request, headers={**request.headers, "accept": "*/*", "user-agent": "added-later"})
    assert accepted(VENDOR[0]["expected"]["authorization"], changed, VENDOR[0]["input"]["sk"])


def test_a_query_is_accepted_in_any_order() -> None:
    vector = next(vector for vector in VENDOR if vector["name"].startswith("get-query"))
    request = received(vector)
    path, _, query = request.target.partition("?")
    reversed_query = "&".join(reversed(query.split("&")))
    changed = replace(request, target=f"{path}?{reversed_query}")
    assert accepted(vector["expected"]["authorization"], changed, vector["input"]["sk"])


def test_a_header_that_is_said_to_be_signed_must_be_there() -> None:
    claim = SignatureClaim.parse(VENDOR[0]["expected"]["authorization"])
    assert claim is not None
    with pytest.raises(KeyError):
        canonical_form(claim, replace(received(VENDOR[0]), headers={}))


def test_the_otc_form_of_a_post_without_body_signs_the_query_as_payload() -> None:
    # Built by hand from the rules, because the published vectors have no such request.
    payload = hashlib.sha256(b"a=1&b=x+y").hexdigest()
    canonical = f"POST\n/v2/p/\n\nhost:h\nx-sdk-date:20310409T091507Z\n\nhost;x-sdk-date\n{payload}"
    text = "\n".join(
        (
            "SDK-HMAC-SHA256",
            "20310409T091507Z",
            "20310409///sdk_request",
            hashlib.sha256(canonical.encode()).hexdigest(),
        )
    )
    key = b"SDKsecret"
    for part in ("20310409", "", "", "sdk_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.new(key, text.encode(), "sha256").hexdigest()
    authorization = (
        f"SDK-HMAC-SHA256 Credential=AK/20310409///sdk_request, SignedHeaders=host;x-sdk-date, Signature={signature}"
    )
    headers = {"host": "h", "x-sdk-date": "20310409T091507Z"}
    assert accepted(authorization, ReceivedRequest("POST", "/v2/p?b=x%20y&a=1", headers, b""), "secret")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Bearer abc",
        "SDK-HMAC-SHA256 Access=AK",
        "SDK-HMAC-SHA256 Access=AK, SignedHeaders=host, Signature=123",
        f"SDK-HMAC-SHA256 Credential=AK, SignedHeaders=host, Signature={'0' * 64}",
        f"SDK-HMAC-SHA256 Access=AK/1/2/3/4, SignedHeaders=host, Signature={'0' * 64}",
        f"AWS4-HMAC-SHA256 Access=AK, SignedHeaders=host, Signature={'0' * 64}",
    ],
)
def test_a_text_that_is_no_signature_is_not_read_as_one(text: str) -> None:
    assert SignatureClaim.parse(text) is None


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    segments=st.lists(plain_text, min_size=1),
    query=st.lists(st.tuples(plain_text, plain_text)),
    value=plain_text,
    body=st.binary(),
)
def test_whatever_the_client_signs_the_gateway_accepts(
    method: str, segments: list[str], query: list[tuple[str, str]], value: str, body: bytes
) -> None:
    path = "".join("/" + canonical_query([("", segment)])[1:] for segment in segments)
    headers = {"Host": "127.0.0.1:8780", "X-Sdk-Date": format_sdk_date(MOMENT), "X-Test": value}
    authorization = sign_request(
        method=method,
        path=path,
        query=query,
        headers=headers,
        body=body,
        access_key="AK",
        secret_key="SK",
        moment=MOMENT,
    )
    target = f"{path}?{canonical_query(query)}" if query else path
    on_the_wire = {name.lower(): text.strip() for name, text in headers.items()}
    assert accepted(authorization, ReceivedRequest(method, target, on_the_wire, body), "SK")
