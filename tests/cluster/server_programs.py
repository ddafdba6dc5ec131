"""The programs of PostgreSQL and Redis on this machine; Debian's packages are installed when they are missing.

Run from the checkout: ``python -m tests.cluster.server_programs``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_DEBIAN_FOLDERS = "/usr/lib/postgresql/*/bin"


class MissingProgramsError(RuntimeError):
    """A server is not installed; the text says which and how to get it."""


@dataclass(frozen=True)
class ServerPrograms:
    """Where the programs are.

    :param initdb: makes the files of a PostgreSQL server.
    :param postgres: the PostgreSQL server.
    :param redis: the Redis server.
    """

    initdb: Path
    postgres: Path
    redis: Path

    @classmethod
    def found(cls) -> Self:
        """Look for the programs.

        :raises MissingProgramsError: at least one is not there.
        """
        # Debian keeps the server's programs out of PATH; the newest version is the last.
        folders = sorted(Path("/").glob(_DEBIAN_FOLDERS[1:]), key=lambda folder: float(folder.parent.name))
        path = os.pathsep.join([*map(str, reversed(folders)), os.environ.get("PATH", os.defpath), "/usr/sbin"])
        programs = {name: shutil.which(name, path=path) for name in ("initdb", "postgres", "redis-server")}
        missing = [name for name, file in programs.items() if file is None]
        if missing:
            raise MissingProgramsError(
                f"Not on this machine: {', '.join(missing)}. Install the servers of PostgreSQL and Redis; "
                "on Debian and Ubuntu: apt-get install postgresql redis-server"
            )
        initdb, postgres, redis = (Path(str(file)) for file in programs.values())
        return cls(initdb, postgres, redis)


def main() -> int:
    """Make sure that the programs are there: root on Debian gets them installed, everybody else is told."""
    try:
        ServerPrograms.found()
    except MissingProgramsError as error:
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            print(error, file=sys.stderr)
            return 1
        print(f"{error}\nInstalling them ...")
        _install()
        ServerPrograms.found()
    return 0


def _install() -> None:
    # The packages may start servers of their own; the cluster test neither uses nor disturbs those.
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=environment, check=True)
    packages = ["postgresql", "redis-server"]
    subprocess.run(
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], env=environment, check=True
    )


if __name__ == "__main__":
    sys.exit(main())
