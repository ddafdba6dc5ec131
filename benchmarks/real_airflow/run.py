"""1,000 deferred tasks on one triggerer: with our trigger, and with one that only sleeps."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from airflow_provider_backup.emulator.airflow_connection import connection_json
from benchmarks.processes import Subordinate, cores
from benchmarks.real_airflow.airflow import collector_folder, running_airflow
from benchmarks.real_airflow.blocks import Block, blocks_in, passes_of
from tests.cluster.metadata import Metadata
from tests.system.local_airflow import LocalAirflow
from tests.system.own_process import OwnProcess

_PLATEAU = 60.0
"""Seconds in which all tasks are deferred at the same time, at least."""

_SPREAD = 30.0
"""Seconds over which they finish."""

_PATIENCE = 1800.0
_OVER = frozenset({"success", "failed", "upstream_failed", "skipped", "removed"})


def measured_triggerers(report: Callable[[str], None], tasks: int | None = None) -> list[dict[str, Any]]:
    """Return the figures of both.

    :param report: told what happens, a line at a time.
    :param tasks: how many tasks; ``None`` takes ``BENCHMARK_TASKS`` or 1,000.
    """
    count = tasks or int(os.environ.get("BENCHMARK_TASKS", "1000"))
    folder = Path(tempfile.mkdtemp(prefix="benchmark-"))
    report(f"logs are in {folder}; they stay there when it fails")
    figures = _measured(folder, count, report)
    shutil.rmtree(folder, ignore_errors=True)
    return figures


def _measured(folder: Path, count: int, report: Callable[[str], None]) -> list[dict[str, Any]]:
    with Subordinate(["benchmarks.real_airflow.cloud", str(count)], cores()[0], folder) as cloud:
        description = json.loads(cloud.answer())
        disks = description["resources"]["volumes"][-count:]
        with running_airflow(folder, connection_json(description), disks) as (airflow, metadata):
            report("Airflow runs")
            trial = _Trial(airflow, metadata, count, collector_folder(folder), report)
            ours = trial.begin("ours", {})
            trial.wait_until_deferred()
            moment = time.time() + _PLATEAU
            cloud.say(f"finish {moment} {_SPREAD}")
            cloud.expect("finishing")
            seconds_until = moment - trial.began
            figures = [trial.end()]
            report(f"{ours} is over: {figures[0]}")
            trial = _Trial(airflow, metadata, count, collector_folder(folder), report)
            # As long as ours, so that both triggerers live through the same time.
            sleeping = trial.begin("sleeping", {"moment": time.time() + seconds_until, "spread": _SPREAD})
            trial.wait_until_deferred()
            figures.append(trial.end())
            report(f"{sleeping} is over: {figures[1]}")
            return figures


class _Trial:
    """One run of one DAG."""

    def __init__(
        self, airflow: LocalAirflow, metadata: Metadata, tasks: int, collector: Path, report: Callable[[str], None]
    ) -> None:
        self._airflow, self._metadata, self._tasks, self._report = airflow, metadata, tasks, report
        self._collector = collector
        self._triggerer = next(each for each in airflow.components if each.name == "triggerer")
        self._blocks_before = len(self._blocks())
        self._cpu_before = _cpu_seconds(self._triggerer)
        self._cpu_deferred = self._cpu_before
        self.began = time.time()
        self._dag_id = self._run_id = ""

    def begin(self, dag_id: str, configuration: dict[str, Any]) -> str:
        """Start the run and return its id."""
        self._dag_id = dag_id
        self._airflow.api.unpause(dag_id)
        self._run_id = self._airflow.api.trigger(dag_id, configuration)
        return self._run_id

    def wait_until_deferred(self) -> None:
        """Return when all tasks are deferred at the same time."""
        self._wait(lambda states: states.get("deferred", 0) >= self._tasks, "are not deferred")
        self._cpu_deferred = _cpu_seconds(self._triggerer)

    def end(self) -> dict[str, Any]:
        """Wait until all tasks are over, and return the figures."""
        states = self._wait(
            lambda states: sum(states[state] for state in _OVER & set(states)) >= self._tasks, "run still"
        )
        cpu = _cpu_seconds(self._triggerer)
        return {
            "trigger": self._dag_id,
            "tasks": self._tasks,
            "finished": states.get("success", 0),
            "seconds": time.time() - self.began,
            "cpu_seconds": cpu - self._cpu_before,
            "cpu_seconds_from_deferred": cpu - self._cpu_deferred,
            "blocks": self._blocks()[self._blocks_before :],
            "tries": {str(number): count for number, count in self._metadata.tries(self._run_id).items()},
        }

    def _blocks(self) -> list[Block]:
        # The triggers run in a process that the triggerer starts.
        runners = [each.pid for each in self._triggerer.family() if each.pid != self._triggerer.pid]
        passes = [each for runner in runners for each in passes_of(self._collector, runner)]
        return blocks_in(self._triggerer.log.read_text(errors="replace"), passes)

    def _wait(self, condition: Callable[[dict[str, int]], bool], otherwise: str) -> dict[str, int]:
        deadline = time.monotonic() + _PATIENCE
        said = 0.0
        while not condition(states := dict(self._metadata.snapshot(self._run_id).states)):
            self._airflow.check()
            if states.get("failed"):
                raise RuntimeError(f"Tasks failed: {states}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"Tasks {otherwise} after {_PATIENCE:.0f} s: {states}")
            if time.monotonic() > said + 30:
                said = time.monotonic()
                self._report(f"{self._dag_id}: {states}")
            time.sleep(2.0)
        return states


def _cpu_seconds(process: OwnProcess) -> float:
    return sum(sum(member.cpu_times()[:2]) for member in process.family())
