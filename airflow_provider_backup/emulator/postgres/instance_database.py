"""The server and the files of one PostgreSQL instance, and how they get the data of a backup or a moment.

``data`` is the cluster directory, ``next`` what a restore has prepared. ``history`` has a folder for each time that the
instance got its data: ``base``, the data that it began with, and ``wal``, what was written since. A moment is brought
back from the two, by the recovery of PostgreSQL itself.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from airflow_provider_backup.emulator.core.accounts import DATABASE_USER
from airflow_provider_backup.emulator.postgres.first_cluster import FirstCluster
from airflow_provider_backup.emulator.postgres.programs import PostgresError, PostgresPrograms
from airflow_provider_backup.emulator.postgres.server import PostgresServer, free_port, is_free
from airflow_provider_backup.emulator.postgres.table_copy import RenamedTable, dump_renamed

_START_ATTEMPTS = 5


class InstanceDatabase:
    """One instance. All methods block.

    :param programs: the programs of PostgreSQL.
    :param first: what an instance begins with that no restore has made.
    :param folder: where its files are; they may be there from an earlier run.
    """

    def __init__(self, programs: PostgresPrograms, first: FirstCluster, folder: Path) -> None:
        self._programs = programs
        self._first = first
        self._folder = folder
        self._data = folder / "data"
        self._next = folder / "next"
        self._server: PostgresServer | None = None
        programs.make_folder(folder)
        self.applied = self._read("applied")
        """Name of the last restore that has brought its data; empty for none."""
        self.prepared = self._read("prepared")
        """Name of the restore whose data wait in ``next``; empty for none."""

    @property
    def has_data(self) -> bool:
        """Whether it has a cluster directory; without one, it begins with the first data."""
        return self._data.exists()

    @property
    def is_running(self) -> bool:
        """Whether its server is there."""
        return self._server is not None and self._server.is_running

    def run(self, port: int | None) -> int:
        """Start the server and return its port.

        :param port: the port to take if nothing listens there; ``None`` takes any.
        :raises PostgresError: it does not start.
        """
        if not self.has_data:
            self._begin_history().symlink_to(self._first.data)
            self._programs.copy_folder(self._first.data, self._data)
        for attempt in range(_START_ATTEMPTS):
            chosen = port if port is not None and is_free(port) else free_port()
            server = PostgresServer(self._programs, self._data, self._first.password, chosen, self._archiving())
            try:
                server.start()
                break
            except PostgresError:
                # Another process may have taken the port meanwhile.
                if attempt == _START_ATTEMPTS - 1 or is_free(chosen):
                    raise
        self._server = server
        self._change_password(server)
        return server.port

    def halt(self) -> None:
        """End the server; its files stay."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def remove(self) -> None:
        """End the server and remove all files."""
        self.halt()
        shutil.rmtree(self._folder, ignore_errors=True)

    def expect_password(self, password: str) -> None:
        """Let the administrator have another password from the next start of the server on.

        :param password: the password; it stays in a file of the server's user until then.
        """
        self._programs.write_secret(self._folder / "new-password", password)

    def copy_to(self, folder: Path) -> None:
        """Copy its data as they are now.

        :param folder: where the copy goes.
        :raises PostgresError: the copy failed, or the server does not run.
        """
        if self._server is None:
            raise PostgresError(f"The server of {self._data} does not run.")
        self._server.copy_to(folder)

    def copy_moment(self, moment: datetime, folder: Path) -> None:
        """Write the data that it had at a moment.

        :param moment: the moment on this machine's clock; one before the first data has these.
        :param folder: where the cluster directory goes; when something fails there is none.
        :raises PostgresError: the recovery failed.
        """
        draft = self._folder / "moment"
        shutil.rmtree(draft, ignore_errors=True)
        self._finish_log()
        base, log, is_covered = self._history_of(moment)
        self._programs.copy_folder(base, draft)
        if is_covered:
            self._recover(draft, moment, [log, self._data / "pg_wal"])
        draft.rename(folder)

    def copy_tables(self, moment: datetime, tables: Mapping[str, Sequence[RenamedTable]]) -> None:
        """Bring tables as they were at a moment, beside what is there; those of one database all or none.

        :param moment: the moment on this machine's clock.
        :param tables: the tables by database.
        :raises PostgresError: a table was not there, or its new name is taken.
        """
        if self._server is None:
            raise PostgresError(f"The server of {self._data} does not run.")
        folder = self._folder / "tables"
        shutil.rmtree(folder, ignore_errors=True)
        try:
            self._programs.make_folder(folder)
            self.copy_moment(moment, folder / "data")
            earlier = PostgresServer(self._programs, folder / "data", self._first.password, free_port())
            earlier.start()
            try:
                dumps = {database: dump_renamed(earlier, database, renamed) for database, renamed in tables.items()}
            finally:
                earlier.stop()
            for database, dump in dumps.items():
                self._server.query(f"BEGIN;\n{dump}\nCOMMIT;", database)
        finally:
            for each in (folder, self._folder / "moment"):
                shutil.rmtree(each, ignore_errors=True)

    def prepare_copy(self, name: str, copy: Path) -> None:
        """End the server and prepare the data of a copy.

        :param name: the restore that they are for.
        :param copy: a cluster directory.
        """
        self.drop_prepared()
        self._finish_log()
        self.halt()
        self._programs.copy_folder(copy, self._next)
        self._set_prepared(name)

    def prepare_moment(self, name: str, origin: InstanceDatabase, moment: datetime) -> None:
        """End the server and prepare the data that an instance had at a moment.

        :param name: the restore that they are for.
        :param origin: the instance, which may be this one.
        :param moment: the moment on this machine's clock.
        :raises PostgresError: the recovery failed.
        """
        self.drop_prepared()
        origin.copy_moment(moment, self._next)
        self._finish_log()
        self.halt()
        self._set_prepared(name)

    def drop_prepared(self) -> None:
        """Remove the data that were prepared."""
        self._set_prepared("")
        shutil.rmtree(self._next, ignore_errors=True)

    def replace(self) -> None:
        """Let the prepared data take the place of those that are there."""
        name = self.prepared
        self._programs.copy_folder(self._next, self._begin_history())
        shutil.rmtree(self._data, ignore_errors=True)
        self._next.rename(self._data)
        self._write("applied", name)
        self.applied = name
        self._set_prepared("")

    # The history

    def _begin_history(self) -> Path:
        """Return where a copy of the data must be put that the instance begins with now."""
        entry = self._folder / "history" / f"{len(list(self._folder.glob('history/*'))) + 1:06d}"
        for folder in (entry.parent, entry, entry / "wal"):
            self._programs.make_folder(folder)
        (entry / "begun").write_text(datetime.now(UTC).isoformat())
        return entry / "base"

    def _entries(self) -> list[Path]:
        return sorted(base.parent for base in self._folder.glob("history/*/base"))

    def _history_of(self, moment: datetime) -> tuple[Path, Path, bool]:
        """Return base and log for a moment, and whether anything of the log may be older than it."""
        entries = self._entries()
        earlier = [each for each in entries if datetime.fromisoformat((each / "begun").read_text()) <= moment]
        entry = earlier[-1] if earlier else entries[0]
        return entry / "base", entry / "wal", bool(earlier)

    def _archiving(self) -> dict[str, str]:
        target = shlex.quote(str(self._entries()[-1] / "wal")).replace("%", "%%")
        return {"archive_mode": "on", "archive_command": f"cp %p {target}/%f.part && mv {target}/%f.part {target}/%f"}

    def _finish_log(self) -> None:
        """Let the log reach beyond any moment so far, since a recovery must find the moment in it."""
        if self._server is not None and self._server.is_running:
            self._server.query("SELECT pg_current_xact_id();\nSELECT pg_switch_wal();")

    def _recover(self, data: Path, moment: datetime, logs: list[Path]) -> None:
        (data / "recovery.signal").touch()
        places = [shlex.quote(str(log)).replace("%", "%%") for log in logs]
        settings = {
            "restore_command": " || ".join(f"cp {place}/%f %p" for place in places),
            "recovery_target_time": moment.isoformat(),
            "recovery_target_action": "promote",
            "recovery_target_timeline": "current",
            # Ready is then said of a server that has recovered.
            "hot_standby": "off",
        }
        server = PostgresServer(self._programs, data, self._first.password, free_port(), settings)
        server.start()
        server.stop()

    # Small files

    def _change_password(self, server: PostgresServer) -> None:
        if password := self._read("new-password"):
            quoted = password.replace("'", "''")
            server.query(f"ALTER ROLE {DATABASE_USER} PASSWORD '{quoted}';")
            (self._folder / "new-password").unlink()

    def _set_prepared(self, name: str) -> None:
        self._write("prepared", name)
        self.prepared = name

    def _read(self, name: str) -> str:
        file = self._folder / name
        return file.read_text() if file.exists() else ""

    def _write(self, name: str, text: str) -> None:
        (self._folder / name).write_text(text)
