"""The content store with real PostgreSQL servers; see the package for how data are kept and why."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import weakref
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ParamSpec, TypeVar

from airflow_provider_backup.emulator.core.accounts import DATABASE_PASSWORD, DATABASE_USER
from airflow_provider_backup.emulator.core.content_store import ContentStore
from airflow_provider_backup.emulator.core.state import CloudState, Row
from airflow_provider_backup.emulator.postgres.first_cluster import DATABASE, FirstCluster
from airflow_provider_backup.emulator.postgres.instance_database import InstanceDatabase
from airflow_provider_backup.emulator.postgres.programs import PostgresError, PostgresPrograms
from airflow_provider_backup.emulator.postgres.server import HOST, free_port
from airflow_provider_backup.emulator.postgres.table_copy import RenamedTable

P = ParamSpec("P")
T = TypeVar("T")

_SERVICE = "rds"
_ENGINE = "PostgreSQL"
_SOON = timedelta(seconds=5)
"""So long after a backup began, a copy of what is there now is made without looking back."""


class PostgresContentStore(ContentStore):
    """Keeps the data of the PostgreSQL instances of RDS in servers on loopback, which end with this process.

    A backup holds the data of the moment when it begins, as its content version does. An instance that is being
    restored takes no connections; one that is restored to a moment gets what was committed by then. Tables that are
    restored to new names come when their job is over.

    :param state: the tables to follow.
    :param folder: where the servers keep their files over a restart; ``None`` takes a temporary folder.
    :raises ConfigurationError: PostgreSQL is not installed, or its user cannot enter the folder.
    """

    services: Collection[str] = (_SERVICE,)

    def __init__(self, state: CloudState, folder: Path | None) -> None:
        self._state = state
        self._discard: Callable[[], object] | None = None
        if folder is None:
            folder = Path(tempfile.mkdtemp(prefix="backup-cloud-postgres-"))
            self._discard = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        # Servers find their files by it, whatever the working directory is.
        self._folder = folder.resolve()
        self._programs = PostgresPrograms(self._folder)
        self._first = FirstCluster(self._programs, self._folder)
        self._databases: dict[str, InstanceDatabase] = {}
        self._copies: set[str] = set()
        self._lock = asyncio.Lock()
        self._worker: ThreadPoolExecutor | None = None

    def admit(self, instance: Row, password: str | None) -> None:
        """Give a new PostgreSQL instance a port of its own on loopback.

        :param instance: its row.
        :param password: that of its administrator.
        """
        if instance["engine"] == _ENGINE:
            instance["address"] = {"host": HOST, "port": free_port()}
            if password is not None:
                self._database(instance["id"]).expect_password(password)

    async def follow(self) -> None:
        """Bring servers and copies in line with the tables.

        :raises PostgresError: a program failed; the next call tries again.
        :raises OSError: a folder cannot be written to.
        """
        async with self._lock:
            if self._worker is None:
                # Servers end with the thread that has started them.
                self._worker = ThreadPoolExecutor(1, "postgres")
                await self._work(self._open)
            instances = [row for row in self._instances().values() if row["engine"] == _ENGINE]
            for gone in self._databases.keys() - {row["id"] for row in instances}:
                await self._work(self._databases.pop(gone).remove)
            new = {row["id"] for row in instances if not self._database(row["id"]).has_data}
            for row in instances:
                await self._follow_instance(row)
            await self._follow_backups(new)
            await self._follow_table_restores()

    def connections(self) -> dict[str, dict[str, str | int]]:
        """Return how to log in to the instances that were there from the start."""
        return {
            row["id"]: {
                "conn_type": "postgres",
                **row["address"],
                "login": DATABASE_USER,
                "password": DATABASE_PASSWORD,
                "schema": DATABASE,
            }
            for row in self._instances().values()
            if "address" in row and row.get("change", {}).get("kind") != "creation"
        }

    async def close(self) -> None:
        """End all servers; their files stay."""
        async with self._lock:
            for database in self._databases.values():
                await self._work(database.halt)
            if self._worker is not None:
                self._worker.shutdown()
                self._worker = None

    def discard(self) -> None:
        """Remove the temporary folder, if there is one."""
        if self._discard is not None:
            self._discard()

    def _open(self) -> None:
        for name in ("instances", "backups"):
            self._programs.make_folder(self._folder / name)
        self._first.make()
        for folder in (self._folder / "instances").iterdir():
            self._database(folder.name)
        for folder in (self._folder / "backups").iterdir():
            if folder.suffix == ".part":
                shutil.rmtree(folder)
            else:
                self._copies.add(folder.name)

    async def _follow_instance(self, row: Row) -> None:
        database = self._database(row["id"])
        if await self._follow_change(database, row) and not database.is_running:
            port = await self._work(database.run, row.get("address", {}).get("port"))
            row["address"] = {"host": HOST, "port": port}

    async def _follow_change(self, database: InstanceDatabase, row: Row) -> bool:
        """Bring what a restore brings when it is over, and return whether the instance takes connections."""
        change = row.get("change")
        # Nothing is brought by a deletion, nor by what was begun by a release that kept no source.
        if change is None or "source" not in change:
            return True
        name, is_over = change["started_at"], self._state.is_ready(change)
        if database.applied == name:
            return True
        if is_over and change["failure"]:
            if database.prepared:
                await self._work(database.drop_prepared)
            return bool(change["kind"] == "restore")
        if database.prepared != name:
            await self._work(self._prepare, database, name, change["source"])
        if not is_over:
            return False
        await self._work(database.replace)
        return True

    def _prepare(self, database: InstanceDatabase, name: str, source: Row) -> None:
        if "moment" in source:
            moment = self._state.machine_time(datetime.fromisoformat(source["moment"]))
            database.prepare_moment(name, self._database(source["instance_id"]), moment)
        else:
            copy = self._folder / "backups" / source["backup_id"]
            # A backup of a run without PostgreSQL has no copy.
            database.prepare_copy(name, copy if copy.exists() else self._first.data)

    async def _follow_backups(self, new: Collection[str]) -> None:
        """Copy the data of backups that have begun, and remove the copies of those that are gone.

        :param new: ids of the instances that have just begun with the first data.
        """
        rows = {row["id"]: row for row in self._state.table(f"{_SERVICE}.backups").values() if row["engine"] == _ENGINE}
        for gone in self._copies - rows.keys():
            await self._work(_remove, self._folder / "backups" / gone)
            self._copies.remove(gone)
        for backup_id in rows.keys() - self._copies:
            row = rows[backup_id]
            database = self._databases.get(row["instance_id"])
            if row["failure"] is None and database is not None and database.is_running:
                copy = self._folder / "backups" / backup_id
                begin = self._state.machine_time(datetime.fromisoformat(row["started_at"]))
                if row["instance_id"] in new:
                    copy.symlink_to(self._first.data)
                elif datetime.now(UTC) - begin < _SOON:
                    await self._work(database.copy_to, copy)
                else:
                    # An automatic backup that was due while there was no request.
                    await self._work(database.copy_moment, begin, copy)
                self._copies.add(backup_id)

    async def _follow_table_restores(self) -> None:
        """Bring the tables of restores to new names that are over; one that cannot be brought fails its job."""
        # Another request may begin a job meanwhile.
        for job in list(self._state.table(f"{_SERVICE}.jobs").values()):
            if "source" not in job or not self._state.is_ready(job):
                continue
            database = self._databases.get(job["instance_id"])
            if database is not None and job["failure"] is None:
                if not database.is_running:
                    continue
                moment = self._state.machine_time(datetime.fromisoformat(job["source"]["moment"]))
                tables = {
                    name: [RenamedTable(**table) for table in rows] for name, rows in job["source"]["tables"].items()
                }
                try:
                    await self._work(database.copy_tables, moment, tables)
                except PostgresError as error:
                    job["failure"] = str(error)
            del job["source"]

    def _instances(self) -> dict[str, Row]:
        return self._state.table(f"inventory.{_SERVICE}_instances")

    def _database(self, instance_id: str) -> InstanceDatabase:
        if instance_id not in self._databases:
            folder = self._folder / "instances" / instance_id
            self._databases[instance_id] = InstanceDatabase(self._programs, self._first, folder)
        return self._databases[instance_id]

    async def _work(self, function: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        """Run what blocks in the thread of the servers."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._worker, lambda: function(*arguments, **options))


def _remove(copy: Path) -> None:
    if copy.is_symlink():
        copy.unlink()
    else:
        shutil.rmtree(copy, ignore_errors=True)
