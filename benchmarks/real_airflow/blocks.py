"""The triggerer's warnings that its event loop was blocked, and how much of it was Python's garbage collector."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TypedDict

_WARNING = re.compile(r"^(\S+) .*async thread was blocked for ([\d.]+) seconds", re.MULTILINE)

_LATEST_LINE = 1.0
"""Seconds: the process that writes the log hears of a warning from the one that was blocked."""

Pass = tuple[float, float]
"""Beginning and end, seconds since the epoch."""


class Block(TypedDict):
    """One warning.

    :param seconds: how long the event loop was blocked.
    :param collector_seconds: how much of that the collector took.
    """

    seconds: float
    collector_seconds: float


def blocks_in(log: str, passes: Iterable[Pass]) -> list[Block]:
    """Return the warnings in a triggerer's log.

    :param log: its text.
    :param passes: the long passes of the collector in the process that runs the triggers.
    """
    passes = list(passes)
    found = []
    for moment, seconds in _WARNING.findall(log):
        end = datetime.fromisoformat(moment).timestamp()
        collected = sum(_common((end - float(seconds) - _LATEST_LINE, end), each) for each in passes)
        found.append(Block(seconds=float(seconds), collector_seconds=min(collected, float(seconds))))
    return found


def passes_of(folder: Path, process_id: int) -> list[Pass]:
    """Return what a process has written down of its collector's passes."""
    file = folder / str(process_id)
    lines = file.read_text().splitlines() if file.exists() else []
    return [(float(began), float(ended)) for began, ended in (line.split() for line in lines)]


def _common(one: Pass, other: Pass) -> float:
    return max(0.0, min(one[1], other[1]) - max(one[0], other[0]))
