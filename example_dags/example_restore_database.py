"""Bring an RDS instance back to what it was before a maintenance.

A backup is taken, the maintenance goes wrong, and the instance is overwritten with the backup. Before that, another
backup keeps what the maintenance left, for those who look for the cause. All tasks wait in the triggerer. A retry of
the restore adopts it instead of overwriting the instance twice.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_backup.operators.rds import RdsCreateBackupOperator, RdsRestoreInstanceOperator

INSTANCE = "{{ var.json.backup_examples.rds_instances | first }}"

with DAG(
    dag_id="example_restore_database",
    description="RDS backup, maintenance, restore in place",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["backup", "restore", "rds"],
):
    backup = RdsCreateBackupOperator(
        task_id="backup",
        instance_id=INSTANCE,
        description="before maintenance",
        deferrable=True,
        poll_interval=5,
    )

    @task
    def maintenance(backup: dict[str, Any]) -> str:
        """Do the work whose outcome turns out to be wrong."""
        print(f"{backup['instance_id']} is protected by {backup['name']}; the maintenance begins.")
        return "the outcome is wrong"

    # [START rds_restore_instance]
    restore = RdsRestoreInstanceOperator(
        task_id="restore",
        backup=backup.output,
        target_instance_id=INSTANCE,
        overwrite=True,
        backup_first=True,
        deferrable=True,
        poll_interval=5,
        timeout=timedelta(hours=2),
    )
    # [END rds_restore_instance]

    @task
    def reconnect(restored: dict[str, Any]) -> str:
        """Continue with the restored data."""
        print(f"What the maintenance left is in {restored['backup_first']['name']}.")
        return f"{restored['host']}:{restored['port']}"

    maintenance(backup.output) >> restore
    reconnect(restore.output)
