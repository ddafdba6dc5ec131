"""The server of one run, a process of its own: the local cloud, and the same jobs in the dialects of the peers.

Commands come on standard input: ``begin SECONDS-SINCE-EPOCH`` lets the time run, ``tell`` prints what was counted;
at its end the process ends.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import ssl
import time
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.settings import CloudSettings, NetworkSettings, PasswordCredentials
from airflow_provider_backup.emulator.server import LocalCloud
from benchmarks.answers import Answers, commands
from benchmarks.place import Place
from benchmarks.process_limits import allow_many_sockets
from benchmarks.schedule import finish_offsets
from benchmarks.server.backups import SERVICES, SeededBackup, seeded_backups
from benchmarks.server.peer_routes import PeerJobs
from benchmarks.server.wire_counts import WireCounts
from benchmarks.tls import ca_file, server_context

_BACKLOG = 4096
_RUNNING_SECONDS = 120.0
"""How old the backups are when the server is ready, at least."""


async def _serve(answers: Answers, folder: Path, service: str | None, count: int, tls: ssl.SSLContext | None) -> None:
    counts = WireCounts()
    cloud = LocalCloud(port=0, backup_seconds=0.0, extra_resources=count + 1 if service else 0, tls=tls)
    await cloud.start()
    offsets = finish_offsets(count)
    peers = PeerJobs(offsets)
    runner = web.AppRunner(peers.application(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls, backlog=_BACKLOG)
    await site.start()
    began = time.time() - _RUNNING_SECONDS
    finished, backups = None, list[SeededBackup]()
    if service is not None:
        async with BackupCloud(_settings(cloud, folder if tls else None)) as client:
            finished, backups = await seeded_backups(cloud, client, service, count, datetime.fromtimestamp(began, UTC))
    place = Place(
        service=service,
        jobs=count,
        peers=f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}",
        cloud=cloud.describe(),
        references=[backup.reference for backup in backups],
        resources=[backup.resource_id for backup in backups],
        began=began,
        finished=finished,
    )
    place.write(folder)
    answers.say("ready")
    cpu_before = time.process_time()
    async for words in commands():
        if words[0] == "begin":
            start = float(words[1])
            peers.begin(start)
            for backup, offset in zip(backups, offsets, strict=False):
                backup.finish_at(datetime.fromtimestamp(start + offset, UTC))
            counts.reset()
            cpu_before = time.process_time()
            answers.say("begun")
        else:
            answers.say(json.dumps({**counts.told(), "server_cpu_seconds": time.process_time() - cpu_before}))
    await runner.cleanup()
    await cloud.stop()


def _settings(cloud: LocalCloud, ca_folder: Path | None) -> CloudSettings:
    description = cloud.describe()
    return CloudSettings(
        PasswordCredentials(description["user"], description["password"], description["domain"]),
        region=description["region"],
        cloud="custom",
        auth_url=description["iam"],
        network=NetworkSettings(ca_bundle=str(ca_file(ca_folder)) if ca_folder else None),
    )


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(prog="benchmarks.server")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--jobs", type=int, required=True)
    parser.add_argument("--service", choices=SERVICES)
    parser.add_argument("--tls", action="store_true")
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    allow_many_sockets()
    tls = server_context(options.folder) if options.tls else None
    asyncio.run(_serve(Answers(), options.folder, options.service, options.jobs, tls))


if __name__ == "__main__":
    main()
