"""What ``make demo`` does and shows."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any, cast

import pytest
from rich.console import Console

from airflow_provider_backup.cloud.errors import NotFoundError
from airflow_provider_backup.emulator.services.registry import SERVICES
from tests.system import demo
from tests.system.airflow_api import AirflowApi
from tests.system.cloud_contents import CloudItem
from tests.system.demo_view import contents_table, shown_phase
from tests.system.local_airflow import LocalAirflow
from tests.system.ports import ADDRESS
from tests.system.run_board import REFERENCE_KEY, RESULT_KEY, RunBoard, TaskRow, change_of, subject_of
from tests.system.triggerer_kill import DOWN_SECONDS, ENOUGH_TASKS, PATIENCE, TriggererKill

WAITING = TaskRow("dag", "backup", -1, 1, "deferred", "nightly", "BUILDING", is_under_way=True)
OVER = replace(WAITING, status="COMPLETED", is_under_way=False)


class FakeAirflow:
    """Notes what is done to its triggerer."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def kill(self, name: str) -> None:
        self.done.append(f"kill {name}")

    def launch(self, name: str, *command: str) -> None:
        self.done.append(f"launch {name}")


class Killing:
    """A kill with a clock that tests move."""

    def __init__(self) -> None:
        self.airflow = FakeAirflow()
        self.said: list[str] = []
        self.time = 0.0
        self.kill = TriggererKill(cast("LocalAirflow", self.airflow), self.said.append, lambda: self.time)

    def look(self, *rows: TaskRow, after: float = 0.0) -> list[str]:
        """Look at rows so many seconds later, and return what was done to the triggerer by then."""
        self.time += after
        self.kill.look(rows)
        return self.airflow.done


@pytest.fixture
def killing() -> Killing:
    return Killing()


def test_the_triggerer_is_killed_as_soon_as_several_tasks_wait_in_it(killing: Killing) -> None:
    assert killing.look(*[WAITING] * (ENOUGH_TASKS - 1)) == []
    assert killing.look(*[WAITING] * ENOUGH_TASKS) == ["kill triggerer"]
    assert killing.kill.waiting_tasks == ENOUGH_TASKS


def test_the_triggerer_is_killed_when_one_task_has_waited_for_long(killing: Killing) -> None:
    assert killing.look(WAITING) == []
    assert killing.look(WAITING, after=PATIENCE - 1) == []
    assert killing.look(WAITING, after=1) == ["kill triggerer"]


def test_the_triggerer_is_not_killed_while_nothing_waits_in_it(killing: Killing) -> None:
    killing.look(WAITING)
    killing.look(OVER, replace(WAITING, state="running"), after=PATIENCE)

    assert killing.look(WAITING, after=PATIENCE) == []


def test_the_triggerer_is_started_again_and_killed_only_once(killing: Killing) -> None:
    killing.look(*[WAITING] * ENOUGH_TASKS)
    assert killing.look(*[WAITING] * ENOUGH_TASKS, after=DOWN_SECONDS - 1) == ["kill triggerer"]
    assert not killing.kill.is_done

    killing.look(*[WAITING] * ENOUGH_TASKS, after=1)

    assert killing.look(*[WAITING] * ENOUGH_TASKS, after=PATIENCE) == ["kill triggerer", "launch triggerer"]
    assert killing.kill.is_done


def test_the_viewer_learns_of_the_kill_and_of_the_start(killing: Killing) -> None:
    killing.look(*[WAITING] * ENOUGH_TASKS)
    killing.look(after=DOWN_SECONDS)

    assert [text.partition(".")[0] for text in killing.said] == [
        "The triggerer is killed (kill -9)",
        "The triggerer is started again",
    ]


# The end


class FakeApi:
    """One task that took a backup."""

    values: dict[str, Any] = {  # noqa: RUF012
        REFERENCE_KEY: {"service": "rds", "backup_id": "b1", "instance_id": "i1"},
        RESULT_KEY: {"backup_id": "b1", "backup_ids": ["b1"], "name": "nightly", "status": "COMPLETED"},
    }

    def dag_run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        return {"state": "success"}

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        return []

    def xcom_entries(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        return [{"task_id": "backup", "map_index": -1, "key": key} for key in self.values]

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str, *, map_index: int) -> Any:
        return self.values[key]


def item(identifier: str, kind: str = "backup") -> CloudItem:
    return CloudItem("rds", kind, identifier, "COMPLETED", identifier)


@pytest.mark.parametrize(
    ("contents", "strays"),
    [
        ([item("b0"), item("b1"), item("p", "policy")], set()),
        ([item("b0"), item("b1"), item("b2")], {"b2"}),
    ],
)
async def test_a_second_backup_of_a_task_would_be_noticed(
    contents: list[CloudItem], strays: set[str], killing: Killing
) -> None:
    board = RunBoard(cast("AirflowApi", FakeApi()), {"dag": "run"})
    await board.look(cast("Any", None))

    outcome = demo._Outcome(board, contents, {"b0"}, killing.kill)

    assert board.taking_tasks == 1
    assert outcome.unreported_backups == strays
    assert outcome.is_good == (not strays)


class BackupFirstApi(FakeApi):
    """One task that took a backup of what it then overwrote."""

    values = {RESULT_KEY: {"backup_id": "b1", "backup_ids": ["b1"], "backup_first": {"backup_ids": ["b2"]}}}  # noqa: RUF012


async def test_the_backup_that_a_restore_takes_first_is_one_that_a_task_asked_for(killing: Killing) -> None:
    board = RunBoard(cast("AirflowApi", BackupFirstApi()), {"dag": "run"})
    await board.look(cast("Any", None))

    outcome = demo._Outcome(board, [item("b1"), item("b2")], set(), killing.kill)

    assert outcome.unreported_backups == set()


async def test_a_backup_that_a_policy_took_by_its_schedule_is_no_stray(killing: Killing) -> None:
    board = RunBoard(cast("AirflowApi", BackupFirstApi()), {"dag": "run"})
    await board.look(cast("Any", None))
    nightly = CloudItem("vbs", "backup", "autobk_4711", "available", "b3", is_automatic=True)

    outcome = demo._Outcome(board, [item("b1"), nightly], set(), killing.kill)

    assert outcome.unreported_backups == set()


APPLIED: dict[str, Any] = {"name": "nightly", "id": "p1", "dry_run": False, "changed": True, "differences": [{}, {}]}
PRUNED: dict[str, Any] = {"service": "rds", "dry_run": False, "kept": [{}, {}], "deleted": [{}], "refused": []}


@pytest.mark.parametrize(
    ("result", "shown"),
    [
        (APPLIED, ("nightly", "changed 2")),
        (APPLIED | {"dry_run": True}, ("nightly", "would change 2")),
        (APPLIED | {"changed": False, "differences": []}, ("nightly", "as described, nothing changed")),
        (PRUNED, ("", "2 stay, deleted 1")),
        (PRUNED | {"dry_run": True}, ("", "2 stay, would delete 1")),
        ({"policy_id": "p1"}, ("p1", "")),
        (["a", "b"], ("", "")),
    ],
)
def test_the_viewer_reads_in_words_what_a_task_changed(result: Any, shown: tuple[str, str]) -> None:
    assert (subject_of(result)[0], change_of(result)) == shown


class FinishedApi(FakeApi):
    """One task that is over."""

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        return [{"task_id": "backup", "map_index": -1, "try_number": 1, "state": "success", "start_date": "2026"}]


class CountingCloud:
    """Counts how often it is asked for the state of an operation, which is gone."""

    looks = 0

    def service(self, name: str) -> CountingCloud:
        return self

    async def observe(self, reference: object) -> None:
        self.looks += 1
        raise NotFoundError("It was deleted.")


async def test_what_a_finished_task_left_behind_is_looked_at_once() -> None:
    cloud = CountingCloud()
    board = RunBoard(cast("AirflowApi", FinishedApi()), {"dag": "run"})

    rows = [(await board.look(cast("Any", cloud)))[0] for _ in range(3)]

    assert cloud.looks == 1
    assert {(row.status, row.is_under_way) for row in rows} == {("gone", False)}


def test_the_closing_table_marks_what_the_demo_made_and_shows_it_first() -> None:
    console = Console(file=StringIO(), width=120)
    console.print(contents_table([item("old"), item("new")], {"old"}))

    lines = cast("StringIO", console.file).getvalue().splitlines()
    (new, old) = (line for line in lines if "COMPLETED" in line)
    assert "this demo" in new
    assert "new" in new
    assert "this demo" not in old


def test_a_silent_phase_says_how_long_it_takes_and_took() -> None:
    console = Console(file=StringIO(), width=120)
    with shown_phase(console, "Starting Airflow", 35):
        before = cast("StringIO", console.file).getvalue()

    assert before == "Starting Airflow (about 35 s on an idle machine) ...\n"
    assert cast("StringIO", console.file).getvalue().endswith("Starting Airflow: done in 0 s\n")


# Ports


def keeping() -> demo._Options:
    return demo._options(["--keep"])


def test_what_stays_up_says_which_ports_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(file=StringIO(), width=120)
    with socket.create_server((ADDRESS, 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(demo, "AIRFLOW_PORT", port)
        monkeypatch.setattr(demo, "DEFAULT_PORT", port)

        airflow, cloud = demo._airflow_port(console, keeping()), demo._cloud_port(console, keeping())

    text = cast("StringIO", console.file).getvalue()
    assert f"Airflow's UI will be on port {airflow}, since {port} is taken." in text
    assert f"The local cloud will be on ports {cloud} to {cloud + len(SERVICES)}, since {port} is taken." in text


def test_a_demo_that_ends_by_itself_takes_any_free_ports() -> None:
    console = Console(file=StringIO())

    assert demo._cloud_port(console, demo._options([])) == 0
    assert cast("StringIO", console.file).getvalue() == ""


# The whole


@pytest.mark.system
def test_the_demo_survives_the_death_of_its_triggerer_in_front_of_the_viewer(tmp_path: Path) -> None:
    dags = tmp_path / "dags"
    dags.mkdir()
    shutil.copy(demo.EXAMPLE_DAGS / "example_backup_many_instances.py", dags)

    done = subprocess.run(
        [sys.executable, "-m", "tests.system.demo", "--dags", str(dags)],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert ">> The triggerer is killed (kill -9)" in done.stdout
    assert ">> The triggerer is started again" in done.stdout
    assert "None took a second one" in done.stdout
    assert done.stdout.endswith("demo: 1 of 1 DAG runs succeeded\n")
