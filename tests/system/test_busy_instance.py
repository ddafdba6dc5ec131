"""Tasks that wait for a busy instance hold no worker slot, in real Airflow components with four slots."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_backup.cloud.client import BackupCloud
from tests.system.airflow_api import FINISHED_STATES
from tests.system.local_airflow import LocalAirflow
from tests.system.local_cloud_process import LocalCloudProcess

pytestmark = pytest.mark.system

DAG, SLOTS_DAG = "busy_instance", "all_slots"
TASKS = [("backup", index) for index in range(5)]
CLEARED = ("cleared", -1)
PATIENCE = 900.0
"""Seconds until a state must be reached: a loaded machine takes many times longer than an idle one."""
BACKUP_SECONDS = 60 * 60
"""Of the cloud's clock, which the test sets forward: no backup ends before, however slow the machine is."""
WATCHES_A_BACKUP = "airflow_provider_backup.triggers.backup.BackupTrigger"
"""The class of a trigger that fires when a backup ends, and not before."""

TaskKey = tuple[str, int]


class BusyInstances:
    """Five mapped backups of one instance and a cleared task of another; what was seen while they waited.

    The cloud's clock is set forward only when no task holds a slot. If one waited on its worker, that would never
    happen, and :meth:`wait_until` would fail.

    :param airflow: where they run.
    :param cloud: where the backups are.
    """

    def __init__(self, airflow: LocalAirflow, cloud: LocalCloudProcess) -> None:
        self.airflow = airflow
        self.cloud = cloud
        self.run_id = ""
        self.busy, self.other = cloud.description["resources"]["rds_instances"][:2]
        self.before = {each: set(self._listed(each)) for each in (self.busy, self.other)}
        self.first_of_cleared = ""
        self.taken_until_cleared_waits: set[str] = set()
        self.slots_run_state = ""
        self.seen_meanwhile: set[str] = set()
        self.taken_when_idle: list[int] = []

    def begin(self) -> None:
        """Start all tasks, clear one whose backup runs, and wait until none of them holds a slot."""
        api = self.airflow.api
        self.airflow.wait_for_dags()
        for dag_id in (DAG, SLOTS_DAG):
            api.unpause(dag_id)
        self.run_id = api.trigger(DAG)
        self.wait_until(lambda: self.are_waiting(*TASKS, CLEARED), self.states)
        self.taken_when_idle.append(len(self.taken(self.busy)))
        self.first_of_cleared = self.backup_of(CLEARED)
        api.clear(DAG, self.run_id, CLEARED[0])
        self.wait_until(lambda: self.rows()[CLEARED]["try_number"] == 2 and self.are_waiting(CLEARED), self.states)
        self.taken_until_cleared_waits = self.taken(self.other)

    def use_all_slots(self, folder: Path) -> None:
        """Run four tasks that end only when all four have a slot, and note the states of those that wait.

        :param folder: where the four show each other that they run.
        """
        run_id = self.airflow.api.trigger(SLOTS_DAG, {"folder": str(folder)})

        def is_finished() -> bool:
            self.seen_meanwhile |= {str(row["state"]) for row in self.rows().values()}
            self.slots_run_state = self.airflow.api.dag_run(SLOTS_DAG, run_id)["state"]
            return self.slots_run_state in FINISHED_STATES

        self.wait_until(is_finished, lambda: self.airflow.api.task_instances(SLOTS_DAG, run_id))

    def end(self) -> None:
        """Let one backup after the other end, each time as soon as no task holds a slot."""
        for number in range(1, len(TASKS) + 1):
            self.cloud.advance_clock(BACKUP_SECONDS)
            self.wait_for_next_backup(finished=number)
            self.taken_when_idle.append(len(self.taken(self.busy)))
        self.wait_until(lambda: CLEARED in self.successful(), self.states)

    def wait_for_next_backup(self, *, finished: int) -> None:
        """Wait until one more task has taken its backup, and none holds a slot.

        :param finished: number of mapped tasks that succeed until then.
        """

        def is_next_backup_taken() -> bool:
            successful = self.successful() - {CLEARED}
            if len(successful) < finished or not self.are_waiting(*set(TASKS) - successful):
                return False
            # A task may be deferred with the trigger of the backup that has ended: Airflow is about to resume it.
            return len(self.taken(self.busy)) >= min(finished + 1, len(TASKS))

        self.wait_until(is_next_backup_taken, self.states)

    def rows(self) -> dict[TaskKey, dict[str, Any]]:
        """Return the task instances that take backups; none may have failed."""
        rows = self.airflow.api.task_instances(DAG, self.run_id)
        by_key = {(row["task_id"], row["map_index"]): row for row in rows}
        failed = [key for key, row in by_key.items() if row["state"] in ("failed", "upstream_failed")]
        assert not failed, "\n".join(self.airflow.api.log(DAG, self.run_id, each, map_index=n) for each, n in failed)
        return by_key

    def states(self) -> dict[TaskKey, str | None]:
        """Return the states of these task instances."""
        return {key: row["state"] for key, row in self.rows().items()}

    def are_waiting(self, *keys: TaskKey) -> bool:
        """Return whether all these tasks are deferred until a backup ends, their own or that of another task."""
        rows = self.rows()
        return all(key in rows and _waits_for_a_backup(rows[key]) for key in keys)

    def successful(self) -> set[TaskKey]:
        """Return which tasks have succeeded."""
        return {key for key, state in self.states().items() if state == "success"}

    def backup_of(self, key: TaskKey) -> str:
        """Return the id of a task's backup."""
        task_id, map_index = key
        reference = self.airflow.api.xcom(DAG, self.run_id, task_id, "backup_reference", map_index=map_index)
        return str(reference["backup_id"])

    def taken(self, instance_id: str) -> set[str]:
        """Return the ids of the backups of an instance that were taken by tasks."""
        return set(self._listed(instance_id)) - self.before[instance_id]

    def _listed(self, instance_id: str) -> list[str]:
        async def listed() -> list[str]:
            async with BackupCloud(self.cloud.settings) as client:
                return [backup.id async for backup in client.rds.backups.list(instance_id=instance_id)]

        return asyncio.run(listed())

    def wait_until(self, condition: Callable[[], bool], describe: Callable[[], object]) -> None:
        """Wait for a condition; fail with what ``describe`` returns when it does not come true."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            self.airflow.check()
            assert time.monotonic() < deadline, describe()
            time.sleep(0.5)


def _waits_for_a_backup(row: dict[str, Any]) -> bool:
    trigger = row["trigger"]
    return row["state"] == "deferred" and trigger is not None and trigger["classpath"] == WATCHES_A_BACKUP


@pytest.fixture(scope="module")
def instances(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BusyInstances]:
    """All tasks, finished; an Airflow and a cloud of their own."""
    folder = tmp_path_factory.mktemp("busy")
    dags = Path(__file__).parent / "busy_dags"
    with (
        LocalCloudProcess(folder / "cloud", backup_seconds=BACKUP_SECONDS, extra_resources=2) as cloud,
        LocalAirflow(folder / "airflow", dags, environment=cloud.airflow_environment) as airflow,
    ):
        instances = BusyInstances(airflow, cloud)
        instances.begin()
        instances.use_all_slots(folder / "slots")
        instances.end()
        yield instances


def test_all_slots_are_free_for_other_tasks_while_tasks_wait_for_a_busy_instance(instances: BusyInstances) -> None:
    assert instances.slots_run_state == "success"
    assert instances.seen_meanwhile == {"deferred"}


def test_one_task_after_the_other_takes_its_backup_when_the_instance_is_free(instances: BusyInstances) -> None:
    assert instances.taken_when_idle == [1, 2, 3, 4, 5, 5]


def test_each_mapped_task_has_a_backup_of_its_own_and_none_is_doubled(instances: BusyInstances) -> None:
    assert {instances.backup_of(key) for key in TASKS} == instances.taken(instances.busy)
    assert len(instances.taken(instances.busy)) == len(TASKS)


def test_a_task_cleared_while_its_backup_runs_is_deferred_and_then_takes_another(instances: BusyInstances) -> None:
    again = instances.backup_of(CLEARED)
    assert instances.taken_until_cleared_waits == {instances.first_of_cleared}
    assert again != instances.first_of_cleared
    assert instances.taken(instances.other) == {instances.first_of_cleared, again}
