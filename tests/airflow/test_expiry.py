"""When backups expire by themselves: what is asked for, what came of it, and what is returned."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.operators.cbr import CbrCreateBackupOperator, CbrGetLatestBackupOperator
from airflow_provider_backup.sensors.cbr import CbrBackupSensor
from tests.airflow.recording_proxy import Wire
from tests.airflow.service_matrix import SERVICES, cbr_vault, taken
from tests.airflow.task_runs import TaskRun


def backed_up(cloud: RunningCloud, **arguments: Any) -> dict[str, Any]:
    """Take a backup with CBR and return the result."""
    vault_id = arguments.pop("vault_id", None) or cbr_vault(cloud)
    usual = {"task_id": "backup", "vault_id": vault_id, "poll_interval": 0.05, "deferrable": False}
    result: dict[str, Any] = TaskRun(CbrCreateBackupOperator(**{**usual, **arguments})).run()
    return result


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_backup_expires_after_the_days_that_were_asked_for(
    cloud: RunningCloud, logged: Callable[[], str], deferrable: bool
) -> None:
    result = backed_up(cloud, retention_days=30, deferrable=deferrable)

    lasts = datetime.fromisoformat(result["expires_at"]) - datetime.fromisoformat(result["created_at"])
    assert abs(lasts - timedelta(days=30)) < timedelta(minutes=1)
    assert "was to expire" not in logged()


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_cloud_that_ignores_the_days_is_reported(
    cloud: RunningCloud, wire: Wire, logged: Callable[[], str], deferrable: bool
) -> None:
    with wire.replacing((b'"expired_at"', b'"ignored"')):
        result = backed_up(cloud, retention_days=30, deferrable=deferrable)

    assert result["expires_at"] is None
    assert "was to expire after 30 days (retention_days), but it never does" in logged()


def test_days_may_be_rendered_to_text(cloud: RunningCloud) -> None:
    assert backed_up(cloud, retention_days="7")["expires_at"]


def test_sensor_and_latest_backup_tell_the_end_as_well(cloud: RunningCloud) -> None:
    vault_id = cbr_vault(cloud)
    result = backed_up(cloud, vault_id=vault_id, retention_days=30)
    (resource_id,) = result["resource_ids"]

    sensed = TaskRun(CbrBackupSensor(task_id="sensor", backup=result, poke_interval=0.05)).execute()
    latest = TaskRun(CbrGetLatestBackupOperator(task_id="latest", resource_id=resource_id)).execute()

    assert sensed["expires_at"] == result["expires_at"]
    assert latest["expires_at"] == result["expires_at"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_backup_that_stays_until_it_is_deleted_has_no_end(cloud: RunningCloud, service: str) -> None:
    assert taken(cloud, service, wait=True)["expires_at"] is None
