"""The command ``backup-cloud-emulator``, run as a process."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from airflow.models import Connection

from airflow_provider_backup import __version__
from airflow_provider_backup.emulator.cli import main

COMMAND = [sys.executable, "-m", "airflow_provider_backup.emulator"]


@contextmanager
def emulator(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline()
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_one_json_line_when_ready_and_ends_well_on_a_signal(number: signal.Signals) -> None:
    with emulator("--port", "0") as (process, line):
        description = json.loads(line)
        with urllib.request.urlopen(description["iam"]) as response:
            assert response.status == 200
        process.send_signal(number)
        rest, log = process.communicate(timeout=10)
    assert process.returncode == 0
    assert rest == ""
    assert "iam GET /v3: 200" in log
    assert "Traceback" not in log


def test_it_keeps_its_state_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    with emulator("--port", "0", "--state", str(file)) as (process, _):
        process.terminate()
        process.wait(timeout=10)
    assert "inventory.servers" in json.loads(file.read_text())


def test_the_state_file_can_be_read_by_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    with emulator("--port", "0", "--state", str(file)) as (process, line):
        iam = json.loads(line)["iam"].removesuffix("/v3")
        after_start = file.stat().st_mode & 0o777
        request = urllib.request.Request(f"{iam}/_control/tokens/revoke", method="POST")
        with urllib.request.urlopen(request) as response:
            assert response.status == 204
        after_a_change = file.stat().st_mode & 0o777
        process.terminate()
        process.wait(timeout=10)
    assert [after_start, after_a_change, file.stat().st_mode & 0o777] == [0o600, 0o600, 0o600]


def test_a_state_file_of_an_earlier_release_that_all_users_could_read_is_closed(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    file.write_text("{}")
    file.chmod(0o644)
    (tmp_path / "state.json.tmp").touch(mode=0o644)
    with emulator("--port", "0", "--state", str(file)):
        assert file.stat().st_mode & 0o777 == 0o600


def test_a_state_file_is_used_by_one_process_at_a_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "state.json"
    arguments = ["--port", "0", "--state", str(file)]
    with emulator(*arguments) as (process, _):
        assert main(arguments) == 1
        error = capsys.readouterr().err
        assert f"The state file {file} is in use by another local cloud (process {process.pid})." in error
        assert "choose another file with --state" in error
        # However it ends: the lock goes with it.
        process.kill()
        process.wait(timeout=10)
        with emulator(*arguments) as (_, line):
            assert json.loads(line)["iam"]


def test_it_prints_the_connection_for_airflow_ready_to_use() -> None:
    with emulator("--port", "0") as (_, line):
        description = json.loads(line)
        connection = Connection.from_json(description["airflow_connection"], conn_id="huaweicloud_backup_default")
    assert (connection.conn_type, connection.host) == ("huaweicloud_backup", description["iam"])
    assert (connection.login, connection.password) == (description["user"], description["password"])


def test_it_shows_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"backup-cloud-emulator {__version__}\n"


def test_it_has_as_many_further_resources_as_asked_for() -> None:
    with emulator("--port", "0") as (_, line):
        few = json.loads(line)["resources"]
    with emulator("--port", "0", "--extra-resources", "5") as (_, line):
        many = json.loads(line)["resources"]
    assert {kind: len(ids) - len(few[kind]) for kind, ids in many.items()} == dict.fromkeys(few, 5)


def test_a_taken_port_is_an_error_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    assert f"port {port} (iam)" in output.err
    assert "--port" in output.err


@pytest.mark.parametrize("content", ["no json", "[]"])
def test_a_state_file_that_is_none_is_an_error_on_one_line(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "state.json"
    file.write_text(content)
    assert main(["--port", "0", "--state", str(file)]) == 1
    error = capsys.readouterr().err
    assert f"The state file {file} cannot be read" in error
    assert "Traceback" not in error


def test_a_state_file_that_cannot_be_written_is_an_error_on_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "nowhere" / "state.json"
    assert main(["--port", "0", "--state", str(file)]) == 1
    assert f"The state file {file} cannot be used: No such file" in capsys.readouterr().err


def test_it_listens_on_one_loopback_address_unless_configured_otherwise_and_has_nothing_to_warn_about() -> None:
    with emulator("--port", "0") as (process, line):
        for url in [url for url in json.loads(line).values() if str(url).startswith("http:")]:
            parts = urlsplit(url)
            assert parts.hostname == "127.0.0.1"
            # Also an address of this machine, so that whoever listens on all of them answers here too.
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.2", parts.port), 5)
        process.terminate()
        _, log = process.communicate(timeout=10)
    assert "WARNING" not in log


def test_an_address_that_others_can_reach_is_warned_about(capsys: pytest.CaptureFixture[str]) -> None:
    # An address of documentation: no machine has it, so nothing is opened.
    assert main(["--host", "192.0.2.1"]) == 1
    assert "WARNING: the local cloud listens on 192.0.2.1" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port", "-1"],
        ["--port", "65530"],
        ["--port", "x"],
        ["--backup-seconds", "-1"],
        ["--backup-seconds", "nan"],
        ["--extra-resources", "-1"],
    ],
)
def test_an_impossible_number_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_the_help_says_that_it_is_a_development_tool(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "development tool" in " ".join(capsys.readouterr().out.split())
