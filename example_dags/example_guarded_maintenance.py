"""Put a guard around a maintenance: it breaks the data, and the guard brings back what was there before.

The guard ends successfully after the restore (``if_restored="succeed"``), so that the last task can prove that the old
data are back. Without that argument it fails, as the maintenance did. What the maintenance changes is the content that
the local cloud keeps for each instance.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
from airflow.providers.common.compat.sdk import DAG, BaseHook, task

from airflow_provider_backup.operators.rds import RdsCreateBackupOperator
from airflow_provider_backup.task_groups.backup_guard import backup_guard

INSTANCE = "{{ var.json.backup_examples.rds_instances | last }}"


def content_url(instance_id: str) -> str:
    """Return where the local cloud shows and changes the content of an instance."""
    host = str(BaseHook.get_connection("huaweicloud_backup_default").host)
    return f"{host.removesuffix('/v3')}/_control/contents/rds/{instance_id}"


def read_content(instance_id: str) -> int:
    """Return the content version of an instance."""
    return int(httpx.get(content_url(instance_id), trust_env=False).raise_for_status().json()["version"])


with DAG(
    dag_id="example_guarded_maintenance",
    description="RDS backup, maintenance that fails, restore, proof",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["backup", "restore", "guard", "rds"],
):

    @task
    def content_before(instance_id: str) -> int:
        """Note what is there before the maintenance."""
        return read_content(instance_id)

    @task(retries=0)
    def maintenance(instance_id: str) -> None:
        """Change the data, and notice in the middle that it goes wrong."""
        version = read_content(instance_id) + 1
        httpx.post(content_url(instance_id), json={"version": version}, trust_env=False).raise_for_status()
        raise RuntimeError("The maintenance broke the data: this is what the guard is for.")

    @task
    def prove_restored(instance_id: str, before: int) -> str:
        """Fail unless the instance holds what it did before the maintenance."""
        found = read_content(instance_id)
        if found != before:
            raise ValueError(f"The instance holds version {found}, and held {before} before the maintenance.")
        return f"The instance holds version {found}, as before the maintenance."

    before = content_before(INSTANCE)
    # [START backup_guard]
    with backup_guard(
        "guarded",
        backup=RdsCreateBackupOperator,
        backup_args={"instance_id": INSTANCE, "deferrable": True, "poll_interval": 5},
        restore="on_failure",
        restore_args={"timeout": timedelta(hours=2)},
        if_restored="succeed",
    ) as guarded:
        maintenance(INSTANCE)
    # [END backup_guard]

    before >> guarded >> prove_restored(INSTANCE, before)
