"""Look over the protection of an account every morning, and tell what is wrong.

The report reads lists only. Findings do not fail it here: the last task decides what to do about them.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_backup.operators.protection_report import ProtectionReportOperator

with DAG(
    dag_id="example_protection_report",
    description="What is not protected, policies that are off, full vaults, what failed",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["backup", "report"],
):
    # [START protection_report]
    report = ProtectionReportOperator(
        task_id="report",
        services=["cbr", "rds", "gaussdb"],
        max_age=timedelta(hours=26),
        max_used=80,
        since="{{ prev_start_date_success or '' }}",
    )
    # [END protection_report]

    @task
    def tell(findings: list[dict[str, Any]]) -> str:
        """Say how many findings there are of each kind."""
        counts = Counter(finding["kind"] for finding in findings)
        line = ", ".join(f"{kind}: {count}" for kind, count in sorted(counts.items())) or "all is protected"
        print(line)
        return line

    @task
    def without_protection(findings: list[dict[str, Any]]) -> list[str]:
        """Name what has neither a fresh backup nor anything that takes one."""
        return [f"{each['service']} {each['id']}" for each in findings if each["kind"] == "unprotected"]

    tell(report.output)
    without_protection(report.output)
