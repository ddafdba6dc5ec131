"""Tasks that a test ends while they wait, each with a disk of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_backup.operators.vbs import VbsCreateBackupOperator

ARGUMENTS: dict[str, Any] = {"deferrable": True, "poll_interval": 5, "delete_on_kill": True}


def disk(number: int) -> str:
    """Return a template for the id of a disk."""
    return f"{{{{ var.json.backup_examples.volumes[{number}] }}}}"


with DAG("tasks_to_end", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=False):
    VbsCreateBackupOperator(task_id="failed", volume_id=disk(0), **ARGUMENTS)
    VbsCreateBackupOperator(task_id="failed_by_default", volume_id=disk(1), deferrable=True, poll_interval=5)
    VbsCreateBackupOperator(task_id="succeeded", volume_id=disk(2), **ARGUMENTS)
    VbsCreateBackupOperator(task_id="cleared", volume_id=disk(3), on_conflict="wait", **ARGUMENTS)
    VbsCreateBackupOperator.partial(task_id="mapped", **ARGUMENTS).expand(volume_id=[disk(4), disk(5)])
    # It looks so seldom that the backup is over long before it notices.
    VbsCreateBackupOperator(
        task_id="on_worker", volume_id=disk(6), deferrable=False, poll_interval=300, delete_on_kill=True
    )

with DAG("run_to_end", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=False):
    VbsCreateBackupOperator(task_id="waiting", volume_id=disk(7), **ARGUMENTS)
