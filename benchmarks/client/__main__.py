"""The client of one run, a process of its own: one contender waits for all jobs, and what that costs is printed.

It says ``ready``, reads from standard input when the time begins (seconds since the epoch), and prints its figures.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import os
import sys
import time
from pathlib import Path

from benchmarks.answers import Answers
from benchmarks.client.figures import ClientFigures
from benchmarks.client.tally import Tally
from benchmarks.contenders import registry
from benchmarks.contenders.contender import Contender
from benchmarks.measures import Collector, Rounds, begin_memory_peak, memory_peak
from benchmarks.place import Place
from benchmarks.process_limits import allow_many_sockets
from benchmarks.schedule import LAST_FINISH, POLL_SECONDS, finish_offsets

_PATIENCE = 60.0
"""Seconds after the last job has finished and been asked for once more; who has no event then, has lost it."""


async def _run(
    contender: Contender, count: int, answers: Answers, rounds: Rounds, collector: Collector
) -> ClientFigures:
    await contender.warm_up()
    gc.collect()
    answers.say("ready")
    start = float(await asyncio.to_thread(sys.stdin.readline))
    tally = Tally(start, finish_offsets(count))
    await asyncio.sleep(start - time.time())
    memory_before = begin_memory_peak()
    collector.seconds = 0.0
    rounds.forget()
    cpu_before = time.process_time()
    watching = asyncio.create_task(contender.watch(range(count), tally.news))
    arriving = asyncio.create_task(_cpu_at(start + POLL_SECONDS - 0.5))
    await asyncio.wait([watching], timeout=LAST_FINISH + POLL_SECONDS + _PATIENCE)
    cpu = time.process_time() - cpu_before
    seconds = time.time() - start
    cpu_arriving = (await arriving if arriving.done() else time.process_time()) - cpu_before
    trouble = await _ended(watching)
    return ClientFigures(
        cpu_seconds=cpu,
        cpu_seconds_arriving=cpu_arriving,
        memory_mb=(memory_peak() - memory_before) / 1e6,
        longest_block_ms=rounds.longest_block * 1000,
        longest_block_without_collector_ms=rounds.longest_block_without_collector * 1000,
        collector_seconds=collector.seconds,
        seconds=seconds,
        trouble=trouble,
        **tally.told(),
    )


async def _cpu_at(moment: float) -> float:
    await asyncio.sleep(moment - time.time())
    return time.process_time()


async def _ended(watching: asyncio.Task[None]) -> str | None:
    if not watching.done():
        watching.cancel()
        await asyncio.wait([watching], timeout=10.0)
        return "not at its end in time"
    error = watching.exception()
    return None if error is None else f"{type(error).__name__}: {error}"


def main() -> None:
    """Run one contender."""
    parser = argparse.ArgumentParser(prog="benchmarks.client")
    parser.add_argument("contender", choices=registry.CONTENDERS)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    answers = Answers()
    allow_many_sockets()
    place = Place.read(options.folder)
    contender_class = registry.CONTENDERS[options.contender]()
    os.environ.update(contender_class.environment(place))
    contender = contender_class(place)
    # A line for each poll would be part of what is measured, for some more than for others.
    logging.disable(logging.INFO)
    collector = Collector()
    rounds = Rounds(collector)
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(rounds)) as runner:
        figures = runner.run(_run(contender, place.jobs, answers, rounds, collector))
    answers.say(json.dumps(figures._asdict()))


if __name__ == "__main__":
    main()
