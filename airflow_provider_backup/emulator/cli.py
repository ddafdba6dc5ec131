"""The command ``backup-cloud-emulator``: starts the local cloud and prints how to reach it as one JSON line."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import math
import signal
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from airflow_provider_backup import __version__
from airflow_provider_backup.cloud.errors import ConfigurationError
from airflow_provider_backup.cloud.http.urls import is_loopback
from airflow_provider_backup.cloud.services.registry import SERVICES
from airflow_provider_backup.emulator.core.state_file import locked
from airflow_provider_backup.emulator.faults.specs import read_faults
from airflow_provider_backup.emulator.postgres.programs import PostgresError
from airflow_provider_backup.emulator.server import DEFAULT_PORT, LocalCloud

_MOST_EXTRA_RESOURCES = 10_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the local cloud until SIGINT or SIGTERM.

    :param arguments: the command line without the command's name; ``None`` takes the process's own.
    :return: the exit code: 0 when it was stopped by a signal, 1 when it could not start.
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    if not is_loopback(options.host):
        print(
            f"WARNING: the local cloud listens on {options.host}, so that other machines may reach it. "
            "Its password and keys are public, so that any client can log in.",
            file=sys.stderr,
        )
    try:
        # Locked until the process ends: it reads the file once and overwrites it later.
        with locked(options.state) if options.state is not None else nullcontext():
            cloud = LocalCloud(
                options.port,
                options.host,
                options.backup_seconds,
                options.state,
                extra_resources=options.extra_resources,
                postgres=options.postgres,
                automatic_backups=options.automatic_backups,
            )
            if options.faults is not None:
                _arm_faults(cloud, options.faults)
            asyncio.run(_serve(cloud))
    except (ConfigurationError, PostgresError) as error:
        print(error, file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"The state file {options.state} cannot be read: {error}. Next step: remove it.", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"The state file {options.state} cannot be used: {error.strerror}.", file=sys.stderr)
        return 1
    return 0


def _arm_faults(cloud: LocalCloud, file: Path) -> None:
    try:
        cloud.faults.arm(read_faults(json.loads(file.read_text())))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigurationError(
            f"The fault file {file} cannot be used: {reason}.",
            next_step="Provide a JSON list of faults as accepted by POST /_control/faults.",
        ) from error


async def _serve(cloud: LocalCloud) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await cloud.start()
    try:
        print(json.dumps(cloud.describe()), flush=True)
        await stop.wait()
    finally:
        await cloud.stop()
        cloud.discard()


def _parser() -> argparse.ArgumentParser:
    backups = ", ".join(manifest.abbreviation or manifest.title for manifest in SERVICES.values())
    parser = argparse.ArgumentParser(
        prog="backup-cloud-emulator",
        description=f"A local cloud for tests and demonstrations: identity service and backups of {backups}. "
        "This is a development tool: it protects no data, its credentials are public, and it listens on this machine "
        "only by default. When ready it prints one JSON line with all addresses, credentials and ids, "
        "and a connection for Airflow.",
        epilog="While it runs, GET / lists its services and GET /_control documents its faults "
        "(both on the port of the identity service).",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument(
        "--port",
        type=_port,
        default=DEFAULT_PORT,
        help=f"port of the identity service; the {len(SERVICES)} services use the next ones; 0 uses free ports "
        "(default: %(default)s)",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--backup-seconds",
        type=_seconds,
        default=5.0,
        metavar="S",
        help="duration of a backup in seconds (default: %(default)s)",
    )
    parser.add_argument(
        "--state",
        type=Path,
        metavar="FILE",
        help="keep the state in this file across restarts, readable by its owner only; FILE.lock prevents use by other "
        "processes (default: in memory only)",
    )
    parser.add_argument(
        "--extra-resources",
        type=_count,
        default=0,
        metavar="N",
        help="add N servers, each with a disk, and N instances of each database service; an existing state file "
        "keeps its own (default: %(default)s)",
    )
    parser.add_argument(
        "--postgres",
        action="store_true",
        help="let the PostgreSQL instances of RDS be real PostgreSQL servers on loopback, which backups copy and "
        "restores bring back; needs the extra postgres (default: instances have no data but a content version)",
    )
    parser.add_argument(
        "--automatic-backups",
        action="store_true",
        help="let the database instances be backed up every night by the policies that they have from the start; "
        "policies that a client makes or changes run by their schedules in any case",
    )
    parser.add_argument(
        "--faults",
        type=Path,
        metavar="FILE",
        help="inject faults from the start: a JSON list of faults as accepted by POST /_control/faults",
    )
    return parser


def _port(text: str) -> int:
    last = 65535 - len(SERVICES)
    if not text.isdecimal() or int(text) > last:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {last} (the next ports must exist)")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) > _MOST_EXTRA_RESOURCES:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {_MOST_EXTRA_RESOURCES}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds) or seconds < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 0 or more")
    return seconds
