"""How long a backup that should be listed is waited for, once its checkpoint says that it is good."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow_provider_backup.cloud.http.clock_skew import CloudClock
from airflow_provider_backup.cloud.limits import current_limits

INCOMPLETE = "available, incomplete"
"""Status of a good checkpoint whose backups are not all listed yet."""

NOT_LISTED = "no backup of it is listed"
"""Why a resource counts as left out when the service gives no reason."""

_MOST_REMEMBERED = 1000


class MissingBackups:
    """Tells whether the backups that a good checkpoint lacks may still show up.

    :param clock: the cloud's clock, by which the end of a checkpoint is given.
    """

    def __init__(self, clock: CloudClock) -> None:
        self._clock = clock
        self._longest = timedelta(seconds=current_limits().longest_listing_delay)
        # In the order of their first look.
        self._first_seen: dict[str, datetime] = {}

    def may_show_up(self, checkpoint_id: str, ended_at: datetime | None) -> bool:
        """Return whether it is too early to count on nothing more.

        The time counts from the end of the checkpoint, and from the first such look when the service does not tell it.

        :param checkpoint_id: the checkpoint that is good and lacks backups.
        :param ended_at: when it ended, by the cloud's clock; ``None`` when that is not known.
        """
        now, longest = self._clock.machine_now(), self._longest
        if ended_at is not None and self._clock.there(now) - ended_at >= longest:
            return False
        first_seen = self._first_seen.setdefault(checkpoint_id, now)
        if len(self._first_seen) > _MOST_REMEMBERED:
            del self._first_seen[next(iter(self._first_seen))]
        return now - first_seen < longest
