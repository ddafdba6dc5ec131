"""Put a guard around the migration of a PostgreSQL database: it loses a table, and the guard brings it back.

The check inside the guard notices that the table is missing, so the backup is restored. The guard ends successfully
after that (``if_restored="succeed"``), so that the last task can prove that the rows are there again; without that
argument it fails, as the migration did. Needs the connection ``billing_database`` and the provider of PostgreSQL.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG, BaseHook, task
from airflow.providers.common.sql.operators.sql import SQLCheckOperator, SQLExecuteQueryOperator

from airflow_provider_backup.operators.rds import RdsCreateBackupOperator
from airflow_provider_backup.task_groups.backup_guard import backup_guard

INSTANCE = "{{ var.json.backup_examples.postgresql_instance }}"
DATABASE = "billing_database"


def count_invoices() -> int:
    """Return how many rows the table has."""
    return int(BaseHook.get_hook(DATABASE).get_first("SELECT count(*) FROM invoices")[0])


with DAG(
    dag_id="example_guarded_migration",
    description="RDS backup, migration that loses a table, restore in place, proof",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["backup", "restore", "guard", "rds", "postgres"],
):

    @task
    def rows_before() -> int:
        """Note how many rows there are before the migration."""
        return count_invoices()

    @task
    def prove_restored(before: int) -> str:
        """Fail unless the table has the rows again that it had before the migration."""
        found = count_invoices()
        if found != before:
            raise ValueError(f"The table invoices has {found} rows, and had {before} before the migration.")
        return f"The table invoices has {found} rows, as before the migration."

    before = rows_before()
    # [START guarded_migration]
    with backup_guard(
        "guarded",
        backup=RdsCreateBackupOperator,
        backup_args={"instance_id": INSTANCE, "deferrable": True, "poll_interval": 5, "on_conflict": "wait"},
        restore="on_failure",
        restore_args={"timeout": timedelta(hours=2)},
        if_restored="succeed",
    ) as guarded:
        migrate = SQLExecuteQueryOperator(task_id="migrate", conn_id=DATABASE, sql="DROP TABLE invoices", retries=0)
        check = SQLCheckOperator(task_id="check", conn_id=DATABASE, sql="SELECT count(*) FROM invoices", retries=0)
        migrate >> check
    # [END guarded_migration]

    before >> guarded >> prove_restored(before)
