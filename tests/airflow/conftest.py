"""What the tests of the Airflow layer share: a connection to the local cloud, and less patience than in earnest."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.version_compat import AIRFLOW_3
from tests.airflow.recording_proxy import Wire
from tests.airflow.secret_masks import forget_masks

CONNECTION = "AIRFLOW_CONN_HUAWEICLOUD_BACKUP_DEFAULT"


@pytest.fixture(autouse=True)
def _impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_backup.triggers.backup.EARLIEST_EVENT", 0.05)
    monkeypatch.setattr("airflow_provider_backup.sensors.base.SHORTEST_POKE", 0.05)
    monkeypatch.setattr("airflow_provider_backup.tasks.operation_search.LOOK_UPS_OF_A_LOST_ANSWER", (0.05, 0.1))


@pytest.fixture(autouse=True)
def _no_masks_of_earlier_tests() -> None:
    forget_masks()


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Return a function that tells everything that was logged so far, by tasks and all else, at every level."""
    caplog.set_level(logging.DEBUG)
    texts: list[str] = []

    def everything() -> str:
        # Tasks of Airflow 3 do not log through the standard library.
        captured = capsys.readouterr()
        texts.extend([captured.out, captured.err])
        return "\n".join([*texts, caplog.text])

    return everything


@pytest.fixture(autouse=True)
def _first_poke_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let sensors of Airflow 2.11 that reschedule think that their first poke was when the test began."""
    if not AIRFLOW_3:
        began = datetime.now(UTC)
        monkeypatch.setattr("airflow.sensors.base._orig_start_date", lambda **_: began)


@pytest.fixture
def cloud(backup_cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch) -> RunningCloud:
    """A local cloud that the default connection points at."""
    monkeypatch.setenv(CONNECTION, backup_cloud.connection_json(attempts=2, retry_wait=0.05))
    backup_cloud.set_backup_seconds(0.05)
    return backup_cloud


@pytest.fixture
def wire(backup_cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """A recorded wire to a local cloud, which the default connection goes through."""
    backup_cloud.set_backup_seconds(0.05)
    with Wire(backup_cloud) as wire:
        monkeypatch.setenv(CONNECTION, wire.connection_json(attempts=2, retry_wait=0.05))
        yield wire
