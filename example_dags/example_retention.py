"""Take a backup of a database every night, and keep seven daily, four weekly and twelve monthly ones.

Manual backups of databases stay until a user deletes them: here the DAG deletes those of its own that no rule keeps,
after a plan that logs what would go.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_backup.operators.gaussdb import GaussDbCreateBackupOperator, GaussDbPruneBackupsOperator

INSTANCE = "{{ params.instance_id or (var.json.backup_examples.gaussdb_instances | last) }}"
RULES: dict[str, Any] = {
    "keep_daily": 7,
    "keep_weekly": 4,
    "keep_monthly": 12,
    "time_zone": "Europe/Berlin",
    "failed_older_than": timedelta(days=7),
}

with DAG(
    dag_id="example_retention",
    description="GaussDB backup, and what no rule keeps goes",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    params={"instance_id": ""},
    tags=["backup", "gaussdb"],
):
    backup = GaussDbCreateBackupOperator(task_id="backup", instance_id=INSTANCE, deferrable=True, poll_interval=5)

    # [START gaussdb_prune_backups]
    plan = GaussDbPruneBackupsOperator(task_id="plan", instance_ids=[INSTANCE], **RULES, dry_run=True)
    prune = GaussDbPruneBackupsOperator(
        task_id="prune", instance_ids=[INSTANCE], **RULES, deferrable=True, poll_interval=5
    )
    # [END gaussdb_prune_backups]

    @task
    def report(pruned: dict[str, Any]) -> str:
        """Say what stays."""
        line = f"{len(pruned['kept'])} backups stay, {len(pruned['deleted'])} were deleted"
        print(line)
        return line

    backup >> plan >> prune
    report(prune.output)
