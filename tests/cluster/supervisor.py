"""Starts programs again that have ended, whoever ended them: what systemd or Kubernetes do for a real cluster."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.system.own_process import OwnProcess

PAUSE_SECONDS = 5.0
"""How long a program stays away that has ended."""


@dataclass
class _Service:
    start: Callable[[], OwnProcess]
    process: OwnProcess
    ended_at: float | None = None
    killed_by_us: bool = False


class Supervisor:
    """Programs by name.

    :param report: told what happens, a line at a time.
    """

    def __init__(self, report: Callable[[str], None]) -> None:
        self.restarts: list[tuple[str, bool]] = []
        """What was started again, and whether we had killed it."""
        self._services: dict[str, _Service] = {}
        self._report = report

    def add(self, name: str, start: Callable[[], OwnProcess], process: OwnProcess | None = None) -> OwnProcess:
        """Look after a program.

        :param name: what it is called.
        :param start: starts it.
        :param process: the program, when it runs already.
        """
        self._services[name] = _Service(start, process or start())
        return self._services[name].process

    def process(self, name: str) -> OwnProcess:
        """Return a program as it was started last."""
        return self._services[name].process

    def kill(self, name: str) -> None:
        """End a program with SIGKILL, with all that it started; :meth:`tend` starts it again."""
        service = self._services[name]
        service.killed_by_us = True
        service.process.kill()

    def tend(self) -> None:
        """Start again what ended :data:`PAUSE_SECONDS` ago; call this often."""
        for name, service in self._services.items():
            if service.process.exit_code is None:
                continue
            if service.ended_at is None:
                service.ended_at = time.monotonic()
                why = "was killed" if service.killed_by_us else f"ended by itself ({service.process.exit_code})"
                self._report(f"{name} {why}")
            elif time.monotonic() - service.ended_at >= PAUSE_SECONDS:
                # What a program leaves behind that ends by itself must not meet its successor.
                service.process.kill()
                self.restarts.append((name, service.killed_by_us))
                service.process, service.ended_at, service.killed_by_us = service.start(), None, False
                self._report(f"{name} is started again")
