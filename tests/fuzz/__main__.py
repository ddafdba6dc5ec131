"""Answers by the million, each led on by the code that the ones before it reached: ``make fuzz``.

One input is one call of the client with all answers that it gets: a byte for the call, a byte for the first answer's
status, then the bodies. Everything runs as in earnest but the network, which would be most of the time. Whatever is no
error of the one tree, cannot be kept by a database, or takes longer than ten seconds ends the search, and the input
stays in a file.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["airflow_provider_backup.cloud"]):
    from airflow_provider_backup.cloud.client import BackupCloud
    from airflow_provider_backup.cloud.errors import BackupError
    from airflow_provider_backup.cloud.http.transport import Response
    from airflow_provider_backup.cloud.settings import NetworkSettings
    from tests.cloud.fuzzing.calls import Call, World, all_calls, look_at_result, recorded_worlds
    from tests.cloud.fuzzing.limits import assert_fit_for_logs

from multidict import CIMultiDict

from tests.cloud.clients import PASSWORD, settings_for
from tests.cloud.fuzzing.values import MUTATIONS, NASTY, as_text, slots_of

BETWEEN_BODIES = b"\n\xff\n"
STATUSES = (200, 200, 200, 200, 200, 201, 204, 300, 400, 401, 403, 404, 409, 413, 500, 503)
SECONDS_FOR_ONE = 10
TOKEN = (
    b'{"token": {"expires_at": "2031-04-02T09:15:07.000000Z", "project": {"id": "p", "name": "eu-de"}, "catalog": '
    b'[{"type": "cbr", "endpoints": [{"interface": "public", "region_id": "eu-de", "url": "https://cbr.example"}]}]}}'
)
LOGIN = Call("cbr", ("policies", "list"))
"""With this call the bodies are answers of the identity service first."""


class Answers:
    """The other end of the wire: gives the answers of one input, then empty objects."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.status = 200

    async def send(self, method: str, url: str, **_: Any) -> Response:
        """Answer one request."""
        status, self.status = self.status, 200
        headers = CIMultiDict({"X-Request-Id": "req-1", "X-Subject-Token": "token"})
        return Response(status, headers, self.bodies.pop(0) if self.bodies else b"{}")

    async def close(self) -> None:
        """There is nothing to close."""


class Target:
    """What is searched: every call of the client.

    :param worlds: arguments of the calls, and good answers.
    """

    def __init__(self, worlds: dict[str, World]) -> None:
        self.calls = [LOGIN, *all_calls()]
        self.outcomes: Counter[str] = Counter()
        self._worlds = worlds
        self._loop = asyncio.new_event_loop()
        self._settings = settings_for("https://cloud.example", network=NetworkSettings(attempts=1))
        self._login = settings_for("https://cloud.example", PASSWORD, project_id=None, endpoints=(), cloud="custom")

    def seeds(self) -> list[bytes]:
        """Return good inputs: each call with real answers."""
        bodies = [[TOKEN], *(self._worlds[call.service].answers.get(str(call), []) for call in self.calls[1:])]
        return [bytes((number, 0)) + BETWEEN_BODIES.join(each) for number, each in enumerate(bodies)]

    def run(self, data: bytes) -> None:
        """Run one input.

        :raises Exception: whatever is a fault of ours.
        """
        number = data[0] % len(self.calls) if data else 0
        answers = Answers()
        answers.status = STATUSES[data[1] % len(STATUSES)] if len(data) > 1 else 200
        answers.bodies = data[2:].split(BETWEEN_BODIES)
        self._loop.run_until_complete(self._call(self.calls[number], answers, login=number == 0))

    async def _call(self, call: Call, answers: Answers, *, login: bool) -> None:
        cloud = BackupCloud(self._login if login else self._settings)
        cloud._transport.send = answers.send  # type: ignore[method-assign]
        try:
            came = await call.run(cloud, self._worlds[call.service].arguments)
        except BackupError as error:
            assert_fit_for_logs(error)
            self.outcomes[type(error).__name__] += 1
        else:
            look_at_result(came)
            self.outcomes["result"] += 1
        finally:
            await cloud.close()


def mutate(data: bytes, most: int, seed: int) -> bytes:
    """Change an input: its JSON where it has some, its bytes otherwise.

    :param data: the input.
    :param most: bytes that the result may have.
    :param seed: of the chance.
    """
    chance = random.Random(seed)
    bodies = data[2:].split(BETWEEN_BODIES)
    place = chance.randrange(len(bodies))
    try:
        body = json.loads(bodies[place])
    except (ValueError, RecursionError):
        body = None
    slots = slots_of(body) if isinstance(body, dict | list) else []
    if slots and chance.random() < 0.7:
        holder, key = chance.choice(slots)
        chance.choice(MUTATIONS)(holder, key, chance.choice(NASTY))
        bodies[place] = as_text(body, ascii_only=chance.random() < 0.5).encode("utf-8", "surrogatepass")
        return (data[:2] + BETWEEN_BODIES.join(bodies))[:most]
    return bytes(atheris.Mutate(data, most))


def main() -> None:
    """Search until the time is over or something is found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=600, help="how long (default: %(default)s)")
    parser.add_argument("--found", type=Path, default=Path(".fuzz"), help="folder for inputs (default: %(default)s)")
    parser.add_argument("--again", type=Path, help="run this one input and nothing else")
    chosen = parser.parse_args()
    logging.disable(logging.CRITICAL)
    target = Target(asyncio.run(recorded_worlds()))
    if chosen.again:
        target.run(chosen.again.read_bytes())
        return
    chosen.found.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()

    def run(data: bytes) -> None:
        target.run(data)
        done = sum(target.outcomes.values())
        if done % 100_000 == 0:
            print(f"{done} executions in {time.monotonic() - began:.0f} s: {dict(target.outcomes)}", flush=True)

    with tempfile.TemporaryDirectory(prefix="fuzz-corpus-") as corpus:
        for number, seed in enumerate(target.seeds()):
            (Path(corpus) / f"seed-{number:03}").write_bytes(seed)
        options = [
            f"-max_total_time={chosen.seconds}",
            f"-timeout={SECONDS_FOR_ONE}",
            f"-artifact_prefix={chosen.found}/",
            "-max_len=20000",
            "-rss_limit_mb=2048",
            "-print_final_stats=1",
        ]
        atheris.Setup([sys.argv[0], *options, corpus], run, custom_mutator=mutate)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
