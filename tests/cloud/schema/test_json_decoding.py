"""JSON of services is read with patience, and what no log or database can keep does not come in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.schema.json_decoding import MOST_LEVELS, read_json
from airflow_provider_backup.cloud.text import plain_text
from tests.cloud.fuzzing.values import any_text, encoded, json_values, nested

good_text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=10)
good_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | good_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(good_text, inner, max_size=4),
)


@given(good_json, st.booleans(), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
def test_what_is_json_is_read_as_it_is(value: Any, ascii_only: bool, encoding: str) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert read_json(text.encode(encoding)) == value
    assert read_json(text) == value


@given(encoded(json_values))
def test_whatever_is_read_can_be_kept_anywhere(document: bytes) -> None:
    try:
        value = read_json(document)
    except ValueError:
        return
    text = json.dumps(value, ensure_ascii=False)
    assert text.encode()
    assert "\\u0000" not in text


@pytest.mark.parametrize(
    ("document", "value"),
    [
        (b'"a\\u0000b"', "a\ufffdb"),
        (b'"a\\ud800b"', "a\ufffdb"),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"a\xffb"', "a\ufffdb"),
        (b'"\xed\xa0\x80"', "\ufffd\ufffd\ufffd"),
        (b'{"a\\u0000": ["\\udfff"]}', {"a\ufffd": ["\ufffd"]}),
        (b'[NaN, Infinity, -Infinity, "NaN"]', [None, None, None, "NaN"]),
        (b'"a [ in a text { is no list"', "a [ in a text { is no list"),
    ],
)
def test_what_cannot_be_stored_is_replaced(document: bytes, value: Any) -> None:
    assert read_json(document) == value


@pytest.mark.parametrize("document", [b"", b"{", b"<html>", b"\xff\xfe", b"9" * 5000, b"[" * 100_000])
def test_what_is_no_json_is_refused(document: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_json(document)


def test_what_is_nested_too_deep_is_refused() -> None:
    assert read_json(json.dumps(nested(MOST_LEVELS - 1))) == nested(MOST_LEVELS - 1)
    for depth in (MOST_LEVELS, 2 * MOST_LEVELS, 900):
        with pytest.raises(ValueError, match="nested too deep"):
            read_json(json.dumps(["]", nested(depth), "["]))


@given(any_text, st.none() | st.integers(4, 30))
def test_a_plain_text_can_be_kept_and_is_not_too_long(text: str, longest: int | None) -> None:
    plain = plain_text(text, longest)
    assert plain.encode().decode() == plain
    assert "\0" not in plain
    assert len(plain) <= (longest or len(text))
    assert plain_text(plain, longest) == plain


@given(good_text)
def test_a_good_text_stays(text: str) -> None:
    assert plain_text(text) == plain_text(text, 100) == text
