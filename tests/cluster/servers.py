"""A PostgreSQL and a Redis of our own: files in temporary folders, loopback only, passwords made anew each time."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.cluster.server_programs import ServerPrograms
from tests.system.own_process import OwnProcess
from tests.system.ports import ADDRESS, free_port

POSTGRES_USER = "postgres"
"""Who runs PostgreSQL when we are root, which it refuses; Debian's package makes this user."""

_ROLE = "airflow"
_DATABASE = "postgres"


class PostgresServer:
    """A PostgreSQL server; a start after a kill goes on with what was committed.

    :param programs: where its programs are.
    :param log: file for what it prints.
    """

    def __init__(self, programs: ServerPrograms, log: Path) -> None:
        self.port = free_port()
        self._programs = programs
        self._log = log
        self._password = secrets.token_urlsafe(24)
        # A folder of its own: whoever runs PostgreSQL must be able to enter it, and only that one.
        self._folder = Path(tempfile.mkdtemp(prefix="cluster-postgres-"))
        self._prefix: list[str] = []
        if os.geteuid() == 0:
            user = pwd.getpwnam(POSTGRES_USER)
            os.chown(self._folder, user.pw_uid, user.pw_gid)
            self._prefix = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]
        self._make_files()

    @property
    def address(self) -> str:
        """User, password, host, port and database, as they stand in a URL after ``//``."""
        return f"{_ROLE}:{self._password}@{ADDRESS}:{self.port}/{_DATABASE}"

    def start(self) -> OwnProcess:
        """Start the server; it takes connections a moment later."""
        settings = {
            "listen_addresses": ADDRESS,
            "port": self.port,
            "unix_socket_directories": self._folder,
            "max_connections": 200,
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [*self._prefix, str(self._programs.postgres), "-D", str(self._data), *options]
        return OwnProcess(
            "postgresql", command, environment=_plain_environment(), log=self._log, directory=self._folder
        )

    def remove_files(self) -> None:
        """Remove all that it wrote; it must have ended."""
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _make_files(self) -> None:
        password = self._folder / "password"
        password.touch(mode=0o600)
        password.write_text(self._password)
        owner = self._folder.stat()
        os.chown(password, owner.st_uid, owner.st_gid)
        command = [*self._prefix, str(self._programs.initdb), "-D", str(self._data), "-U", _ROLE, "-E", "UTF8"]
        command += ["--auth=scram-sha-256", f"--pwfile={password}", "--locale=C.UTF-8"]
        subprocess.run(command, env=_plain_environment(), cwd=self._folder, check=True, stdout=subprocess.DEVNULL)
        password.unlink()


class RedisServer:
    """A Redis server that keeps nothing on disk.

    :param programs: where its program is.
    :param folder: where its configuration and its log go; made when missing.
    """

    def __init__(self, programs: ServerPrograms, folder: Path) -> None:
        self.port = free_port()
        self._program = programs.redis
        self._folder = folder
        self._password = secrets.token_urlsafe(24)

    @property
    def url(self) -> str:
        """Where Celery finds it."""
        return f"redis://:{self._password}@{ADDRESS}:{self.port}/0"

    def start(self) -> OwnProcess:
        """Start the server; it takes connections a moment later."""
        self._folder.mkdir(parents=True, exist_ok=True)
        configuration = self._folder / "redis.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(
            f"bind {ADDRESS}\nport {self.port}\nrequirepass {self._password}\n"
            f'save ""\nappendonly no\ndir {self._folder}\n'
        )
        return OwnProcess(
            "redis",
            [str(self._program), str(configuration)],
            environment=_plain_environment(),
            log=self._folder / "redis.log",
            directory=self._folder,
        )


def _plain_environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
