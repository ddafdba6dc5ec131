"""Make a checkpoint of the servers before a load: execute a CSBS policy, wait until it is available, then load.

The task that executes the policy does not wait; the sensor does, in the triggerer. So the two can be retried apart.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_backup.operators.csbs import CsbsCreatePolicyOperator, CsbsExecutePolicyOperator
from airflow_provider_backup.sensors.csbs import CsbsBackupSensor

with DAG(
    dag_id="example_data_checkpoint",
    description="Execute a CSBS policy, wait until available, load",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["backup", "csbs"],
):
    # [START csbs_execute_policy]
    policy = CsbsCreatePolicyOperator(
        task_id="policy",
        name="pipeline_checkpoint",
        schedule="daily at 02:30",
        time_zone="Europe/Berlin",
        max_backups=14,
        servers=[{"id": "{{ var.json.backup_examples.servers[0] }}", "name": "warehouse"}],
    )

    checkpoint = CsbsExecutePolicyOperator(
        task_id="checkpoint",
        policy_id=policy.output["policy_id"],
        wait_for_completion=False,
    )

    available = CsbsBackupSensor(
        task_id="available",
        backup=checkpoint.output,
        deferrable=True,
        poke_interval=5,
        timeout=timedelta(hours=2),
    )
    # [END csbs_execute_policy]

    @task
    def load(checkpoint: dict[str, Any]) -> str:
        """Load the data, now that there is a way back."""
        print(f"Checkpoint {checkpoint['backup_id']} is {checkpoint['status']}; the load begins.")
        return "loaded"

    load(available.output)
