"""With ``postgres`` the PostgreSQL instance is a server: backups copy its data, restores bring them back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from airflow_provider_backup.emulator.core.accounts import DATABASE_PASSWORD
from airflow_provider_backup.emulator.postgres import content_store
from airflow_provider_backup.emulator.threaded import RunningCloud
from tests.emulator.callers import client_of
from tests.emulator.postgres_instance import BACKUP_SECONDS, PostgresInstance, SqlError, run_sql

ROWS = 1000


@pytest_asyncio.fixture
async def instance(postgres_cloud: RunningCloud) -> AsyncIterator[PostgresInstance]:
    """The instance behind which the server is."""
    postgres_cloud.set_backup_seconds(BACKUP_SECONDS)
    (instance_id,) = postgres_cloud.describe()["database_connections"]
    async with client_of(postgres_cloud, attempts=3) as client:
        yield PostgresInstance(postgres_cloud, client, instance_id)


async def test_the_instance_can_be_connected_to_at_the_address_that_the_api_tells(instance: PostgresInstance) -> None:
    assert await instance.invoices() == ROWS


async def test_the_description_has_a_connection_to_it(instance: PostgresInstance) -> None:
    host, port = await instance.address()

    assert instance.cloud.describe()["database_connections"] == {
        instance.instance_id: {
            "conn_type": "postgres",
            "host": host,
            "port": port,
            "login": "root",
            "password": DATABASE_PASSWORD,
            "schema": "billing",
        }
    }


async def test_only_who_knows_the_password_is_let_in(instance: PostgresInstance) -> None:
    with pytest.raises(SqlError, match="password authentication failed"):
        run_sql(await instance.address(), "SELECT 1", "another")


async def test_the_administrator_makes_databases_and_users(instance: PostgresInstance) -> None:
    await instance.sql("CREATE DATABASE reports; CREATE ROLE reader LOGIN PASSWORD 'secret'")

    assert await instance.sql("SELECT datname FROM pg_database WHERE datname = 'reports'") == "reports"


async def test_other_instances_have_no_server(instance: PostgresInstance) -> None:
    addresses = {row.id: (*row.private_ips, row.port) async for row in instance.client.rds.instances.list()}
    del addresses[instance.instance_id]

    assert set(addresses.values()) == {("192.168.0.10", 3306), ("192.168.0.10", 1433)}


async def test_a_dropped_table_comes_back_by_a_restore_in_place(instance: PostgresInstance) -> None:
    backup_id = await instance.back_up()
    await instance.sql("DROP TABLE invoices")

    job_id = await instance.restore(backup_id=backup_id)
    instance.finish()

    assert job_id is not None
    assert (await instance.client.rds.jobs.get(job_id)).status == "Completed"
    assert await instance.invoices() == ROWS


async def test_what_a_backup_holds_is_what_was_there_when_it_began(instance: PostgresInstance) -> None:
    await instance.sql("DELETE FROM invoices WHERE id > 10")
    backup = await instance.start_backup()
    await instance.sql("DELETE FROM invoices")
    instance.finish()

    await instance.restore(backup_id=backup.id)
    instance.finish()

    assert await instance.invoices() == 10


async def test_the_automatic_backup_holds_the_first_data(instance: PostgresInstance) -> None:
    await instance.sql("DROP TABLE invoices")
    (nightly,) = [row async for row in instance.client.rds.backups.list(instance_id=instance.instance_id)]

    await instance.restore(backup_id=nightly.id)
    instance.finish()

    assert await instance.invoices() == ROWS


async def test_an_instance_takes_no_connections_while_it_is_restored(instance: PostgresInstance) -> None:
    await instance.restore(backup_id=await instance.back_up())

    with pytest.raises(SqlError, match="Connection refused"):
        await instance.sql("SELECT 1")

    instance.finish()
    assert await instance.invoices() == ROWS


async def test_a_restore_that_fails_leaves_the_data(instance: PostgresInstance) -> None:
    backup_id = await instance.back_up()
    await instance.sql("DROP TABLE invoices")
    instance.cloud.plan_outcome("rds.restore", reason="disk full")

    await instance.restore(backup_id=backup_id)
    instance.finish()

    with pytest.raises(SqlError, match='relation "invoices" does not exist'):
        await instance.invoices()


async def test_an_instance_is_restored_again_and_again(instance: PostgresInstance) -> None:
    backup_id = await instance.back_up()
    for _ in range(2):
        await instance.sql("DROP TABLE invoices")
        await instance.restore(backup_id=backup_id)
        instance.finish()

        assert await instance.invoices() == ROWS


async def test_a_new_instance_is_a_server_of_its_own_with_its_own_password(instance: PostgresInstance) -> None:
    backup_id = await instance.back_up()
    await instance.sql("DELETE FROM invoices WHERE id > 10")

    copy_id = await instance.restore_to_new("rehearsal-1", "It's-secret-1", backup_id=backup_id)
    instance.finish()

    address = await instance.address(copy_id)
    assert address != await instance.address()
    assert run_sql(address, "SELECT count(*) FROM invoices", "It's-secret-1") == str(ROWS)
    with pytest.raises(SqlError, match="password authentication failed"):
        run_sql(address, "SELECT 1")
    assert await instance.invoices() == 10


async def test_a_new_instance_is_there_until_it_is_deleted(instance: PostgresInstance) -> None:
    copy_id = await instance.restore_to_new("rehearsal-1", "Secret-1234", backup_id=await instance.back_up())
    with pytest.raises(SqlError, match="Connection refused"):
        run_sql(await instance.address(copy_id), "SELECT 1", "Secret-1234")
    instance.finish()
    address = await instance.address(copy_id)
    assert run_sql(address, "SELECT 1", "Secret-1234") == "1"

    await instance.client.rds.instances.delete(copy_id)
    instance.finish()
    ids = [row.id async for row in instance.client.rds.instances.list()]

    assert copy_id not in ids
    with pytest.raises(SqlError, match="Connection refused"):
        run_sql(address, "SELECT 1", "Secret-1234")


async def test_the_backup_of_a_deleted_instance_can_be_restored(instance: PostgresInstance) -> None:
    await instance.sql("DELETE FROM invoices WHERE id > 10")
    backup_id = await instance.back_up()
    kept_id = await instance.restore_to_new("rehearsal-1", "Secret-1234", backup_id=backup_id)
    instance.finish()
    await instance.client.rds.instances.delete(instance.instance_id)
    instance.finish()

    await instance.restore(kept_id, backup_id=backup_id)
    instance.finish()

    # The password is one of the data that were restored.
    assert run_sql(await instance.address(kept_id), "SELECT count(*) FROM invoices") == "10"


async def test_the_data_of_a_moment_come_back(instance: PostgresInstance) -> None:
    await instance.sql("DELETE FROM invoices WHERE id > 10")
    moment = instance.cloud.state.now()
    instance.cloud.state.advance_clock(600)
    await instance.sql("DELETE FROM invoices")

    await instance.restore(restore_time=moment + timedelta(seconds=300))
    instance.finish()

    assert await instance.invoices() == 10


async def test_a_moment_before_the_first_start_has_the_first_data(instance: PostgresInstance) -> None:
    moment = instance.cloud.state.now() - timedelta(days=2)
    await instance.sql("DROP TABLE invoices")

    copy_id = await instance.restore_to_new("rehearsal-1", "Secret-1234", restore_time=moment)
    instance.finish()

    assert run_sql(await instance.address(copy_id), "SELECT count(*) FROM invoices", "Secret-1234") == str(ROWS)


async def test_a_moment_between_two_restores_comes_back(instance: PostgresInstance) -> None:
    first = await instance.back_up()
    await instance.restore(backup_id=first)
    instance.finish()
    await instance.sql("DELETE FROM invoices WHERE id > 10")
    moment = instance.cloud.state.now()
    instance.cloud.state.advance_clock(600)
    await instance.sql("DELETE FROM invoices")
    await instance.restore(backup_id=first)
    instance.finish()
    assert await instance.invoices() == ROWS
    instance.cloud.state.advance_clock(600)

    await instance.restore(restore_time=moment + timedelta(seconds=1))
    instance.finish()

    assert await instance.invoices() == 10


async def test_a_backup_that_was_due_before_the_last_request_holds_what_was_there_then(
    instance: PostgresInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content_store, "_SOON", timedelta())
    await instance.sql("DELETE FROM invoices WHERE id > 10")
    due = instance.cloud.state.now().isoformat()
    await instance.sql("DELETE FROM invoices")

    backups = instance.cloud.state.table("rds.backups")
    (nightly,) = [row for row in backups.values() if row["instance_id"] == instance.instance_id]
    later = {**nightly, "id": f"{0:032d}br03", "started_at": due, "ready_at": due}
    backups[later["id"]] = later
    await instance.restore(backup_id=later["id"])
    instance.finish()

    assert await instance.invoices() == 10


async def test_content_versions_stay(instance: PostgresInstance) -> None:
    backup_id = await instance.back_up()
    instance.cloud.change_content(instance.instance_id, 2)

    await instance.restore(backup_id=backup_id)
    instance.finish()

    assert instance.cloud.content(instance.instance_id) == 1


async def test_a_cloud_that_stops_takes_its_servers_with_it_and_brings_them_back(instance: PostgresInstance) -> None:
    address = await instance.address()
    await instance.sql("DELETE FROM invoices WHERE id > 10")

    instance.cloud.stop()

    with pytest.raises(SqlError, match="Connection refused"):
        run_sql(address, "SELECT 1")
    instance.cloud.restart()
    assert await instance.address() == address
    assert await instance.invoices() == 10
