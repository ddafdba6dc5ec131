"""Types of fields of responses: the forms that services mix for times, numbers, truth values and objects.

Sources of the tolerated forms: CBR sections 1 and 17, databases section 14, CSBS section 11, VBS section 7.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator

from airflow_provider_backup.cloud.schema.base import ResponseModel
from airflow_provider_backup.cloud.schema.json_decoding import read_json

EARLIEST = datetime.min.replace(tzinfo=UTC)
"""Sorts what does not tell its time before all that does."""

_FIRST_YEAR = 1970


def timestamp_of(value: Any) -> datetime | None:
    """Return any documented form of a time as aware UTC; ``None`` when it cannot be read."""
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
    """Return any documented form of a whole number; ``None`` when there is none."""
    number = value if isinstance(value, int) else _parse_number(value)
    # Services count in 64 bits; what is larger is no count, and too large for arithmetic with fractions.
    return int(number) if number is not None and abs(number) < 2**63 else None


def _parse_flag(value: Any) -> bool | None:
    if isinstance(value, str):
        return value.strip().lower() in ("true", "1", "y", "yes", "on")
    return bool(value) if isinstance(value, int | float) else None


Timestamp = Annotated[datetime | None, BeforeValidator(timestamp_of)]
"""Any documented form of a time as aware UTC; ``None`` when it cannot be read."""

JsonObject = Annotated[dict[str, Any], BeforeValidator(_parse_json_object)]
"""An object, or the text of one; anything else is empty."""

AsObject = BeforeValidator(_object_or_empty)
"""An object for a model; anything else is empty."""

WholeNumber = Annotated[int | None, BeforeValidator(whole_number_of)]
"""``20``, ``"20"``, ``"60%"``: a whole number; ``None`` when there is no number."""

Number = Annotated[float | None, BeforeValidator(_parse_number)]
"""A number in any documented form; ``None`` when there is no number."""

Flag = Annotated[bool | None, BeforeValidator(_parse_flag)]
"""``true``, ``"True"``, ``"false"``: a truth value."""


def format_utc(moment: datetime, suffix: str = "Z", timespec: str = "seconds") -> str:
    """Write a moment as services read it in queries: UTC, ``2031-04-02T09:15:07Z``.

    :param moment: an aware time.
    :param suffix: how the zone is written: ``Z``, ``+0000`` or nothing.
    :param timespec: as in :meth:`datetime.datetime.isoformat`.
    """
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=timespec) + suffix
