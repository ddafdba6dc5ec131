"""The file that keeps a local cloud's state: readable by its owner only, and used by one process at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from airflow_provider_backup.cloud.errors import ConfigurationError

_OWNER_ONLY = 0o600


def write_whole(file: Path, text: str) -> None:
    """Write a file whole or not at all, readable by its owner only.

    :param file: where to write; what was there is replaced, its permissions too.
    :param text: the new content.
    :raises OSError: the folder is missing or cannot be written to.
    """
    draft = file.with_suffix(file.suffix + ".tmp")
    # Left behind by a process that was killed, it may have other permissions.
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY), "w") as output:
        output.write(text)
    os.replace(draft, file)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Keep other processes from using a state file; the lock is a file beside it and ends with this process.

    :param file: the state file, which need not exist yet.
    :raises ConfigurationError: another process has it locked.
    :raises OSError: the folder is missing or cannot be written to.
    """
    # Not the state file itself, because each saving replaces it.
    descriptor = os.open(file.with_suffix(file.suffix + ".lock"), os.O_RDWR | os.O_CREAT, _OWNER_ONLY)
    with open(descriptor, "r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationError(
                f"The state file {file} is in use by another local cloud (process {lock.read().strip() or 'unknown'}).",
                next_step="Stop that one, or choose another file with --state.",
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
