"""``timeout`` and ``tolerance`` bound all that a task asks for: search, submission, token, tries and looks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout

from airflow_provider_backup.cloud.errors import OutOfTimeError
from airflow_provider_backup.cloud.limits import override_limits
from airflow_provider_backup.cloud.operations.backup import OperationReference
from airflow_provider_backup.cloud.services.vbs.operations import VbsBackupOperation
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import BackupTimeoutError
from airflow_provider_backup.hooks.base import BackupCloudHook
from airflow_provider_backup.triggers import cancellation
from airflow_provider_backup.triggers.cancellation import KilledTaskCleanup
from tests.airflow.conftest import ChangeLimits
from tests.airflow.service_matrix import DELETE, SENSORS, SERVICES, create_operator, rows, taken
from tests.airflow.task_runs import TaskRun, TaskStateStore

MODES = ("poke", "reschedule", "deferred")


@pytest.fixture(autouse=True)
def _short_final_reads(change_limits: ChangeLimits) -> Iterator[None]:
    change_limits(final_read=0.2)
    with override_limits(final_read=0.2):
        yield


@contextmanager
def in_time(seconds: float = 3.0) -> Iterator[None]:
    """Check that what is done takes no longer."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def silence(cloud: RunningCloud, service: str, **which: Any) -> None:
    """Let requests to a service get no answer."""
    cloud.misbehave("delay", service=service, seconds=30, **which)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_is_silent_from_the_start_ends_the_task_in_its_time(cloud: RunningCloud, service: str) -> None:
    operator = create_operator(cloud, service, timeout=0.4)
    silence(cloud, service)
    with (
        in_time(),
        pytest.raises(BackupTimeoutError, match=r"Timed out \(timeout=0.4 s\); .*did not answer"),
    ):
        TaskRun(operator).run()


@pytest.mark.parametrize("store", [None, TaskStateStore()], ids=["search", "record"])
@pytest.mark.parametrize("service", SERVICES)
def test_a_request_that_was_cut_off_is_found_by_the_retry(
    cloud: RunningCloud, service: str, store: TaskStateStore | None
) -> None:
    run = TaskRun(create_operator(cloud, service, timeout=1), store=store)
    silence(cloud, service, method="POST", after_effect=True)
    with in_time(), pytest.raises(BackupTimeoutError, match="a backup was requested and may have started"):
        run.run()
    cloud.behave()
    assert len(rows(cloud, service)) == 1
    run.retry()

    assert run.run()["status"].lower() in ("available", "completed")
    assert len(rows(cloud, service)) == 1


def test_the_look_for_a_lost_answer_ends_in_time(cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    run = TaskRun(create_operator(cloud, "vbs", timeout=0.6))
    cloud.misbehave("close_after", service="vbs", method="POST", count=1)
    monkeypatch.setattr(VbsBackupOperation, "find", _silent_once_asked(cloud, VbsBackupOperation.find))
    with in_time(), pytest.raises(BackupTimeoutError, match="a backup was requested and may have started"):
        run.run()


def _silent_once_asked(cloud: RunningCloud, find: Any) -> Any:
    async def find_in_silence(*arguments: Any, **more: Any) -> Any:
        if rows(cloud, "vbs"):
            silence(cloud, "vbs", method="GET")
        return await find(*arguments, **more)

    return find_in_silence


def test_an_identity_service_that_is_silent_ends_the_task_in_its_time(cloud: RunningCloud) -> None:
    operator = create_operator(cloud, "rds", timeout=0.4)
    silence(cloud, "iam")
    with in_time(), pytest.raises(BackupTimeoutError, match="no backup was requested. iam did not answer the question"):
        TaskRun(operator).run()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_service_that_throttles_ends_the_task_in_its_time(cloud: RunningCloud, method: Any) -> None:
    operator = create_operator(cloud, "rds", timeout=0.4)
    cloud.misbehave("throttle", service="rds", method=method, retry_after=20)
    with (
        in_time(),
        pytest.raises(BackupTimeoutError, match=r"no backup was requested.*Last error: rds answered 429"),
    ):
        TaskRun(operator).run()
    assert rows(cloud, "rds") == []


def test_a_service_that_is_out_of_order_ends_the_task_in_its_time(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_HUAWEICLOUD_BACKUP_DEFAULT", cloud.connection_json(attempts=7, retry_wait=20))
    operator = create_operator(cloud, "rds", timeout=0.4)
    cloud.misbehave("server_error", service="rds", status=503)
    with in_time(), pytest.raises(BackupTimeoutError, match="Last error: rds answered 503"):
        TaskRun(operator).run()


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_service_that_falls_silent_after_the_submission_ends_the_task_in_its_time(
    cloud: RunningCloud, deferrable: bool
) -> None:
    cloud.set_backup_seconds(3600)
    run = TaskRun(create_operator(cloud, "cbr", timeout=1, deferrable=deferrable))
    silence(cloud, "cbr", route="/v3/{project_id}/checkpoints/{checkpoint_id}")
    with in_time(), pytest.raises(BackupTimeoutError, match="Timed out waiting for cbr checkpoint"):
        run.run()
    assert len(rows(cloud, "cbr")) == 1


@pytest.mark.parametrize("service", ["rds", "iam"])
def test_silence_for_longer_than_the_tolerance_ends_the_search(cloud: RunningCloud, service: str) -> None:
    operator = create_operator(cloud, "rds", timeout=600, tolerance=0.3)
    silence(cloud, service)
    with in_time(), pytest.raises(OutOfTimeError, match=r"did not answer.*the tolerance of 0.3 s"):
        TaskRun(operator).run()


def test_a_slow_token_and_a_slow_answer_are_not_added_up(cloud: RunningCloud) -> None:
    operator = create_operator(cloud, "rds", timeout=600, tolerance=1)
    for service in ("iam", "rds"):
        cloud.misbehave("delay", service=service, seconds=0.7, count=1)
    assert TaskRun(operator).run()["backup_id"]


def test_silence_for_longer_than_the_tolerance_ends_the_wait(cloud: RunningCloud) -> None:
    cloud.set_backup_seconds(3600)
    run = TaskRun(create_operator(cloud, "rds", timeout=600, tolerance=0.3))
    ended = run.execute()
    silence(cloud, "rds")
    error = pytest.raises(OutOfTimeError, match="the tolerance of 0.3 s")
    with override_limits(silence_grace=0.2), in_time(), error:
        run.finish(ended)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("service", SERVICES)
def test_a_sensor_ends_in_its_time(cloud: RunningCloud, service: str, mode: str) -> None:
    backup = taken(cloud, service)
    silence(cloud, service)
    how = {"deferrable": True} if mode == "deferred" else {"deferrable": False, "mode": mode}
    sensor = SENSORS[service](task_id="wait", backup=backup, poke_interval=0.05, timeout=0.4, **how)
    with in_time(), pytest.raises(AirflowSensorTimeout, match="Timed out reading"):
        TaskRun(sensor).run()


@pytest.mark.parametrize("wait_for_completion", [True, False])
@pytest.mark.parametrize("service", SERVICES)
def test_a_deletion_ends_in_its_time(cloud: RunningCloud, service: str, wait_for_completion: bool) -> None:
    backup = taken(cloud, service, wait=True)
    silence(cloud, service)
    operator = DELETE[service](
        task_id="delete", backup=backup, timeout=0.4, poll_interval=0.05, wait_for_completion=wait_for_completion
    )
    with in_time(), pytest.raises(BackupTimeoutError, match=r"Timed out \(timeout=0.4 s\)"):
        TaskRun(operator).run()


@pytest.mark.parametrize("service", ["vbs", "rds"])
def test_the_deletion_of_an_ended_tasks_backup_ends_in_its_time(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    monkeypatch.setattr(cancellation, "state_of", lambda _: "failed")
    reference = OperationReference.from_dict(taken(cloud, service, wait=True))
    silence(cloud, service)
    lines: list[str] = []

    class Log:
        def __getattr__(self, _: str) -> Any:
            return lambda message, *arguments: lines.append(message % arguments)

    end = KilledTaskCleanup(object(), poll_interval=0.05, deadline=time.time() + 0.4, started_at=None, log=Log())
    with in_time():
        BackupCloudHook().run_in_cloud(lambda cloud: end.delete(cloud, reference))
    assert any("could not be deleted and is kept" in line for line in lines)
