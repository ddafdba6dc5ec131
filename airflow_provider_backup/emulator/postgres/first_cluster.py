"""What every PostgreSQL instance of the local cloud begins with: its administrator, and a database with a table."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from airflow_provider_backup.emulator.core.accounts import DATABASE_PASSWORD, DATABASE_USER
from airflow_provider_backup.emulator.postgres.programs import PostgresPrograms
from airflow_provider_backup.emulator.postgres.server import SUPERUSER, PostgresServer, free_port

DATABASE = "billing"
ROWS = 1000
"""How many rows the table ``invoices`` has."""

# As in the service, the administrator may make databases and users and is no superuser.
_ROLES = f"""
CREATE ROLE {DATABASE_USER} LOGIN CREATEDB CREATEROLE PASSWORD '{DATABASE_PASSWORD}';
ALTER DATABASE postgres OWNER TO {DATABASE_USER};
CREATE DATABASE {DATABASE} OWNER {DATABASE_USER};
"""
_TABLES = f"""
SET ROLE {DATABASE_USER};
CREATE TABLE invoices (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer text NOT NULL,
    amount numeric(10, 2) NOT NULL,
    issued_on date NOT NULL
);
INSERT INTO invoices (customer, amount, issued_on)
SELECT 'customer ' || number % 50, number * 1.25, date '2026-01-01' + number % 365
FROM generate_series(1, {ROWS}) AS number;
"""  # noqa: S608


class FirstCluster:
    """The cluster directory that instances are copied from; it is made once.

    :param programs: the programs of PostgreSQL.
    :param folder: where all files of the servers are.
    """

    def __init__(self, programs: PostgresPrograms, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self.data = folder / "first"

    @property
    def password(self) -> str:
        """The superuser's password, which is the same in all copies."""
        return self._password_file.read_text()

    def make(self) -> None:
        """Make it, unless it is there.

        :raises PostgresError: it cannot be made.
        """
        if self.data.exists():
            return
        draft = self.data.with_name("first.part")
        shutil.rmtree(draft, ignore_errors=True)
        self._programs.write_secret(self._password_file, secrets.token_urlsafe(24))
        options = ("--encoding=UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", "--wal-segsize=1", "--no-sync")
        self._programs.run(
            "initdb", *options, f"--username={SUPERUSER}", f"--pwfile={self._password_file}", f"--pgdata={draft}"
        )
        server = PostgresServer(self._programs, draft, self.password, free_port())
        server.start()
        try:
            server.query(_ROLES)
            server.query(_TABLES, DATABASE)
        finally:
            server.stop()
        draft.rename(self.data)

    @property
    def _password_file(self) -> Path:
        return self._folder / "password"
