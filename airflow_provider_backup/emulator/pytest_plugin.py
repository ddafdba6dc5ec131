"""Fixtures for tests of DAGs and of this package. Imports come late: pytest loads this file in every run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from airflow_provider_backup.emulator.threaded import RunningCloud


@pytest.fixture
def backup_cloud() -> Iterator[RunningCloud]:
    """A fresh local cloud on free ports of this machine; backups take 0.2 seconds."""
    from airflow_provider_backup.emulator.threaded import RunningCloud

    with RunningCloud() as cloud:
        yield cloud


@pytest.fixture
def postgres_cloud() -> Iterator[RunningCloud]:
    """A fresh local cloud as :func:`backup_cloud`, whose PostgreSQL instance is a real server; needs the extra."""
    from airflow_provider_backup.emulator.threaded import RunningCloud

    with RunningCloud(postgres=True) as cloud:
        yield cloud
