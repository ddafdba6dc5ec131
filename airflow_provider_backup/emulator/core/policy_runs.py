"""Policies run by their schedules on the clock of the local cloud, and backups go that they no longer keep.

Nothing runs in the background: what was due runs at the next request, in the order of time and as if it
had happened then.

Rows of ``schedules``, one for each policy whose schedule counts: ``service``, ``policy_id``, ``until`` (what was due by
then has run). See :meth:`CloudState.schedule`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from airflow_provider_backup.emulator.core.inventory import Inventory
from airflow_provider_backup.emulator.core.service import REQUEST_ID, EmulatedBackupService
from airflow_provider_backup.emulator.core.state import CloudState, Row

MOST_RUNS = 1000
"""Missed runs of a policy that are caught up at once: of a longer time, the latest."""


class PolicyRuns:
    """The runs of all policies of a local cloud.

    :param state: tables and clock.
    :param services: the services on this state, by name.
    """

    def __init__(self, state: CloudState, services: Mapping[str, EmulatedBackupService]) -> None:
        self._state = state
        self._services = services
        self._schedules = {name: schedules for name, each in services.items() if (schedules := each.schedules)}
        self._seen: datetime | None = None
        self._next: datetime | None = None

    def catch_up(self) -> None:
        """Run everything that was due until now; nothing while the clock is stopped."""
        now = self._state.now()
        if now == self._seen and not self._state.schedules_changed:
            return
        if self._state.schedules_changed or (self._next is not None and now >= self._next):
            self._run_due(now)
        self._seen = now
        for name in {row["service"] for row in self._rows()}:
            self._schedules[name].expire()

    def _run_due(self, now: datetime) -> None:
        due: list[tuple[datetime, str, str]] = []
        upcoming = []
        for row in self._rows():
            times = self._schedules[row["service"]].run_times(row["policy_id"])
            after = datetime.fromisoformat(row["until"])
            moments = sorted(moment for each in times for moment in each.between(after, now))
            due += [(moment, row["service"], row["policy_id"]) for moment in deque(moments, maxlen=MOST_RUNS)]
            upcoming += [moment for each in times if (moment := each.next(now)) is not None]
            row["until"] = max(after, now).isoformat()
        for (moment, name), runs in groupby(sorted(due), key=itemgetter(0, 1)):
            self._run(moment, name, [policy_id for *_, policy_id in runs])
        self._next = min(upcoming, default=None)
        self._state.schedules_changed = False
        if due:
            self._state.save()

    def _run(self, moment: datetime, name: str, policy_ids: Iterable[str]) -> None:
        state = self._state.standing_at(moment)
        schedules = type(self._services[name])(state, Inventory(state)).schedules
        if schedules is None:
            return
        # No request began it.
        token = REQUEST_ID.set(None)
        try:
            schedules.expire()
            for policy_id in policy_ids:
                schedules.run(policy_id)
        finally:
            REQUEST_ID.reset(token)

    def _rows(self) -> list[Row]:
        return [row for row in self._state.table("schedules").values() if row["service"] in self._schedules]
