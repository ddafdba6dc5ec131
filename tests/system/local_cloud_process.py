"""The local cloud as a process of its own, the way a DAG author starts it."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any, Self

from airflow_provider_backup.cloud.settings import CloudSettings, PasswordCredentials
from airflow_provider_backup.emulator.airflow_connection import connection_json
from tests.system.own_process import OwnProcess, stop

START_SECONDS = 30.0


class CloudStartError(RuntimeError):
    """The local cloud did not start; the text says why."""


class LocalCloudProcess:
    """A local cloud, to be used as a context manager.

    :param folder: where its log and its state go.
    :param port: port of the identity service, the others follow; 0 takes free ones.
    :param backup_seconds: how long a backup takes, in seconds, 0 or more.
    """

    def __init__(self, folder: Path, *, port: int = 0, backup_seconds: float = 5.0) -> None:
        self.description: dict[str, Any] = {}
        self._folder = folder
        self._command = [sys.executable, "-m", "airflow_provider_backup.emulator"]
        self._command += ["--port", str(port), "--backup-seconds", str(backup_seconds)]
        self._command += ["--state", str(folder / "cloud.json")]
        self._processes: list[OwnProcess] = []

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        process = OwnProcess(
            "local cloud",
            self._command,
            environment=os.environ,
            log=self._folder / "cloud.log",
            directory=self._folder,
        )
        self._processes = [process]
        try:
            self.description = _ready_line(process)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it."""
        stop(self._processes)
        self._processes = []

    @property
    def settings(self) -> CloudSettings:
        """How our own client reaches it."""
        description = self.description
        return CloudSettings(
            PasswordCredentials(description["user"], description["password"], description["domain"]),
            region=description["region"],
            project_name=description["project_name"],
            cloud="custom",
            auth_url=description["iam"],
        )

    @property
    def airflow_environment(self) -> dict[str, str]:
        """What an Airflow needs to run the example DAGs on it: the default connection, and the ids of what it holds."""
        return {
            "AIRFLOW_CONN_HUAWEICLOUD_BACKUP_DEFAULT": connection_json(self.description),
            "AIRFLOW_VAR_BACKUP_EXAMPLES": json.dumps(self.description["resources"]),
        }


def _ready_line(process: OwnProcess) -> dict[str, Any]:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.exit_code is None:
        for line in process.log.read_text().splitlines(keepends=True):
            if line.startswith("{") and line.endswith("}\n"):
                description: dict[str, Any] = json.loads(line)
                return description
        time.sleep(0.1)
    ended = f"ended with exit code {process.exit_code}" if process.exit_code is not None else "did not say it is ready"
    raise CloudStartError(f"The local cloud {ended}. The end of {process.log}:\n{process.tail()}")
