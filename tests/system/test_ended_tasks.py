"""Tasks that a user ends while they wait, in real Airflow components: whose backup is deleted and whose stays."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.errors import NotFoundError
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.operations.status import Phase
from tests.system.local_airflow import LocalAirflow
from tests.system.local_cloud_process import LocalCloudProcess

pytestmark = pytest.mark.system

DAG, OTHER_DAG = "tasks_to_end", "run_to_end"
PATIENCE = 900.0
"""Seconds for one state to come about: a loaded machine takes many times longer than an idle one."""
BACKUP_SECONDS = 60 * 60
"""Of the cloud's clock, which the test sets forward: no backup is over before the test says so."""
DELETED = {"failed", "mapped[1]", "on_worker", "waiting"}


class Ends:
    """What became of the tasks and their backups.

    :param airflow: where they run.
    :param cloud: where the backups are.
    """

    def __init__(self, airflow: LocalAirflow, cloud: LocalCloudProcess) -> None:
        self.airflow = airflow
        self.cloud = cloud
        self.runs: dict[str, str] = {}
        self.backups: dict[str, dict[str, Any]] = {}

    def begin(self) -> None:
        """Start all tasks and wait until each one waits for its backup."""
        api = self.airflow.api
        self.airflow.wait_for_dags()
        for dag_id in (DAG, OTHER_DAG):
            api.unpause(dag_id)
            self.runs[dag_id] = api.trigger(dag_id)
        self.wait_until(lambda: self.states() == self.first_states(), self.states)
        # A task that is ended before its trigger has begun has nobody whom Airflow could tell.
        deferred = [name for name, state in self.first_states().items() if state == "deferred"]
        self.wait_until(lambda: self.triggers() == len(deferred), self.triggers)
        self.backups = self.references()

    def end(self) -> None:
        """End the tasks, each in its way, and wait until nothing changes any more."""
        api, run_id = self.airflow.api, self.runs[DAG]
        api.mark_task(DAG, run_id, "failed", "failed")
        api.mark_task(DAG, run_id, "failed_by_default", "failed")
        api.mark_task(DAG, run_id, "succeeded", "success")
        api.mark_task(DAG, run_id, "mapped", "failed", map_index=1)
        api.clear(DAG, run_id, "cleared")
        api.mark_run(OTHER_DAG, self.runs[OTHER_DAG], "failed")
        still_made = DELETED - {"on_worker"}
        self.wait_until(lambda: self.awaited_for_deletion() >= still_made, self.awaited_for_deletion)
        self.cloud.advance_clock(BACKUP_SECONDS)
        # On a worker Airflow grants five seconds, so that only a backup that is over can be deleted.
        self.wait_until(lambda: "on_worker" not in self.in_phase(Phase.IN_PROGRESS), self.states)
        api.mark_task(DAG, run_id, "on_worker", "failed")
        self.wait_until(lambda: self.gone() >= DELETED, self.gone)
        self.wait_until(lambda: self.states()["mapped[0]"] == "success", self.states)
        # It waited for the end of its earlier backup, deferred as well.
        self.wait_until(lambda: "cleared" in self.references(), self.states)

    def references(self) -> dict[str, dict[str, Any]]:
        """Return what the present tries of the tasks have started, by name."""
        api = self.airflow.api
        return {
            _name(entry): api.xcom(dag_id, run_id, entry["task_id"], entry["key"], map_index=entry["map_index"])
            for dag_id, run_id in self.runs.items()
            for entry in api.xcom_entries(dag_id, run_id)
            if entry["key"] == "backup_reference"
        }

    def first_states(self) -> dict[str, str]:
        """Return the states of tasks that wait for their backups."""
        deferred = ("failed", "failed_by_default", "succeeded", "cleared", "mapped[0]", "mapped[1]", "waiting")
        return {**dict.fromkeys(deferred, "deferred"), "on_worker": "running"}

    def states(self) -> dict[str, str]:
        """Return the states of all tasks by name."""
        return {
            _name(instance): instance["state"]
            for dag_id, run_id in self.runs.items()
            for instance in self.airflow.api.task_instances(dag_id, run_id)
        }

    def triggers(self) -> int:
        """Return how many triggers have begun: each one has a log of its own, in which it says so."""
        logs = self.airflow.home.glob("logs/**/*.trigger.*.log")
        return sum(" starting" in log.read_text() for log in logs)

    def gone(self) -> set[str]:
        """Return the names of the tasks whose first backups are gone or going."""
        return self.in_phase(Phase.DELETED, Phase.DELETING)

    def awaited_for_deletion(self) -> set[str]:
        """Return the names of the tasks whose triggers wait for the end of a backup, to delete it."""
        said = self._trigger_logs()
        return {name for name, backup in self.backups.items() if f"{backup['backup_id']} is still running" in said}

    def in_phase(self, *phases: Phase) -> set[str]:
        """Return the names of the tasks whose first backups are in one of these phases."""
        return {name for name, phase in asyncio.run(self._phases()).items() if phase in phases}

    async def _phases(self) -> dict[str, Phase]:
        async with BackupCloud(self.cloud.settings) as client:
            return {name: await _phase(client, backup) for name, backup in self.backups.items()}

    def log(self, name: str) -> str:
        """Return what a task that is not mapped logged in its first try, and what the triggerer logged."""
        dag_id = OTHER_DAG if name == "waiting" else DAG
        return self.airflow.api.log(dag_id, self.runs[dag_id], name) + self._trigger_logs()

    def _trigger_logs(self) -> str:
        # The task's log is closed when its trigger ends: Airflow puts what is said later into the triggerer's own log,
        # or into that of a trigger that still runs.
        (triggerer,) = (component for component in self.airflow.components if component.name == "triggerer")
        said = [triggerer.log, *self.airflow.home.glob("logs/**/*.trigger.*.log")]
        return "".join(log.read_text() for log in said)

    def wait_until(self, condition: Callable[[], bool], tell: Callable[[], object]) -> None:
        """Wait for a condition; fail with what ``tell`` says when it does not come true."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            self.airflow.check()
            assert time.monotonic() < deadline, tell()
            time.sleep(0.5)


def _name(row: dict[str, Any]) -> str:
    return str(row["task_id"]) if row["map_index"] < 0 else f"{row['task_id']}[{row['map_index']}]"


async def _phase(client: BackupCloud, backup: dict[str, Any]) -> Phase:
    reference = OperationReference.from_dict(backup)
    try:
        return (await client.service(reference.service).observe(reference)).phase
    except NotFoundError:
        return Phase.DELETED


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ends]:
    """All tasks, ended; an Airflow and a cloud of their own, whose backups go on until the clock is set forward."""
    folder = tmp_path_factory.mktemp("ended")
    dags = Path(__file__).parent / "ended_dags"
    with (
        LocalCloudProcess(folder / "cloud", backup_seconds=BACKUP_SECONDS, extra_resources=8) as cloud,
        LocalAirflow(folder / "airflow", dags, environment=cloud.airflow_environment) as airflow,
    ):
        ends = Ends(airflow, cloud)
        ends.begin()
        ends.end()
        yield ends


def test_the_backups_of_ended_tasks_are_deleted_and_all_others_stay(ends: Ends) -> None:
    assert ends.gone() == DELETED


def test_a_cleared_task_takes_a_backup_of_its_own(ends: Ends) -> None:
    again = ends.airflow.api.xcom(DAG, ends.runs[DAG], "cleared", "backup_reference")
    assert again["backup_id"] != ends.backups["cleared"]["backup_id"]


@pytest.mark.parametrize("name", ["failed_by_default", "succeeded"])
def test_the_log_names_the_backup_that_stays(ends: Ends, name: str) -> None:
    assert f"{ends.backups[name]['backup_id']} is left alone" in ends.log(name)


@pytest.mark.parametrize("name", ["failed", "on_worker", "waiting"])
def test_the_log_names_the_backup_that_is_deleted(ends: Ends, name: str) -> None:
    assert f"requested the deletion of vbs job {ends.backups[name]['backup_id']}" in ends.log(name)
