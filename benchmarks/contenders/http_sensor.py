"""The polling trigger of the HTTP provider."""

from __future__ import annotations

import json
from typing import Any

from airflow.providers.http.triggers.http import HttpSensorTrigger

from benchmarks.contenders.contender import TriggerContender
from benchmarks.place import Place
from benchmarks.schedule import POLL_SECONDS


class HttpSensor(TriggerContender):
    """``HttpSensorTrigger``, the one behind ``HttpSensor(deferrable=True)``; 404 means "not yet"."""

    @classmethod
    def environment(cls, place: Place) -> dict[str, str]:
        """Return the connection."""
        return {"AIRFLOW_CONN_PLAIN": json.dumps({"conn_type": "http", "host": place.peers})}

    def trigger(self, job: int | None) -> HttpSensorTrigger:
        """Return the trigger as the sensor makes it."""
        return HttpSensorTrigger(f"jobs/{0 if job is None else job + 1}", "plain", poke_interval=POLL_SECONDS)

    def is_good(self, event: Any) -> bool:
        """Return whether it is over; the trigger knows no other ending."""
        return event is True
