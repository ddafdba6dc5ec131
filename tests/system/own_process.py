"""Programs that a test or the demo starts, and ends together with everything that they started."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil


class OwnProcess:
    """A program in a session of its own, so that Ctrl-C at the terminal does not reach it: we end it, in order.

    :param name: what it is, for messages.
    :param command: program and arguments.
    :param environment: its whole environment.
    :param log: file for what it prints; opened for appending.
    :param directory: where it runs.
    """

    def __init__(
        self, name: str, command: Sequence[str], *, environment: Mapping[str, str], log: Path, directory: Path
    ) -> None:
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._leader = subprocess.Popen(
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=directory,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )

    @property
    def pid(self) -> int:
        """The program's own process id, which is that of its session too."""
        return self._leader.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended; ``None`` while it runs."""
        return self._leader.poll()

    def tail(self, lines: int = 25) -> str:
        """Return the end of what it printed."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def terminate(self) -> None:
        """Ask it to end."""
        if self.exit_code is None:
            self._leader.terminate()

    def kill(self) -> None:
        """End it and all that it started with SIGKILL, as a machine that fails does: nobody gets to say a word."""
        while family := self.family():
            # The leader first, so that it starts nothing new.
            for member in sorted(family, key=lambda member: member.pid != self.pid):
                _kill(member)
            # The leader first here, too: psutil would take its exit code away.
            self.wait(10.0)
            psutil.wait_procs(family, timeout=10)

    def wait(self, seconds: float) -> None:
        """Wait until it has ended.

        :param seconds: how long at most, above 0.
        :raises subprocess.TimeoutExpired: it still runs.
        """
        self._leader.wait(seconds)

    def family(self) -> set[psutil.Process]:
        """Return what is alive of the program, its session, and its descendants that opened sessions of their own."""
        alive = set()
        for process in psutil.process_iter():
            try:
                if os.getsid(process.pid) == self.pid:
                    alive |= {process, *process.children(recursive=True)}
            except (ProcessLookupError, PermissionError, psutil.NoSuchProcess):
                continue
        return {process for process in alive if _is_alive(process)}


def stop(processes: Sequence[OwnProcess], *, grace_seconds: float = 20.0) -> None:
    """End programs with all that they started: ask first, kill what is left when the time is over.

    An exception, such as Ctrl-C makes, cuts the time short.

    :param processes: what to end; all are asked at once.
    :param grace_seconds: how long they may take, 0 or more.
    """
    family: set[psutil.Process] = set()
    try:
        family |= _families(processes)
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + grace_seconds
        while any(map(_is_alive, family)) and time.monotonic() < deadline:
            time.sleep(0.1)
    finally:
        family |= _families(processes)
        for member in filter(_is_alive, family):
            _kill(member)
        for process in processes:
            process.wait(10.0)
        psutil.wait_procs(family, timeout=10)


def _families(processes: Sequence[OwnProcess]) -> set[psutil.Process]:
    return {member for process in processes for member in process.family()}


def _end_with_parent() -> None:
    """Let the kernel ask this process to end when the one that started it is gone, however that came; Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


_PR_SET_PDEATHSIG = 1


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _kill(process: psutil.Process) -> None:
    try:
        process.send_signal(signal.SIGKILL)
    except psutil.NoSuchProcess:
        return
