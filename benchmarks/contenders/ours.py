"""Our own trigger, for each service."""

from __future__ import annotations

import time
from typing import Any

from airflow_provider_backup.emulator.airflow_connection import connection_json
from airflow_provider_backup.triggers.backup import BackupTrigger
from benchmarks.contenders.contender import TriggerContender
from benchmarks.place import Place
from benchmarks.schedule import POLL_SECONDS


class Ours(TriggerContender):
    """``BackupTrigger``."""

    @classmethod
    def environment(cls, place: Place) -> dict[str, str]:
        """Return the connection to the local cloud."""
        return {"AIRFLOW_CONN_OURS": connection_json(place.cloud)}

    def trigger(self, job: int | None) -> BackupTrigger:
        """Return the trigger as an operator makes it."""
        reference = self.place.finished if job is None else self.place.references[job]
        return BackupTrigger(
            dict(reference or {}),
            "ours",
            poll_interval=POLL_SECONDS,
            deadline=time.time() + 3600,
            started_at=self.place.began,
        )

    def is_good(self, event: Any) -> bool:
        """Return whether the backup is good."""
        return bool(event["outcome"] == "over" and event["phase"] == "good")
