"""Time zones as authors write them: ``UTC``, an offset such as ``UTC+02:00``, or a name such as ``Europe/Berlin``."""

from __future__ import annotations

import re
from datetime import UTC, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_OFFSET = re.compile(r"UTC(?:(?P<sign>[+-])(?P<hours>\d{2}):(?P<minutes>\d{2}))?")
_LARGEST_OFFSET = timedelta(hours=14)


def read_time_zone(text: str) -> tzinfo:
    """Return the time zone that a text names.

    :param text: ``UTC``, an offset such as ``UTC+02:00``, or a name such as ``Europe/Berlin``.
    :raises ValueError: it names none; the message is the rule that is broken.
    """
    if match := _OFFSET.fullmatch(text):
        if match["sign"] is None:
            return UTC
        offset = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"]))
        if offset > _LARGEST_OFFSET or int(match["minutes"]) > 59:
            raise ValueError("an offset lies between UTC-14:00 and UTC+14:00")
        return timezone(-offset if match["sign"] == "-" else offset)
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be UTC, an offset such as UTC+02:00, or a zone name such as Europe/Berlin") from None
