"""The trigger of the dbt Cloud provider."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import urlsplit

from airflow.providers.dbt.cloud.hooks.dbt import DbtCloudHook
from airflow.providers.dbt.cloud.triggers.dbt import DbtCloudRunJobTrigger

from benchmarks.contenders.contender import TriggerContender
from benchmarks.place import Place
from benchmarks.schedule import POLL_SECONDS
from benchmarks.server.peer_routes import DBT_ACCOUNT


class DbtCloud(TriggerContender):
    """``DbtCloudRunJobTrigger``, the one behind ``DbtCloudRunJobOperator(deferrable=True)``."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        if place.peers.startswith("http:"):
            _speak_plain_http()

    @classmethod
    def environment(cls, place: Place) -> dict[str, str]:
        """Return the connection."""
        connection = {
            "conn_type": "dbt_cloud",
            "host": urlsplit(place.peers).netloc,
            "login": str(DBT_ACCOUNT),
            "password": "token",
        }
        return {"AIRFLOW_CONN_DBT": json.dumps(connection)}

    def trigger(self, job: int | None) -> DbtCloudRunJobTrigger:
        """Return the trigger as the operator makes it."""
        return DbtCloudRunJobTrigger(
            conn_id="dbt",
            run_id=0 if job is None else job + 1,
            end_time=time.time() + 3600,
            poll_interval=POLL_SECONDS,
            account_id=DBT_ACCOUNT,
        )

    def is_good(self, event: Any) -> bool:
        """Return whether the run succeeded."""
        return bool(event["status"] == "success")


def _speak_plain_http() -> None:
    # The provider writes https into its addresses; nothing else of it is changed.
    secure = DbtCloudHook.get_request_url_params

    def plain(*arguments: Any, **named: Any) -> tuple[str, dict[str, Any]]:
        url, data = secure(*arguments, **named)
        return url.replace("https://", "http://", 1), data

    DbtCloudHook.get_request_url_params = staticmethod(plain)  # type: ignore[method-assign]
