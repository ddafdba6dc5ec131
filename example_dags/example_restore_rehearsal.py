"""Rehearse the restore of a database: restore the newest backup to a new instance, check that, and delete it.

In production the nightly backup is the one of the service's policy, and a check asks the restored database a question
(``host`` and ``port`` say where it is). Here the backup is taken first, and the check reads the content that the local
cloud keeps for each instance.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from airflow.providers.common.compat.sdk import DAG, BaseHook, task

from airflow_provider_backup.hooks.rds import RdsHook
from airflow_provider_backup.operators.rds import RdsCreateBackupOperator, RdsGetLatestBackupOperator
from airflow_provider_backup.task_groups.restore_rehearsal import restore_rehearsal

INSTANCE = "{{ var.json.backup_examples.rds_instances | first }}"


def read_content(instance_id: str) -> int:
    """Return the content version of a database instance of the local cloud."""
    host = str(BaseHook.get_connection("huaweicloud_backup_default").host)
    url = f"{host.removesuffix('/v3')}/_control/contents/rds/{instance_id}"
    return int(httpx.get(url, trust_env=False).raise_for_status().json()["version"])


with DAG(
    dag_id="example_restore_rehearsal",
    description="RDS: newest backup, restore to a new instance, check, deletion",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["backup", "restore", "rehearsal", "rds"],
):
    backup = RdsCreateBackupOperator(task_id="nightly", instance_id=INSTANCE, deferrable=True, poll_interval=5)

    # [START restore_rehearsal]
    @task
    def check_content(restored: dict[str, Any], host: str, port: int, source_id: str) -> str:
        """Compare the restored database with the one that was backed up."""
        found, expected = read_content(restored["instance_id"]), read_content(source_id)
        if found != expected:
            raise ValueError(f"{host}:{port} holds version {found}, and {source_id} holds {expected}.")
        return f"{host}:{port} holds version {found}, as the database that was backed up."

    with restore_rehearsal(
        "rehearsal",
        backup=RdsGetLatestBackupOperator,
        backup_args={"instance_id": INSTANCE, "max_age": timedelta(hours=26)},
        restore_args={"deferrable": True, "poll_interval": 5},
        delete_args={"deferrable": True, "poll_interval": 5},
    ) as rehearsal:
        check_content(rehearsal.restore.output, rehearsal.host, rehearsal.port, INSTANCE)
    # [END restore_rehearsal]

    @task
    def prove_deleted(result: dict[str, Any]) -> str:
        """Fail unless the check passed and no instance of the rehearsal is left."""
        answer = RdsHook().request("GET", "/v3/{project_id}/instances", query={"limit": 100})
        left = [each["name"] for each in answer["instances"] if each["id"] == result["instance_id"]]
        if left or not result["passed"]:
            raise ValueError(f"The rehearsal left {left}: {result['message']}")
        print(f"The backup was {result['age_seconds']:.0f} s old, its restore took {result['restore_seconds']:.0f} s.")
        return str(result["message"])

    backup >> rehearsal
    prove_deleted(rehearsal.outcome.output)
