"""The trigger of the Databricks provider."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from airflow.providers.databricks.triggers.databricks import DatabricksExecutionTrigger

from benchmarks.contenders.contender import TriggerContender
from benchmarks.place import Place
from benchmarks.schedule import POLL_SECONDS


class Databricks(TriggerContender):
    """``DatabricksExecutionTrigger``, the one behind ``DatabricksSubmitRunOperator(deferrable=True)``."""

    @classmethod
    def environment(cls, place: Place) -> dict[str, str]:
        """Return the connection; with ``schema`` the provider also takes plain http."""
        address = urlsplit(place.peers)
        connection = {
            "conn_type": "databricks",
            "host": address.hostname,
            "port": address.port,
            "schema": address.scheme,
            "password": "token",
        }
        return {"AIRFLOW_CONN_DATABRICKS": json.dumps(connection)}

    def trigger(self, job: int | None) -> DatabricksExecutionTrigger:
        """Return the trigger as the operator makes it."""
        number = 0 if job is None else job + 1
        return DatabricksExecutionTrigger(number, "databricks", polling_period_seconds=int(POLL_SECONDS))

    def is_good(self, event: Any) -> bool:
        """Return whether the run succeeded."""
        return bool(json.loads(event["run_state"])["result_state"] == "SUCCESS")
