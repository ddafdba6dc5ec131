"""The whole suite is searched for secrets: whatever was logged, printed or stored while the tests ran.

``conftest.py`` registers :class:`SecretSearch`. It looks at every log record (from DEBUG on, with its exceptions), at
what each test printed, at what Airflow's test database and log folder hold at the end, and at whatever is handed to
:func:`searched`. When a known secret is found, the run fails and says where.
"""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_provider_backup.emulator.accounts import PASSWORD, SECRET_KEY

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

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
LOGGERS = (None, "aiohttp", "airflow", "airflow.processor", "airflow.task", "airflow_provider_backup", "asyncio")
"""Those that might not hand their records on, and the root of all."""

findings: list[str] = []
"""Where secrets were found."""
_now_running = "the start of the tests"


def searched(text: str, where: str) -> str:
    """Return a text that was searched.

    :param text: anything that leaves the task: an XCom, a row, an event.
    :param where: what it is, for the report.
    """
    _search(text.encode(errors="replace"), where)
    return text


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
                _search(row, f"{path}, table {table}")
        else:
            _search(path.read_bytes(), str(path))
    return len(files)


def _search(content: bytes, where: str) -> None:
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


class _Searcher(logging.Handler):
    """Looks at log records instead of writing them."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Search one record, its exception included; once, however many loggers hand it on."""
        if not record.__dict__.get("was_searched"):
            record.__dict__["was_searched"] = True
            _search(self.format(record).encode(errors="replace"), f"log of {record.name}")


class SecretSearch:
    """A plugin of pytest.

    :param airflow_home: the Airflow home of the tests.
    """

    def __init__(self, airflow_home: Path) -> None:
        self._airflow_home = airflow_home
        self._searcher = _Searcher()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Listen to all loggers; Airflow's configuration may have taken the listener away."""
        global _now_running
        _now_running = item.nodeid
        for name in LOGGERS:
            logger = logging.getLogger(name)
            if self._searcher not in logger.handlers:
                logger.addHandler(self._searcher)
        for name in ("aiohttp", "airflow", "airflow.task", "airflow_provider_backup"):
            logging.getLogger(name).setLevel(logging.DEBUG)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Search what a test printed: tasks of Airflow 3 log in this way."""
        # The last report of a test holds all that the others hold.
        for name, text in report.sections if report.when == "teardown" else ():
            _search(text.encode(errors="replace"), name)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Search what the tests left in the Airflow home, and fail the run when anything was found anywhere."""
        global _now_running
        _now_running = "all tests"
        search_folder(self._airflow_home)
        if findings and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        """Say where."""
        if findings:
            terminalreporter.section("secrets", red=True)
            for finding in findings[:50]:
                terminalreporter.line(finding)
            terminalreporter.line(f"{len(findings)} places hold a secret: see tests/secret_search.py.")
