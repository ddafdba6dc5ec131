"""Writes down what a release leaves in Airflow's database: run it inside a checkout of that release.

    git worktree add /tmp/older COMMIT && cd /tmp/older
    PYTHONPATH=. PYTHON RECORD.PY NAME > airflow-VERSION.json

with a Python that has that Airflow, the path of this file, and what the release is called. It stands on the test
helpers of the release, so it may need a change for others than the first one.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from typing import Any

os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "CRITICAL"

import airflow
import airflow.triggers.base

from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.triggers.backup import BackupTrigger
from tests.airflow.conftest import CONNECTION
from tests.airflow.service_matrix import SENSORS, SERVICES, create_operator, let_time_pass, taken
from tests.airflow.task_runs import Deferred, TaskRun, event_of

REFUSED = "rds answered 404 DBS.201010: the list holds no backup (request id not given)."


def stored(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return a trigger's arguments as this Airflow puts them into its row, without the encryption."""
    if airflow.__version__.startswith("2."):
        from airflow.serialization.serialized_objects import BaseSerialization

        kept: Any = BaseSerialization.serialize(arguments)
    else:
        from airflow.sdk.serde import serialize

        kept = serialize(arguments)
    return dict(kept)


def left_behind(cloud: RunningCloud, task: Any) -> dict[str, Any]:
    """Run a task until it is put aside, and its trigger to each of its ends."""
    run = TaskRun(task)
    deferred = run.execute()
    assert isinstance(deferred, Deferred)
    path, arguments = deferred.trigger.serialize()
    timeout = event_of(BackupTrigger(**{**arguments, "deadline": time.time() + 0.1, "poll_interval": 0.1}))
    let_time_pass(cloud)
    good = event_of(BackupTrigger(**{**arguments, "poll_interval": 0.1}))
    return {
        "trigger": {"classpath": path, "arguments": arguments, "stored": stored(arguments)},
        "next_method": deferred.method_name,
        "xcoms": {key: json.loads(value) for key, value in run.ti.xcoms.items()},
        "events": {
            "good": good,
            "timeout": timeout,
            "trouble": {"outcome": "trouble", "message": "could not be seen since 2026-11-21 13:00:00 UTC."},
            "refused": {"outcome": "refused", "message": REFUSED},
        },
    }


def recorded(service: str, kind: str) -> dict[str, Any]:
    """Return what one operator or sensor leaves behind."""
    with RunningCloud() as cloud:
        os.environ[CONNECTION] = cloud.connection_json(attempts=2, retry_wait=0.05)
        cloud.set_backup_seconds(3600)
        if kind == "operator":
            return left_behind(cloud, create_operator(cloud, service, poll_interval=30.0))
        backup = taken(cloud, service)
        task = SENSORS[service](task_id="wait", backup=backup, deferrable=True, poke_interval=30.0, timeout=3600.0)
        return left_behind(cloud, task)


def main() -> None:
    """Print everything as JSON."""
    triggers: Any = importlib.import_module("airflow_provider_backup.triggers.backup")
    triggers.EARLIEST_QUESTION = 0.05
    rows = {f"{service} {kind}": recorded(service, kind) for service in SERVICES for kind in ("operator", "sensor")}
    print(json.dumps({"release": sys.argv[1], "airflow": airflow.__version__, "left behind": rows}, indent=1))


if __name__ == "__main__":
    main()
