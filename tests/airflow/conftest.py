"""What the tests of the Airflow layer share: a connection to the local cloud, and shorter limits of time.

Operators run event loops of their own, and the local cloud runs in another thread: time is real here, so what is waited
for takes fractions of a second. A sleep lets a trigger or a thread come to the point that a test is about; bounds of
time are wide, and fail only if something waits for its timeout. Waiting itself is tested in virtual time, in
``test_virtual_time.py`` and in ``tests/cloud``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_backup.cloud.clock import override_clock
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.limits import override_task_limits
from airflow_provider_backup.version_compat import AIRFLOW_3
from tests.airflow.recording_proxy import Wire
from tests.airflow.secret_masks import forget_masks
from tests.virtual_clock import LaterClock

ChangeLimits = Callable[..., Any]
CONNECTION = "AIRFLOW_CONN_HUAWEICLOUD_BACKUP_DEFAULT"


@pytest.fixture(autouse=True)
def _short_waits() -> Iterator[None]:
    with override_task_limits(earliest_event=0.05, shortest_poke=0.05, lost_answer_searches=(0.05, 0.1)):
        yield


@pytest.fixture
def change_limits(_short_waits: None) -> Iterator[ChangeLimits]:
    """Return a function that changes limits of tasks until the end of the test."""
    with ExitStack() as changes:
        yield lambda **limits: changes.enter_context(override_task_limits(**limits))


@pytest.fixture
def later() -> Iterator[Callable[[float], object]]:
    """Return a function that sets the clock of tasks forward until the end of the test; the local cloud's stays."""
    with ExitStack() as changes:
        yield lambda seconds: changes.enter_context(override_clock(LaterClock(seconds)))


@pytest.fixture(autouse=True)
def _no_masks_of_earlier_tests() -> None:
    forget_masks()


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Return a function that returns everything that was logged so far, by tasks and other code, at every level."""
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
