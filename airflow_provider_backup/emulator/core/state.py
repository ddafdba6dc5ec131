"""What the local cloud knows: tables of JSON objects, a clock, and how long a backup takes.

Nothing runs in the background. How far a backup is follows from when it began and what the clock says, so a state
that is saved and loaded again continues at the present time.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from airflow_provider_backup.emulator.core.regions import HOME
from airflow_provider_backup.emulator.core.state_file import write_whole

Row = dict[str, Any]

_NEVER = timedelta(days=36_500)
"""After this long a backup is ready that never gets ready."""

_STUCK_PERCENT = 50

_OF_ALL_REGIONS = ("clock", "planned_outcomes")
"""Tables that the regions share; every other one is of its region."""


def system_time() -> datetime:
    """Return the time of this machine, aware, in UTC."""
    return datetime.now(UTC)


class CloudState:
    """Tables, clock and durations of one local cloud.

    :param backup_seconds: how long a backup takes, in seconds, 0 or more.
    :param file: where to keep the state over a restart; ``None`` keeps it in memory only.
    :param now: the clock, for tests; returns an aware UTC time.
    """

    def __init__(
        self, *, backup_seconds: float = 5.0, file: Path | None = None, now: Callable[[], datetime] = system_time
    ) -> None:
        self.backup_seconds = backup_seconds
        self.now = now
        self.schedules_changed = True
        """Whether schedules have to be looked at again, see ``policy_runs.py``."""
        self.region = HOME.name
        """The region whose tables it shows."""
        self._home: CloudState = self
        self._file = file
        self._tables: dict[str, dict[str, Row]] = {}
        if file is not None and file.exists():
            self._tables = json.loads(file.read_text())
            if not isinstance(self._tables, dict):
                raise ValueError("it holds no tables")
        if ahead := self._tables.get("clock", {}).get("ahead"):
            self._set_ahead(timedelta(seconds=ahead["seconds"]))

    def table(self, name: str) -> dict[str, Row]:
        """Return the rows of one kind by id, such as ``cbr.policies``; rows are JSON objects and may be changed."""
        is_shared = self.region == HOME.name or name in _OF_ALL_REGIONS
        return self._tables.setdefault(name if is_shared else f"{self.region}/{name}", {})

    def in_region(self, region: str) -> Self:
        """Return the same state as another region sees it: its own tables, the same clock, plans and file.

        :param region: name of the region.
        """
        other = type(self)(now=lambda: self.now())
        other._tables, other._file = self._tables, self._file
        other._home, other.region = self._home, region
        return other

    def table_names(self) -> list[str]:
        """Return the names of the tables that there are."""
        return list(self._tables)

    def advance_clock(self, seconds: float) -> None:
        """Set the clock forward, so that everything that takes time ends sooner; a restart keeps it.

        :param seconds: how far, 0 or more.
        """
        ahead = self.table("clock").setdefault("ahead", {"seconds": 0.0})
        ahead.setdefault("advances", []).append({"at": self.now().isoformat(), "seconds": seconds})
        ahead["seconds"] += seconds
        self._set_ahead(timedelta(seconds=seconds))

    def machine_time(self, moment: datetime) -> datetime:
        """Return what the clock of this machine showed when that of the cloud showed a moment.

        :param moment: with its zone; one that was left out when the clock was set forward is that of the setting.
        """
        behind = timedelta()
        for advance in self.table("clock").get("ahead", {}).get("advances", []):
            begin, length = datetime.fromisoformat(advance["at"]), timedelta(seconds=advance["seconds"])
            if moment <= begin:
                break
            behind += min(length, moment - begin)
        return moment - behind

    def schedule(self, service: str, policy_id: str) -> None:
        """Note that a policy was made or changed: it runs by its schedule, as it is now, from now on.

        :param service: name of its service.
        :param policy_id: its id.
        """
        row = {"service": service, "policy_id": policy_id, "until": self.now().isoformat()}
        self.table("schedules")[f"{service}/{policy_id}"] = row
        self.schedules_changed = True

    def standing_at(self, moment: datetime) -> Self:
        """Return a state with the same tables whose clock stands; it has no file.

        :param moment: what its clock shows.
        """
        other = type(self)(backup_seconds=self.backup_seconds, now=lambda: moment)
        other._tables, other.region = self._tables, self.region
        return other

    def save(self) -> None:
        """Write the state to its file, whole or not at all; only its owner may read it."""
        if self._file is None:
            return
        write_whole(self._file, self.to_json())

    def to_json(self) -> str:
        """Return all tables as JSON."""
        return json.dumps(self._tables)

    def at(self, time: datetime, tables: str | None = None) -> Self:
        """Return a state of its own that is in memory only and whose clock stands.

        :param time: what its clock shows.
        :param tables: its tables, from :meth:`to_json`; none copies those of now.
        """
        other = type(self)(backup_seconds=self.backup_seconds, now=lambda: time)
        other._tables = json.loads(self.to_json() if tables is None else tables)
        other.region = self.region
        return other

    def _set_ahead(self, duration: timedelta) -> None:
        now = self.now
        self.now = lambda: now() + duration

    def plan_failure(self, service: str, reason: str) -> None:
        """Let the next backup of a service end failed, with this reason; several plans are used up one by one."""
        self.plan_outcome(service, reason=reason)

    def plan_outcome(
        self,
        service: str,
        *,
        reason: str | None = None,
        seconds: float | None = None,
        stuck: bool = False,
        count: int = 1,
    ) -> None:
        """Settle how the next backups of a service go; several plans are used up one by one.

        Each backup of one resource counts, also where one request starts several.

        :param service: the service that starts them; ``vbs.deletion`` and the like for deletions.
        :param reason: why they fail in the end; ``None`` lets them end well.
        :param seconds: how long they take, 0 or more; ``None`` takes the usual time.
        :param stuck: whether they never end, whatever the other arguments say.
        :param count: how many backups it is for, 1 or more.
        """
        outcomes = self.table("planned_outcomes").setdefault(service, {"outcomes": []})["outcomes"]
        outcomes.extend([{"reason": reason, "seconds": seconds, "stuck": stuck}] * count)

    def planned_outcomes(self) -> list[Row]:
        """Return the plans that are not used up, in their order for each service.

        :return: rows with ``service`` and what :meth:`plan_outcome` was given: ``reason``, ``seconds``, ``stuck``.
        """
        return [
            {"service": service, **outcome}
            for service, planned in self.table("planned_outcomes").items()
            for outcome in planned["outcomes"]
        ]

    def cancel_outcomes(self, service: str | None = None) -> None:
        """Drop the plans that are not used up.

        :param service: the service whose plans are dropped; none drops all.
        """
        planned = self.table("planned_outcomes")
        for name in list(planned) if service is None else [service]:
            planned.pop(name, None)

    def started(self, service: str) -> Row:
        """Return the members that every timed row carries.

        :param service: the service that starts the backup, for :meth:`plan_outcome`.
        :return: ``started_at`` and ``ready_at`` (ISO texts in UTC) and ``failure`` (the reason, ``None`` when it will
            end well).
        """
        start = self.now()
        planned = self.table("planned_outcomes").get(service, {}).get("outcomes", [])
        outcome = planned.pop(0) if planned else {"reason": None, "seconds": None, "stuck": False}
        seconds = self._home.backup_seconds if outcome["seconds"] is None else outcome["seconds"]
        duration = _NEVER if outcome["stuck"] else timedelta(seconds=seconds)
        return {
            "started_at": start.isoformat(),
            "ready_at": (start + duration).isoformat(),
            "failure": outcome["reason"],
        }

    def is_ready(self, row: Row) -> bool:
        """Whether the time of a row made with :meth:`started` has passed."""
        return self.now() >= datetime.fromisoformat(row["ready_at"])

    def progress(self, row: Row) -> int:
        """How far a row made with :meth:`started` is, 0 to 100."""
        start, end = datetime.fromisoformat(row["started_at"]), datetime.fromisoformat(row["ready_at"])
        if self.now() >= end:
            return 100
        if end - start >= _NEVER:
            return _STUCK_PERCENT
        return max(0, int(100 * (self.now() - start) / (end - start)))

    @staticmethod
    def new_uuid() -> str:
        """Return a new dashed id."""
        return str(uuid.uuid4())

    @staticmethod
    def new_hex() -> str:
        """Return a new id of 32 hex digits."""
        return uuid.uuid4().hex

    @staticmethod
    def new_suffix() -> str:
        """Return four hex digits for automatic names."""
        return f"{random.randrange(16**4):04x}"
