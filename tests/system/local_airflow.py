"""Airflow 3 on this machine: components as processes of their own, SQLite, nothing outside one folder and loopback."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Self

import httpx

from tests.system.airflow_api import AirflowApi
from tests.system.own_process import OwnProcess, stop
from tests.system.ports import ADDRESS, free_port


class AirflowStartError(RuntimeError):
    """A component did not start, or a DAG file cannot be read; the text says which and why."""


class LocalAirflow:
    """A whole Airflow, to be used as a context manager: API server, scheduler, DAG processor and triggerer.

    :param home: folder for everything that Airflow writes; made when missing. A new one gives a fresh Airflow.
    :param dags: the folder of the DAG files.
    :param environment: what the components get in addition, such as connections and variables.
    :param port: where the API server listens; ``None`` takes a free one.
    :param start_seconds: how long the start may take, more than 0.
    """

    user = "admin"

    def __init__(
        self,
        home: Path,
        dags: Path,
        *,
        environment: Mapping[str, str] | None = None,
        port: int | None = None,
        start_seconds: float = 600.0,
    ) -> None:
        self.home = home.resolve()
        self.dags = dags.resolve()
        self.port = port if port is not None else free_port()
        self.url = f"http://{ADDRESS}:{self.port}"
        self.password = secrets.token_urlsafe(12)
        self.components: list[OwnProcess] = []
        self._environment = self._settings() | dict(environment or {})
        self._start_seconds = start_seconds
        self._api: AirflowApi | None = None

    @property
    def api(self) -> AirflowApi:
        """The REST client, logged in."""
        if self._api is None:
            raise RuntimeError("Airflow is not started")
        return self._api

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Make the database, start the components, and return when all are healthy.

        :raises AirflowStartError: one of them ended or is not healthy in time; the end of its log is in the text.
        """
        deadline = time.monotonic() + self._start_seconds
        self.home.mkdir(parents=True, exist_ok=True)
        passwords = self.home / "passwords.json"
        passwords.touch(mode=0o600)
        passwords.write_text(json.dumps({self.user: self.password}))
        self._migrate()
        self.components = [
            self._component("api-server", "--host", ADDRESS, "--port", str(self.port), "--workers", "1"),
            self._component("scheduler", "--skip-serve-logs"),
            self._component("dag-processor"),
            self._component("triggerer", "--skip-serve-logs"),
        ]
        while ailing := self._ailing_components():
            self.check()
            if time.monotonic() > deadline:
                raise AirflowStartError(
                    "\n".join(
                        f"Airflow's {component.name} is not healthy after {self._start_seconds:.0f} s. "
                        f"The end of {component.log}:\n{component.tail()}"
                        for component in ailing
                    )
                )
            time.sleep(0.5)
        self._api = AirflowApi(self.url, self.user, self.password)

    def stop(self) -> None:
        """End all components with everything that they started."""
        if self._api is not None:
            self._api.close()
            self._api = None
        stop(self.components)
        self.components = []

    def launch(self, name: str, *command: str) -> OwnProcess:
        """Start one more component, or one that has ended once more; :meth:`stop` ends it with the others.

        :param name: what it is called in messages, and its log.
        :param command: what follows ``airflow`` on its command line.
        """
        process = self._process(name, *command)
        self.components.append(process)
        return process

    def kill(self, name: str) -> None:
        """End a component and all that it started with SIGKILL; :meth:`launch` starts it once more.

        :param name: which one, such as ``triggerer``.
        """
        component = next(each for each in self.components if each.name == name)
        self.components.remove(component)
        component.kill()

    def check(self) -> None:
        """Make sure that all components are there.

        :raises AirflowStartError: one has ended.
        """
        for component in self.components:
            if component.exit_code is not None:
                raise AirflowStartError(
                    f"Airflow's {component.name} ended with exit code {component.exit_code}. "
                    f"The end of {component.log}:\n{component.tail()}"
                )

    def wait_for_dags(self, seconds: float = 600.0, *, without: Collection[str] = ()) -> list[str]:
        """Wait until every DAG file has been read.

        :param seconds: how long to wait, more than 0.
        :param without: tags of DAGs that are left out.
        :return: the ids of the DAGs, sorted.
        :raises AirflowStartError: a file cannot be read, or was not read in time.
        """
        expected = {str(file.relative_to(self.dags)) for file in self.dags.rglob("*.py") if _may_hold_a_dag(file)}
        deadline = time.monotonic() + seconds
        while True:
            self.check()
            if errors := self.api.import_errors():
                texts = [f"{error['filename']} cannot be read:\n{error['stack_trace']}" for error in errors]
                raise AirflowStartError("\n".join(texts))
            dags = self.api.dags()
            missing = expected - {dag["relative_fileloc"] for dag in dags}
            if not missing:
                return sorted(dag["dag_id"] for dag in dags if not {tag["name"] for tag in dag["tags"]} & set(without))
            if time.monotonic() > deadline:
                raise AirflowStartError(f"Not read after {seconds:.0f} s: {', '.join(sorted(missing))}")
            time.sleep(0.5)

    def _migrate(self) -> None:
        done = subprocess.run(
            [*_AIRFLOW, "db", "migrate"],
            env=self._environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise AirflowStartError(f"airflow db migrate failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")

    def _component(self, name: str, *arguments: str) -> OwnProcess:
        return self._process(name, name, *arguments)

    def _process(self, name: str, *command: str) -> OwnProcess:
        return OwnProcess(
            name,
            [*_AIRFLOW, *command],
            # So that a hostname_callable can tell components apart that would run on machines of their own.
            environment=self._environment | {"COMPONENT_NAME": name},
            log=self.home / "components" / f"{name}.log",
            directory=self.home,
        )

    def _ailing_components(self) -> list[OwnProcess]:
        """Return the components that are not healthy yet.

        While the API server is silent, nobody knows of the others.
        """
        api_server, *others = self.components
        try:
            health = httpx.get(f"{self.url}/api/v2/monitor/health", timeout=5.0, trust_env=False).json()
        except (httpx.HTTPError, ValueError):
            return [api_server]
        return [
            component
            for component in others
            if (health.get(component.name.replace("-", "_")) or {}).get("status") != "healthy"
        ]

    def _settings(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
        return inherited | {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__SECRET_KEY": secrets.token_urlsafe(48),
            # Airflow 3.0 makes no valid token without one.
            "AIRFLOW__API_AUTH__JWT_ISSUER": "local-airflow",
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_urlsafe(64),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.home / "passwords.json"),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{self.user}:admin",
            "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
            # On a busy machine a writer may hold SQLite for over five seconds, the default: that ends the scheduler.
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.home}/airflow.db?timeout=60",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "NO_PROXY": f"{ADDRESS},localhost",
            "PYTHONUNBUFFERED": "1",
            "SCARF_ANALYTICS": "false",
            "no_proxy": f"{ADDRESS},localhost",
        }


_AIRFLOW = [sys.executable, "-m", "airflow"]


def _may_hold_a_dag(file: Path) -> bool:
    # Airflow's own rule for which files are worth reading.
    content = file.read_bytes().lower()
    return b"dag" in content and b"airflow" in content
