"""``make bench``: measure, and write ``docs/performance.md`` with its plot.

Run from the checkout: ``python -m benchmarks [waiting|parse|cloud|submit|freshness|protection|airflow|report ...]``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.plan import COUNTS, planned_runs
from benchmarks.results import keep
from benchmarks.server.backups import SERVICES

_BEGAN = time.monotonic()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for.

    :param arguments: the command line without the program; ``None`` takes the process's own.
    :return: the exit code, 0.
    """
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measure side by side, and write down the figures.")
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"{', '.join(_PARTS)} or report; none is all but airflow"
    )
    parser.add_argument("--counts", type=_numbers, default=COUNTS, help="numbers of jobs, separated by commas")
    parser.add_argument("--services", type=_words, default=SERVICES, help="our services, separated by commas")
    parser.add_argument("--contenders", type=_words, help="only these, separated by commas; nothing is kept")
    parser.add_argument("--tls", action="store_true", help="with --contenders: only the runs with TLS")
    options = parser.parse_args(arguments)
    parts = options.parts or [part for part in _PARTS if part != "airflow"]
    if unknown := set(parts) - {*_PARTS, "report"}:
        parser.error(f"there is no part {', '.join(unknown)}")
    for part in parts:
        if part in _PARTS:
            _PARTS[part](options)
    if not options.contenders:
        # Here, because matplotlib is slow to load.
        from benchmarks.report import write_report

        _say(f"written: {write_report()}")
    return 0


def _waiting(options: argparse.Namespace) -> None:
    from benchmarks.waiting_run import measured

    runs = planned_runs(options.counts, options.services)
    if options.contenders:
        runs = [run for run in runs if run.contender in options.contenders and run.tls is options.tls]
    rows = []
    for number, run in enumerate(runs, start=1):
        rows.append(measured(run))
        _say(f"{number} of {len(runs)}: {run}: {_in_short(rows[-1])}")
    if not options.contenders:
        keep("waiting", _command(), rows)


def _parse(_: argparse.Namespace) -> None:
    from benchmarks.parse_time import measured_parse_times

    _keep("parse", measured_parse_times())


def _cloud(_: argparse.Namespace) -> None:
    from benchmarks.cloud_throughput import measured_throughput

    _keep("cloud", measured_throughput())


def _submit(_: argparse.Namespace) -> None:
    from benchmarks.submit.run import measured_submits

    _keep("submit", measured_submits())


def _freshness(_: argparse.Namespace) -> None:
    from benchmarks.freshness import measured_looks

    _keep("freshness", measured_looks())


def _protection(_: argparse.Namespace) -> None:
    from benchmarks.protection import measured_reports

    _keep("protection", measured_reports())


def _airflow(_: argparse.Namespace) -> None:
    from benchmarks.real_airflow.run import measured_triggerers

    keep("airflow", "make bench-airflow", measured_triggerers(_say))


_PARTS: dict[str, Callable[[argparse.Namespace], None]] = {
    "parse": _parse,
    "cloud": _cloud,
    "submit": _submit,
    "freshness": _freshness,
    "protection": _protection,
    "waiting": _waiting,
    "airflow": _airflow,
}


def _keep(part: str, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        _say(f"{part}: {json.dumps(row)}")
    keep(part, _command(), rows)


def _command() -> str:
    """Tell what makes the figures again; with arguments they may be fewer than those of ``make bench``."""
    return " ".join(["python -m benchmarks", *sys.argv[1:]]) if sys.argv[1:] else "make bench"


def _in_short(row: dict[str, Any]) -> str:
    trouble = f", {row['trouble']}" if row["trouble"] else ""
    return (
        f"{row['requests']:,} requests, {row['connections']:,} connections, {row['cpu_seconds']:.2f} s CPU, "
        f"{row['memory_mb']:.0f} MB, p99 {row['latency_p99']:.1f} s, {row['lost']} lost{trouble}"
    )


def _say(text: str) -> None:
    print(f"{time.monotonic() - _BEGAN:6.0f} s  {text}", flush=True)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


if __name__ == "__main__":
    sys.exit(main())
