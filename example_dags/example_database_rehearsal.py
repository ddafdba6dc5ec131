"""Rehearse the restore of a PostgreSQL database: restore the nightly backup, count rows in the copy, and delete it.

The check connects to the restored instance with the login of the connection ``billing_database``: ``password_conn_id``
gives its administrator the same password. Needs the provider of PostgreSQL.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, BaseHook, task

from airflow_provider_backup.operators.rds import RdsGetLatestBackupOperator
from airflow_provider_backup.task_groups.restore_rehearsal import restore_rehearsal

INSTANCE = "{{ var.json.backup_examples.postgresql_instance }}"
DATABASE = "billing_database"
FEWEST_ROWS = 1000

with DAG(
    dag_id="example_database_rehearsal",
    description="RDS: newest automatic backup, restore to a new instance, count its rows, deletion",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["backup", "restore", "rehearsal", "rds", "postgres"],
):

    @task
    def count_rows(host: str, port: int) -> int:
        """Fail if the restored table has fewer rows than it must have."""
        from airflow.providers.postgres.hooks.postgres import PostgresHook

        restored = BaseHook.get_connection(DATABASE)
        restored.host, restored.port = host, port
        rows = int(PostgresHook(connection=restored).get_first("SELECT count(*) FROM invoices")[0])
        if rows < FEWEST_ROWS:
            raise ValueError(f"The restored table invoices has {rows} rows, at least {FEWEST_ROWS} are expected.")
        return rows

    # [START database_rehearsal]
    with restore_rehearsal(
        "rehearsal",
        backup=RdsGetLatestBackupOperator,
        # In production max_age says how old the newest backup may be.
        backup_args={"instance_id": INSTANCE, "backup_type": "automatic"},
        restore_args={"password_conn_id": DATABASE, "deferrable": True, "poll_interval": 5},
        delete_args={"deferrable": True, "poll_interval": 5},
    ) as rehearsal:
        rows = count_rows(rehearsal.host, rehearsal.port)
    # [END database_rehearsal]

    @task
    def report(rows: int, result: dict[str, Any]) -> str:
        """Say what was proved: the rows, and that the copy is gone."""
        text = f"{rows} rows were restored in {result['restore_seconds']:.0f} s. {result['message']}"
        print(text)
        return text

    report(rows, rehearsal.outcome.output)
