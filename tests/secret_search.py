"""Searching for secrets in texts, files and databases; ``secret_search_plugin.py`` does it for the whole suite."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from airflow_provider_backup.emulator.core.accounts import PASSWORD, SECRET_KEY

KNOWN_SECRETS = re.compile(
    "|".join(
        (
            re.escape(PASSWORD),
            re.escape(SECRET_KEY),
            # Every token of the local cloud: longer than any line of a certificate, which begins alike.
            "MII[A-Za-z0-9+/]{200}",
            # What tests without the local cloud use.
            "VERY-SECRET",
        )
    ).encode()
)

AIRFLOWS_OWN = re.compile(rb"msg=MaskSecret\(value='[^']*'")
"""Airflow 3.0 logs at DEBUG what it is about to mask."""

findings: list[str] = []
"""Where secrets were found."""
_now_running = "the start of the tests"


def searched(text: str, where: str) -> str:
    """Return a text that was searched.

    :param text: anything that leaves the task: an XCom, a row, an event.
    :param where: what it is, for the report.
    """
    search(text.encode(errors="replace"), where)
    return text


def now_runs(name: str) -> None:
    """Remember what goes on, for the report.

    :param name: the test.
    """
    global _now_running
    _now_running = name


def search_folder(folder: Path, *, leave_out: frozenset[str] = frozenset()) -> int:
    """Search every file below a folder; databases of SQLite table by table, without the connections.

    :param folder: the folder.
    :param leave_out: names of files that may hold secrets.
    :return: how many files there are.
    """
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in leave_out]
    for path in files:
        if path.suffix == ".db":
            for table, row in _rows(path):
                search(row, f"{path}, table {table}")
        else:
            search(path.read_bytes(), str(path))
    return len(files)


def search(content: bytes, where: str) -> None:
    """Remember where a secret stands, if there is one.

    :param content: anything.
    :param where: what it is, for the report.
    """
    content = AIRFLOWS_OWN.sub(b"", content)
    if match := KNOWN_SECRETS.search(content):
        around = content[max(0, match.start() - 60) : match.start()].decode(errors="replace")
        findings.append(f"{where}, during {_now_running}: after {around!r} comes {match[0][:12].decode()!r}...")


def _rows(path: Path) -> Iterator[tuple[str, bytes]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        database.text_factory = bytes
        tables = [name.decode() for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            if table == "connection":
                continue
            for row in database.execute(f'SELECT * FROM "{table}"'):
                yield table, b"\n".join(each if isinstance(each, bytes) else str(each).encode() for each in row)
