"""The few calls to Airflow's REST API (version 2) that the tests and the demo need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

import httpx

FINISHED_STATES = frozenset({"success", "failed"})
"""The states in which a DAG run stays."""

_PATIENCE = 300.0
"""Seconds for one answer: on a machine with a load of 15 one took more than 30."""


class AirflowApi:
    """A client of one Airflow, logged in as one user.

    :param url: where the API server is, without a path.
    :param user: name of the user.
    :param password: the user's password.
    :raises httpx.HTTPError: the server is not there or refuses.
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=_PATIENCE, trust_env=False)
        answer = self._client.post("/auth/token", json={"username": user, "password": password}).raise_for_status()
        self._client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def dags(self) -> list[dict[str, Any]]:
        """Return all DAGs that the DAG processor has found."""
        return self._all("/dags", "dags")

    def import_errors(self) -> list[dict[str, Any]]:
        """Return the DAG files that cannot be read: ``filename`` and ``stack_trace``."""
        return self._all("/importErrors", "import_errors")

    def providers(self) -> list[dict[str, Any]]:
        """Return the providers that this Airflow knows."""
        return self._all("/providers", "providers")

    def unpause(self, dag_id: str) -> None:
        """Let the scheduler run the DAG."""
        self._call("PATCH", f"/dags/{dag_id}", body={"is_paused": False})

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None) -> str:
        """Start a run with these DAG params.

        :return: the id of the run.
        """
        run = self._call("POST", f"/dags/{dag_id}/dagRuns", body={"logical_date": None, "conf": dict(conf or {})})
        return str(run["dag_run_id"])

    def dag_runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Return all runs of a DAG."""
        return self._all(f"/dags/{dag_id}/dagRuns", "dag_runs")

    def dag_run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """Return one run; its ``state`` is ``queued``, ``running``, ``success`` or ``failed``."""
        return self._call("GET", f"/dags/{dag_id}/dagRuns/{run_id}")

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return the task instances of a run, mapped ones each."""
        return self._all(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances", "task_instances")

    def mark_task(self, dag_id: str, run_id: str, task_id: str, state: str, *, map_index: int = -1) -> None:
        """Give a task instance a state, as a user does.

        :param state: ``failed``, ``success`` or ``skipped``.
        :param map_index: which instance of a mapped task; -1 for a task that is not mapped.
        """
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}"
        self._call("PATCH", path if map_index < 0 else f"{path}/{map_index}", body={"new_state": state})

    def mark_run(self, dag_id: str, run_id: str, state: str) -> None:
        """Give a run a state, as a user does: ``failed``, ``success`` or ``queued``."""
        self._call("PATCH", f"/dags/{dag_id}/dagRuns/{run_id}", body={"state": state})

    def clear(self, dag_id: str, run_id: str, task_id: str) -> None:
        """Clear a task instance, so that it runs again."""
        body = {"dry_run": False, "only_failed": False, "dag_run_id": run_id, "task_ids": [task_id]}
        self._call("POST", f"/dags/{dag_id}/clearTaskInstances", body=body)

    def xcom_entries(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return where the tasks of a run have put something into XCom: ``task_id``, ``map_index`` and ``key``."""
        return self._all(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/~/xcomEntries", "xcom_entries")

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str, *, map_index: int = -1) -> Any:
        """Return one value out of XCom.

        :param map_index: which instance of a mapped task; -1 for a task that is not mapped.
        """
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/{key}"
        return self._call("GET", path, map_index=map_index)["value"]

    def log(self, dag_id: str, run_id: str, task_id: str, *, try_number: int = 1, map_index: int = -1) -> str:
        """Return what a task instance logged in one try, a line for each entry and for each error in it."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{try_number}"
        content = self._call("GET", path, map_index=map_index)["content"]
        return "\n".join(line for entry in content for line in _log_lines(entry))

    def _call(self, method: str, path: str, *, body: Any = None, **query: Any) -> dict[str, Any]:
        answer = self._client.request(
            method, f"/api/v2{path}", json=body, params=query, headers={"Accept": "application/json"}
        )
        if answer.is_error:
            raise httpx.HTTPStatusError(
                f"{method} {path}: {answer.status_code} {answer.text}", request=answer.request, response=answer
            )
        content: dict[str, Any] = answer.json()
        return content

    def _all(self, path: str, member: str, **query: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        while True:
            page = self._call("GET", path, limit=100, offset=len(rows), **query)
            rows += page[member]
            if not page[member] or len(rows) >= page["total_entries"]:
                return rows


def _log_lines(entry: dict[str, Any] | str) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
        return
    yield str(entry.get("event"))
    for error in entry.get("error_detail") or ():
        yield f"{error['exc_type']}: {error['exc_value']}"
