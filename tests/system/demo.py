"""``make demo``: real Airflow runs the example DAGs against the local cloud, and one can watch.

Run from the checkout: ``python -m tests.system.demo [--keep]``.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

import httpx
from rich.console import Console

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.errors import BackupError
from airflow_provider_backup.emulator.server import DEFAULT_PORT, SERVICES
from tests.system.airflow_api import AirflowApi
from tests.system.cloud_contents import CloudItem, contents_of
from tests.system.demo_view import contents_table, opened_console, opened_view
from tests.system.local_airflow import AirflowStartError, LocalAirflow
from tests.system.local_cloud_process import CloudStartError, LocalCloudProcess
from tests.system.ports import is_free
from tests.system.run_board import RunBoard, TaskRow

EXAMPLE_DAGS = Path(__file__).parents[2] / "example_dags"
AIRFLOW_PORT = 8080
RUN_SECONDS = 180.0
"""How long the runs may take together."""

_END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class _Options:
    keep: bool
    backup_seconds: float
    dags: Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo.

    :param arguments: the command line without the program; none takes the process's own.
    :return: the exit code: 0 when every DAG run succeeded, 130 after Ctrl-C, else 1.
    """
    options = _options(arguments)
    for number in _END_SIGNALS:
        signal.signal(number, _end_in_order)
    console = opened_console()
    folder = Path(tempfile.mkdtemp(prefix="backup-demo-"))
    exit_code = 1
    try:
        exit_code = 0 if _run(console, folder, options) else 1
    except KeyboardInterrupt:
        exit_code = 130
        console.print("demo: stopped before its end")
    except (AirflowStartError, CloudStartError, BackupError, httpx.HTTPError) as error:
        _print_text(console, f"{error}\ndemo: failed")
    finally:
        if exit_code == 1:
            # Not to stdout, where the result is the last line.
            Console(stderr=True).print(f"The logs are in {folder}", soft_wrap=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return exit_code


def _options(arguments: Sequence[str] | None) -> _Options:
    parser = argparse.ArgumentParser(prog="demo", description="Run the example DAGs in real Airflow on a local cloud.")
    parser.add_argument("--keep", action="store_true", help="leave Airflow's UI and the cloud up until Ctrl-C")
    parser.add_argument("--backup-seconds", type=float, default=8.0, help="how long a backup takes (%(default)s)")
    parser.add_argument("--dags", type=Path, default=EXAMPLE_DAGS, help="folder of the DAG files (example_dags)")
    return _Options(**vars(parser.parse_args(arguments)))


def _end_in_order(number: int, frame: FrameType | None) -> NoReturn:
    # A closed terminal sends several, and none may come in between while everything is being stopped.
    for each in _END_SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def _run(console: Console, folder: Path, options: _Options) -> bool:
    with ExitStack() as stack:
        console.print("Starting the local cloud ...")
        cloud = stack.enter_context(
            LocalCloudProcess(folder, port=_cloud_port(options), backup_seconds=options.backup_seconds)
        )
        console.print("Starting Airflow: API server, scheduler, DAG processor and triggerer ...")
        airflow_port = AIRFLOW_PORT if options.keep and is_free(AIRFLOW_PORT) else None
        airflow = stack.enter_context(
            LocalAirflow(folder / "airflow", options.dags, environment=cloud.airflow_environment, port=airflow_port)
        )
        dag_ids = airflow.wait_for_dags()
        if options.keep:
            _print_access(console, airflow, cloud)
        console.print(f"Running {len(dag_ids)} example DAGs ...")
        board = RunBoard.start(airflow.api, dag_ids)
        contents = asyncio.run(_watch(console, board, airflow, cloud))
        if options.keep:
            _print_end(console, board, contents)
            _print_access(console, airflow, cloud)
            _wait_for_ctrl_c(airflow)
        console.print("Stopping Airflow and the local cloud ...")
    if not options.keep:
        _print_end(console, board, contents)
    return board.succeeded == len(dag_ids) > 0


def _cloud_port(options: _Options) -> int:
    wanted = range(DEFAULT_PORT, DEFAULT_PORT + len(SERVICES) + 1)
    return DEFAULT_PORT if options.keep and all(map(is_free, wanted)) else 0


async def _watch(console: Console, board: RunBoard, airflow: LocalAirflow, cloud: LocalCloudProcess) -> list[CloudItem]:
    """Show the runs until they are over or out of time, and return what is in the cloud then."""
    deadline = time.monotonic() + RUN_SECONDS
    async with BackupCloud(cloud.settings) as client:
        with opened_view(console) as view:
            while True:
                airflow.check()
                rows = await board.look(client)
                view.show(rows)
                if board.finished or time.monotonic() > deadline:
                    break
                await asyncio.sleep(1.0)
        for row in rows:
            _print_unfinished_or_failed(console, row, airflow.api, board.runs[row.dag])
        return await contents_of(client, cloud.description["resources"])


def _print_unfinished_or_failed(console: Console, row: TaskRow, api: AirflowApi, run_id: str) -> None:
    if row.state == "failed":
        log = api.log(row.dag, run_id, row.task_id, try_number=row.try_number, map_index=row.map_index)
        _print_text(console, f"\n{row.dag} {row.task} failed. The end of its log:\n{log[-3000:]}")
    elif row.is_open:
        _print_text(console, f"\n{row.dag} {row.task} was still {row.state} after {RUN_SECONDS:.0f} s")


def _print_end(console: Console, board: RunBoard, contents: Sequence[CloudItem]) -> None:
    console.print(contents_table(contents))
    console.print(f"demo: {board.succeeded} of {len(board.states)} DAG runs succeeded")


def _print_access(console: Console, airflow: LocalAirflow, cloud: LocalCloudProcess) -> None:
    description = cloud.description
    _print_text(
        console,
        f"\nAirflow      {airflow.url}   user {airflow.user}   password {airflow.password}\n"
        f"Local cloud  {description['iam']}   user {description['user']}   password {description['password']}"
        f"   domain {description['domain']}   project {description['project_name']}\n"
        "Ctrl-C stops both.\n",
    )


def _wait_for_ctrl_c(airflow: LocalAirflow) -> None:
    try:
        while True:
            airflow.check()
            time.sleep(1.0)
    except KeyboardInterrupt:
        return


def _print_text(console: Console, text: str) -> None:
    console.print(text, markup=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
