"""Recurrence rules of backup policies: the part of iCalendar's RRULE that CBR and CSBS know; without I/O.

A rule is ``FREQ=DAILY`` or ``FREQ=WEEKLY`` with at most one ``INTERVAL``, ``BYDAY``, ``BYHOUR`` and ``BYMINUTE``, times
in UTC (CBR section 4.3, CSBS section 3.1). A library would accept the whole of RFC 5545, which the services refuse.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from airflow_provider_backup.cloud.operations.schedules import Weekday

LONGEST_INTERVAL = 30
"""Days between two runs at most (CBR section 4.3; the console of CSBS offers "every 1-30 days")."""

Frequency = Literal["DAILY", "WEEKLY"]
Value = TypeVar("Value", bound=int)

_KEYS = ("FREQ", "BYDAY", "INTERVAL", "BYHOUR", "BYMINUTE")
_FREQUENCIES: dict[str, Frequency] = {"DAILY": "DAILY", "WEEKLY": "WEEKLY"}
_SEPARATORS = re.compile(r"\s*([;=,])\s*")
_WEEKDAYS = {weekday.icalendar: weekday for weekday in Weekday}


@dataclass(frozen=True, slots=True)
class RecurrenceRule:
    """One rule, times in UTC.

    A part that the rule leaves out is left to the service: nothing is assumed for it.

    :param frequency: ``DAILY`` or ``WEEKLY``.
    :param weekdays: days of the week; empty when the rule names none.
    :param interval: days between two runs, 1 to 30, only with ``DAILY``; ``None`` when the rule names none.
    :param hours: 0 to 23; empty when the rule names none.
    :param minute: 0 to 59; ``None`` when the rule names none. All runs of a day share it, so they lie 1 hour apart.
    """

    frequency: Frequency
    weekdays: tuple[Weekday, ...] = ()
    interval: int | None = None
    hours: tuple[int, ...] = ()
    minute: int | None = None

    @classmethod
    def parse(cls, text: str, *, lenient: bool = False) -> RecurrenceRule:
        """Read one rule.

        :param text: such as ``FREQ=WEEKLY;BYDAY=MO,TH;BYHOUR=14;BYMINUTE=00``.
        :param lenient: whether upper and lower case are the same, blanks may stand around values, values may be named
            twice (they come out in order and once), and ``BYDAY`` may stand with ``FREQ=DAILY``.
        :raises ValueError: the grammar is broken; the message names the part.
        """
        parts = _parts_of(_SEPARATORS.sub(r"\1", text.upper().strip()).strip(";") if lenient else text)
        frequency = _FREQUENCIES.get(parts.get("FREQ", ""))
        if frequency is None:
            raise ValueError("FREQ must be given, as DAILY or WEEKLY")
        if "BYDAY" in parts and frequency == "DAILY" and not lenient:
            raise ValueError("BYDAY is only possible with FREQ=WEEKLY")
        if "INTERVAL" in parts and frequency == "WEEKLY":
            raise ValueError("INTERVAL is only possible with FREQ=DAILY")
        values = _Values(parts, lenient=lenient)
        intervals = values.numbers("INTERVAL", 1, LONGEST_INTERVAL)
        if len(intervals) > 1:
            raise ValueError("INTERVAL must be one number")
        minutes = values.numbers("BYMINUTE", 0, 59)
        if len(minutes) > 1:
            raise ValueError("BYMINUTE must be one number, as points of time must be at least 1 hour apart")
        return cls(
            frequency=frequency,
            weekdays=values.read("BYDAY", _weekday),
            interval=intervals[0] if intervals else None,
            hours=values.numbers("BYHOUR", 0, 23),
            minute=minutes[0] if minutes else None,
        )

    def to_text(self, *, minute_digits: Literal[1, 2] = 2) -> str:
        """Return the rule as other clients write it: FREQ, BYDAY or INTERVAL, BYHOUR, BYMINUTE.

        :param minute_digits: digits that the minute has at least.
        """
        parts = [f"FREQ={self.frequency}"]
        if self.interval is not None:
            parts.append(f"INTERVAL={self.interval}")
        if self.weekdays:
            parts.append("BYDAY=" + ",".join(weekday.icalendar for weekday in self.weekdays))
        if self.hours:
            parts.append("BYHOUR=" + ",".join(map(str, self.hours)))
        if self.minute is not None:
            parts.append(f"BYMINUTE={self.minute:0{minute_digits}}")
        return ";".join(parts)


def _parts_of(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in text.split(";"):
        key, equals, value = part.partition("=")
        if not equals or key not in _KEYS:
            raise ValueError(f"may hold {', '.join(_KEYS)} only, as KEY=VALUE joined by ';', not {part!r}")
        if key in parts:
            raise ValueError(f"{key} stands twice")
        parts[key] = value
    return parts


@dataclass(frozen=True, slots=True)
class _Values:
    parts: dict[str, str]
    lenient: bool

    def read(self, key: str, read_one: Callable[[str], Value]) -> tuple[Value, ...]:
        if key not in self.parts:
            return ()
        values = tuple(map(read_one, self.parts[key].split(",")))
        if self.lenient:
            return tuple(sorted(set(values)))
        if len(set(values)) < len(values):
            raise ValueError(f"{key} names a value twice")
        return values

    def numbers(self, key: str, least: int, most: int) -> tuple[int, ...]:
        def read_one(piece: str) -> int:
            if not (piece.isascii() and piece.isdecimal() and len(piece) <= 2 and least <= int(piece) <= most):
                raise ValueError(f"{key} must be {least} to {most}, not {piece!r}")
            return int(piece)

        return self.read(key, read_one)


def _weekday(piece: str) -> Weekday:
    if piece not in _WEEKDAYS:
        raise ValueError(f"BYDAY must be a list of {', '.join(_WEEKDAYS)}, not {piece!r}")
    return _WEEKDAYS[piece]
