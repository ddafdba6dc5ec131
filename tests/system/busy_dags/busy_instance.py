"""Tasks that wait for busy instances, and tasks that need every worker slot at the same time."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_backup.operators.rds import RdsCreateBackupOperator

SLOTS = 4
"""How many tasks the Airflow of the test runs at the same time."""
PATIENCE = 600.0
"""Seconds until a task that runs alone gives up."""
ARGUMENTS: dict[str, Any] = {"deferrable": True, "on_conflict": "wait", "poll_interval": 5}


def instance(number: int) -> str:
    """Return a template for the id of an RDS instance."""
    return f"{{{{ var.json.backup_examples.rds_instances[{number}] }}}}"


with DAG("busy_instance", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=False):
    RdsCreateBackupOperator.partial(task_id="backup", instance_id=instance(0), **ARGUMENTS).expand(
        description=[f"backup {number}" for number in range(5)]
    )
    RdsCreateBackupOperator(task_id="cleared", instance_id=instance(1), **ARGUMENTS)

with DAG("all_slots", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=False):

    @task
    def meet(number: int, params: dict[str, Any]) -> None:
        """End when as many tasks run as there are slots: one slot that is held elsewhere keeps all from ending."""
        folder = Path(params["folder"])
        folder.mkdir(exist_ok=True)
        (folder / str(number)).touch()
        deadline = time.monotonic() + PATIENCE
        while (running := len(list(folder.iterdir()))) < SLOTS:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{running} of {SLOTS} tasks got a slot")
            time.sleep(0.2)

    meet.expand(number=list(range(SLOTS)))
