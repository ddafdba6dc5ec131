"""A local cloud whose backups run until they are told to finish; a process of its own.

It says how to reach it. The command ``finish SECONDS-SINCE-EPOCH SPREAD`` on standard input lets all running backups
of disks finish from that moment on, evenly spread over so many seconds.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from datetime import UTC, datetime

from airflow_provider_backup.emulator.server import LocalCloud
from benchmarks.answers import Answers, commands

_LONG = 36_000.0


async def _serve(answers: Answers, disks: int) -> None:
    cloud = LocalCloud(port=0, backup_seconds=_LONG, extra_resources=disks)
    await cloud.start()
    answers.say(json.dumps(cloud.describe()))
    async for _, start, spread in commands():
        _finish(cloud, float(start), float(spread))
        answers.say("finishing")
    await cloud.stop()


def _finish(cloud: LocalCloud, start: float, spread: float) -> None:
    for table in ("vbs.backups", "vbs.jobs"):
        running = [row for row in cloud.state.table(table).values() if not cloud.state.is_ready(row)]
        for number, row in enumerate(running):
            row["ready_at"] = datetime.fromtimestamp(start + spread * number / len(running), UTC).isoformat()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(_serve(Answers(), int(sys.argv[1])))
