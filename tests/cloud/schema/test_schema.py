"""Strict requests, tolerant responses, and every form in which services write a value."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import Field, field_validator

from airflow_provider_backup.cloud.errors import InvalidRequestError, UnexpectedResponseError
from airflow_provider_backup.cloud.schema.answers import parsed, parsed_list
from airflow_provider_backup.cloud.schema.base import RequestModel, ResponseModel, validated
from airflow_provider_backup.cloud.schema.fields import Flag, JsonObject, Number, Timestamp, WholeNumber, format_utc


class Values(ResponseModel):
    at: Timestamp = None
    count: WholeNumber = None
    rate: Number = None
    flag: Flag = None
    extra: JsonObject = Field(default_factory=dict)
    text: str = "default"
    odd: str | None = Field(default=None, alias="rentention_num")


class Wish(RequestModel):
    name: str = Field(max_length=5)
    count: int = Field(default=1, ge=1, alias="wire_count")
    note: str | None = None

    @field_validator("name")
    @classmethod
    def _no_bang(cls, name: str) -> str:
        if "!" in name:
            raise ValueError("must not hold '!'")
        return name


def read(**values: Any) -> Values:
    return parsed(Values, values)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)

# ------------------------------------------------------------------------------------------------------------- times

MOMENT = datetime(2031, 4, 2, 9, 15, 7, tzinfo=UTC)
TIMES = {
    "naive": "2031-04-02T09:15:07",
    "milliseconds": "2031-04-02T09:15:07.000",
    "microseconds": "2031-04-02T09:15:07.000000",
    "more than microseconds": "2031-04-02T09:15:07.000000000",
    "Z": "2031-04-02T09:15:07Z",
    "milliseconds and Z": "2031-04-02T09:15:07.000Z",
    "offset": "2031-04-02T17:15:07+0800",
    "offset with a colon": "2031-04-02T11:15:07+02:00",
    "negative offset": "2031-04-02T04:15:07-0500",
    "underscored offset": "2031-04-02T17:15:07_0800",
    "blanks inside": "2031 - 04 - 02 T17: 15: 07 + 0800",
    "day with three digits": "2031-04-002T09:15:07+0000",
    "unpadded month": "2031-4-02T09:15:07",
    "blank for T": "2031-04-02 09:15:07",
    "blank and zone name": "2031-04-02 09:15:07 UTC",
    "milliseconds since the epoch": 1932887707000,
}


@pytest.mark.parametrize("value", TIMES.values(), ids=TIMES)
def test_every_documented_form_of_a_time_is_read_as_utc(value: Any) -> None:
    assert read(at=value).at == MOMENT
    assert read(at=value).at.tzinfo is UTC  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "value",
    [
        "",
        "null",
        "2016-01-15T01:0807.476Z",
        "2031-13-02T09:15:07",
        "2031-02-30T09:15:07",
        "2031-04-02T09:15:07+9900",
        "0001-01-01T00:00:00+0800",
        "9999-12-31T23:59:59-2300",
        "tomorrow",
        {},
        [],
        1e30,
        float("nan"),
        float("inf"),
    ],
)
def test_a_time_that_cannot_be_read_is_none_and_the_rest_survives(value: Any) -> None:
    values = read(at=value, count=3)
    assert (values.at, values.count) == (None, 3)


offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2999, 1, 1), timezones=offsets)  # noqa: DTZ001


@given(moments, st.sampled_from(["Z", "+0000", ""]))
def test_a_time_that_was_written_is_read_back(moment: datetime, suffix: str) -> None:
    assert read(at=format_utc(moment, suffix, "microseconds")).at == moment
    assert read(at=format_utc(moment, suffix)).at == moment.replace(microsecond=0)


@given(moments, st.sampled_from(["T", " "]), st.sampled_from(["%z", "%:z", " %z"]), st.data())
def test_blanks_anywhere_in_a_time_change_nothing(
    moment: datetime, middle: str, zone: str, data: st.DataObject
) -> None:
    offset = f"{moment:%z}"
    text = f"{moment:%Y-%m-%d}{middle}{moment:%H:%M:%S.%f}" + (offset if zone == "%z" else f"{offset[:3]}:{offset[3:]}")
    place = data.draw(st.integers(0, len(text)))
    assert read(at=f"{text[:place]} {text[place:]}").at == moment


@given(moments)
def test_milliseconds_since_the_epoch_are_read_back(moment: datetime) -> None:
    seconds = moment.replace(microsecond=0)
    assert read(at=int(seconds.timestamp()) * 1000).at == seconds


def test_a_time_is_written_in_utc() -> None:
    assert format_utc(datetime(2031, 4, 2, 1, 0, tzinfo=timezone(timedelta(hours=2)))) == "2031-04-01T23:00:00Z"


# ----------------------------------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (20, 20),
        ("20", 20),
        (" 20 ", 20),
        ("60%", 60),
        ("-1", -1),
        (1.9, 1),
        ("7,", 7),
        ("", None),
        ("none", None),
        (None, None),
        ({}, None),
        ([], None),
        (float("inf"), None),
        (float("nan"), None),
        ("9" * 400, None),
    ],
)
def test_every_form_of_a_whole_number_is_read(value: Any, number: int | None) -> None:
    assert read(count=value).count == number


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (1.5, 1.5),
        ("1.5", 1.5),
        (2, 2.0),
        ("12.5%", 12.5),
        ("x", None),
        ({}, None),
        (float("inf"), None),
        (10**400, None),
    ],
)
def test_every_form_of_a_number_is_read(value: Any, number: float | None) -> None:
    assert read(rate=value).rate == number


@given(st.integers(-(10**15), 10**15))
def test_a_whole_number_and_its_text_are_the_same(number: int) -> None:
    assert read(count=number).count == read(count=str(number)).count == number


@pytest.mark.parametrize(
    ("value", "flag"),
    [
        (True, True),
        ("True", True),
        ("true", True),
        ("Y", True),
        (1, True),
        ("1", True),
        (False, False),
        ("False", False),
        ("N", False),
        (0, False),
        ("", False),
        (None, None),
        ({}, None),
        ([], None),
    ],
)
def test_every_form_of_a_truth_value_is_read(value: Any, flag: bool | None) -> None:
    assert read(flag=value).flag is flag


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"a": 1}, {"a": 1}),
        ('{"a": 1}', {"a": 1}),
        ("{}", {}),
        ("", {}),
        ("[1]", {}),
        (None, {}),
        (7, {}),
        ("[" * 99999, {}),
    ],
)
def test_an_object_may_come_as_its_text(value: Any, found: dict[str, Any]) -> None:
    assert read(extra=value).extra == found


# --------------------------------------------------------------------------------------------------------- responses


@given(json_values)
@example({"at": 10**400, "count": 1e999, "rate": "9" * 999, "flag": [], "extra": "[" * 99999})
def test_no_value_of_a_tolerant_type_spoils_the_answer(value: Any) -> None:
    for name in ("at", "count", "rate", "flag", "extra"):
        assert read(**{name: value, "text": "whole"}).text == "whole"


@given(json_values)
def test_any_answer_is_read_or_refused_by_a_typed_error(body: Any) -> None:
    with contextlib.suppress(UnexpectedResponseError):
        assert isinstance(parsed(Values, body), Values)


@given(json_values)
def test_any_list_is_read_or_refused_by_a_typed_error(body: Any) -> None:
    with contextlib.suppress(UnexpectedResponseError):
        assert isinstance(parsed_list(Values, {"rows": body}, "rows"), list)


def test_unknown_members_survive() -> None:
    assert read(colour="blue").model_extra == {"colour": "blue"}


def test_a_null_becomes_the_default() -> None:
    assert read(text=None).text == "default"


def test_blanks_around_a_key_go() -> None:
    assert read(**{"text ": "x"}).text == "x"


def test_a_number_where_a_text_is_expected_becomes_that_text() -> None:
    assert read(text=0).text == "0"


def test_a_member_is_found_by_wire_name_and_by_our_name() -> None:
    assert read(rentention_num="1").odd == read(odd="1").odd == "1"


def test_an_envelope_is_taken_off() -> None:
    assert parsed(Values, {"thing": {"text": "x"}}, "thing").text == "x"


@pytest.mark.parametrize("body", [None, {}, [], "x", {"thing": None}, {"thing": []}])
def test_a_missing_envelope_is_reported(body: Any) -> None:
    with pytest.raises(UnexpectedResponseError, match="The answer has no member 'thing'"):
        parsed(Values, body, "thing")


@pytest.mark.parametrize("body", [None, {}, [], {"rows": None}, {"rows": {}}])
def test_a_missing_list_is_reported(body: Any) -> None:
    with pytest.raises(UnexpectedResponseError, match="The answer has no list 'rows'"):
        parsed_list(Values, body, "rows")


def test_an_answer_of_the_wrong_type_names_the_field_and_is_short() -> None:
    with pytest.raises(UnexpectedResponseError, match="The answer is not a Values: text: .*") as caught:
        read(text={"x": "y" * 10_000})
    assert len(str(caught.value)) < 300


# ---------------------------------------------------------------------------------------------------------- requests


def test_a_request_is_written_with_wire_names_and_without_what_was_not_given() -> None:
    assert validated(Wish, "wish", {"name": "abc", "count": 2, "note": None}).to_wire() == {
        "name": "abc",
        "wire_count": 2,
    }


def test_a_request_takes_wire_names_too() -> None:
    assert validated(Wish, "wish", {"name": "abc", "wire_count": 2}).count == 2


def test_a_missing_field_and_an_unknown_one_are_reported_in_words_of_the_author() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        validated(Wish, "wish", {"colour": "blue"})
    assert [(violation.field, violation.rule) for violation in caught.value.violations] == [
        ("name", "must be given"),
        ("colour", "is not a field of this request"),
    ]


def test_every_broken_rule_of_a_request_is_named_at_once() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        validated(Wish, "wish", {"name": "a!", "count": 0, "colour": "blue"})
    assert [violation.field for violation in caught.value.violations] == ["name", "count", "colour"]
    assert str(caught.value).startswith("wish is not valid, nothing was sent: name: must not hold '!' (given: 'a!')")


def test_a_request_that_was_built_cannot_be_changed() -> None:
    wish = validated(Wish, "wish", {"name": "abc"})
    with pytest.raises(ValueError, match="frozen"):
        wish.name = "def"  # type: ignore[misc]


@given(st.dictionaries(st.sampled_from(["name", "count", "note", "colour"]), json_values))
def test_any_request_is_built_or_refused_by_a_typed_error(values: dict[str, Any]) -> None:
    with contextlib.suppress(InvalidRequestError):
        assert json.dumps(validated(Wish, "wish", values).to_wire())
