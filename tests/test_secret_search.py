"""The search for secrets finds them wherever they are: each case is a run of pytest that has to fail."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

CONFTEST = """
from pathlib import Path
from tests.secret_search_plugin import SecretSearch

def pytest_configure(config):
    config.pluginmanager.register(SecretSearch(Path(__file__).parent / "home"))
"""
BEGIN = """
import json, logging, sqlite3
from pathlib import Path
from airflow_provider_backup.emulator.core.accounts import PASSWORD, SECRET_KEY, Accounts
from airflow_provider_backup.emulator.core.state import CloudState
from tests.secret_search import search_folder, searched

home = Path(__file__).parent / "home"
home.mkdir()
TOKEN = Accounts(CloudState()).issue_token("project")[0]

def test_it():
"""
FOUND = {
    "a token in a log record that nobody sees": 'logging.getLogger("airflow_provider_backup.x").debug("%s", TOKEN)',
    "a password in the log of the library": 'logging.getLogger("aiohttp.client").debug(PASSWORD)',
    "a key in a logged exception": """
        try:
            raise ValueError(SECRET_KEY)
        except ValueError:
            logging.getLogger("airflow.task").exception("failed")""",
    "a token that was printed": "print(json.dumps({'token': TOKEN}))",
    "a password in an XCom": 'searched(json.dumps({"a": PASSWORD}), "XCom")',
    "a token in a file of the log folder": '(home / "task.log").write_text(f"headers: {TOKEN}")',
    "a key in a table": """
        with sqlite3.connect(home / "airflow.db") as database:
            database.execute("CREATE TABLE xcom (key TEXT, value BLOB)")
            database.execute("INSERT INTO xcom VALUES ('k', ?)", (b"x" + SECRET_KEY.encode(),))""",
}
CLEAN = {
    "nothing": "pass",
    "the connection itself": """
        with sqlite3.connect(home / "airflow.db") as database:
            database.execute("CREATE TABLE connection (password TEXT)")
            database.execute("INSERT INTO connection VALUES (?)", (PASSWORD,))""",
    "a certificate": 'print("MIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJ\\nRTESMBAGA1UE")',
}


def run(folder: Path, work: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a test that does some work, with the search."""
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_it.py").write_text(BEGIN + "    " + work.strip().replace("\n    ", "\n") + "\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", "."]
    return subprocess.run(
        [*command, ".", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("work", FOUND.values(), ids=FOUND)
def test_a_run_that_lets_a_secret_out_fails(tmp_path: Path, work: str) -> None:
    done = run(tmp_path, work)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    assert re.search(r"^\d+ places hold a secret", done.stdout, re.MULTILINE)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize("work", FOUND.values(), ids=FOUND)
def test_a_secret_that_a_parallel_worker_lets_out_fails_the_run(tmp_path: Path, work: str) -> None:
    done = run(tmp_path, work, "--numprocesses=1")
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    assert re.search(r"^\d+ places hold a secret", done.stdout, re.MULTILINE)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize("work", CLEAN.values(), ids=CLEAN)
def test_a_run_that_keeps_its_secrets_passes(tmp_path: Path, work: str) -> None:
    done = run(tmp_path, work)
    assert done.returncode == pytest.ExitCode.OK, done.stdout + done.stderr
    assert "secret" not in done.stdout
