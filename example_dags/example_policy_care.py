"""Keep backup policies as they should be: create one on VBS, change one on CBR, read one on CSBS.

Every task can be repeated: a policy that is there already is adopted, not made twice.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_backup.operators.cbr import CbrCreatePolicyOperator, CbrUpdatePolicyOperator
from airflow_provider_backup.operators.csbs import CsbsCreatePolicyOperator, CsbsGetPolicyOperator
from airflow_provider_backup.operators.vbs import VbsCreatePolicyOperator

with DAG(
    dag_id="example_policy_care",
    description="Create on VBS, update on CBR, query on CSBS",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["backup", "vbs", "cbr", "csbs"],
):
    # [START vbs_create_policy]
    create_on_vbs = VbsCreatePolicyOperator(
        task_id="create_on_vbs",
        name="disks_nightly",
        schedule="Mon-Fri at 01:00, 13:00",
        time_zone="UTC+01:00",
        retention_day=21,
        tags={"team": "platform"},
    )
    # [END vbs_create_policy]

    # [START cbr_update_policy]
    create_on_cbr = CbrCreatePolicyOperator(
        task_id="create_on_cbr",
        name="vaults_nightly",
        schedule="daily at 02:00",
        max_backups=7,
    )
    update_on_cbr = CbrUpdatePolicyOperator(
        task_id="update_on_cbr",
        policy_id=create_on_cbr.output["policy_id"],
        schedule="daily at 14:00",
        time_zone="UTC+08:00",
        max_backups=14,
        day_backups=7,
        month_backups=3,
    )
    # [END cbr_update_policy]

    # [START csbs_get_policy]
    create_on_csbs = CsbsCreatePolicyOperator(
        task_id="create_on_csbs",
        name="servers_weekly",
        schedule="Sun at 03:15",
        retention_duration_days=30,
    )
    query_on_csbs = CsbsGetPolicyOperator(
        task_id="query_on_csbs",
        policy_id=create_on_csbs.output["policy_id"],
    )
    # [END csbs_get_policy]

    @task
    def summary(*policies: dict[str, Any]) -> list[str]:
        """Say which policies are now in force."""
        lines = [
            f"{policy['service']}: {policy['name']} is {'on' if policy['enabled'] else 'off'}" for policy in policies
        ]
        print("\n".join(lines))
        return lines

    summary(create_on_vbs.output, update_on_cbr.output, query_on_csbs.output)
