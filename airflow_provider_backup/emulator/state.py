"""What the local cloud knows: tables of JSON objects, a clock, and how long a backup takes.

Nothing runs in the background. How far a backup is follows from when it began and what the clock says, so a state
that is saved and loaded again goes on where the time is.
"""

from __future__ import annotations

import json
import os
import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def system_time() -> datetime:
    """Return the time of this machine, aware, in UTC."""
    return datetime.now(UTC)


class CloudState:
    """Tables, clock and durations of one local cloud.

    :param backup_seconds: how long a backup takes, in seconds, 0 or more.
    :param file: where to keep the state over a restart; none keeps it in memory only.
    :param now: the clock, for tests; returns an aware UTC time.
    """

    def __init__(
        self, *, backup_seconds: float = 5.0, file: Path | None = None, now: Callable[[], datetime] = system_time
    ) -> None:
        self.backup_seconds = backup_seconds
        self.now = now
        self._file = file
        self._tables: dict[str, dict[str, Row]] = {}
        if file is not None and file.exists():
            self._tables = json.loads(file.read_text())
            if not isinstance(self._tables, dict):
                raise ValueError("it holds no tables")

    def table(self, name: str) -> dict[str, Row]:
        """Return the rows of one kind by id, such as ``cbr.policies``; rows are JSON objects and may be changed."""
        return self._tables.setdefault(name, {})

    def save(self) -> None:
        """Write the state to its file, whole or not at all."""
        if self._file is None:
            return
        draft = self._file.with_suffix(self._file.suffix + ".tmp")
        draft.write_text(json.dumps(self._tables))
        os.replace(draft, self._file)

    def plan_failure(self, service: str, reason: str) -> None:
        """Let the next backup of a service end failed, with this reason; several plans are used up one by one."""
        self.table("planned_failures").setdefault(service, {"reasons": []})["reasons"].append(reason)

    def started(self, service: str) -> Row:
        """Return the members that every timed row carries.

        :param service: the service that starts the backup, for :meth:`plan_failure`.
        :return: ``started_at`` and ``ready_at`` (ISO texts in UTC) and ``failure`` (the reason, or none when it will end well).
        """
        start = self.now()
        planned = self.table("planned_failures").get(service, {}).get("reasons", [])
        return {
            "started_at": start.isoformat(),
            "ready_at": (start + timedelta(seconds=self.backup_seconds)).isoformat(),
            "failure": planned.pop(0) if planned else None,
        }

    def is_ready(self, row: Row) -> bool:
        """Whether the time of a row made with :meth:`started` is over."""
        return self.now() >= datetime.fromisoformat(row["ready_at"])

    def progress(self, row: Row) -> int:
        """How far a row made with :meth:`started` is, 0 to 100."""
        start, end = datetime.fromisoformat(row["started_at"]), datetime.fromisoformat(row["ready_at"])
        if self.now() >= end:
            return 100
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
