"""To which moments a database can be restored, asked by a task."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import NotFoundError
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.exceptions import InvalidArgumentError
from airflow_provider_backup.operators.gaussdb import GaussDbGetRestoreWindowsOperator
from airflow_provider_backup.operators.rds import RdsGetRestoreWindowsOperator
from airflow_provider_backup.operators.taurusdb import TaurusDbGetRestoreWindowsOperator
from tests.airflow.recording_proxy import Wire
from tests.airflow.service_matrix import DATABASES, resources
from tests.airflow.task_runs import TaskRun

WINDOWS: dict[str, type[Any]] = {
    "rds": RdsGetRestoreWindowsOperator,
    "gaussdb": GaussDbGetRestoreWindowsOperator,
    "taurusdb": TaurusDbGetRestoreWindowsOperator,
}


def instance_of(cloud: RunningCloud, service: str) -> str:
    return resources(cloud, f"{service}_instances")[0]


def windows(service: str, **arguments: Any) -> Any:
    return TaskRun(WINDOWS[service](task_id="windows", **arguments)).execute()


@pytest.mark.parametrize("service", DATABASES)
def test_the_windows_of_a_day_are_returned_as_iso_texts(cloud: RunningCloud, service: str) -> None:
    now = cloud.state.now()

    (window,) = windows(service, instance_id=instance_of(cloud, service), date=now.date().isoformat())

    begin, end = (datetime.fromisoformat(window[name]) for name in ("start_time", "end_time"))
    assert set(window) == {"start_time", "end_time"}
    assert begin.utcoffset() == end.utcoffset() == timedelta(0)
    assert begin < end <= now


@pytest.mark.parametrize("service", ["rds", "taurusdb"])
def test_without_a_day_all_windows_are_returned(cloud: RunningCloud, service: str) -> None:
    assert len(windows(service, instance_id=instance_of(cloud, service))) == 1


@pytest.mark.parametrize("service", DATABASES)
def test_a_day_without_a_window_has_an_empty_list(cloud: RunningCloud, service: str) -> None:
    assert windows(service, instance_id=instance_of(cloud, service), date=date(2020, 2, 29)) == []


@pytest.mark.parametrize("service", DATABASES)
def test_the_day_is_sent_as_the_service_writes_it(wire: Wire, backup_cloud: RunningCloud, service: str) -> None:
    windows(service, instance_id=instance_of(backup_cloud, service), date=date(2031, 4, 2))

    (request,) = wire.sent_to(service, "GET")
    assert request.path.endswith("/restore-time?date=2031-04-02")


@pytest.mark.parametrize("service", DATABASES)
def test_an_unknown_instance_fails_the_task(cloud: RunningCloud, service: str) -> None:
    unknown = "0" * 32 + instance_of(cloud, service)[32:]

    with pytest.raises(NotFoundError, match=unknown):
        windows(service, instance_id=unknown, date=datetime.now(UTC).date())


def test_a_day_that_a_template_turns_into_nothing_fails_without_a_request(
    wire: Wire, backup_cloud: RunningCloud
) -> None:
    operator = WINDOWS["gaussdb"](
        task_id="windows", instance_id=instance_of(backup_cloud, "gaussdb"), date="{{ params.day }}"
    )
    operator.date = None

    with pytest.raises(InvalidArgumentError, match="date: must be given"):
        TaskRun(operator).execute()

    assert wire.sent_to("gaussdb") == []
