"""``docs/performance.md``, written from the figures that are there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.criteria import Judgement, judged, judged_looks, judged_reports, judged_triggerers
from benchmarks.parse_time import OPERATORS
from benchmarks.plan import MEASURE
from benchmarks.plot import draw
from benchmarks.results import DOCS, Section, read_figures
from benchmarks.schedule import FIRST_FINISH, LAST_FINISH, POLL_SECONDS
from benchmarks.tables import table

Row = Mapping[str, Any]

_PLOT = DOCS / "performance.svg"
_INTRODUCTION = Path(__file__).parent / "introduction.md"


def write_report() -> Path:
    """Write the page and its plot, and return where."""
    figures = read_figures()
    parts = [
        _INTRODUCTION.read_text().format(
            first=f"{FIRST_FINISH:.0f}", last=f"{LAST_FINISH:.0f}", poll=f"{POLL_SECONDS:.0f}"
        )
    ]
    if waiting := figures.get("waiting"):
        rows = waiting["figures"]
        draw([row for row in rows if not row["tls"] and row["contender"] in _drawn(rows)], _PLOT)
        parts += [_judgement_part(figures), _waiting_part(waiting)]
    parts += [write(figures[name]) for name, write in _PARTS.items() if name in figures]
    file = DOCS / "performance.md"
    file.write_text("\n".join(parts))
    return file


def _drawn(rows: Iterable[Row]) -> set[str]:
    # Only what was measured with several numbers makes a line.
    counts = {
        row["contender"]: {other["jobs"] for other in rows if other["contender"] == row["contender"]} for row in rows
    }
    return {name for name, jobs in counts.items() if len(jobs) > 1}


def _judgement_part(figures: Mapping[str, Section]) -> str:
    judgements = judged(figures["waiting"]["figures"])
    if "airflow" in figures:
        judgements += judged_triggerers(figures["airflow"]["figures"])
    if "freshness" in figures:
        judgements += judged_looks(figures["freshness"]["figures"])
    if "protection" in figures:
        judgements += judged_reports(figures["protection"]["figures"])
    passed = sum(judgement.passed is True for judgement in judgements)
    head = f"## Must show\n\nAt {MEASURE:,} jobs, {passed} of {len(judgements)} hold.\n\n"
    return head + table(("what", "at most", "measured", "holds"), map(_judgement_row, judgements)) + "\n"


def _judgement_row(judgement: Judgement) -> Sequence[str]:
    verdict = {True: "yes", False: "**no**", None: "not measured"}[judgement.passed]
    return judgement.what, judgement.limit, judgement.measured, verdict


def _waiting_part(section: Section) -> str:
    head = (
        "contender",
        "N",
        "TLS",
        "requests",
        "connections",
        "sockets",
        "CPU, s",
        "MB",
        "p50, s",
        "p99, s",
        "block, ms",
        "beside GC",
        "lost",
        "twice",
    )
    rows = section["figures"]
    body = "\n\n".join(
        f"### {title}\n\n{table(head, map(_waiting_row, part))}" for title, part in _grouped(rows) if part
    )
    return f"## Waiting\n\n{_made(section)}\n\n![cost over the number of jobs](performance.svg)\n\n{body}\n"


def _grouped(rows: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
    for jobs in sorted({row["jobs"] for row in rows}):
        for tls in (False, True):
            part = [row for row in rows if row["jobs"] == jobs and row["tls"] is tls]
            yield f"N = {jobs:,}{', TLS' if tls else ''}", part


def _waiting_row(row: Row) -> Sequence[str]:
    name = f"{row['contender']}, {row['service']}" if row["service"] else row["contender"]
    return (
        f"**{name}**" if row["contender"] == "ours" else name,
        f"{row['jobs']:,}",
        "yes" if row["tls"] else "",
        f"{row['requests']:,}",
        f"{row['connections']:,}",
        f"{row['peak_sockets']:,}",
        f"{row['cpu_seconds']:.2f}",
        f"{row['memory_mb']:.1f}",
        f"{row['latency_p50']:.2f}",
        f"{row['latency_p99']:.2f}",
        f"{row['longest_block_ms']:.0f}",
        f"{row['longest_block_without_collector_ms']:.0f}",
        f"{row['lost']:,}",
        f"{row['doubled']:,}",
    )


def _parse_part(section: Section) -> str:
    head = ("contender", "median", "least", "most")
    rows = (
        (row["who"], f"{row['median']:.2f}", f"{row['least']:.2f}", f"{row['most']:.2f}") for row in section["figures"]
    )
    return (
        f"## Reading a DAG file\n\nSeconds to read a file with {OPERATORS} operators in a fresh process that has "
        f"loaded Airflow itself, imports included. {_made(section)}\n\n{table(head, rows)}\n"
    )


def _cloud_part(section: Section) -> str:
    rows = (
        (
            f"{row['service']}, {row['question']}",
            f"{row['bytes']:,}",
            f"{row['per_second']:.0f}",
            f"{row['server_milliseconds']:.1f}",
        )
        for row in section["figures"]
    )
    return (
        "## Throughput of the local cloud\n\nWith 5,000 running backups, and for the databases as many automatic "
        "ones, 16 questions at once. "
        f"{_made(section)}\n\n{table(('question', 'bytes', 'answers per second', 'CPU, ms'), rows)}\n"
    )


def _submit_part(section: Section) -> str:
    head = ("gateway", "seconds", "tasks", "failed", "backups started", "reads", "median task, s", "p99, s")
    rows = (
        (
            row["gateway"],
            f"{row['seconds']:.1f}",
            f"{row['tasks']:,}",
            f"{row['failed']:,}",
            f"{row['creations']:,}",
            f"{row['reads']:,}",
            f"{row['median']:.2f}",
            f"{row['p99']:.2f}",
        )
        for row in section["figures"]
    )
    return (
        "## Starting 1,000 backups\n\n`execute` of `RdsCreateBackupOperator(deferrable=True)` for 1,000 instances, up "
        "to the deferral, in eight worker processes that share one core; Airflow's own cost of starting tasks is not "
        "in it. Requests that were refused are counted. "
        f"{_made(section)}\n\n{table(head, rows)}\n"
    )


def _freshness_part(section: Section) -> str:
    head = ("service", "resources", "backups of each", "requests", "seconds")
    rows = (
        (
            row["service"],
            f"{row['resources']:,}",
            f"{row['nights']:,}",
            f"{row['requests']:,}",
            f"{row['seconds']:.2f}",
        )
        for row in section["figures"]
    )
    return (
        "## One look at fresh backups\n\nAre all of them younger than a day? Of CBR, all are in one vault. Client and "
        f"local cloud share a process. {_made(section)}\n\n{table(head, rows)}\n"
    )


def _protection_part(section: Section) -> str:
    head = ("service", "resources", "backups", "requests", "CPU, s", "seconds")
    rows = (
        (
            row["service"],
            f"{row['resources']:,}",
            f"{row['backups']:,}",
            f"{row['requests']:,}",
            f"{row['cpu_seconds']:.2f}",
            f"{row['seconds']:.2f}",
        )
        for row in section["figures"]
    )
    return (
        "## One report on protection\n\nOne of the resources has no backup; the report finds it. The CPU is that of "
        f"the client, without the local cloud. {_made(section)}\n\n{table(head, rows)}\n"
    )


def _airflow_part(section: Section) -> str:
    head = ("trigger", "tasks", "finished", "triggerer's CPU, s", "seconds", "blocked for, s (by the collector)")
    rows = (
        (
            row["trigger"],
            f"{row['tasks']:,}",
            f"{row['finished']:,}",
            f"{row['cpu_seconds']:.1f}",
            f"{row['seconds']:.0f}",
            ", ".join(f"{each['seconds']:.2f} ({each['collector_seconds']:.2f})" for each in row["blocks"]) or "never",
        )
        for row in section["figures"]
    )
    return (
        "## In a real Airflow\n\nPostgreSQL, LocalExecutor and one triggerer; all tasks are deferred at the same time. "
        f"{_made(section)}\n\n{table(head, rows)}\n"
    )


_PARTS = {
    "airflow": _airflow_part,
    "submit": _submit_part,
    "freshness": _freshness_part,
    "protection": _protection_part,
    "parse": _parse_part,
    "cloud": _cloud_part,
}


def _made(section: Section) -> str:
    made = section["made"]
    versions = ", ".join(f"{name} {version}" for name, version in made["versions"].items())
    return (
        f"Made with `{section['command']}` on {made['date']}: {made['machine']} (load {made['load']} at the end), "
        f"Python {made['python']}, {versions}."
    )
