"""Take a backup of a database before its maintenance, and begin only when the backup is good.

The backup waits in the triggerer, so no worker is held. A retry finds the backup again instead of taking a second one.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_backup.operators.rds import RdsCreateBackupOperator

with DAG(
    dag_id="example_pre_maintenance_backup",
    description="RDS backup, wait, maintenance, report",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    params={"instance_id": ""},
    tags=["backup", "rds"],
):
    # [START rds_create_backup]
    backup = RdsCreateBackupOperator(
        task_id="backup",
        instance_id="{{ params.instance_id or (var.json.backup_examples.rds_instances | first) }}",
        description="before maintenance",
        deferrable=True,
        poll_interval=5,
        timeout=timedelta(hours=2),
    )
    # [END rds_create_backup]

    @task
    def maintenance(backup: dict[str, Any]) -> str:
        """Do the work that the backup protects against."""
        print(f"{backup['resource_ids'][0]} is protected by {backup['name']}; the maintenance begins.")
        return "schema migrated"

    @task
    def report(backup: dict[str, Any], outcome: str) -> str:
        """Say what was done and what to go back to."""
        line = f"{outcome}; to go back, restore backup {backup['backup_id']} ({backup['size_mb']} MB)"
        print(line)
        return line

    report(backup.output, maintenance(backup.output))
