"""Everything that README and docs show runs: DAGs against the local cloud, test functions, connections, tables."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_backup.cloud.limits import override_limits
from airflow_provider_backup.cloud.services.registry import SERVICES
from airflow_provider_backup.emulator.core.accounts import PASSWORD, USER_NAME
from airflow_provider_backup.emulator.threaded import RunningCloud
from airflow_provider_backup.hooks.connection import settings_from_connection
from airflow_provider_backup.operators.operation import OperationOperator
from airflow_provider_backup.task_groups.backup_guard import backup_guard
from airflow_provider_backup.task_groups.restore_rehearsal import restore_rehearsal
from airflow_provider_backup.version_compat import AIRFLOW_3
from tests.airflow.dag_runs import run_dag
from tests.scaffold.service_table import service_table, with_service_table

LOGICAL_DATE = "logical_date" if AIRFLOW_3 else "execution_date"
ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = {
    path.name: path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
}
BLOCKS = [
    (name, block) for name, text in PAGES.items() for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL)
]
DAGS = [block for _, block in BLOCKS if "with DAG(" in block]
OTHERS = [(name, block) for name, block in BLOCKS if "with DAG(" not in block]
SKIPPED_WHEN_ALL_IS_WELL = re.compile(r"^guarded_migration\.(restore_needed|restore)$")
"""Tasks of a guard around work that succeeds."""
CONNECTION = re.compile(r"""(?:`|DEFAULT=')(\{"conn_type".*?\}\})[`']""", re.DOTALL)


def dag_of(block: str, folder: Path) -> DAG:
    names: dict[str, object] = {"__name__": "documented"}
    # A file of its own: Airflow keeps the whole file that a DAG comes from, and the README shows a password.
    file = folder / "documented.py"
    file.write_text(block.replace("):\n", ") as shown:\n", 1))
    exec(compile(file.read_text(), str(file), "exec"), names)
    shown = names["shown"]
    assert isinstance(shown, DAG)
    return shown


def shorten_intervals(task: Any) -> None:
    if hasattr(task, "partial_kwargs"):
        if issubclass(task.operator_class, OperationOperator):
            task.partial_kwargs["poll_interval"] = 0.1
        return
    for interval in ("poll_interval", "poke_interval"):
        if hasattr(task, interval):
            setattr(task, interval, 0.1)


# Asset events, the API and `airflow dags trigger` begin runs without a logical date, from Airflow 3 on.
RUNS: dict[str, dict[str, Any]] = {
    "with a logical date": {LOGICAL_DATE: datetime(2026, 1, 1, tzinfo=UTC)},
    **({"without a logical date": {LOGICAL_DATE: None}} if AIRFLOW_3 else {}),
}


@pytest.mark.usefixtures("airflow_database")
@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("block", DAGS, ids=lambda block: re.findall(r'dag_id="(\w+)"', block)[0])
def test_every_documented_dag_runs_against_the_local_cloud_in_every_kind_of_run(
    cloud: RunningCloud, block: str, run: str, tmp_path: Path
) -> None:
    dag = dag_of(block, tmp_path)
    for task in dag.tasks:
        shorten_intervals(task)

    with override_limits(longest_status_delay=0.0):
        ends = run_dag(dag, **RUNS[run])

    assert {task: end.state for task, end in ends.items()} == {
        task: "skipped" if SKIPPED_WHEN_ALL_IS_WELL.search(task) else "success" for task in ends
    }
    assert ends


def test_every_documented_dag_has_an_id_of_its_own() -> None:
    ids = re.findall(r'dag_id="(\w+)"', "".join(DAGS))

    assert len(ids) == len(set(ids)) == len(DAGS)


@pytest.mark.parametrize(("page", "block"), OTHERS, ids=[name for name, _ in OTHERS])
def test_every_other_documented_piece_of_python_is_a_test_that_passes(
    page: str, block: str, backup_cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: dict[str, Any] = {"__name__": "documented"}
    exec(compile(block, page, "exec"), names)
    tests = [value for name, value in names.items() if name.startswith("test_")]

    assert tests
    for shown in tests:
        shown(backup_cloud, monkeypatch)


@pytest.mark.parametrize("page", ["README.md", "connection.md"])
def test_every_documented_connection_can_be_read(page: str) -> None:
    connections = [json.loads(text) for text in CONNECTION.findall(PAGES[page])]

    assert len(connections) >= 2
    for connection in connections:
        settings = settings_from_connection(
            login=connection["login"],
            password=connection["password"],
            host=connection.get("host"),
            extra=json.dumps(connection["extra"]),
        )
        assert settings.region


def test_the_connection_to_the_local_cloud_in_the_readme_has_its_credentials() -> None:
    assert f'"login": "{USER_NAME}", "password": "{PASSWORD}"' in README


def test_the_readme_names_every_operator_and_sensor_in_a_table_of_all_services() -> None:
    assert with_service_table(README) == README, "The services have changed: run `make tables`."
    assert len(re.findall(r"`\w+(?:Operator|Sensor)`", service_table())) >= 3 * len(SERVICES)


def author_facing_classes() -> dict[str, type]:
    modules = [
        import_module(f"airflow_provider_backup.{folder}.{module.name}")
        for folder in ("operators", "sensors")
        for module in iter_modules([str(ROOT / "airflow_provider_backup" / folder)])
    ]
    return {name: each for module in modules for name, each in vars(module).items() if isinstance(each, type)}


def test_every_operator_sensor_and_argument_that_a_page_names_exists() -> None:
    classes = author_facing_classes()
    arguments = {
        name
        for each in classes.values()
        for base in each.__mro__
        for name in getattr(vars(base).get("__init__"), "__annotations__", {})
    } | {*backup_guard.__annotations__, *restore_rehearsal.__annotations__}
    text = "\n".join(PAGES.values())
    own = set(re.findall(r"^class (\w+)\(", text, re.MULTILINE))

    assert set(re.findall(r"`([a-z_]+)=", text)) <= arguments
    assert set(re.findall(r"\b((?:Vbs|Csbs|Cbr|Rds|GaussDb|TaurusDb)\w+(?:Operator|Sensor))\b", text)) - own <= set(
        classes
    )
