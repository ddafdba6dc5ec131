"""How DAG runs stand, task by task, with the backups that their tasks take: Airflow and the cloud seen together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.errors import BackupError, NotFoundError
from airflow_provider_backup.cloud.operations.backup import OperationReference
from tests.system.airflow_api import FINISHED_STATES, AirflowApi

REFERENCE_KEY = "backup_reference"
"""Where operators that take a backup put its id before they wait."""

RESULT_KEY = "return_value"

_OVER = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})

_TaskKey = tuple[str, str, int]


@dataclass(frozen=True)
class TaskRow:
    """One task instance.

    :param dag: id of the DAG.
    :param task_id: id of the task.
    :param map_index: which instance of a mapped task; -1 for a task that is not mapped.
    :param try_number: how often it was tried.
    :param state: Airflow's word.
    :param subject: the backup or policy that it is about.
    :param status: the service's word on that backup.
    :param is_under_way: whether that backup is still being made.
    :param change: what the task changed or deleted, in words.
    """

    dag: str
    task_id: str
    map_index: int
    try_number: int
    state: str
    subject: str = ""
    status: str = ""
    is_under_way: bool = False
    change: str = ""

    @property
    def task(self) -> str:
        """Id of the task, with the map index of a mapped one."""
        return self.task_id if self.map_index < 0 else f"{self.task_id}[{self.map_index}]"

    @property
    def is_open(self) -> bool:
        """Whether the task is not over."""
        return self.state not in _OVER


class RunBoard:
    """Several DAG runs.

    :param api: the Airflow that they run in.
    :param runs: run id by DAG id.
    """

    def __init__(self, api: AirflowApi, runs: Mapping[str, str]) -> None:
        self.states: dict[str, str] = dict.fromkeys(runs, "queued")
        self.runs = dict(runs)
        self._api = api
        self._values: dict[tuple[_TaskKey, str], Any] = {}
        self._observed: dict[OperationReference, tuple[str, str]] = {}
        self._final: set[OperationReference] = set()

    @classmethod
    def start(cls, api: AirflowApi, dag_ids: Iterable[str]) -> Self:
        """Unpause DAGs and start a run of each.

        :param api: the Airflow that has them.
        :param dag_ids: which ones.
        """
        runs = {}
        for dag_id in dag_ids:
            api.unpause(dag_id)
            runs[dag_id] = api.trigger(dag_id)
        return cls(api, runs)

    @property
    def finished(self) -> bool:
        """Whether all runs are over, as last seen by :meth:`look`."""
        return all(state in FINISHED_STATES for state in self.states.values())

    @property
    def succeeded(self) -> int:
        """How many runs ended well, as last seen by :meth:`look`."""
        return sum(state == "success" for state in self.states.values())

    @property
    def taking_tasks(self) -> int:
        """How many tasks have taken a backup, as last seen by :meth:`look`."""
        return sum(name == REFERENCE_KEY for _, name in self._values)

    @property
    def reported_backups(self) -> set[str]:
        """Ids of the backups that tasks have returned, as last seen by :meth:`look`.

        A restore also returns the backup that it took of what it overwrote.
        """
        results = [value for (_, name), value in self._values.items() if name == RESULT_KEY and isinstance(value, dict)]
        taken_first = [result.get("backup_first") or {} for result in results]
        return {backup_id for result in (*results, *taken_first) for backup_id in result.get("backup_ids") or ()}

    async def look(self, cloud: BackupCloud) -> list[TaskRow]:
        """Look once at all runs.

        :param cloud: the open client of the cloud that the runs work on.
        :return: the rows in the order in which the tasks began.
        """
        rows: list[TaskRow] = []
        for dag_id, run_id in self.runs.items():
            # The run first: when it is over, its tasks are.
            self.states[dag_id] = (await asyncio.to_thread(self._api.dag_run, dag_id, run_id))["state"]
            instances = await asyncio.to_thread(self._api.task_instances, dag_id, run_id)
            await asyncio.to_thread(self._read_new_values, dag_id, run_id)
            rows += [await self._row(cloud, dag_id, instance) for instance in sorted(instances, key=_beginning)]
        return rows

    def _read_new_values(self, dag_id: str, run_id: str) -> None:
        for entry in self._api.xcom_entries(dag_id, run_id):
            key = (dag_id, entry["task_id"], entry["map_index"])
            if entry["key"] in (REFERENCE_KEY, RESULT_KEY) and (key, entry["key"]) not in self._values:
                value = self._api.xcom(dag_id, run_id, entry["task_id"], entry["key"], map_index=entry["map_index"])
                self._values[key, entry["key"]] = value

    async def _row(self, cloud: BackupCloud, dag_id: str, instance: Mapping[str, Any]) -> TaskRow:
        key = (dag_id, instance["task_id"], instance["map_index"])
        result = self._values.get((key, RESULT_KEY))
        subject, status = subject_of(result)
        is_under_way = False
        if isinstance(value := self._values.get((key, REFERENCE_KEY)), dict):
            reference = OperationReference.from_dict(value)
            subject, status = await self._seen_in_cloud(cloud, reference)
            if instance["state"] in ("success", "failed"):
                # What a task left behind may be deleted by a later one.
                self._final.add(reference)
            is_under_way = reference not in self._final
        state = instance["state"] or "waiting"
        return TaskRow(*key, instance["try_number"], state, subject, status, is_under_way, change_of(result))

    async def _seen_in_cloud(self, cloud: BackupCloud, reference: OperationReference) -> tuple[str, str]:
        if reference not in self._final:
            try:
                observation = await cloud.service(reference.service).observe(reference)
            except NotFoundError:
                name, _ = self._observed.get(reference, (str(reference), ""))
                self._observed[reference] = (name, "gone")
            except BackupError as error:
                self._observed[reference] = (str(reference), error.message)
            else:
                progress = "" if observation.progress is None else f" {observation.progress} %"
                status = observation.status if observation.phase.is_terminal else observation.status + progress
                self._observed[reference] = (observation.name or str(reference), status)
                if observation.phase.is_terminal:
                    self._final.add(reference)
        return self._observed[reference]


def subject_of(result: Any) -> tuple[str, str]:
    """Return name (else id) and status out of what one of our tasks returned; empty texts for anything else."""
    if not isinstance(result, dict):
        return "", ""
    subject = next((result[key] for key in ("name", "backup_id", "policy_id", "id") if result.get(key)), "")
    return str(subject), str(result.get("status") or "")


def change_of(result: Any) -> str:
    """Return in words what one of our tasks brought to a described state or pruned; an empty text for anything else."""
    return _applied(result) or _pruned(result) if isinstance(result, dict) else ""


def _applied(result: Mapping[str, Any]) -> str:
    if "differences" not in result:
        return ""
    verb = "would change" if result["dry_run"] else "changed"
    return f"{verb} {len(result['differences'])}" if result["changed"] else "as described, nothing changed"


def _pruned(result: Mapping[str, Any]) -> str:
    if not {"kept", "deleted", "dry_run"} <= result.keys():
        return ""
    verb = "would delete" if result["dry_run"] else "deleted"
    return f"{len(result['kept'])} stay, {verb} {len(result['deleted'])}"


def _beginning(instance: Mapping[str, Any]) -> tuple[bool, str, str, int]:
    started = instance["start_date"]
    return (started is None, started or "", instance["task_id"], instance["map_index"])
