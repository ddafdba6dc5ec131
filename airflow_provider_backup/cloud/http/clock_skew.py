"""How far the cloud's clock is from this machine's, learned from the ``Date`` of answers; without I/O.

Whatever compares a time of the cloud's with one of ours goes through here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache

from airflow_provider_backup.cloud.clock import SYSTEM_CLOCK, Clock
from airflow_provider_backup.cloud.limits import Limits, current_limits

_SECOND = timedelta(seconds=1)
_MOST_DIFFERENCE = timedelta(days=1)
"""A ``Date`` farther away is no clock's."""


class CloudClock:
    """The cloud's clock as seen from here; the same as this machine's until an answer proves otherwise.

    ``Date`` is in whole seconds and was written somewhere between request and answer, so each answer gives bounds for
    the difference. Among all differences within the bounds the smallest one counts.

    :param clock: this machine's clock.
    :param limits: tolerances; ``None`` uses :func:`current_limits`.
    """

    def __init__(self, clock: Clock = SYSTEM_CLOCK, limits: Limits | None = None) -> None:
        self.machine = clock
        self._limits = limits or current_limits()
        self._least = timedelta.min
        self._most = timedelta.max
        self.difference = timedelta(0)
        """How much the cloud's clock is ahead of this machine's; negative when it is behind."""

    def learn(self, headers: Mapping[str, str], sent_at: datetime, received_at: datetime) -> None:
        """Take note of an answer.

        :param headers: the answer's headers (a case-insensitive mapping); without a plausible ``Date`` it is ignored.
        :param sent_at: when the request was sent, by this machine's clock; with a time zone.
        :param received_at: when the answer had come, likewise.
        """
        date = date_of(headers)
        if date is None or abs(date - received_at) > _MOST_DIFFERENCE:
            return
        least, most = date - received_at, date + _SECOND - sent_at
        if least > self._most or most < self._least:
            # A clock was set.
            self._least, self._most = least, most
        else:
            self._least, self._most = max(least, self._least), min(most, self._most)
        # Here, as it is asked for several times in each request.
        self.difference = max(self._least, min(self._most, timedelta(0)))

    def machine_now(self) -> datetime:
        """Return what this machine's clock shows now, aware, in UTC."""
        return datetime.fromtimestamp(self.machine.time(), UTC)

    def now(self) -> datetime:
        """Return what the cloud's clock shows now."""
        return self.there(self.machine_now())

    def there(self, moment: datetime) -> datetime:
        """Return what the cloud's clock showed at a moment.

        :param moment: by this machine's clock; with a time zone.
        """
        return _shifted(moment, self.difference)

    def here(self, moment: datetime) -> datetime:
        """Return what this machine's clock showed at a moment.

        :param moment: by the cloud's clock, such as the beginning of a backup; with a time zone.
        """
        return _shifted(moment, -self.difference)

    @property
    def uncertainty(self) -> timedelta:
        """How much a filter by time has to be wider than what is looked for."""
        limits = self._limits
        return limits.unknown_clock_margin if self._least == timedelta.min else limits.clock_tolerance

    def earliest(self, moment: datetime) -> datetime:
        """Return what the cloud's clock showed at a moment, rather too early than too late.

        :param moment: by this machine's clock; with a time zone.
        """
        return moment + self.difference - self._limits.clock_tolerance


def date_of(headers: Mapping[str, str]) -> datetime | None:
    """Return what the cloud's clock showed when an answer was written; ``None`` without a readable ``Date``.

    :param headers: the answer's headers (a case-insensitive mapping).
    """
    text = headers.get("Date")
    return None if text is None else _read_date(text)


@lru_cache(maxsize=8)
def _read_date(text: str) -> datetime | None:
    # Remembered, as hundreds of answers may be written in the same second.
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _shifted(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        # Services may say any time at all.
        return moment
