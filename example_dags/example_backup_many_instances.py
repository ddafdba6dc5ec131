"""Back up many database instances at the same time: one mapped task for each, all waiting in the triggerer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Variable, task

from airflow_provider_backup.operators.rds import RdsCreateBackupOperator

with DAG(
    dag_id="example_backup_many_instances",
    description="Dynamic mapping over database instances",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["backup", "rds"],
):

    @task
    def instances() -> list[str]:
        """Tell which instances to back up; a real DAG would ask an inventory."""
        ids: list[str] = Variable.get("backup_examples", deserialize_json=True)["rds_instances"]
        return ids

    # [START mapped_backups]
    backups = RdsCreateBackupOperator.partial(
        task_id="backup",
        description="nightly",
        deferrable=True,
        poll_interval=5,
        on_conflict="wait",
        timeout=timedelta(hours=2),
    ).expand(instance_id=instances())
    # [END mapped_backups]

    @task
    def report(backups: list[dict[str, Any]]) -> int:
        """Count what is protected now."""
        finished = list(backups)
        for backup in finished:
            print(f"{backup['resource_ids'][0]}: {backup['name']} is {backup['status']}")
        return len(finished)

    report(backups.output)
