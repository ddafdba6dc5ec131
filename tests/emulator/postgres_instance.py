"""A local cloud with a real PostgreSQL, its instance, and who works on it: our client, and SQL as its administrator."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.schema.base import validated
from airflow_provider_backup.cloud.services.databases.models import Instance
from airflow_provider_backup.cloud.services.rds.models import Backup, BackupCreate
from airflow_provider_backup.cloud.services.rds.restore_models import Restore, RestoredInstance
from airflow_provider_backup.emulator.core.accounts import DATABASE_PASSWORD, DATABASE_USER
from airflow_provider_backup.emulator.postgres.first_cluster import DATABASE
from airflow_provider_backup.emulator.postgres.programs import installed_programs
from airflow_provider_backup.emulator.threaded import RunningCloud

BACKUP_SECONDS = 3600.0
"""Nothing ends before the clock is set forward."""


class SqlError(RuntimeError):
    """A statement failed, or the login was refused; the text has what PostgreSQL said."""


def run_sql(address: tuple[str, int], statements: str, password: str = DATABASE_PASSWORD) -> str:
    """Run SQL as the administrator and return the rows.

    :param address: host and port.
    :param statements: what to run, in the database of the first start.
    :param password: the administrator's.
    :raises SqlError: it failed.
    """
    host, port = address
    options = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", "--no-password"]
    login = [f"--host={host}", f"--port={port}", f"--username={DATABASE_USER}", f"--dbname={DATABASE}"]
    done = subprocess.run(
        [installed_programs() / "psql", *options, *login],
        env={"PGPASSWORD": password},
        input=statements,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SqlError(done.stderr)
    return done.stdout.strip()


@dataclass(frozen=True)
class PostgresInstance:
    """The seeded PostgreSQL instance.

    :param cloud: the local cloud.
    :param client: our client.
    :param instance_id: its id.
    """

    cloud: RunningCloud
    client: BackupCloud
    instance_id: str

    async def read(self, instance_id: str | None = None) -> Instance:
        """Read it, or another instance, through the API."""
        return await self.client.rds.instances.get(instance_id or self.instance_id)

    async def address(self, instance_id: str | None = None) -> tuple[str, int]:
        """Return host and port, as the API tells them."""
        found = await self.read(instance_id)
        assert found.port is not None
        return found.private_ips[0], found.port

    async def sql(self, statements: str) -> str:
        """Run SQL on it, see :func:`run_sql`."""
        return run_sql(await self.address(), statements)

    async def invoices(self) -> int:
        """Count the rows of its table."""
        return int(await self.sql("SELECT count(*) FROM invoices"))

    async def start_backup(self, name: str = "before-maintenance") -> Backup:
        """Start a backup."""
        return await self.client.rds.backups.create(BackupCreate(instance_id=self.instance_id, name=name))

    async def back_up(self, name: str = "before-maintenance") -> str:
        """Return the id of a backup that is good."""
        backup = await self.start_backup(name)
        self.finish()
        return backup.id

    async def restore(self, target_id: str | None = None, **point: object) -> str | None:
        """Begin to restore it and return the job.

        :param target_id: the instance that is overwritten; ``None`` for this one.
        :param point: ``backup_id`` or ``restore_time``.
        """
        source = {"instance_id": self.instance_id, **point}
        values = {"source": source, "target": {"instance_id": target_id or self.instance_id}}
        return await self.client.rds.restores.to_existing(validated(Restore, "restore", values))

    async def restore_to_new(self, name: str, password: str, **point: object) -> str:
        """Begin to make a new instance like it and return its id.

        :param name: the new instance's.
        :param password: that of its administrator.
        :param point: as for :meth:`restore`.
        """
        source = await self.read()
        assert source.volume is not None
        values = {
            "name": name,
            "flavor_ref": source.flavor_ref,
            "volume": {"type": source.volume.type, "size": source.volume.size},
            "availability_zone": "eu-de-01",
            "password": password,
            "restore_point": {"instance_id": self.instance_id, **point},
        }
        return (await self.client.rds.restores.to_new(validated(RestoredInstance, "instance", values))).id

    def finish(self) -> None:
        """Let everything end that runs."""
        self.cloud.state.advance_clock(BACKUP_SECONDS + 1)
