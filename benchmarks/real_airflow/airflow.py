"""The Airflow of this benchmark: PostgreSQL, LocalExecutor, one triggerer with room for all tasks."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.metadata import Metadata
from tests.cluster.server_programs import ServerPrograms
from tests.cluster.servers import PostgresServer
from tests.system.local_airflow import LocalAirflow
from tests.system.own_process import stop

_HERE = Path(__file__).parent
_START_SECONDS = 240.0
_AT_ONCE = 8
"""Tasks that are queued or running at a time; this machine is small."""


@contextmanager
def running_airflow(folder: Path, connection: str, disks: Sequence[str]) -> Iterator[tuple[LocalAirflow, Metadata]]:
    """Start it, and stop it when the context ends.

    :param folder: for all that it writes.
    :param connection: the default connection, as JSON.
    :param disks: ids of the disks; there is a task for each.
    """
    collector_folder(folder).mkdir()
    postgres = PostgresServer(ServerPrograms.found(), folder / "postgresql.log")
    database = postgres.start()
    try:
        metadata = Metadata(postgres.address)
        _wait(metadata.is_there, "PostgreSQL takes no connections")
        with LocalAirflow(
            folder / "airflow",
            _HERE / "dags",
            environment=_settings(postgres.address, len(disks))
            | {
                "AIRFLOW_CONN_HUAWEICLOUD_BACKUP_DEFAULT": connection,
                "BENCHMARK_DISKS": json.dumps(list(disks)),
                "BENCHMARK_COLLECTOR_PASSES": str(collector_folder(folder)),
            },
            start_seconds=_START_SECONDS,
        ) as airflow:
            airflow.wait_for_dags()
            yield airflow, metadata
    finally:
        stop([database])
        postgres.remove_files()


def collector_folder(folder: Path) -> Path:
    """Return where each process of Airflow writes down how long Python's garbage collector keeps it waiting.

    :param folder: as for :func:`running_airflow`.
    """
    return folder / "collector"


def _settings(database: str, tasks: int) -> dict[str, str]:
    return {
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": str(_AT_ONCE),
        # The defaults are 128 slots, 1,024 instances of a mapped task, and 1,000 triggers.
        "AIRFLOW__CORE__DEFAULT_POOL_TASK_SLOT_COUNT": str(2 * tasks),
        "AIRFLOW__CORE__MAX_MAP_LENGTH": str(2 * tasks),
        "AIRFLOW__TRIGGERER__CAPACITY": str(2 * tasks),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{database}",
        "PYTHONPATH": str(_HERE / "modules"),
    }


def _wait(condition: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{otherwise} after {_START_SECONDS:.0f} s.")
        time.sleep(0.5)
