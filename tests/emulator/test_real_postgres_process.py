"""The servers of a local cloud that is a process: they end with it, however that ends, and keep their data."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_backup.cloud.errors import ConfigurationError
from airflow_provider_backup.emulator.postgres import programs
from airflow_provider_backup.emulator.server import LocalCloud
from tests.emulator.postgres_instance import SqlError, run_sql
from tests.emulator.test_cli import emulator

SECONDS_TO_END = 30.0


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the user of the servers may enter when this is root."""
    path = Path(tempfile.mkdtemp(prefix="postgres-test-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


def connection_of(line: str) -> dict[str, Any]:
    (connection,) = json.loads(line)["database_connections"].values()
    return dict(connection)


def address_of(line: str) -> tuple[str, int]:
    connection = connection_of(line)
    return connection["host"], connection["port"]


def wait_until_nothing_answers(address: tuple[str, int]) -> None:
    deadline = time.monotonic() + SECONDS_TO_END
    while time.monotonic() < deadline:
        try:
            run_sql(address, "SELECT 1")
        except SqlError as error:
            if "Connection refused" in str(error):
                return
        time.sleep(0.05)
    pytest.fail(f"a server still answers on {address}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_its_servers_end_with_it(folder: Path, number: signal.Signals) -> None:
    with emulator("--port", "0", "--postgres", "--state", str(folder / "cloud.json")) as (process, line):
        address = address_of(line)
        assert run_sql(address, "SELECT 1") == "1"

        process.send_signal(number)
        process.communicate(timeout=SECONDS_TO_END)

        wait_until_nothing_answers(address)


def test_without_a_state_file_nothing_is_left(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(folder))
    with emulator("--port", "0", "--postgres") as (process, _):
        assert list(folder.iterdir()) != []
        process.terminate()
        process.wait(timeout=SECONDS_TO_END)

    assert list(folder.iterdir()) == []


def test_a_cloud_that_was_killed_comes_back_with_its_data(folder: Path) -> None:
    options = ("--port", "0", "--postgres", "--state", str(folder / "cloud.json"))
    with emulator(*options) as (process, line):
        before = connection_of(line)
        run_sql(address_of(line), "DELETE FROM invoices WHERE id > 10")
        process.kill()

    with emulator(*options) as (_, line):
        assert connection_of(line) == before
        assert run_sql(address_of(line), "SELECT count(*) FROM invoices") == "10"


def test_a_port_that_is_taken_meanwhile_is_replaced(folder: Path) -> None:
    options = ("--port", "0", "--postgres", "--state", str(folder / "cloud.json"))
    with emulator(*options) as (process, line):
        before = address_of(line)
        process.terminate()
        process.wait(timeout=SECONDS_TO_END)

    with subprocess.Popen(["python3", "-c", _LISTENS, str(before[1])], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with emulator(*options) as (_, line):
            after = address_of(line)
        other.kill()

    assert after != before


_LISTENS = """
import socket, sys, time
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listens", flush=True)
time.sleep(60)
"""


def test_a_new_state_file_begins_with_the_first_data(folder: Path) -> None:
    file = folder / "cloud.json"
    options = ("--port", "0", "--postgres", "--state", str(file))
    with emulator(*options) as (process, line):
        run_sql(address_of(line), "DROP TABLE invoices")
        process.terminate()
        process.wait(timeout=SECONDS_TO_END)
    file.unlink()

    with emulator(*options) as (_, line):
        assert run_sql(address_of(line), "SELECT count(*) FROM invoices") == "1000"


def test_a_later_start_without_servers_tells_no_address_of_one(folder: Path) -> None:
    file = folder / "cloud.json"
    with emulator("--port", "0", "--postgres", "--state", str(file)) as (process, _):
        process.terminate()
        process.wait(timeout=SECONDS_TO_END)

    with emulator("--port", "0", "--state", str(file)) as (process, line):
        process.terminate()
        process.wait(timeout=SECONDS_TO_END)

    assert "database_connections" not in json.loads(line)
    assert '"address"' not in file.read_text()


def test_only_the_user_of_the_servers_can_read_their_files(folder: Path) -> None:
    with emulator("--port", "0", "--postgres", "--state", str(folder / "cloud.json")):
        assert (folder / "cloud.json.postgres").stat().st_mode & 0o077 == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="PostgreSQL runs as this user")
def test_a_folder_that_the_user_of_the_servers_cannot_enter_is_refused(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)

    with pytest.raises(ConfigurationError, match=rf"runs as nobody, who cannot enter {closed}.*chmod o\+x"):
        LocalCloud(port=0, postgres=True, state_file=closed / "cloud.json")


@pytest.mark.skipif(os.geteuid() != 0, reason="the programs are this user's own")
def test_programs_in_a_folder_of_root_alone_are_copied(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = programs.installed_programs()
    package = folder / "closed" / programs.PACKAGE
    shutil.copytree(installed.parents[1], package)
    shutil.copytree(installed.parents[2] / f"{programs.PACKAGE}.libs", package.with_name(f"{programs.PACKAGE}.libs"))
    package.parent.chmod(0o700)
    monkeypatch.setattr(programs, "installed_programs", lambda: package / "pginstall" / "bin")

    found = programs.PostgresPrograms(folder / "files")

    assert "PostgreSQL" in found.run("postgres", "--version")
    assert "pg_basebackup" in found.run("pg_basebackup", "--version")
