"""One form for what services and users write differently in a policy: offsets, recurrence rules, retention; no I/O.

CBR and CSBS share this: both know the same numbers, offsets and rules (CBR sections 4.2 and 4.3, CSBS section 3.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from airflow_provider_backup.cloud.operations.recurrence import RecurrenceRule

LONG_TERM = ("day_backups", "week_backups", "month_backups", "year_backups")
"""Numbers of days, weeks, months and years whose newest backup is kept in addition."""

UNLIMITED = -1
"""What stands for no limit of days and backups; a policy that names none has none either."""

WITHOUT_RETENTION: Mapping[str, int] = {
    "max_backups": UNLIMITED,
    "retention_duration_days": UNLIMITED,
    **dict.fromkeys(LONG_TERM, 0),
}
"""What a policy without any retention does."""

_UTC = "UTC+00:00"
_OFFSET = re.compile(r"(?:UTC|GMT)?\s*(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>\d{2}))?", re.IGNORECASE)


def normal_offset(text: str) -> str:
    """Return an offset in the form ``UTC+02:00``; a text that is none stays as it is.

    :param text: such as ``UTC+08:00``, ``UTC+8``, ``+0800`` or ``UTC``.
    """
    if text.strip().upper() in ("UTC", "GMT", "Z"):
        return _UTC
    match = _OFFSET.fullmatch(text.strip())
    if match is None:
        return text
    hours, minutes = int(match["hours"]), int(match["minutes"] or 0)
    sign = match["sign"] if hours or minutes else "+"
    return f"UTC{sign}{hours:02}:{minutes:02}"


def normal_rules(texts: Iterable[str]) -> list[str]:
    """Return recurrence rules in one form: one for each point of time, sorted, each once.

    :param texts: as a service or an author writes them; one that cannot be read stays as it is.
    """
    return sorted({rule for text in texts for rule in _points_of(text)})


def _points_of(text: str) -> list[str]:
    try:
        rule = RecurrenceRule.parse(text, lenient=True)
    except ValueError:
        return [text]
    weekdays = tuple(sorted(rule.weekdays))
    # Without a number every day counts; with days of the week nothing is counted.
    interval = (rule.interval or 1) if rule.frequency == "DAILY" and not weekdays else rule.interval
    rule = replace(rule, weekdays=weekdays, interval=interval)
    return [replace(rule, hours=(hour,)).to_text() for hour in rule.hours] or [rule.to_text()]


def fields_with_zone(
    fields: Mapping[str, Any], held: Mapping[str, Any], *, offset: str | None, name: str = "time_zone"
) -> dict[str, Any]:
    """Return described fields with the zone of the long-term retention, where that means something.

    A zone matters only while a long-term number is above 0; an author who names no zone keeps the one that is there.

    :param fields: the described fields; a zone among them is replaced.
    :param held: what the service has.
    :param offset: the offset that the author names; ``None`` for none.
    :param name: name of the field of the zone.
    """
    plain = {field: value for field, value in fields.items() if field != name}
    if not any({**held, **plain}.get(field) for field in LONG_TERM):
        return plain
    if offset is None and held.get(name):
        return plain
    return {**plain, name: _UTC if offset is None else normal_offset(offset)}
