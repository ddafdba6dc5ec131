"""What the previous release left in Airflow's database still works: trigger rows, XCom plans and events.

The files in ``previous_release`` were written by ``previous_release/record.py`` in a checkout of that release.
"""

from __future__ import annotations

import importlib
import inspect
import json
import time
from pathlib import Path
from typing import Any

import airflow
import pytest
from airflow.triggers.base import BaseTrigger
from packaging.version import Version

from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.tasks.deferred_wait import WAIT_XCOM
from tests.airflow.service_matrix import (
    DELETE,
    SENSORS,
    SERVICES,
    create_operator,
    let_time_pass,
    started,
    taken,
    target,
)
from tests.airflow.task_runs import FAIL, Deferred, TaskRun, event_of
from tests.airflow.trigger_rows import arguments_from

# A row of an older Airflow is read by a newer one after the upgrade; there is no way back.
FILES = [
    path
    for path in sorted(Path(__file__).with_name("previous_release").glob("airflow-*.json"))
    if Version(path.stem.removeprefix("airflow-")) <= Version(airflow.__version__)
]
RECORDS: dict[str, Any] = {
    f"{path.stem.removeprefix('airflow-')} {case}": record
    for path in FILES
    for case, record in json.loads(path.read_text())["left behind"].items()
}
each_record = pytest.mark.parametrize("case", RECORDS)
KNOWN = {name: list(record["trigger"]["arguments"]) for name, record in RECORDS.items()}


class Left:
    """What the previous release left behind for one task, with the ids of a backup that this cloud has.

    :param cloud: the local cloud.
    :param case: which record.
    """

    def __init__(self, cloud: RunningCloud, case: str) -> None:
        _, self.service, kind = case.rsplit(" ", 2)
        cloud.set_backup_seconds(3600)
        what: dict[str, Any] = dict(target(cloud, self.service))
        backup = taken(cloud, self.service, **what)
        text = json.dumps(RECORDS[case])
        for old, new in _ids(RECORDS[case]["trigger"]["arguments"]["reference"], backup):
            text = text.replace(json.dumps(old), json.dumps(new))
        for name, moment in (("deadline", time.time() + 3600), ("started_at", time.time())):
            old_moment = RECORDS[case]["trigger"]["arguments"][name]
            text = text.replace(json.dumps(old_moment), json.dumps(moment if old_moment else None))
        self.record = json.loads(text.replace('"poll_interval": 30.0', '"poll_interval": 0.1'))
        if kind == "operator":
            task: Any = create_operator(cloud, self.service, **what)
        else:
            task = SENSORS[self.service](task_id="wait", backup=backup, deferrable=True, poke_interval=0.1)
        self.run = TaskRun(task)
        for key, value in self.record["xcoms"].items():
            self.run.ti.xcom_push(key, value)

    @property
    def trigger(self) -> BaseTrigger:
        """The trigger as today's triggerer builds it from the old row."""
        module, _, name = self.record["trigger"]["classpath"].rpartition(".")
        trigger: type[BaseTrigger] = getattr(importlib.import_module(module), name)
        return trigger(**arguments_from(json.dumps(self.record["trigger"]["stored"])))


def _ids(reference: dict[str, Any], backup: dict[str, Any]) -> list[tuple[str, str]]:
    pairs = [(reference.get(name), backup.get(name)) for name in ("backup_id", "instance_id", "job_id")]
    pairs += zip(reference.get("expected_ids") or [], backup["expected_ids"], strict=False)
    return [(old, new) for old, new in pairs if old and new]


def is_good(result: dict[str, Any]) -> bool:
    return result["status"].lower() in ("available", "completed")


def test_every_service_left_something_behind() -> None:
    assert FILES
    assert {tuple(case.split(" ")[1:]) for case in RECORDS} == {
        (service, kind) for service in SERVICES for kind in ("operator", "sensor")
    }


@each_record
def test_a_trigger_row_of_the_previous_release_is_waited_for_to_its_end(cloud: RunningCloud, case: str) -> None:
    left = Left(cloud, case)
    let_time_pass(cloud)
    event = event_of(left.trigger)
    assert (event["outcome"], event["phase"]) == ("over", "good")
    assert is_good(left.run.resume(left.record["next_method"], event=event))


@each_record
def test_a_good_event_of_the_previous_release_is_believed(cloud: RunningCloud, case: str) -> None:
    left = Left(cloud, case)
    event = left.record["events"]["good"]
    assert left.run.resume(left.record["next_method"], event=event) == event["result"]


@pytest.mark.parametrize("event", ["timeout", "trouble", "refused"])
@each_record
def test_after_any_other_event_of_the_previous_release_the_task_looks_for_itself(
    cloud: RunningCloud, case: str, event: str
) -> None:
    left = Left(cloud, case)
    assert isinstance(left.run.resume(left.record["next_method"], event=left.record["events"][event]), Deferred)
    let_time_pass(cloud)
    assert is_good(left.run.resume(left.record["next_method"], event=left.record["events"][event]))


@each_record
def test_after_a_dead_trigger_the_plan_of_the_previous_release_is_gone_on_with(cloud: RunningCloud, case: str) -> None:
    left = Left(cloud, case)
    again = left.run.resume(FAIL, error="Trigger failure", traceback=[])
    assert isinstance(again, Deferred)
    old = left.record["trigger"]["arguments"]
    assert {name: again.trigger_arguments[name] for name in old} == old
    let_time_pass(cloud)
    assert is_good(left.run.finish(again))


# ------------------------------------------------------------- the other way: a triggerer that is not yet restarted


@pytest.mark.parametrize("service", SERVICES)
def test_the_trigger_of_the_previous_release_knows_every_argument_of_today(cloud: RunningCloud, service: str) -> None:
    today = started(cloud, service).trigger_arguments
    assert {case for case, names in KNOWN.items() if not today.keys() <= set(names)} == set()


@pytest.mark.parametrize("service", SERVICES)
def test_the_trigger_of_the_previous_release_can_be_built_for_a_deletion(cloud: RunningCloud, service: str) -> None:
    backup = taken(cloud, service, wait=True)
    cloud.set_backup_seconds(3600)
    today = TaskRun(DELETE[service](task_id="delete", backup=backup, deferrable=True)).execute()
    assert isinstance(today, Deferred)
    assert {case for case, names in KNOWN.items() if not today.trigger_arguments.keys() <= set(names)} == set()


@pytest.mark.parametrize("service", SERVICES)
def test_a_plan_of_today_has_all_that_the_previous_release_reads(cloud: RunningCloud, service: str) -> None:
    cloud.set_backup_seconds(3600)
    run = TaskRun(create_operator(cloud, service))
    assert isinstance(run.execute(), Deferred)
    plan = json.loads(run.ti.xcoms[WAIT_XCOM])
    for case, record in RECORDS.items():
        old = record["xcoms"][WAIT_XCOM]
        assert old.keys() <= plan.keys(), case
        assert old["reference"].keys() - {"expected_ids"} <= plan["reference"].keys() or service not in case


@each_record
def test_an_event_of_today_has_all_that_the_previous_release_reads(cloud: RunningCloud, case: str) -> None:
    left = Left(cloud, case)
    let_time_pass(cloud)
    today, old = event_of(left.trigger), left.record["events"]["good"]
    assert old.keys() <= today.keys()
    assert old["result"].keys() <= today["result"].keys()
    assert {name: type(today[name]) for name in old} == {name: type(old[name]) for name in old}


def test_new_arguments_of_a_trigger_have_defaults() -> None:
    from airflow_provider_backup.triggers.backup import BackupTrigger

    parameters = inspect.signature(BackupTrigger.__init__).parameters
    for names in KNOWN.values():
        new = parameters.keys() - {"self", *names}
        assert all(parameters[name].default is not inspect.Parameter.empty for name in new)
        assert set(names) <= parameters.keys()
