"""The moment that an instance is restored to: within one of its restore windows (databases section 7)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_backup.cloud.errors import InvalidRequestError, Violation
from airflow_provider_backup.cloud.schema.fields import format_utc

if TYPE_CHECKING:
    from airflow_provider_backup.cloud.services.databases.service import DatabaseService

Latest = Literal["latest"]
"""The last moment that an instance can be restored to."""

_Window = tuple[datetime, datetime]
_DAY = timedelta(days=1)


def restore_moment(value: Any) -> datetime | Latest:
    """Return the moment that an author names.

    :param value: a ``datetime`` with time zone, such a text in ISO 8601, or ``latest``.
    :raises InvalidRequestError: it is something else.
    """
    if value == "latest":
        return "latest"
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        rule = "must be a time in ISO 8601 with its zone, or latest"
        raise InvalidRequestError("Restore", [Violation("restore_time", rule, value)]) from None
    if moment.tzinfo is None or moment.utcoffset() is None:
        rule = "must have a time zone, such as 2031-04-02T09:15:07+02:00"
        raise InvalidRequestError("Restore", [Violation("restore_time", rule, value)])
    return moment


async def moment_in_windows(service: DatabaseService, instance_id: str, wanted: datetime | Latest) -> datetime:
    """Return the moment that an instance is restored to.

    :param service: the open client of the service.
    :param instance_id: the instance whose state is restored.
    :param wanted: the moment, with its zone; ``latest`` for the end of the last window, some minutes before now.
    :raises InvalidRequestError: the moment is in no window; the error names the nearest ones.
    :raises NotFoundError: there is no such instance.
    """
    today = service.clock.now().date()
    if wanted == "latest":
        windows = await _windows(service, instance_id, _widest(service, today))
        if not windows:
            raise _refusal(service, instance_id, wanted, windows)
        return windows[-1][1]
    wanted = wanted.astimezone(UTC)
    windows = await _windows(service, instance_id, [wanted.date()])
    if not _holds(windows, wanted):
        # Whether an answer without a day covers all days is not documented: the days around belong to the error, too.
        days = [wanted.date() - _DAY, wanted.date() + _DAY]
        windows += await _windows(service, instance_id, [*days, *_widest(service, today)])
    if not _holds(windows, wanted):
        raise _refusal(service, instance_id, wanted, windows)
    return wanted


def _widest(service: DatabaseService, today: date) -> list[date | None]:
    recent = [today - _DAY, today]
    return [*recent] if service.windows_need_day else [None, *recent]


async def _windows(service: DatabaseService, instance_id: str, days: Sequence[date | None]) -> list[_Window]:
    found = {
        (window.start_time, window.end_time)
        for day in dict.fromkeys(days)
        for window in await service.restores.windows(instance_id, date=day)
        if window.start_time and window.end_time
    }
    return sorted(found, key=lambda window: (window[1], window[0]))


def _holds(windows: Sequence[_Window], moment: datetime) -> bool:
    return any(begin <= moment <= end for begin, end in windows)


def _refusal(
    service: DatabaseService, instance_id: str, wanted: datetime | Latest, windows: Sequence[_Window]
) -> InvalidRequestError:
    if isinstance(wanted, datetime):
        before = [window for window in windows if window[1] < wanted]
        after = [window for window in windows if window[0] > wanted]
        nearest = [
            *([max(before, key=lambda window: window[1])] if before else []),
            *([min(after, key=lambda window: window[0])] if after else []),
        ]
    else:
        nearest = []
    texts = " and ".join(f"{format_utc(begin)} to {format_utc(end)}" for begin, end in nearest)
    if texts:
        rule = f"must be in a restore window of instance {instance_id}; the nearest are {texts}"
    else:
        rule = f"instance {instance_id} has no restore window; automatic backups must be on, or give a backup"
    return InvalidRequestError(f"{service.title} restore", [Violation("restore_time", rule, str(wanted))])
