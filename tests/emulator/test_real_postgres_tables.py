"""With ``postgres`` a restore of tables brings real tables under their new names, beside what is there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.services.databases.models import Job
from airflow_provider_backup.cloud.services.rds.table_restore_models import PostgreSqlTableRestore
from airflow_provider_backup.emulator.postgres.table_copy import dump_renamed
from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.emulator.callers import client_of
from tests.emulator.postgres_instance import BACKUP_SECONDS, PostgresInstance

ROWS = 1000
NAMES = {"invoices": "invoices_before"}


@pytest_asyncio.fixture
async def instance(postgres_cloud: RunningCloud) -> AsyncIterator[PostgresInstance]:
    """The instance behind which the server is."""
    postgres_cloud.set_backup_seconds(BACKUP_SECONDS)
    (instance_id,) = postgres_cloud.describe()["database_connections"]
    async with client_of(postgres_cloud, attempts=3) as client:
        yield PostgresInstance(postgres_cloud, client, instance_id)


def pass_moment(instance: PostgresInstance) -> datetime:
    """Return a moment after all that was committed, to which the instance can be restored."""
    moment = instance.cloud.state.now()
    instance.cloud.state.advance_clock(600)
    return moment + timedelta(seconds=1)


async def begin(instance: PostgresInstance, moment: datetime, names: dict[str, str]) -> str:
    """Begin to restore tables and return the job."""
    tables = [{"old_name": old, "new_name": new} for old, new in names.items()]
    databases = [{"database": "billing", "schemas": [{"schema": "public", "tables": tables}]}]
    values = {"instance_id": instance.instance_id, "restore_time": moment, "databases": databases}
    restore = validated(PostgreSqlTableRestore, "restore", values)
    (started,) = await instance.client.rds.table_restores.postgresql_tables([restore])
    assert started.job_id is not None
    return started.job_id


async def restore(instance: PostgresInstance, moment: datetime, names: dict[str, str]) -> Job:
    """Restore tables and return the job when it is over."""
    job_id = await begin(instance, moment, names)
    instance.finish()
    return await instance.client.rds.jobs.get(job_id)


async def test_a_dropped_table_comes_back_under_its_new_name_with_its_rows(instance: PostgresInstance) -> None:
    moment = pass_moment(instance)
    await instance.sql("DROP TABLE invoices")

    job = await restore(instance, moment, NAMES)

    assert job.status == "Completed"
    assert await instance.sql("SELECT count(*) FROM invoices_before") == str(ROWS)
    assert await instance.sql("SELECT to_regclass('invoices') IS NULL") == "t"


async def test_a_table_that_is_there_stays_as_it_is(instance: PostgresInstance) -> None:
    moment = pass_moment(instance)
    await instance.sql("DELETE FROM invoices WHERE id > 10")

    job = await restore(instance, moment, NAMES)

    assert job.status == "Completed"
    assert await instance.invoices() == 10
    assert await instance.sql("SELECT count(*) FROM invoices_before") == str(ROWS)


async def test_indexes_and_sequences_come_along_under_new_names(instance: PostgresInstance) -> None:
    await instance.sql("CREATE INDEX by_customer ON invoices (customer)")

    await restore(instance, pass_moment(instance), NAMES)

    names = "SELECT indexname FROM pg_indexes WHERE tablename = 'invoices_before' ORDER BY 1"
    assert await instance.sql(names) == "invoices_before_by_customer\ninvoices_before_pkey"
    assert await instance.sql("SELECT pg_get_serial_sequence('invoices_before', 'id')") == (
        "public.invoices_before_id_seq"
    )
    added = "INSERT INTO invoices_before (customer, amount, issued_on) VALUES ('new', 1, '2026-01-01') RETURNING id"
    assert await instance.sql(added) == str(ROWS + 1)


async def test_a_table_comes_back_that_points_to_another_one(instance: PostgresInstance) -> None:
    await instance.sql("CREATE TABLE lines (invoice integer REFERENCES invoices); INSERT INTO lines VALUES (1)")
    moment = pass_moment(instance)
    await instance.sql("DROP TABLE lines, invoices")

    job = await restore(instance, moment, {"lines": "lines_before"})

    assert job.status == "Completed"
    assert await instance.sql("SELECT invoice FROM lines_before") == "1"


async def test_a_new_name_that_an_earlier_restore_had_is_used_again(instance: PostgresInstance) -> None:
    await restore(instance, pass_moment(instance), NAMES)
    await instance.sql("DELETE FROM invoices WHERE id > 10")
    moment = pass_moment(instance)
    await instance.sql("DROP TABLE invoices_before")

    job = await restore(instance, moment, NAMES)

    assert job.status == "Completed"
    assert await instance.sql("SELECT count(*) FROM invoices_before") == "10"


async def test_nothing_comes_before_the_job_is_over(instance: PostgresInstance) -> None:
    await begin(instance, pass_moment(instance), NAMES)

    assert await instance.sql("SELECT to_regclass('invoices_before') IS NULL") == "t"


async def test_a_restore_that_fails_brings_nothing(instance: PostgresInstance) -> None:
    instance.cloud.plan_outcome("rds.restore", reason="disk full")

    job = await restore(instance, pass_moment(instance), NAMES)

    assert job.status == "Failed"
    assert await instance.sql("SELECT to_regclass('invoices_before') IS NULL") == "t"


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ({"invoices": "taken"}, 'relation "taken" already exists'),
        ({"unknown": "unknown_before"}, 'relation "public.unknown" does not exist'),
        ({"parted": "parted_before"}, "Not an ordinary table"),
    ],
)
async def test_a_table_that_cannot_be_brought_fails_the_job_with_the_reason(
    instance: PostgresInstance, names: dict[str, str], reason: str
) -> None:
    await instance.sql("CREATE TABLE parted (day date) PARTITION BY RANGE (day)")
    moment = pass_moment(instance)
    await instance.sql("CREATE TABLE taken AS SELECT 1 AS kept")

    job = await restore(instance, moment, names)

    assert job.status == "Failed"
    assert reason in str(job.fail_reason)
    assert await instance.sql("SELECT kept FROM taken") == "1"


@pytest.mark.parametrize("names", [NAMES, {"unknown": "unknown_before"}], ids=["good", "failed"])
async def test_nothing_is_left_of_the_server_that_the_tables_came_from(
    instance: PostgresInstance, names: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Path] = []

    def dump(server, database, tables):  # type: ignore[no-untyped-def]
        seen.append(Path(server.query("SHOW data_directory")))
        return dump_renamed(server, database, tables)

    monkeypatch.setattr("airflow_provider_backup.emulator.postgres.instance_database.dump_renamed", dump)

    await restore(instance, pass_moment(instance), names)

    (data,) = seen
    assert {each.name for each in data.parents[1].iterdir() if each.is_dir()} == {"data", "history"}
