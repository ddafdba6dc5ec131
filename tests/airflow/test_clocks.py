"""The cloud's clock differs from Airflow's: nothing that is compared with it goes wrong."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from airflow_provider_backup.emulator.core.state import system_time
from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.airflow.conftest import CONNECTION
from tests.airflow.service_matrix import SERVICES, create_operator, rows
from tests.airflow.task_runs import Deferred, TaskRun

OFF = [timedelta(minutes=30), -timedelta(minutes=30)]
FOUND_BY_TIME = [("csbs", {}), ("vbs", {"name": "nightly"}), ("cbr", {"name": "nightly"}), ("rds", {"name": "nightly"})]


def set_clock(cloud: RunningCloud, off: timedelta) -> None:
    """Let the cloud's clock be ahead of ours."""
    cloud.state.now = lambda: system_time() + off


@pytest.mark.parametrize("off", OFF, ids=["ahead", "behind"])
@pytest.mark.parametrize(("service", "arguments"), FOUND_BY_TIME)
def test_a_retry_finds_its_backup(cloud: RunningCloud, service: str, arguments: dict[str, str], off: timedelta) -> None:
    set_clock(cloud, off)
    run = TaskRun(create_operator(cloud, service, deferrable=False, **arguments))
    first = run.execute()
    run.retry()
    assert run.execute()["backup_ids"] == first["backup_ids"]
    assert len(rows(cloud, service)) == 1


@pytest.mark.parametrize("off", OFF, ids=["ahead", "behind"])
@pytest.mark.parametrize(("service", "arguments"), FOUND_BY_TIME[:3])
def test_a_retry_does_not_find_the_backup_of_a_run_before(
    cloud: RunningCloud, service: str, arguments: dict[str, str], off: timedelta
) -> None:
    set_clock(cloud, off)
    operator = create_operator(cloud, service, deferrable=False, **arguments)
    first = TaskRun(operator, run_id="first").execute()
    second = TaskRun(operator, run_id="second")
    second.dag_run.start_date += timedelta(seconds=10)
    second.retry()
    assert second.execute()["backup_ids"] != first["backup_ids"]


@pytest.mark.parametrize("off", OFF, ids=["ahead", "behind"])
@pytest.mark.parametrize("service", SERVICES)
def test_a_retry_has_the_time_that_is_left_since_its_backup_began(
    cloud: RunningCloud, service: str, off: timedelta
) -> None:
    set_clock(cloud, off)
    cloud.set_backup_seconds(3600)
    run = TaskRun(create_operator(cloud, service, timeout=600))
    began = time.time()
    run.execute()
    run.retry()

    ended = run.execute()

    assert isinstance(ended, Deferred)
    assert ended.trigger_arguments["deadline"] == pytest.approx(began + 600, abs=10)
    assert ended.trigger_arguments["started_at"] == pytest.approx(began, abs=10)


@pytest.mark.parametrize("off", OFF, ids=["ahead", "behind"])
@pytest.mark.parametrize("service", SERVICES)
def test_an_access_key_signs_by_the_clouds_clock(
    cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch, service: str, off: timedelta
) -> None:
    set_clock(cloud, off)
    monkeypatch.setenv(CONNECTION, cloud.connection_json(with_access_key=True))

    assert TaskRun(create_operator(cloud, service)).run()["status"].lower() in ("available", "completed")
