"""Running whole DAGs through ``dag.test()`` on Airflow 2.11 and 3.x."""

from __future__ import annotations

import functools
import importlib
from pathlib import Path
from typing import Any, NamedTuple

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_backup.version_compat import AIRFLOW_3


class TaskEnd(NamedTuple):
    """How a task ended.

    :param state: its state.
    :param result: what it returned.
    :param tries: how often it was tried.
    """

    state: str
    result: Any
    tries: int


def dag_bag(path: Path) -> Any:
    """Read DAG files as Airflow does.

    :param path: a file, or a folder with files.
    :return: Airflow's ``DagBag``.
    """
    return _dagbag_module().DagBag(dag_folder=str(path))


def run_dag(dag: DAG, **arguments: Any) -> dict[str, TaskEnd]:
    """Run a DAG to its end.

    :param dag: the DAG; the database must be there (fixture ``airflow_database``).
    :param arguments: of ``dag.test()``.
    :return: how its tasks ended, by task id; mapped ones as ``task[0]``, ``task[1]`` ...
    """
    if AIRFLOW_3:
        _share_api_server()
        _store(dag)
    run = dag.test(**arguments)
    ends = {}
    for ti in run.get_task_instances():
        name = ti.task_id if ti.map_index == -1 else f"{ti.task_id}[{ti.map_index}]"
        ends[name] = TaskEnd(str(ti.state), ti.xcom_pull(task_ids=ti.task_id, map_indexes=ti.map_index), ti.try_number)
    return ends


def _share_api_server() -> None:
    # From 3.3 on Airflow does so itself; before, each task makes one, which takes three seconds and stays in memory.
    supervisor: Any = importlib.import_module("airflow.sdk.execution_time.supervisor")
    if not hasattr(supervisor.in_process_api_server, "cache_info"):
        supervisor.in_process_api_server = functools.lru_cache(maxsize=1)(supervisor.in_process_api_server)


def _store(dag: DAG) -> None:
    # Airflow 3 runs only what is in the database.
    from airflow.dag_processing.bundles.manager import DagBundlesManager

    DagBundlesManager().sync_bundles_to_db()  # type: ignore[no-untyped-call]
    module = _dagbag_module()
    bag = module.DagBag(dag_folder="/dev/null")
    if hasattr(module, "sync_bag_to_db"):
        bag.bag_dag(dag)
        module.sync_bag_to_db(bag, "dags-folder", None)
    else:  # Airflow 3.0, which needs the path of the DAG in its bundle.
        dag.relative_fileloc = f"{dag.dag_id}.py"
        bag.bag_dag(dag=dag)
        bag.sync_to_db("dags-folder", None)


def _dagbag_module() -> Any:
    # It moved in Airflow 3.2.
    try:
        return importlib.import_module("airflow.dag_processing.dagbag")
    except ModuleNotFoundError:
        return importlib.import_module("airflow.models.dagbag")
