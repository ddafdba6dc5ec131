"""The whole suite is searched for secrets: whatever was logged, printed or stored while the tests ran.

``conftest.py`` registers :class:`SecretSearch`. It looks at every log record (from DEBUG on, with its exceptions), at
what each test printed, at what Airflow's test database and log folder hold at the end, and at whatever is handed to
``searched`` of ``secret_search.py``. When a known secret is found, the run fails and says where. Workers of
pytest-xdist search for themselves and hand on what they found.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.secret_search import findings, now_runs, search, search_folder

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

LOGGERS = (None, "aiohttp", "airflow", "airflow.processor", "airflow.task", "airflow_provider_backup", "asyncio")
"""Those that might not hand their records on, and the root of all."""
FINDINGS = "secret_findings"
"""Key of the findings among what a worker of pytest-xdist hands on at its end."""


class _Searcher(logging.Handler):
    """Looks at log records instead of writing them."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Search one record, its exception included; once, however many loggers hand it on."""
        if not record.__dict__.get("was_searched"):
            record.__dict__["was_searched"] = True
            search(self.format(record).encode(errors="replace"), f"log of {record.name}")


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
        now_runs(item.nodeid)
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
            search(text.encode(errors="replace"), name)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Search what the tests left in the Airflow home, and fail the run when anything was found anywhere."""
        now_runs("all tests")
        search_folder(self._airflow_home)
        if findings and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput[FINDINGS] = list(findings)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over what a worker of pytest-xdist found."""
        findings.extend(getattr(node, "workeroutput", {}).get(FINDINGS, []))

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        """Say where."""
        if findings:
            terminalreporter.section("secrets", red=True)
            for finding in findings[:50]:
                terminalreporter.line(finding)
            terminalreporter.line(f"{len(findings)} places hold a secret: see tests/secret_search.py.")
