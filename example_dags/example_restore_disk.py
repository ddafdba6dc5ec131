"""Rehearse a restore: back a disk up, change its data, and bring back what the backup holds.

The disk must be detached. Both tasks wait in the triggerer. A retry of the restore adopts it instead of overwriting the
disk twice.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_backup.operators.vbs import VbsCreateBackupOperator, VbsRestoreBackupOperator

with DAG(
    dag_id="example_restore_disk",
    description="VBS backup, maintenance, restore",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["backup", "restore", "vbs"],
):
    backup = VbsCreateBackupOperator(
        task_id="backup",
        volume_id="{{ var.json.backup_examples.volumes | last }}",
        description="before maintenance",
        deferrable=True,
        poll_interval=5,
    )

    @task
    def maintenance(backup: dict[str, Any]) -> str:
        """Do the work whose outcome turns out to be wrong."""
        print(f"{backup['resource_ids'][0]} is protected by {backup['name']}; the maintenance begins.")
        return "the outcome is wrong"

    # [START vbs_restore_backup]
    restore = VbsRestoreBackupOperator(
        task_id="restore",
        backup=backup.output,
        overwrite=True,
        deferrable=True,
        poll_interval=5,
        timeout=timedelta(hours=2),
    )
    # [END vbs_restore_backup]

    maintenance(backup.output) >> restore
