"""Base models of the wire contract: strict requests, tolerant responses, and the value forms that services mix.

Sources of the tolerated forms: CBR sections 1 and 17, databases section 14, CSBS section 11, VBS section 7.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from airflow_provider_backup.cloud.errors import InvalidRequestError, UnexpectedResponseError, Violation
from airflow_provider_backup.cloud.schema.json_decoding import read_json
from airflow_provider_backup.cloud.text import plain_text


class AnswerObject(dict[str, Any]):
    """The object that an answer holds; it knows the id that the answer is to be quoted with."""

    request_id: str | None = None


def request_id_of(body: Any) -> str | None:
    """Return the id that an answer is to be quoted with; none when it has none.

    :param body: the decoded JSON.
    """
    return body.request_id if isinstance(body, AnswerObject) else None


def row_id(row: Any, member: str = "id") -> str:
    """Return the id of a row that nobody has looked at yet; empty when it has none.

    :param row: as it came.
    :param member: where the id stands.
    """
    found = row.get(member) if isinstance(row, Mapping) else None
    return str(found) if isinstance(found, str | int) else ""


def new_rows(rows: list[Any], seen: set[str], member: str = "id") -> list[Any]:
    """Return the rows of a page that no page before had, and remember them.

    :param rows: as they came.
    :param seen: ids of rows that came before.
    :param member: where the id of a row stands.
    """
    ids = [row_id(row, member) for row in rows]
    fresh = rows if seen.isdisjoint(ids) else [row for row, own_id in zip(rows, ids, strict=True) if own_id not in seen]
    seen.update(ids)
    return fresh


class RequestModel(BaseModel):
    """A request body: unknown fields are refused, Python names and wire names are both accepted."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, frozen=True)

    def to_wire(self) -> dict[str, Any]:
        """Return the body as the service spells it, without the members that were not given."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class ResponseModel(BaseModel):
    """A response body: unknown fields survive, stray blanks around keys go, nulls become the field's default.

    A number where a text is expected becomes that text.
    """

    model_config = ConfigDict(extra="allow", populate_by_name=True, coerce_numbers_to_str=True)

    @model_validator(mode="before")
    @classmethod
    def _tidy(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        return {str(key).strip(): value for key, value in values.items() if value is not None}


RequestT = TypeVar("RequestT", bound=RequestModel)
ResponseT = TypeVar("ResponseT", bound=ResponseModel)


_MOST_WORDS = 1000
"""Characters about what is wrong with an answer: the path to a nested member may be long."""

_RULES = {"missing": "must be given", "extra_forbidden": "is not a field of this request"}
"""Words for the kinds of errors that pydantic tells in its own."""


def violations_of(error: ValidationError) -> list[Violation]:
    """Turn pydantic's report into the rules that were broken, with field, rule and value."""
    return [
        Violation(
            field=".".join(str(part) for part in detail["loc"]) or "request",
            rule=_RULES.get(detail["type"]) or detail["msg"].removeprefix("Value error, "),
            # What lacks something is not what is wrong, and may be large.
            value=None if detail["type"] == "missing" else detail.get("input"),
        )
        for detail in error.errors(include_url=False)
    ]


def validated(model: type[RequestT], subject: str, values: Mapping[str, Any]) -> RequestT:
    """Build a request and name every broken rule at once.

    :param model: the request's model.
    :param subject: what it is, for the message: ``CBR policy``.
    :param values: the fields; members that are none count as not given.
    :raises InvalidRequestError: a documented rule is broken.
    """
    try:
        return model.model_validate({key: value for key, value in values.items() if value is not None})
    except ValidationError as error:
        raise InvalidRequestError(subject, violations_of(error)) from None


def parsed(
    model: type[ResponseT], body: Any, envelope: str | None = None, *, request_id: str | None = None
) -> ResponseT:
    """Read a response.

    :param model: the response's model.
    :param body: the decoded JSON.
    :param envelope: name of the member that wraps the object, such as ``policy``; none when it is bare.
    :param request_id: id to quote to the provider's support, for what is not a whole answer.
    :raises UnexpectedResponseError: the body is not what the API pages describe.
    """
    content = body
    request_id = request_id or request_id_of(body)
    if envelope is not None:
        if not isinstance(body, Mapping) or not isinstance(body.get(envelope), Mapping):
            raise UnexpectedResponseError(f"The answer has no member {envelope!r}", request_id=request_id)
        content = body[envelope]
    try:
        return model.model_validate(content)
    except ValidationError as error:
        text = plain_text("; ".join(map(str, violations_of(error)[:3])), _MOST_WORDS)
        raise UnexpectedResponseError(f"The answer is not a {model.__name__}: {text}", request_id=request_id) from None


def parsed_list(model: type[ResponseT], body: Any, member: str) -> list[ResponseT]:
    """Read the list that one member of an answer holds.

    :param model: the model of one item.
    :param body: the decoded JSON.
    :param member: name of the member, such as ``policies``.
    :raises UnexpectedResponseError: the body is not what the API pages describe.
    """
    return [parsed(model, item, request_id=request_id_of(body)) for item in listed(body, member)]


def listed(body: Any, member: str) -> list[Any]:
    """Return the list that one member of an answer holds, its items as they came.

    :param body: the decoded JSON.
    :param member: name of the member, such as ``policies``.
    :raises UnexpectedResponseError: there is no such list.
    """
    items = body.get(member) if isinstance(body, Mapping) else None
    if not isinstance(items, list):
        raise UnexpectedResponseError(f"The answer has no list {member!r}", request_id=request_id_of(body))
    return items


_FIRST_YEAR = 1970


def timestamp_of(value: Any) -> datetime | None:
    """Return any documented form of a time as aware UTC; none when it cannot be read."""
    try:
        if value is None or isinstance(value, datetime):
            moment = value
        elif isinstance(value, int | float):
            moment = datetime.fromtimestamp(value / 1000, UTC)
        else:
            moment = _parse_timestamp_text(value) if isinstance(value, str) else None
        if moment is not None and moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        # Some services write the beginning of the calendar for "not set"; no backup is that old.
        return moment.astimezone(UTC) if moment is not None and moment.year >= _FIRST_YEAR else None
    except (ValueError, OverflowError, OSError):
        return None


_TIMESTAMP = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,3})[T ]?"
    r"(?P<hour>\d{2}):(?P<minute>\d{2}):(?P<second>\d{2})(?P<fraction>\.\d+)?"
    r"(?P<zone>Z|UTC|[+_-]\d{2}:?\d{2})?$"
)

_SHORTEST_ISO_FORM = len("2031-04-02T09:15:07")


def _parse_timestamp_text(text: str) -> datetime | None:
    if len(text) >= _SHORTEST_ISO_FORM and text[10] == "T":
        # The usual form, and many times faster.
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    # Blanks stand anywhere in some documented samples, "_0800" for "+0800" in others.
    match = _TIMESTAMP.match(re.sub(r"\s+", "", text))
    if match is None:
        return None
    fraction = (match["fraction"] or ".0")[:7].ljust(7, "0")
    zone = match["zone"] or "Z"
    offset = "+0000" if zone in ("Z", "UTC") else zone.replace("_", "+").replace(":", "")
    stamp = (
        f"{match['year']}-{int(match['month']):02}-{int(match['day']):02}T"
        f"{match['hour']}:{match['minute']}:{match['second']}{fraction}{offset}"
    )
    return datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S.%f%z")


def _parse_json_text(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return read_json(value)
    except ValueError:
        return {}


def _parse_json_object(value: Any) -> dict[str, Any]:
    decoded = _parse_json_text(value)
    return decoded if isinstance(decoded, dict) else {}


def _object_or_empty(value: Any) -> Any:
    return value if isinstance(value, Mapping | ResponseModel) else {}


def _parse_number(value: Any) -> float | None:
    if isinstance(value, str):
        match = re.match(r"\s*(-?\d+(?:\.\d+)?)", value)
        value = match[1] if match else None
    try:
        number = float(value)
    except (TypeError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def whole_number_of(value: Any) -> int | None:
    """Return any documented form of a whole number; none when there is none."""
    number = value if isinstance(value, int) else _parse_number(value)
    # Services count in 64 bits; what is larger is no count, and too large for arithmetic with fractions.
    return int(number) if number is not None and abs(number) < 2**63 else None


def _parse_flag(value: Any) -> bool | None:
    if isinstance(value, str):
        return value.strip().lower() in ("true", "1", "y", "yes", "on")
    return bool(value) if isinstance(value, int | float) else None


Timestamp = Annotated[datetime | None, BeforeValidator(timestamp_of)]
"""Any documented form of a time as aware UTC; none when it cannot be read."""

Id = Annotated[str, Field(min_length=1)]
"""What a thing is asked for by; an answer without it tells of nothing that could be found again."""

JsonObject = Annotated[dict[str, Any], BeforeValidator(_parse_json_object)]
"""An object, or the text of one; anything else is empty."""

AsObject = BeforeValidator(_object_or_empty)
"""An object for a model; anything else is empty."""

WholeNumber = Annotated[int | None, BeforeValidator(whole_number_of)]
"""``20``, ``"20"``, ``"60%"``: a whole number; none when there is no number."""

Number = Annotated[float | None, BeforeValidator(_parse_number)]
"""A number in any documented form; none when there is no number."""

Flag = Annotated[bool | None, BeforeValidator(_parse_flag)]
"""``true``, ``"True"``, ``"false"``: a truth value."""


def format_utc(moment: datetime, suffix: str = "Z", timespec: str = "seconds") -> str:
    """Write a moment as services read it in queries: UTC, ``2031-04-02T09:15:07Z``.

    :param moment: an aware time.
    :param suffix: how the zone is written: ``Z``, ``+0000`` or nothing.
    :param timespec: as in :meth:`datetime.datetime.isoformat`.
    """
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=timespec) + suffix
