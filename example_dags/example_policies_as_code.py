"""Keep policies and a vault as they are described here, also after changes in the console.

Each plan shows what differs and changes nothing; then the described state is applied. The last tasks apply the same
descriptions once more: nothing is left to change, as on every later run.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, chain, task

from airflow_provider_backup.operators.cbr import CbrApplyPolicyOperator, CbrApplyVaultOperator
from airflow_provider_backup.operators.csbs import CsbsApplyPolicyOperator
from airflow_provider_backup.operators.vbs import VbsApplyPolicyOperator

NIGHTLY: dict[str, Any] = {
    "name": "described_nightly",
    "schedule": "daily at 02:00",
    # Local time over daylight saving, where this runs every day.
    "time_zone": "Europe/Berlin",
}
LONG_TERM = NIGHTLY | {"max_backups": 14, "month_backups": 6}
SERVERS = NIGHTLY | {"retention_duration_days": 30}
DISKS = NIGHTLY | {"retention_day": 21, "volume_ids": ["{{ var.json.backup_examples.volumes[1] }}"]}

with DAG(
    dag_id="example_policies_as_code",
    description="Policies and a vault, described once and kept so",
    # Twice a day would be "0 6,18 * * *".
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    # Two runs at once could both create them.
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["backup", "cbr", "csbs", "vbs"],
):
    # [START cbr_apply_policy]
    plan = CbrApplyPolicyOperator(task_id="plan", **LONG_TERM, dry_run=True)
    apply = CbrApplyPolicyOperator(task_id="apply", **LONG_TERM)
    # [END cbr_apply_policy]
    VAULT: dict[str, Any] = {
        "name": "described_vault",
        "size": 100,
        "object_type": "server",
        # Servers with this tag get into the vault by themselves.
        "auto_bind": True,
        "bind_rules": {"backup": "nightly"},
        "backup_policy_id": apply.output["id"],
    }
    plan_vault = CbrApplyVaultOperator(task_id="plan_vault", **VAULT, dry_run=True)
    apply_vault = CbrApplyVaultOperator(task_id="apply_vault", **VAULT)
    chain(plan, apply, plan_vault, apply_vault)

    plan_csbs = CsbsApplyPolicyOperator(task_id="plan_csbs", **SERVERS, dry_run=True)
    apply_csbs = CsbsApplyPolicyOperator(task_id="apply_csbs", **SERVERS)
    plan_vbs = VbsApplyPolicyOperator(task_id="plan_vbs", **DISKS, dry_run=True)
    apply_vbs = VbsApplyPolicyOperator(task_id="apply_vbs", **DISKS)
    chain([plan_csbs, plan_vbs], [apply_csbs, apply_vbs])

    apply_again = CbrApplyPolicyOperator(task_id="apply_again", **LONG_TERM)
    apply_vault_again = CbrApplyVaultOperator(task_id="apply_vault_again", **VAULT)
    chain(apply_vault, apply_again, apply_vault_again)

    @task
    def report(*results: dict[str, Any]) -> list[str]:
        """Say what was changed."""
        lines = [f"{each['name']}: {row['field']} is {row['to']!r}" for each in results for row in each["differences"]]
        print("\n".join(lines) or "Everything is as described.")
        return lines

    report(*(each.output for each in (apply, apply_vault, apply_csbs, apply_vbs, apply_again, apply_vault_again)))
