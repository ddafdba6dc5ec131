"""``make test-cluster``: 160 backups and 40 restores on a cluster that is hit again and again, each done once.

Run from the checkout: ``python -m tests.cluster``. What it prints at its end goes into ``docs/reliability.md``.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from sqlalchemy.exc import DBAPIError

from airflow_provider_backup.cloud.client import BackupCloud
from tests.cluster.chaos import Chaos, blows_against, described
from tests.cluster.cluster import Cluster
from tests.cluster.damage import BACKED_UP
from tests.cluster.evidence import (
    DAG_ID,
    Adoptions,
    Requests,
    accepted_restores,
    backups_in,
    expected_backups,
    expected_restores,
    unproven_restores,
)
from tests.cluster.metadata import Snapshot
from tests.cluster.verdict import faults_found, restore_faults

LOG_TAILS = 5
"""Of how many unfinished or failed tasks the log is shown."""

_OVER = frozenset({"success", "failed", "upstream_failed", "skipped", "removed"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the test.

    :param arguments: the command line without the program; ``None`` takes the process's own.
    :return: the exit code: 0 when all is as it should be, 130 after Ctrl-C, else 1.
    """
    parser = argparse.ArgumentParser(prog="cluster", description="Hit a cluster while it takes and restores backups.")
    parser.add_argument("--backup-seconds", type=float, default=260.0, help="how long a backup takes (%(default)s)")
    parser.add_argument("--run-seconds", type=float, default=1500.0, help="when to give up (%(default)s)")
    parser.add_argument("--keep", action="store_true", help="keep all logs, also when all went well")
    parser.add_argument("--calm", action="store_true", help="leave the cluster alone, to compare")
    options = parser.parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end_in_order)
    folder = Path(tempfile.mkdtemp(prefix="cluster-test-"))
    succeeded = False
    try:
        with Cluster(folder, backup_seconds=options.backup_seconds, report=_say) as cluster:
            succeeded = _run(cluster, options.run_seconds, options.calm)
    except KeyboardInterrupt:
        _say("stopped before its end")
        return 130
    finally:
        if succeeded and not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            _say(f"the logs are in {folder}")
    return 0 if succeeded else 1


def _end_in_order(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


_BEGAN = time.monotonic()


def _say(text: str) -> None:
    print(f"{time.monotonic() - _BEGAN:6.1f} s  {text}", flush=True)


def _run(cluster: Cluster, run_seconds: float, calm: bool) -> bool:
    cluster.airflow.wait_for_dags()
    api = cluster.airflow.api
    api.unpause(DAG_ID)
    run_id = api.trigger(DAG_ID)
    _say(f"all components run; the run {run_id} begins")
    chaos = Chaos([] if calm else blows_against(cluster, run_id), _say)
    last = _watch(cluster, chaos, run_id, run_seconds)
    seconds = chaos.seconds
    faults = asyncio.run(_faults(cluster, run_id, last)) + _restore_faults(cluster, last)
    faults += [f"not done: {title}" for title in chaos.missing]
    faults += [f"no recovery: {landed.blow.title}" for landed in chaos.landed if landed.recovered_after is None]
    _print_figures(cluster, chaos, run_id, last, seconds)
    if faults:
        _print_logs(cluster, last)
    for fault in faults:
        print(f"FAULT: {fault}")
    print(f"cluster: {last.states['success']} of {len(last.tasks)} tasks succeeded, {len(faults)} faults", flush=True)
    return not faults


def _watch(cluster: Cluster, chaos: Chaos, run_id: str, run_seconds: float) -> Snapshot:
    last, said = Snapshot(), ""
    while chaos.seconds < run_seconds:
        cluster.supervisor.tend()
        try:
            snapshot = cluster.metadata.snapshot(run_id)
        except DBAPIError:
            # The database is one of those that are hit.
            time.sleep(1.0)
            continue
        # Mapped task instances come to be a little after the run; until then a placeholder stands for each task.
        if all(key[1] >= 0 for key in snapshot.tasks):
            last = snapshot
            if (states := described(last)) != said:
                said = states
                _say(states)
            chaos.look(last)
            is_over = all(task.state in _OVER for task in last.tasks.values())
            if last.tasks and is_over and all(landed.recovered_after is not None for landed in chaos.landed):
                break
        time.sleep(1.0)
    return last


async def _faults(cluster: Cluster, run_id: str, last: Snapshot) -> list[str]:
    async with BackupCloud(cluster.cloud.settings) as client:
        backups = await backups_in(client, cluster.work)
    results = cluster.metadata.results(run_id)
    expected = expected_backups(cluster.work, run_id)
    return faults_found(
        expected,
        {key: task.state for key, task in last.tasks.items() if key in expected},
        {key: result.get("backup_ids", []) for key, result in results.items() if key in expected},
        backups,
    )


def _restore_faults(cluster: Cluster, last: Snapshot) -> list[str]:
    return restore_faults(
        expected_restores(cluster.work),
        {key: task.state for key, task in last.tasks.items()},
        accepted_restores(cluster.cloud.tables),
        unproven=unproven_restores(_task_logs(cluster)),
        versions=cluster.damage.versions(list(cluster.work.restores.values())),
        wanted=BACKED_UP,
    )


def _task_logs(cluster: Cluster) -> Path:
    return cluster.airflow.home / "logs"


def _print_figures(cluster: Cluster, chaos: Chaos, run_id: str, last: Snapshot, seconds: float) -> None:
    requests = Requests.in_log(cluster.cloud.log)
    tries = cluster.metadata.tries(run_id)
    own_ends = [name for name, killed_by_us in cluster.supervisor.restarts if not killed_by_us]
    print("\n| what | after | tasks then | it met | well again after | that is |\n|---|---|---|---|---|---|")
    for landed in chaos.landed:
        blow = landed.blow
        recovered = "never" if landed.recovered_after is None else f"{landed.recovered_after:.0f} s"
        cells = (blow.title, f"{landed.at:.0f} s", landed.states, landed.struck.hit, recovered, blow.recovery)
        print(f"| {' | '.join(cells)} |")
    print(f"\nThe run took {seconds:.0f} s. Tasks: {described(last)}.")
    print("Tries: " + ", ".join(f"{count} tasks {number}" for number, count in sorted(tries.items())) + ".")
    adoptions = Adoptions.in_logs(_task_logs(cluster))
    print(f"Backups and restores that a task found again instead of starting a second one: {adoptions.found}.")
    print(f"Requests for a backup or a restore that got no clear answer: {adoptions.lost_answers}.")
    print(f"Requests for a backup that were answered, by status: {dict(requests.creations)}.")
    print(f"Requests for a restore that were answered, by status: {dict(requests.restores)}.")
    versions = cluster.damage.versions(list(cluster.work.restores.values()))
    print(
        f"Restores that the cloud accepted: {len(accepted_restores(cluster.cloud.tables))} "
        f"for {len(cluster.work.restores)} tasks; data that came back: {Counter(versions.values())[BACKED_UP]}; "
        f"tasks that could not prove their restore and sent nothing: {len(unproven_restores(_task_logs(cluster)))}."
    )
    print(f"All requests, by status: {dict(sorted(requests.by_status.items()))}.")
    print(f"Components that ended by themselves and were started again: {', '.join(own_ends) or 'none'}.\n")


def _print_logs(cluster: Cluster, last: Snapshot) -> None:
    bad = [task for task in last.tasks.values() if task.state != "success"]
    for task in bad[:LOG_TAILS]:
        pattern = f"logs/dag_id={DAG_ID}/**/task_id={task.task_id}/map_index={task.map_index}/*"
        for log in sorted(cluster.airflow.home.glob(pattern)):
            text = log.read_text(errors="replace") if log.is_file() else ""
            print(f"--- {log}\n{text[-3000:]}")


if __name__ == "__main__":
    sys.exit(main())
