"""1,000 backups of RDS instances by eight workers, with a calm gateway and with one that throttles."""

from __future__ import annotations

import json
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from airflow_provider_backup.emulator.airflow_connection import connection_json
from benchmarks.client.tally import percentile
from benchmarks.processes import Subordinate, cores

BACKUPS = 1_000
WORKERS = 8
REQUESTS_PER_SECOND = 40
"""What the throttling gateway lets through of each kind of request."""

_THROTTLE = {"kind": "throttle", "service": "rds", "limit": REQUESTS_PER_SECOND, "window": 1.0, "retry_after": 1}


def measured_submits() -> list[dict[str, Any]]:
    """Return the figures with a calm gateway and with one that throttles."""
    return [_measured("calm", []), _measured(f"{REQUESTS_PER_SECOND} per second of each kind", [_THROTTLE])]


def _measured(gateway: str, faults: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    server_core, client_core = cores()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name, ExitStack() as stack:
        folder = Path(name)
        (folder / "faults.json").write_text(json.dumps(faults))
        arguments = ["airflow_provider_backup.emulator", "--port", "0", "--backup-seconds", "3600"]
        arguments += ["--extra-resources", str(BACKUPS), "--faults", str(folder / "faults.json")]
        cloud = json.loads(stack.enter_context(Subordinate(arguments, server_core, folder)).answer())
        instances = cloud["resources"]["rds_instances"][-BACKUPS:]
        connection = {"AIRFLOW_CONN_HUAWEICLOUD_BACKUP_DEFAULT": connection_json(cloud)}
        workers = [
            stack.enter_context(Subordinate(["benchmarks.submit.worker", str(number)], client_core, folder, connection))
            for number in range(WORKERS)
        ]
        for worker in workers:
            worker.expect("ready")
        began = time.monotonic()
        for number, worker in enumerate(workers):
            worker.say(json.dumps(instances[number::WORKERS]))
        told = [json.loads(worker.answer()) for worker in workers]
        seconds = time.monotonic() - began
        requests = httpx.get(f"{cloud['iam'].removesuffix('/v3')}/_control/requests", trust_env=False).json()
        each = sorted(duration for worker in told for duration in worker["seconds"])
        errors = Counter(error for worker in told for error in worker["errors"])
        return {
            "gateway": gateway,
            "seconds": seconds,
            "tasks": len(each),
            "failed": errors.total(),
            "errors": dict(errors.most_common(3)),
            "creations": _count(requests["requests"], "POST"),
            "reads": _count(requests["requests"], "GET"),
            "median": percentile(each, 0.5),
            "p99": percentile(each, 0.99),
        }


def _count(requests: Sequence[Mapping[str, Any]], method: str) -> int:
    return sum(each["count"] for each in requests if each["service"] == "rds" and each["method"] == method)
