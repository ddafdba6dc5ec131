"""The cloud's clock differs from Airflow's: what is found by its time is found all the same, and nothing else is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_provider_backup.emulator.running import RunningCloud
from airflow_provider_backup.emulator.state import system_time
from tests.airflow.backups import create_operator, rows
from tests.airflow.task_runs import TaskRun

OFF = [timedelta(minutes=4), -timedelta(minutes=4)]
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
