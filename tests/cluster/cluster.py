"""A whole Airflow as users scale it out: PostgreSQL, Redis, Celery; each component is a process, all on loopback."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.emulator.services.registry import SERVICES
from tests.cluster.damage import Damage
from tests.cluster.metadata import Metadata
from tests.cluster.server_programs import ServerPrograms
from tests.cluster.servers import PostgresServer, RedisServer
from tests.cluster.settings import cluster_settings
from tests.cluster.supervisor import Supervisor
from tests.cluster.work import COUNTS, SERVERS, Work
from tests.system.local_airflow import AirflowStartError, LocalAirflow
from tests.system.local_cloud_process import LocalCloudProcess
from tests.system.own_process import OwnProcess, stop
from tests.system.ports import free_ports_in_a_row

DAGS = Path(__file__).parent / "dags"
WORKERS = ("worker-1", "worker-2")
TRIGGERERS = ("triggerer", "triggerer-2")
API_SERVER = "api-server"
BROKER = "redis"
CLOUD = "local cloud"
DATABASE = "postgresql"
START_SECONDS = 240.0

SLOW_ANSWER = {
    "kind": "delay",
    "method": "POST",
    "route": r"^.*/(cloudbackups|checkpoints|backups|backups/create|restore|restores)$",
    "seconds": 2.0,
    "after_effect": True,
}
"""The cloud takes its time to answer that a backup or a restore has begun, so that kills fall between the effect and
the answer."""

_COMMANDS = {
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
    "triggerer-2": ("triggerer", "--skip-serve-logs"),
    **{name: ("celery", "worker", "--skip-serve-logs", "--celery-hostname", name) for name in WORKERS},
}


class Cluster:
    """The cluster and the local cloud that it works on; a context manager.

    :param folder: for all that is written, the database's files aside; made when missing.
    :param backup_seconds: how long a backup takes.
    :param report: told what happens, a line at a time.
    """

    def __init__(self, folder: Path, *, backup_seconds: float, report: Callable[[str], None]) -> None:
        self.supervisor = Supervisor(report)
        self._folder = folder
        self._report = report
        self._stack = ExitStack()
        programs = ServerPrograms.found()
        self._postgres = PostgresServer(programs, folder / "postgresql.log")
        self._redis = RedisServer(programs, folder / "redis")
        self.cloud = LocalCloudProcess(
            folder / "cloud",
            port=free_ports_in_a_row(1 + len(SERVICES)),
            backup_seconds=backup_seconds,
            extra_resources=max(SERVERS, *COUNTS.values()),
            faults=[SLOW_ANSWER],
        )
        self.metadata = Metadata(self._postgres.address)
        self.work: Work
        self.airflow: LocalAirflow

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def api_answers(self) -> bool:
        """Return whether the API server is there and reaches the database."""
        try:
            health = httpx.get(f"{self.airflow.url}/api/v2/monitor/health", timeout=5.0, trust_env=False).json()
        except (httpx.HTTPError, ValueError):
            return False
        return bool(health["metadatabase"]["status"] == "healthy")

    def _start(self) -> None:
        # What is entered first ends last: the servers after those who use them.
        self._stack.callback(self._postgres.remove_files)
        self._started(DATABASE, self._postgres.start)
        self._started(BROKER, self._redis.start)
        self._stack.callback(self.cloud.stop)
        self.supervisor.add(CLOUD, self.cloud.start)
        self._wait_for(self.metadata.is_there, "PostgreSQL takes no connections")
        self.work = asyncio.run(self._prepared_work())
        settings = cluster_settings(database=self._postgres.address, broker=self._redis.url, work=self.work.to_json())
        self.airflow = LocalAirflow(
            self._folder / "airflow",
            DAGS,
            environment=self.cloud.airflow_environment | settings,
            start_seconds=START_SECONDS,
        )
        self._report("PostgreSQL, Redis and the local cloud run; starting Airflow")
        self._stack.enter_context(self.airflow)
        for component in list(self.airflow.components):
            self.supervisor.add(component.name, self._starter(component.name), component)
        for name in ("triggerer-2", *WORKERS):
            self.supervisor.add(name, self._starter(name))
        self._wait_for(self._all_are_ready, "a worker or a triggerer is not ready")

    def _started(self, name: str, start: Callable[[], OwnProcess]) -> None:
        self._stack.callback(lambda: stop([self.supervisor.process(name)]))
        self.supervisor.add(name, start)

    def _starter(self, name: str) -> Callable[[], OwnProcess]:
        api_server = ("api-server", "--host", "127.0.0.1", "--port", str(self.airflow.port), "--workers", "1")
        return partial(self.airflow.launch, name, *_COMMANDS.get(name, api_server))

    async def _prepared_work(self) -> Work:
        async with BackupCloud(self.cloud.settings) as client:
            return await Work.prepared(client, self.cloud.description["resources"], self.damage)

    @property
    def damage(self) -> Damage:
        """What was done to the data that the restores bring back."""
        return Damage(self.cloud.description["iam"])

    def _all_are_ready(self) -> bool:
        self.airflow.check()
        triggerers = {job.host for job in self.metadata.jobs() if job.kind == "TriggererJob"}
        workers_are_ready = all(" ready." in self.supervisor.process(name).tail(200) for name in WORKERS)
        return triggerers == set(TRIGGERERS) and workers_are_ready

    def _wait_for(self, condition: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise AirflowStartError(f"{otherwise} after {START_SECONDS:.0f} s. The logs are in {self._folder}")
            time.sleep(0.5)
