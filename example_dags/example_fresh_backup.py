"""Change a database only when a good backup holds what was just loaded.

The load tells when it ended. A policy takes the backup on its own schedule; here a task stands in for it. The sensor
waits in the triggerer until a backup that began after the load is good, whatever took it. The last check names the way
back, and skips the change when there is none.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_backup.operators.gaussdb import GaussDbCreateBackupOperator, GaussDbGetLatestBackupOperator
from airflow_provider_backup.sensors.gaussdb import GaussDbFreshBackupSensor

DATABASE = "{{ var.json.backup_examples.gaussdb_instances | first }}"

with DAG(
    dag_id="example_fresh_backup",
    description="load, wait for a backup that holds it, change the schema",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["backup", "gaussdb"],
):

    @task
    def load() -> str:
        """Load the data, and return when that ended."""
        # Services tell the begin of a backup in whole seconds.
        return datetime.now(UTC).isoformat(timespec="seconds")

    loaded = load()

    # In place of the backup policy of the instance, which would do this tonight.
    nightly = GaussDbCreateBackupOperator(task_id="nightly", instance_id=DATABASE, wait_for_completion=False)

    # [START fresh_backup_sensor]
    protected = GaussDbFreshBackupSensor(
        task_id="protected",
        instance_id=DATABASE,
        after=loaded,
        deferrable=True,
        poke_interval=5,
        timeout=timedelta(hours=12),
    )
    # [END fresh_backup_sensor]

    # [START get_latest_backup]
    latest = GaussDbGetLatestBackupOperator(
        task_id="latest", instance_id=DATABASE, max_age=timedelta(hours=26), if_stale="short_circuit"
    )
    # [END get_latest_backup]

    @task
    def change_schema(backup: dict[str, Any]) -> str:
        """Do the risky work; the backup is the way back."""
        return f"changed; {backup['name']} of {backup['age_seconds']:.0f} s ago is the way back"

    loaded >> nightly >> protected >> latest
    change_schema(latest.output)
