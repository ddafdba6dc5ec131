"""The local cloud as a process of its own, the way a DAG author starts it."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import httpx

from airflow_provider_backup.cloud.settings import CloudSettings, PasswordCredentials
from airflow_provider_backup.emulator.airflow_connection import connection_json
from tests.system.own_process import OwnProcess, stop

START_SECONDS = 180.0
_MAY_BE_ENTERED = 0o711


class CloudStartError(RuntimeError):
    """The local cloud did not start; the text says why."""


class LocalCloudProcess:
    """A local cloud, to be used as a context manager.

    :param folder: where its log and its state go.
    :param port: port of the identity service, the others follow; 0 takes free ones.
    :param backup_seconds: how long a backup takes, in seconds, 0 or more.
    :param extra_resources: how many further servers, disks and instances it has, 0 or more.
    :param faults: how it misbehaves from each start on, see ``emulator/faults/orders.py``.
    :param postgres: whether its PostgreSQL instance is a real server.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        backup_seconds: float = 5.0,
        extra_resources: int = 0,
        faults: Sequence[Mapping[str, Any]] = (),
        postgres: bool = False,
    ) -> None:
        self.description: dict[str, Any] = {}
        self._folder = folder
        self._command = [sys.executable, "-m", "airflow_provider_backup.emulator"]
        self._command += ["--port", str(port), "--backup-seconds", str(backup_seconds)]
        self._command += ["--state", str(folder / "cloud.json"), "--extra-resources", str(extra_resources)]
        self._command += ["--faults", str(folder / "faults.json")]
        self._command += ["--postgres"] if postgres else []
        self._postgres = postgres
        self._faults = json.dumps(list(faults))
        self._processes: list[OwnProcess] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def log(self) -> Path:
        """What it prints, a line for each request among it; it grows over restarts."""
        return self._folder / "cloud.log"

    @property
    def tables(self) -> dict[str, dict[str, dict[str, Any]]]:
        """What it knows, as it was saved after the last request that changed something: rows by table and id."""
        tables: dict[str, dict[str, dict[str, Any]]] = json.loads((self._folder / "cloud.json").read_text())
        return tables

    def start(self) -> OwnProcess:
        """Start it, or start it again with the state that it had; return when it is ready.

        :raises CloudStartError: it does not start.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._postgres:
            # When this is root, another user runs PostgreSQL in a folder below; the state has its owner's mode.
            self._folder.chmod(_MAY_BE_ENTERED)
        (self._folder / "faults.json").write_text(self._faults)
        already_printed = self.log.stat().st_size if self.log.exists() else 0
        process = OwnProcess(
            "local cloud",
            self._command,
            environment=os.environ,
            log=self.log,
            directory=self._folder,
        )
        self._processes.append(process)
        try:
            self.description = _ready_line(process, already_printed)
        except BaseException:
            self.stop()
            raise
        return process

    def stop(self) -> None:
        """End it."""
        stop(self._processes)
        self._processes = []

    def advance_clock(self, seconds: float) -> None:
        """Set the cloud's clock forward.

        :param seconds: how far, 0 or more.
        """
        httpx.post(
            f"{self.description['iam'].removesuffix('/v3')}/_control/clock",
            json={"advance_seconds": seconds},
            trust_env=False,
        ).raise_for_status()

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
        """What an Airflow needs to run the example DAGs on it.

        The default connection, the ids of what it holds, and with a real PostgreSQL the connection ``billing_database``
        and the id of its instance.
        """
        examples = dict(self.description["resources"])
        environment = {"AIRFLOW_CONN_HUAWEICLOUD_BACKUP_DEFAULT": connection_json(self.description)}
        for instance_id, connection in self.description.get("database_connections", {}).items():
            examples["postgresql_instance"] = instance_id
            environment["AIRFLOW_CONN_BILLING_DATABASE"] = json.dumps(connection)
        return {**environment, "AIRFLOW_VAR_BACKUP_EXAMPLES": json.dumps(examples)}


def _ready_line(process: OwnProcess, already_printed: int) -> dict[str, Any]:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.exit_code is None:
        for line in process.log.read_bytes()[already_printed:].decode().splitlines(keepends=True):
            if line.startswith("{") and line.endswith("}\n"):
                description: dict[str, Any] = json.loads(line)
                return description
        time.sleep(0.1)
    ended = f"ended with exit code {process.exit_code}" if process.exit_code is not None else "did not say it is ready"
    raise CloudStartError(f"The local cloud {ended}. The end of {process.log}:\n{process.tail()}")
