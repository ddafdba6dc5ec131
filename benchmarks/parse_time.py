"""How long Airflow takes to read a DAG file with many operators of one provider: each time in a fresh process."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

OPERATORS = 200
_TIMES = 7

_FILES = {
    "none (EmptyOperator)": (
        "from airflow.providers.standard.operators.empty import EmptyOperator",
        'EmptyOperator(task_id=f"task_{number}")',
    ),
    "ours, cbr": (
        "from airflow_provider_backup.operators.cbr import CbrCreateBackupOperator",
        'CbrCreateBackupOperator(task_id=f"task_{number}", vault_id="0d1e0a1c-0000-4000-8000-000000000001")',
    ),
    "ours, rds": (
        "from airflow_provider_backup.operators.rds import RdsCreateBackupOperator",
        'RdsCreateBackupOperator(task_id=f"task_{number}", instance_id="0d1e0a1c000040008000000000000001in01")',
    ),
    "databricks": (
        "from airflow.providers.databricks.operators.databricks import DatabricksSubmitRunOperator",
        'DatabricksSubmitRunOperator(task_id=f"task_{number}", json={"existing_cluster_id": "x", '
        '"notebook_task": {"notebook_path": "/x"}}, deferrable=True)',
    ),
    "http": (
        "from airflow.providers.http.sensors.http import HttpSensor",
        'HttpSensor(task_id=f"task_{number}", endpoint="jobs/1", deferrable=True)',
    ),
    "dbt-cloud": (
        "from airflow.providers.dbt.cloud.operators.dbt import DbtCloudRunJobOperator",
        'DbtCloudRunJobOperator(task_id=f"task_{number}", job_id=1, deferrable=True)',
    ),
}

_DAG = """from datetime import datetime
from airflow.sdk import DAG
{imported}
with DAG("benchmark", schedule=None, start_date=datetime(2026, 1, 1)):
    for number in range({count}):
        {operator}
"""

# What every DAG file needs is loaded before the clock starts, as it is in the process that forks for each file.
_TIMER = """import runpy, sys, time
import airflow.sdk, airflow.models
from airflow.sdk import DAG, BaseOperator
before = time.perf_counter()
runpy.run_path(sys.argv[1])
print("took", time.perf_counter() - before)
"""


def measured_parse_times() -> list[dict[str, Any]]:
    """Return the median and the extremes for each provider, in seconds."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        files: dict[str, Path] = {}
        for title, (imported, operator) in _FILES.items():
            files[title] = folder / f"dag_{len(files)}.py"
            files[title].write_text(_DAG.format(imported=imported, operator=operator, count=OPERATORS))
        # In turns, so that what else the machine does hits all alike.
        times = [(title, _seconds(file, folder)) for _ in range(_TIMES) for title, file in files.items()]
    return [_summary(title, [seconds for each, seconds in times if each == title]) for title in files]


def _seconds(file: Path, folder: Path) -> float:
    done = subprocess.run(
        [sys.executable, "-c", _TIMER, str(file)],
        env=os.environ | {"AIRFLOW_HOME": str(folder), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{file.read_text()}\n{done.stderr[-4000:]}")
    return float(done.stdout.split("took ")[-1])


def _summary(title: str, seconds: list[float]) -> dict[str, Any]:
    return {"who": title, "median": statistics.median(seconds), "least": min(seconds), "most": max(seconds)}
