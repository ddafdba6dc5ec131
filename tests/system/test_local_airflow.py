from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.system.local_airflow import AirflowStartError, LocalAirflow
from tests.system.ports import ADDRESS

pytestmark = pytest.mark.system


def test_a_component_that_cannot_start_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    with socket.create_server((ADDRESS, 0)) as taken:
        airflow = LocalAirflow(tmp_path / "airflow", tmp_path, port=taken.getsockname()[1])

        with pytest.raises(AirflowStartError, match=r"(?s)api-server ended with exit code \d.*address already in use"):
            airflow.start()

        components = list(airflow.components)
        airflow.stop()
        assert [member for component in components for member in component.family()] == []
