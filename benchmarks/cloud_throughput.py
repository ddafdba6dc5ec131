"""How many requests the local cloud answers in a second, with many backups in it; it has a core for itself."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.contenders.cloud_session import cloud_session
from benchmarks.place import Place
from benchmarks.processes import Subordinate, cores

BACKUPS = 5_000
_AT_ONCE = 16
_SECONDS = 3.0

_QUESTIONS = {
    "cbr": {
        "one backup": "/v3/{project}/checkpoints/{backup}",
        "a page of 1,000 backups": "/v3/{project}/backups?limit=1000",
        "a page of 1,000 that are in progress": "/v3/{project}/backups?limit=1000&status=protecting",
    },
    "gaussdb": {
        "one backup": "/v3/{project}/backups?backup_id={backup}",
        "a page of 100 backups": "/v3/{project}/backups?limit=100",
    },
    "rds": {"a page of 100 instances": "/v3/{project}/instances?limit=100"},
}


def measured_throughput() -> list[dict[str, Any]]:
    """Return a row for each question: answers in a second, and their size in bytes."""
    server_core, client_core = cores()
    rows = []
    for service, questions in _QUESTIONS.items():
        with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
            arguments = ["benchmarks.server", name, "--jobs", str(BACKUPS), "--service", service]
            with Subordinate(arguments, server_core, Path(name)) as server:
                server.expect("ready")
                place = Place.read(Path(name))
                before = os.sched_getaffinity(0)
                os.sched_setaffinity(0, {client_core})
                try:
                    for title, path in questions.items():
                        rows.append(_row(server, place, service, title, path))
                finally:
                    os.sched_setaffinity(0, before)
    return rows


def _row(server: Subordinate, place: Place, service: str, title: str, path: str) -> dict[str, Any]:
    server.say(f"begin {time.time() + 3600}")
    server.expect("begun")
    url = place.cloud[service] + path.format(
        project=place.cloud["project_id"], backup=place.references[BACKUPS // 2]["backup_id"]
    )
    size, seconds = asyncio.run(_ask(place, url))
    server.say("tell")
    told = json.loads(server.answer())
    return {
        "service": service,
        "question": title,
        "bytes": size,
        "per_second": told["requests"] / seconds,
        "server_milliseconds": 1000 * told["server_cpu_seconds"] / told["requests"],
    }


async def _ask(place: Place, url: str) -> tuple[int, float]:
    size = 0
    async with cloud_session(place) as session:
        began = time.monotonic()

        async def go_on() -> None:
            nonlocal size
            while time.monotonic() < began + _SECONDS:
                async with session.get(url) as answer:
                    answer.raise_for_status()
                    size = len(await answer.read())

        await asyncio.gather(*(go_on() for _ in range(_AT_ONCE)))
        return size, time.monotonic() - began
