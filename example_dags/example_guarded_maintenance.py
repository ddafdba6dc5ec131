"""Put a guard around a maintenance: it breaks the data, and the guard brings back what was there before.

The guard ends successfully after the restore (``if_restored="succeed"``), so that the last task can prove that the old
data are back. Without that argument it fails, as the maintenance did. What the maintenance changes is the content of a
disk of the local cloud; the disk must be detached.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
from airflow.providers.common.compat.sdk import DAG, BaseHook, task

from airflow_provider_backup.operators.vbs import VbsCreateBackupOperator
from airflow_provider_backup.task_groups.backup_guard import backup_guard

DISK = "{{ var.json.backup_examples.volumes | last }}"


def content_url(volume_id: str) -> str:
    """Return where the local cloud shows and changes the content of a disk."""
    host = str(BaseHook.get_connection("huaweicloud_backup_default").host)
    return f"{host.removesuffix('/v3')}/_control/contents/vbs/{volume_id}"


def read_content(volume_id: str) -> int:
    """Return the content version of a disk."""
    return int(httpx.get(content_url(volume_id), trust_env=False).raise_for_status().json()["version"])


with DAG(
    dag_id="example_guarded_maintenance",
    description="VBS backup, maintenance that fails, restore, proof",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["backup", "restore", "guard", "vbs"],
):

    @task
    def content_before(volume_id: str) -> int:
        """Note what is there before the maintenance."""
        return read_content(volume_id)

    @task(retries=0)
    def maintenance(volume_id: str) -> None:
        """Change the data, and notice in the middle that it goes wrong."""
        version = read_content(volume_id) + 1
        httpx.post(content_url(volume_id), json={"version": version}, trust_env=False).raise_for_status()
        raise RuntimeError("The maintenance broke the data: this is what the guard is for.")

    @task
    def prove_restored(volume_id: str, before: int) -> str:
        """Fail unless the disk holds what it did before the maintenance."""
        found = read_content(volume_id)
        if found != before:
            raise ValueError(f"The disk holds version {found}, and held {before} before the maintenance.")
        return f"The disk holds version {found}, as before the maintenance."

    before = content_before(DISK)
    # [START backup_guard]
    with backup_guard(
        "guarded",
        backup=VbsCreateBackupOperator,
        backup_args={"volume_id": DISK, "deferrable": True, "poll_interval": 5},
        restore="on_failure",
        restore_args={"timeout": timedelta(hours=2)},
        if_restored="succeed",
    ) as guarded:
        maintenance(DISK)
    # [END backup_guard]

    before >> guarded >> prove_restored(DISK, before)
