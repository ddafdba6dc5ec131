"""How tasks end for Airflow: ids as XComs of their own, expected errors as one sentence, bugs with their traceback."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowSkipException, task

from airflow_provider_backup.cloud.errors import NotFoundError
from airflow_provider_backup.cloud.services.vbs.operations import VbsBackupOperation
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.operators.base import BackupCloudOperator
from airflow_provider_backup.operators.cbr import CbrCreatePolicyOperator, CbrUpdatePolicyOperator
from airflow_provider_backup.operators.csbs import CsbsGetPolicyOperator
from airflow_provider_backup.operators.vbs import VbsCreateBackupOperator, VbsCreatePolicyOperator
from airflow_provider_backup.tasks.outcome import EXPECTED, RESULT_IDS, ReportsOutcome
from tests.airflow.dag_runs import run_dag
from tests.airflow.service_matrix import DELETE, SENSORS, SERVICES, create_operator, csbs_policy, taken
from tests.airflow.task_runs import TaskRun

UNKNOWN = "00000000-0000-4000-8000-000000000000"
OUR_FRAMES = 2
"""``execute`` or ``resume_execution``, and what reports the error."""
SENSOR_MODES: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke", "deferrable": False},
    "reschedule": {"mode": "reschedule", "deferrable": False},
    "deferred": {"deferrable": True},
}


def ids_of(run: TaskRun) -> dict[str, Any]:
    """Return the XComs of a task that are ids of its result."""
    ids = {key: run.ti.xcom_pull(run.operator.task_id, key, run.map_index) for key in RESULT_IDS}
    return {key: value for key, value in ids.items() if value is not None}


def ids_in(result: dict[str, Any]) -> dict[str, Any]:
    """Return the ids of a result."""
    return {key: result[key] for key in RESULT_IDS if result.get(key) is not None}


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize("service", SERVICES)
def test_the_ids_of_a_backup_are_xcoms_of_their_own(cloud: RunningCloud, service: str, deferrable: bool) -> None:
    cloud.set_backup_seconds(0.3)
    run = TaskRun(create_operator(cloud, service, deferrable=deferrable))
    result = run.run()
    assert ids_of(run) == ids_in(result)
    assert {"backup_id", "backup_ids", "resource_ids"} <= set(ids_of(run))


@pytest.mark.parametrize("mode", SENSOR_MODES)
@pytest.mark.parametrize("service", SERVICES)
def test_the_ids_of_a_backup_that_was_waited_for_are_xcoms_of_their_own(
    cloud: RunningCloud, service: str, mode: str
) -> None:
    cloud.set_backup_seconds(0.3)
    backup = taken(cloud, service)
    run = TaskRun(SENSORS[service](task_id="wait", backup=backup, poke_interval=0.1, **SENSOR_MODES[mode]))
    result = run.run()
    assert ids_of(run) == ids_in(result)
    assert ids_of(run)["backup_ids"]


@pytest.mark.parametrize("service", SERVICES)
def test_the_id_of_a_backup_that_is_not_waited_for_is_an_xcom(cloud: RunningCloud, service: str) -> None:
    cloud.set_backup_seconds(3600)
    run = TaskRun(create_operator(cloud, service, wait_for_completion=False))
    result = run.run()
    assert ids_of(run) == ids_in(result)
    assert "backup_id" in ids_of(run)


@pytest.mark.parametrize("service", SERVICES)
def test_the_id_of_a_deleted_backup_is_an_xcom(cloud: RunningCloud, service: str) -> None:
    backup = taken(cloud, service, wait=True)
    run = TaskRun(DELETE[service](task_id="delete", backup=backup, poll_interval=0.05))
    run.run()
    assert ids_of(run)["backup_id"] == backup["backup_id"]


def test_the_id_of_a_policy_is_an_xcom_of_whatever_returns_one(cloud: RunningCloud) -> None:
    schedule = "daily at 02:00"
    on_cbr = TaskRun(CbrCreatePolicyOperator(task_id="create", name="vaults", schedule=schedule)).run()["policy_id"]
    operators = [
        VbsCreatePolicyOperator(task_id="vbs", name="disks", schedule=schedule, retention_num=5),
        CbrUpdatePolicyOperator(task_id="update", policy_id=on_cbr, max_backups=5),
        CsbsGetPolicyOperator(task_id="get", policy_id=csbs_policy(cloud)),
    ]
    for operator in operators:
        run = TaskRun(operator)
        assert run.run()["policy_id"] == ids_of(run)["policy_id"]


@pytest.mark.usefixtures("airflow_database")
@pytest.mark.parametrize("deferrable", [True, False])
def test_an_id_can_be_an_argument_of_the_next_task(cloud: RunningCloud, deferrable: bool) -> None:
    @task
    def told(backup_id: str, backup_ids: list[str]) -> list[Any]:
        return [backup_id, list(backup_ids)]

    with DAG(dag_id=f"ids_{deferrable}", schedule=None) as dag:
        create = create_operator(cloud, "vbs", deferrable=deferrable)
        output: Any = create.output
        sensor = SENSORS["vbs"](task_id="wait", backup_id=output["backup_id"], poke_interval=0.1)
        seen: Any = sensor.output
        told(seen["backup_id"], output["backup_ids"])
    ends = run_dag(dag)
    backup_id = ends["backup"].result["backup_id"]
    assert ends["told"].result == [backup_id, [backup_id]]


@pytest.mark.usefixtures("airflow_database")
def test_the_ids_of_mapped_tasks_can_be_an_argument(cloud: RunningCloud) -> None:
    @task
    def told(backup_ids: Any) -> list[str]:
        return list(backup_ids)

    volumes = cloud.describe()["resources"]["volumes"][:2]
    with DAG(dag_id="mapped_ids", schedule=None) as dag:
        create = VbsCreateBackupOperator.partial(task_id="backup", deferrable=False, poll_interval=0.05).expand(
            volume_id=volumes
        )
        output: Any = create.output
        told(output["backup_id"])
    ends = run_dag(dag)
    assert ends["told"].result == [ends[f"backup[{index}]"].result["backup_id"] for index in range(2)]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    """What tasks log, also on Airflow 3, where they do not log through the standard library."""
    monkeypatch.setattr(ReportsOutcome, "log", logging.getLogger("task"), raising=False)
    caplog.set_level(logging.DEBUG, "task")
    return caplog


def a_backup_that_fails(cloud: RunningCloud, **arguments: Any) -> Any:
    cloud.set_backup_seconds(0.3)
    cloud.fail_next_backup("vbs", "disk full")
    return create_operator(cloud, "vbs", **arguments)


def a_backup_that_takes_too_long(cloud: RunningCloud, **arguments: Any) -> Any:
    cloud.set_backup_seconds(3600)
    return create_operator(cloud, "cbr", timeout=1.5, **arguments)


def a_sensor_whose_time_is_over(cloud: RunningCloud, mode: str) -> Any:
    cloud.set_backup_seconds(3600)
    backup = taken(cloud, "rds")
    return SENSORS["rds"](task_id="wait", backup=backup, poke_interval=0.05, timeout=0.1, **SENSOR_MODES[mode])


def a_sensor_of_no_backup(_: RunningCloud, mode: str) -> Any:
    return SENSORS["vbs"](task_id="wait", backup_id=UNKNOWN, **SENSOR_MODES[mode])


def a_wrong_argument(cloud: RunningCloud) -> Any:
    operator = create_operator(cloud, "vbs", name="{{ name }}")
    operator.name = "x" * 80
    return operator


def a_deletion_that_is_refused(cloud: RunningCloud) -> Any:
    backup = taken(cloud, "cbr", wait=True)
    cloud.misbehave("refuse", service="cbr", method="DELETE", status=403, code="BackupService.0403")
    return DELETE["cbr"](task_id="delete", backup=backup)


def a_wrong_policy(cloud: RunningCloud) -> Any:
    operator = VbsCreatePolicyOperator(task_id="policy", name="n", schedule="daily at 02:00", retention_num=5)
    operator.schedule = "daily at 99:00"
    return operator


EXPECTED_FAILURES: dict[str, Callable[[RunningCloud], Any]] = {
    "failed backup, worker": partial(a_backup_that_fails, deferrable=False),
    "failed backup, deferred": partial(a_backup_that_fails, deferrable=True),
    "time over, worker": partial(a_backup_that_takes_too_long, deferrable=False),
    "time over, deferred": partial(a_backup_that_takes_too_long, deferrable=True),
    **{f"sensor, time over, {mode}": partial(a_sensor_whose_time_is_over, mode=mode) for mode in SENSOR_MODES},
    **{f"sensor, no such backup, {mode}": partial(a_sensor_of_no_backup, mode=mode) for mode in SENSOR_MODES},
    "wrong argument": a_wrong_argument,
    "wrong policy": a_wrong_policy,
    "deletion refused": a_deletion_that_is_refused,
    "no such policy": lambda _: CsbsGetPolicyOperator(task_id="get", policy_id=UNKNOWN),
    "no such connection": partial(create_operator, service="rds", huaweicloud_conn_id="nobody"),
}


@pytest.mark.parametrize("failure", EXPECTED_FAILURES)
def test_an_expected_error_reaches_airflow_without_inner_frames_and_is_logged_once(
    cloud: RunningCloud, log: pytest.LogCaptureFixture, failure: str
) -> None:
    operator = EXPECTED_FAILURES[failure](cloud)

    with pytest.raises(EXPECTED) as caught:
        TaskRun(operator).run()

    error = caught.value
    ours = [
        frame for frame in traceback.extract_tb(error.__traceback__) if "/airflow_provider_backup/" in frame.filename
    ]
    assert len(ours) == OUR_FRAMES
    assert error.__cause__ is None
    assert error.__suppress_context__
    assert [record.getMessage() for record in log.records if record.levelno >= logging.ERROR] == [str(error)]
    assert log.records[-1].getMessage() == str(error)


@pytest.mark.usefixtures("cloud")
def test_where_an_expected_error_arose_can_be_seen_when_debugging(
    log: pytest.LogCaptureFixture,
) -> None:

    with pytest.raises(NotFoundError):
        TaskRun(CsbsGetPolicyOperator(task_id="get", policy_id=UNKNOWN)).run()

    assert "cloud/services/csbs/policies.py" in log.text


def test_an_unexpected_error_keeps_its_traceback(cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    def with_a_bug(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(VbsBackupOperation, "submit", with_a_bug)

    with pytest.raises(ZeroDivisionError) as caught:
        TaskRun(create_operator(cloud, "vbs")).run()

    frames = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert {"perform", "_send", "with_a_bug"} <= set(frames)


@pytest.mark.parametrize("mode", SENSOR_MODES)
def test_a_skip_is_no_error_in_the_log(cloud: RunningCloud, log: pytest.LogCaptureFixture, mode: str) -> None:
    cloud.set_backup_seconds(0.3)
    cloud.fail_next_backup("vbs", "disk full")
    backup = taken(cloud, "vbs")

    sensor = SENSORS["vbs"](task_id="wait", backup=backup, poke_interval=0.1, soft_fail=True, **SENSOR_MODES[mode])

    with pytest.raises(AirflowSkipException):
        TaskRun(sensor).run()

    assert [record for record in log.records if record.levelno >= logging.ERROR] == []


def test_an_operator_of_ones_own_may_still_bring_its_whole_execute(cloud: RunningCloud) -> None:
    class Own(BackupCloudOperator):
        def execute(self, context: Any) -> str:
            return "done"

    assert TaskRun(Own(task_id="own")).run() == "done"
