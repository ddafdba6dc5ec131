"""One run of everything: the example DAGs in real Airflow components, against the local cloud, all in processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.operations.status import Phase
from tests.statuses import phase_of
from tests.system.cloud_contents import CloudItem, contents_of
from tests.system.demo import NEED_DATABASE
from tests.system.local_airflow import LocalAirflow
from tests.system.local_cloud_process import LocalCloudProcess
from tests.system.run_board import RunBoard, TaskRow

pytestmark = pytest.mark.system

RUN_SECONDS = 900.0


@dataclass
class ExampleRuns:
    """How the runs of all example DAGs went.

    :param board: the runs.
    :param rows: every task in every state that was seen.
    :param contents: what was in the cloud afterwards.
    :param logs: what the tasks logged in their last try, by DAG and task.
    """

    board: RunBoard
    rows: set[TaskRow] = field(default_factory=set)
    contents: list[CloudItem] = field(default_factory=list)
    logs: dict[tuple[str, str], str] = field(default_factory=dict)

    def final_rows(self) -> list[TaskRow]:
        """Return the tasks as they ended."""
        return [row for row in self.rows if not row.is_open]


@pytest.fixture(scope="module")
def runs(local_airflow: LocalAirflow, local_cloud: LocalCloudProcess) -> ExampleRuns:
    return asyncio.run(_run_examples(local_airflow, local_cloud))


async def _run_examples(airflow: LocalAirflow, cloud: LocalCloudProcess) -> ExampleRuns:
    runs = ExampleRuns(RunBoard.start(airflow.api, airflow.wait_for_dags(without=(NEED_DATABASE,))))
    deadline = time.monotonic() + RUN_SECONDS
    async with BackupCloud(cloud.settings) as client:
        while not runs.board.finished and time.monotonic() < deadline:
            airflow.check()
            runs.rows |= set(await runs.board.look(client))
            await asyncio.sleep(0.5)
        runs.contents = await contents_of(client, cloud.description["resources"])
    for row in runs.final_rows():
        if row.state in ("success", "failed"):
            log = airflow.api.log(
                row.dag, runs.board.runs[row.dag], row.task_id, try_number=row.try_number, map_index=row.map_index
            )
            runs.logs[row.dag, row.task] = log
    return runs


def test_every_example_dag_succeeds(runs: ExampleRuns) -> None:
    failed_logs = [f"{key}:\n{log}" for key, log in runs.logs.items() if _state_of(runs, key) == "failed"]

    assert runs.board.states, "no example DAG was found"
    assert set(runs.board.states.values()) == {"success"}, "\n".join([str(runs.board.states), *failed_logs])


def _state_of(runs: ExampleRuns, key: tuple[str, str]) -> str:
    return next(row.state for row in runs.final_rows() if (row.dag, row.task) == key)


def test_tasks_wait_for_backups_in_the_triggerer(runs: ExampleRuns) -> None:
    waited = {row.dag for row in runs.rows if row.state == "deferred" and row.subject}

    assert waited, "no task was seen deferred"


def test_every_backup_that_a_task_reports_is_good_in_the_cloud(runs: ExampleRuns) -> None:
    # Tasks that restore name their backup behind what they restored.
    reported = {row.subject for row in runs.final_rows() if row.status and not row.subject.startswith("restore of ")}
    good = {
        item.name
        for item in runs.contents
        if item.kind == "backup" and phase_of(item.service, item.status) is Phase.SUCCEEDED
    }

    assert reported
    assert reported - good == set()


def test_the_cloud_holds_the_policies_of_the_examples(runs: ExampleRuns) -> None:
    assert {item.service for item in runs.contents if item.kind == "policy"} >= {"vbs", "csbs", "cbr"}


@pytest.mark.usefixtures("runs")
def test_no_secret_is_written_anywhere_by_airflow(local_airflow: LocalAirflow, local_cloud: LocalCloudProcess) -> None:
    secrets = [local_cloud.description[key].encode() for key in ("password", "sk")]

    leaks = [file for file in _files_below(local_airflow.home) for secret in secrets if secret in file.read_bytes()]

    assert leaks == []


def _files_below(folder: Path) -> Iterator[Path]:
    return (file for file in folder.rglob("*") if file.is_file())


def test_airflow_lists_the_provider(local_airflow: LocalAirflow) -> None:
    packages = [provider["package_name"] for provider in local_airflow.api.providers()]

    assert "airflow-provider-backup" in packages
