from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.system.own_process import OwnProcess, stop

StartProgram = Callable[[str], OwnProcess]


@pytest.fixture
def start_program(tmp_path: Path) -> StartProgram:
    def start(code: str) -> OwnProcess:
        process = OwnProcess(
            "program", [sys.executable, "-c", code], environment=os.environ, log=tmp_path / "log", directory=tmp_path
        )
        deadline = time.monotonic() + 20
        while "ready" not in process.tail() and time.monotonic() < deadline:
            time.sleep(0.05)
        return process

    return start


def test_a_program_that_ends_when_asked_is_not_killed(start_program: StartProgram) -> None:
    process = start_program(
        "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); "
        "print('ready', flush=True); time.sleep(60)"
    )

    stop([process])

    assert process.exit_code == 7


def test_a_program_that_ignores_the_request_is_killed_when_it_times_out(start_program: StartProgram) -> None:
    process = start_program(
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
    )

    stop([process], grace_seconds=0.3)

    assert process.exit_code == -9


def test_children_end_with_their_program_even_those_in_sessions_of_their_own(start_program: StartProgram) -> None:
    process = start_program(
        "import subprocess, time; subprocess.Popen(['sleep', '60']); "
        "subprocess.Popen(['sleep', '60'], start_new_session=True); print('ready', flush=True); time.sleep(60)"
    )
    family = process.family()

    stop([process], grace_seconds=0.3)

    assert len(family) == 3
    assert not any(psutil.pid_exists(member.pid) and member.is_running() for member in family)


def test_the_end_of_what_a_program_printed_can_be_read(start_program: StartProgram) -> None:
    process = start_program("print('first'); print('second'); print('ready', flush=True)")

    stop([process])

    assert process.tail(2) == "second\nready"


@pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel for it")
def test_a_program_ends_even_when_the_one_that_started_it_is_killed(start_program: StartProgram) -> None:
    parent = start_program(
        "import os, sys, time; from pathlib import Path; "
        f"sys.path.insert(0, {str(Path.cwd())!r}); from tests.system.own_process import OwnProcess; "
        "OwnProcess('child', ['sleep', '60'], environment=os.environ, log=Path('child.log'), directory=Path()); "
        "print('ready', flush=True); time.sleep(60)"
    )
    [child] = psutil.Process(parent.pid).children()

    psutil.Process(parent.pid).kill()

    assert psutil.wait_procs([child], timeout=10)[0] == [child]


def test_a_program_is_killed_with_all_that_it_started(start_program: StartProgram) -> None:
    process = start_program(
        "import signal, subprocess, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "subprocess.Popen(['sleep', '60'], start_new_session=True); print('ready', flush=True); time.sleep(60)"
    )
    family = process.family()

    process.kill()

    assert process.exit_code == -9
    assert len(family) == 2
    assert not any(member.is_running() and member.status() != psutil.STATUS_ZOMBIE for member in family)
