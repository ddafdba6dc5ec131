"""The rules that several services share."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.errors import InvalidRequestError
from airflow_provider_backup.cloud.schema.base import RequestModel, validated
from airflow_provider_backup.cloud.schema.constraints import (
    Identifier,
    TimeZone,
    UniqueKeys,
    WordCharacters,
    matching,
    without_angle_brackets,
)


class Label(RequestModel):
    key: str


class Wish(RequestModel):
    id: Identifier | None = None
    zone: TimeZone | None = None
    word: Annotated[str, WordCharacters] | None = None
    note: Annotated[str, without_angle_brackets(5)] | None = None
    colour: Annotated[str, matching("red|green", "must be red or green")] | None = None
    labels: Annotated[list[Label], UniqueKeys] | None = None


def rule_of(**values: Any) -> str:
    with pytest.raises(InvalidRequestError) as caught:
        validated(Wish, "wish", values)
    (violation,) = caught.value.violations
    assert [violation.field] == list(values)
    return violation.rule


@pytest.mark.parametrize("colour", ["blue", "red ", "red\n", "reddish", ""])
def test_a_text_that_does_not_match_as_a_whole_is_refused_with_the_rule_in_words(colour: str) -> None:
    assert rule_of(colour=colour) == "must be red or green"


@pytest.mark.parametrize("colour", ["red", "green"])
def test_a_text_that_matches_is_taken_as_it_is(colour: str) -> None:
    assert Wish(colour=colour).colour == colour


def test_an_id_is_not_empty() -> None:
    assert "at least 1 character" in rule_of(id="")


@given(st.from_regex(r"[A-Za-z0-9_-]*", fullmatch=True))
def test_letters_digits_underscores_and_dashes_make_a_word(word: str) -> None:
    assert Wish(word=word).word == word


@pytest.mark.parametrize("word", ["a b", "a.b", "größe", "a\n", "a/b"])
def test_other_characters_make_no_word(word: str) -> None:
    assert rule_of(word=word) == "must be letters, digits, '_' and '-' only"


@pytest.mark.parametrize("note", ["", "ä\n.&", "12345"])
def test_a_description_may_hold_anything_but_angle_brackets(note: str) -> None:
    assert Wish(note=note).note == note


@pytest.mark.parametrize("note", ["<", "a>b", "123456"])
def test_a_description_with_angle_brackets_or_too_many_characters_is_refused(note: str) -> None:
    assert rule_of(note=note) == "must be 0 to 5 characters without '<' and '>'"


@pytest.mark.parametrize("zone", ["UTC+00:00", "UTC-05:30", "UTC+14:00"])
def test_an_offset_is_a_time_zone(zone: str) -> None:
    assert Wish(zone=zone).zone == zone


@pytest.mark.parametrize("zone", ["", "UTC", "UTC+2", "UTC+15:00", "UTC+02:60", "Europe/Berlin", "UTC+02:00 "])
def test_anything_else_is_no_time_zone(zone: str) -> None:
    assert rule_of(zone=zone) == "must be an offset from UTC, such as UTC+02:00 or UTC-05:30"


def test_two_labels_with_one_key_are_refused() -> None:
    assert rule_of(labels=[{"key": "a"}, {"key": "b"}, {"key": "a"}]) == "keys of tags must be unique"


def test_labels_with_a_key_of_its_own_each_are_taken() -> None:
    assert [label.key for label in Wish(labels=[Label(key="a"), Label(key="b")]).labels or ()] == ["a", "b"]
