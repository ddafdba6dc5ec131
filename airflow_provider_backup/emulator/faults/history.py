"""What the local cloud knew earlier, for stale reads; kept only as far back as one fault looks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from airflow_provider_backup.emulator.faults.specs import StaleRead


class Moment(NamedTuple):
    """A moment to answer from.

    :param time: what the clock showed.
    :param tables: all tables at that time as JSON; ``None`` when they were as they are now.
    """

    time: datetime
    tables: str | None


class _Before(NamedTuple):
    time: datetime
    tables: str


class History:
    """What was known before each change, by service.

    :param order: the fault that it is kept for.
    :param armed_at: when the fault was armed.
    """

    def __init__(self, order: StaleRead, armed_at: datetime) -> None:
        self._order = order
        self._armed_at = armed_at
        self._changes: dict[str, list[_Before]] = {}

    def add(self, service: str, time: datetime, tables: str) -> None:
        """Remember what was known just before a request to a service changed something."""
        changes = self._changes.setdefault(service, [])
        changes.append(_Before(time, tables))
        if self._order.writes is not None:
            del changes[: -self._order.writes]
        else:
            earliest = self._earliest(time)
            changes[:] = [change for change in changes if change.time >= earliest]

    def look_back(self, service: str, now: datetime) -> Moment:
        """Return the moment that a request to a service is to be answered from.

        :param now: what the clock shows.
        """
        changes = self._changes.get(service, [])
        if self._order.writes is not None:
            return Moment(*changes[0]) if changes else Moment(now, None)
        earliest = self._earliest(now)
        return Moment(earliest, next((change.tables for change in changes if change.time >= earliest), None))

    def _earliest(self, now: datetime) -> datetime:
        return max(now - timedelta(seconds=self._order.seconds or 0), self._armed_at)
