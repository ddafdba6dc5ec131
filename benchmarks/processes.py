"""Processes of a benchmark: pinned to a core, spoken to line by line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.tls import ca_file


class EndedError(RuntimeError):
    """A process ended, or said something else, against the plan; the text has the end of its errors."""


def cores() -> tuple[int, int]:
    """Return a core for the server and one for the client; the same one where there is no other."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]


class Subordinate:
    """A module that runs in a process of its own until the context ends.

    :param arguments: the module and its arguments.
    :param core: where it runs.
    :param folder: the folder of the run; a certificate authority in it is trusted.
    :param environment: further environment variables.
    """

    def __init__(
        self, arguments: Sequence[str], core: int, folder: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self._errors = folder / f"{arguments[0]}.log"
        self._name = " ".join(arguments)
        with self._errors.open("ab") as errors:
            self._process = subprocess.Popen(
                ["taskset", "--cpu-list", str(core), sys.executable, "-m", *arguments],
                env=_environment(folder) | dict(environment or {}),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def say(self, text: str) -> None:
        """Write a line to it."""
        assert self._process.stdin is not None
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()

    def answer(self) -> str:
        """Return the next line that it says.

        :raises EndedError: it has ended.
        """
        assert self._process.stdout is not None
        if line := self._process.stdout.readline():
            return line.strip()
        code = self._process.wait()
        errors = self._errors.read_text(errors="replace")
        raise EndedError(f"{self._name} ended with exit code {code}:\n{errors[-4000:]}")

    def expect(self, text: str) -> None:
        """Read the next line.

        :raises EndedError: it is another one.
        """
        if (line := self.answer()) != text:
            raise EndedError(f"{self._name} said {line!r} and not {text!r}")


def _environment(folder: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")}
    environment = {
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        # Some providers say a line for each poll, which would be part of what is measured.
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "CRITICAL",
    }
    authority = {"SSL_CERT_FILE": str(ca_file(folder))} if ca_file(folder).exists() else {}
    return inherited | environment | authority
