"""Airflow and the local cloud as processes, started once for all system tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.secret_search import search_folder
from tests.system.local_airflow import LocalAirflow
from tests.system.local_cloud_process import LocalCloudProcess

EXAMPLE_DAGS = Path(__file__).parents[2] / "example_dags"


@pytest.fixture(scope="session", autouse=True)
def _search_what_components_wrote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Search logs and databases of all Airflows for secrets; the run fails at its end when one is found."""
    yield
    for logs in tmp_path_factory.getbasetemp().rglob("components"):
        files = search_folder(logs.parent)
        # Each component has a log, and each task; and there is the database.
        assert files > 5, logs


@pytest.fixture(scope="session")
def local_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloudProcess]:
    """A local cloud as a process of its own; backups take three seconds."""
    with LocalCloudProcess(tmp_path_factory.mktemp("cloud"), backup_seconds=3.0) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def local_airflow(tmp_path_factory: pytest.TempPathFactory, local_cloud: LocalCloudProcess) -> Iterator[LocalAirflow]:
    """A whole Airflow with the example DAGs, connected to the local cloud; nothing of it is left afterwards."""
    home = tmp_path_factory.mktemp("airflow")
    with LocalAirflow(home, EXAMPLE_DAGS, environment=local_cloud.airflow_environment) as airflow:
        components = list(airflow.components)
        yield airflow
    assert [member for component in components for member in component.family()] == []
