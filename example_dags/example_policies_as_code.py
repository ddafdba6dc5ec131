"""Keep a backup policy as it is described here, also after changes in the console.

The plan shows what differs and changes nothing; then the policy is brought to its described state. The last task
applies the same description once more: nothing is left to change, as on every later run.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_backup.operators.cbr import CbrApplyPolicyOperator

NIGHTLY: dict[str, Any] = {
    "name": "described_nightly",
    "schedule": "daily at 02:00",
    # Local time over daylight saving, where this runs every day.
    "time_zone": "Europe/Berlin",
    "max_backups": 14,
    "month_backups": 6,
}

with DAG(
    dag_id="example_policies_as_code",
    description="A CBR policy, described once and kept so",
    # Twice a day would be "0 6,18 * * *".
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    # Two runs at once could both create it.
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["backup", "cbr"],
):
    # [START cbr_apply_policy]
    plan = CbrApplyPolicyOperator(task_id="plan", **NIGHTLY, dry_run=True)
    apply = CbrApplyPolicyOperator(task_id="apply", **NIGHTLY)
    # [END cbr_apply_policy]
    apply_again = CbrApplyPolicyOperator(task_id="apply_again", **NIGHTLY)

    @task
    def report(*results: dict[str, Any]) -> list[str]:
        """Say what was changed."""
        lines = [
            f"{result['name']}: {change['field']} was {change['from']!r}, is {change['to']!r}"
            for result in results
            for change in result["differences"]
        ]
        print("\n".join(lines) or "Everything is as described.")
        return lines

    plan >> apply >> apply_again
    report(apply.output, apply_again.output)
