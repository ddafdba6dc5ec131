"""One PostgreSQL server on loopback."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from airflow_provider_backup.emulator.postgres.programs import PostgresError, PostgresPrograms

HOST = "127.0.0.1"
SUPERUSER = "rdsAdmin"
"""The user that makes copies; the service has one of this name too."""

_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_PORT_LINE = 3
_STATUS_LINE = 7
"""Lines of ``postmaster.pid``, counted from 0: the port, and whether the server is ready."""
_SETTINGS = {
    "listen_addresses": HOST,
    # Paths of sockets must be short, and folders of tests are not.
    "unix_socket_directories": "",
    # What was committed survives the end of the process, which is all that can happen to it here.
    "fsync": "off",
    "shared_buffers": "16MB",
    "max_connections": "100",
    "max_wal_size": "64MB",
    "min_wal_size": "2MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def free_port() -> int:
    """Return a port of loopback that nothing listens on."""
    with socket.create_server((HOST, 0)) as listener:
        return int(listener.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether nothing listens on a port of loopback."""
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return False
    return True


class PostgresServer:
    """A server process on the files of one cluster.

    :param programs: what it is started with.
    :param data: its cluster directory.
    :param password: that of the superuser.
    :param port: where it listens.
    :param settings: what else it is started with.
    """

    def __init__(
        self,
        programs: PostgresPrograms,
        data: Path,
        password: str,
        port: int,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.port = port
        self._programs = programs
        self._data = data
        self._password = password
        self._settings = {**_SETTINGS, **(settings or {}), "port": str(port)}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, and return when it takes connections.

        :raises PostgresError: it does not start; the text has the end of its log.
        """
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        log = self._data.with_name(f"{self._data.name}.log")
        self._end_left_over()
        self._process = self._programs.start("postgres", "-D", str(self._data), *options, log=log)
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_ready(self._process.pid):
            if not self.is_running or time.monotonic() > deadline:
                self.stop()
                last = "\n".join(log.read_text(errors="replace").splitlines()[-10:])
                raise PostgresError(f"PostgreSQL does not start in {self._data}. The end of its log:\n{last}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it together with its connections; nothing that was committed is lost."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def query(self, text: str, database: str = "postgres") -> str:
        """Run SQL as the superuser.

        :param text: statements; they are not shown to other users of this machine, as arguments would be.
        :param database: where they run.
        :return: the rows, a line for each, columns parted by ``|``.
        :raises PostgresError: a statement failed.
        """
        options = ("--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1")
        return self._programs.run(
            "psql", *options, *self._login(), f"--dbname={database}", password=self._password, text=text
        ).strip()

    def dump(self, tables: Sequence[str], database: str) -> str:
        """Return the SQL that makes tables as they are, with their rows.

        :param tables: their quoted names with the schemas.
        :param database: where they are.
        :raises PostgresError: one of them is not there.
        """
        which = [f"--table={table}" for table in tables]
        options = ("--strict-names", "--no-publications", f"--dbname={database}")
        return self._programs.run("pg_dump", *options, *which, *self._login(), password=self._password)

    def copy_to(self, folder: Path) -> None:
        """Copy all that is in it while it runs.

        :param folder: where the copy goes; when something fails there is none.
        :raises PostgresError: the copy failed.
        """
        draft = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(draft, ignore_errors=True)
        how = ("--checkpoint=fast", "--wal-method=stream", "--no-sync", "--no-manifest")
        self._programs.run("pg_basebackup", *how, *self._login(), f"--pgdata={draft}", password=self._password)
        draft.rename(folder)

    def _login(self) -> tuple[str, ...]:
        return f"--host={HOST}", f"--port={self.port}", f"--username={SUPERUSER}", "--no-password"

    def _is_ready(self, pid: int) -> bool:
        lines = self._lock_file()
        return len(lines) > _STATUS_LINE and lines[0] == str(pid) and lines[_STATUS_LINE].strip() == "ready"

    def _lock_file(self) -> list[str]:
        try:
            return (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _end_left_over(self) -> None:
        """Let the server end that an earlier local cloud, which was killed, has left on the same files."""
        deadline = time.monotonic() + _STOP_SECONDS
        while (lines := self._lock_file()) and _is_alive(int(lines[0])) and time.monotonic() < deadline:
            # Many programs may have this process id since: only one that knows our password is asked to end.
            with suppress(PostgresError, IndexError):
                earlier = PostgresServer(self._programs, self._data, self._password, int(lines[_PORT_LINE]))
                if earlier.query("SHOW data_directory") == str(self._data):
                    self._programs.run("pg_ctl", "stop", f"--pgdata={self._data}", "--mode=fast")
            time.sleep(0.05)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
