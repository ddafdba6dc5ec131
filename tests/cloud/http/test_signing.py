"""Request signatures: the vendor's vectors, the canonical forms, and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.http.signing import (
    canonical_path,
    canonical_query,
    canonical_request,
    format_sdk_date,
    parse_sdk_date,
    sign_request,
    signature_of,
    signed_header_names,
    string_to_sign,
)

_FILE = Path(__file__).parents[3] / "docs" / "api" / "signing-vectors.json"
VECTORS: list[dict[str, Any]] = json.loads(_FILE.read_text(encoding="utf-8"))["vectors"]
MOMENT = datetime(2031, 4, 9, 9, 15, 7, tzinfo=UTC)
every_vector = pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
text_pairs = st.lists(
    st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
)


def headers_before_signing(vector: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in vector["expected"]["headers_on_wire"].items() if name != "Authorization"}


def body_of(vector: dict[str, Any]) -> bytes:
    return (vector["input"]["body"] or "").encode()


def query_of(vector: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in vector["input"]["query"]]


@every_vector
def test_a_request_gets_the_authorization_that_the_vendor_sdk_gives_it(vector: dict[str, Any]) -> None:
    given_request = vector["input"]
    authorization = sign_request(
        method=given_request["method"],
        path=given_request["path"],
        query=query_of(vector),
        headers=headers_before_signing(vector),
        body=body_of(vector),
        access_key=given_request["ak"],
        secret_key=given_request["sk"],
        moment=parse_sdk_date(given_request["x_sdk_date"]),
    )
    assert authorization == vector["expected"]["authorization"]


@every_vector
def test_every_step_towards_the_signature_is_that_of_the_vendor_sdk(vector: dict[str, Any]) -> None:
    expected = vector["expected"]
    names = signed_header_names(headers_before_signing(vector))
    canonical = canonical_request(
        method=vector["input"]["method"],
        path=vector["input"]["path"],
        query=canonical_query(query_of(vector)),
        headers=headers_before_signing(vector),
        signed_names=names,
        body=body_of(vector),
    )
    to_sign = string_to_sign(canonical, vector["input"]["x_sdk_date"])
    assert ";".join(names) == expected["signed_headers"]
    assert canonical == expected["canonical_request"]
    assert to_sign == expected["string_to_sign"]
    assert signature_of(to_sign, vector["input"]["sk"].encode()) == expected["signature"]


@every_vector
def test_the_query_is_sent_as_it_is_signed(vector: dict[str, Any]) -> None:
    _, _, query = vector["expected"]["request_target"].partition("?")
    assert canonical_query(query_of(vector)) == query


def signed(**changes: Any) -> str:
    request: dict[str, Any] = {
        "method": "GET",
        "path": "/v3/projects",
        "query": [],
        "headers": {"Host": "127.0.0.1:8780", "X-Sdk-Date": format_sdk_date(MOMENT)},
        "body": b"",
        "access_key": "AK",
        "secret_key": "SK",
        "moment": MOMENT,
    }
    return sign_request(**(request | changes))


def test_a_header_with_an_underscore_is_not_signed() -> None:
    headers = {"Host": "h", "X-Sdk-Date": format_sdk_date(MOMENT), "X_Not_Signed": "1"}
    assert "SignedHeaders=host;x-sdk-date, " in signed(headers=headers)


def test_the_secret_key_is_not_in_the_authorization() -> None:
    assert "very-secret" not in signed(secret_key="very-secret")


def test_a_request_without_the_date_header_cannot_be_signed() -> None:
    with pytest.raises(ValueError, match="X-Sdk-Date must be '20310409T091507Z'"):
        signed(headers={"Host": "h"})


def test_a_date_header_of_another_moment_cannot_be_signed() -> None:
    with pytest.raises(ValueError, match="X-Sdk-Date must be '20310409T091508Z'"):
        signed(moment=MOMENT + timedelta(seconds=1))


def test_a_request_without_a_host_cannot_be_signed() -> None:
    with pytest.raises(ValueError, match="Host"):
        signed(headers={"X-Sdk-Date": format_sdk_date(MOMENT)})


def test_a_declared_content_hash_counts_only_when_there_is_a_body() -> None:
    headers = {"Host": "h", "X-Sdk-Date": format_sdk_date(MOMENT), "X-Sdk-Content-Sha256": "UNSIGNED-PAYLOAD"}
    assert signed(headers=headers, method="POST", body=b"a") == signed(headers=headers, method="POST", body=b"b")
    assert signed(headers=headers, method="POST", body=b"a") != signed(headers=headers, method="POST", body=b"")


def test_the_date_is_written_in_utc_whatever_the_zone() -> None:
    assert format_sdk_date(datetime(2031, 4, 9, 1, 0, tzinfo=timezone(timedelta(hours=2)))) == "20310408T230000Z"


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1000, 1, 1)))  # noqa: DTZ001
def test_a_date_that_was_written_is_read_back_to_the_second(moment: datetime) -> None:
    assert parse_sdk_date(format_sdk_date(moment)) == moment.replace(microsecond=0)


@given(text_pairs)
def test_the_canonical_query_says_what_was_put_into_it(pairs: list[tuple[str, str]]) -> None:
    encoded = canonical_query(pairs)
    assert parse_qsl(encoded, keep_blank_values=True) == sorted(pairs)
    assert encoded.isascii()
    assert not set(encoded) & set(" +*/:,")


@given(text_pairs, st.randoms())
def test_the_canonical_query_does_not_depend_on_the_order_of_its_pairs(
    pairs: list[tuple[str, str]], random: Any
) -> None:
    shuffled = list(pairs)
    random.shuffle(shuffled)
    assert canonical_query(shuffled) == canonical_query(pairs)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_canonical_path_ends_with_a_slash_and_is_plain_ascii(path: str) -> None:
    canonical = canonical_path("/" + path.replace("%", "%25"))
    assert canonical.endswith("/")
    assert canonical.isascii()
    assert canonical_path(canonical) == canonical
