"""The iCalendar text that says when a CSBS policy runs: read, checked and written (CSBS section 3.1, RRULE table)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from airflow_provider_backup.cloud.operations.schedules import Weekday

LONGEST_INTERVAL = 30
"""Days between two runs at most: the console's "every 1-30 days" (CSBS section 3.1)."""

Frequency = Literal["DAILY", "WEEKLY"]
Value = TypeVar("Value", bound=int)

_PARTS = ("FREQ", "INTERVAL", "BYDAY", "BYHOUR", "BYMINUTE")
_FREQUENCIES: dict[str, Frequency] = {"DAILY": "DAILY", "WEEKLY": "WEEKLY"}
_WEEKDAYS = {weekday.icalendar: weekday for weekday in Weekday}


@dataclass(frozen=True, slots=True)
class SchedulePattern:
    """One recurrence rule in UTC.

    All runs of a day share their minute: thus they lie at least 1 hour apart, across midnight too, and are at most 24.

    :param frequency: ``DAILY`` or ``WEEKLY``.
    :param weekdays: days of the week, ascending; empty when the rule names none.
    :param hours: 0 to 23, ascending; empty when the rule names none.
    :param minute: 0 to 59; none when the rule names none.
    :param interval: days between two runs, 1 to 30; more than 1 only with ``DAILY``.
    """

    frequency: Frequency
    weekdays: tuple[Weekday, ...] = ()
    hours: tuple[int, ...] = ()
    minute: int | None = None
    interval: int = 1

    @classmethod
    def parse(cls, text: str) -> SchedulePattern:
        r"""Read the text of a policy, with or without the calendar around its rule, with ``\r\n`` or ``\n``.

        :param text: iCalendar text with one RRULE.
        :raises ValueError: a rule of the RRULE table is broken; the message names it.
        """
        rules = [line.strip()[6:] for line in text.splitlines() if line.strip().upper().startswith("RRULE:")]
        if len(rules) != 1:
            raise ValueError(f"must hold one RRULE, not {len(rules)}")
        parts = _parts_of(rules[0])
        frequency = _FREQUENCIES.get(parts.get("FREQ", ""))
        if frequency is None:
            raise ValueError("FREQ of the RRULE must be DAILY or WEEKLY")
        minutes = _numbers(parts, "BYMINUTE", 0, 59)
        if len(minutes) > 1:
            raise ValueError("BYMINUTE of the RRULE must be one minute: runs must be at least 1 hour apart")
        if "INTERVAL" in parts and frequency == "WEEKLY":
            raise ValueError("INTERVAL of the RRULE is only possible with FREQ=DAILY")
        interval = _numbers(parts, "INTERVAL", 1, LONGEST_INTERVAL) or (1,)
        if len(interval) > 1:
            raise ValueError("INTERVAL of the RRULE must be one number")
        return cls(
            frequency=frequency,
            weekdays=_values(parts, "BYDAY", _weekday),
            hours=_numbers(parts, "BYHOUR", 0, 23),
            minute=minutes[0] if minutes else None,
            interval=interval[0],
        )

    def to_text(self) -> str:
        """Return the text in the form of the vendor's sample: a calendar with one event, lines end with CR LF."""
        parts = [f"FREQ={self.frequency}"]
        if self.interval > 1:
            parts.append(f"INTERVAL={self.interval}")
        if self.weekdays:
            parts.append("BYDAY=" + ",".join(weekday.icalendar for weekday in self.weekdays))
        if self.hours:
            parts.append("BYHOUR=" + ",".join(map(str, self.hours)))
        if self.minute is not None:
            parts.append(f"BYMINUTE={self.minute}")
        lines = ("BEGIN:VCALENDAR", "BEGIN:VEVENT", "RRULE:" + ";".join(parts), "END:VEVENT", "END:VCALENDAR", "")
        return "\r\n".join(lines)


def _parts_of(rule: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in rule.upper().strip(";").split(";"):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or name not in _PARTS:
            raise ValueError(f"the RRULE may hold {', '.join(_PARTS)} only, not {part!r}")
        if name in parts:
            raise ValueError(f"{name} stands twice in the RRULE")
        parts[name] = value
    return parts


def _values(parts: dict[str, str], name: str, read: Callable[[str], Value]) -> tuple[Value, ...]:
    return tuple(sorted({read(piece.strip()) for piece in parts[name].split(",")})) if name in parts else ()


def _weekday(piece: str) -> Weekday:
    if piece not in _WEEKDAYS:
        raise ValueError(f"BYDAY of the RRULE must be a list of {', '.join(_WEEKDAYS)}, not {piece!r}")
    return _WEEKDAYS[piece]


def _numbers(parts: dict[str, str], name: str, least: int, most: int) -> tuple[int, ...]:
    def read(piece: str) -> int:
        if not (piece.isascii() and piece.isdecimal() and least <= int(piece) <= most):
            raise ValueError(f"{name} of the RRULE must be {least} to {most}, not {piece!r}")
        return int(piece)

    return _values(parts, name, read)
