"""One run: a fresh server, a fresh client, each on a core of its own, and the figures of both."""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.processes import Subordinate, cores
from benchmarks.tls import make_certificates

_LEAD = 0.5
"""Seconds between the settling of the start and the start."""


@dataclass(frozen=True)
class Run:
    """What is measured.

    :param contender: who waits, a name of ``contenders.registry``.
    :param jobs: for how many jobs.
    :param service: of which service of the local cloud; ``None`` for peers.
    :param tls: whether with TLS.
    """

    contender: str
    jobs: int
    service: str | None
    tls: bool

    def __str__(self) -> str:
        name = f"{self.contender} {self.service}" if self.service else self.contender
        return f"{name}, N={self.jobs}{', TLS' if self.tls else ''}"


def measured(run: Run) -> dict[str, Any]:
    """Do a run and return its figures: those of the client, of the wire, and the run itself."""
    server_core, client_core = cores()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        if run.tls:
            make_certificates(folder)
        service = ["--service", run.service] if run.service else []
        tls = ["--tls"] if run.tls else []
        arguments = ["benchmarks.server", name, "--jobs", str(run.jobs), *service, *tls]
        with Subordinate(arguments, server_core, folder) as server:
            server.expect("ready")
            with Subordinate(["benchmarks.client", run.contender, name], client_core, folder) as client:
                return asdict(run) | _figures(server, client)


def _figures(server: Subordinate, client: Subordinate) -> dict[str, Any]:
    client.expect("ready")
    start = time.time() + _LEAD
    server.say(f"begin {start}")
    server.expect("begun")
    client.say(str(start))
    figures: dict[str, Any] = json.loads(client.answer())
    server.say("tell")
    counts: dict[str, int] = json.loads(server.answer())
    return figures | counts
