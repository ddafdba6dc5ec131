"""What must be shown, and whether the figures show it. Pure: figures in, judgements out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.contenders.registry import PEERS
from benchmarks.plan import COUNTS, MEASURE
from benchmarks.schedule import POLL_SECONDS

Row = Mapping[str, Any]

MOST_REQUESTS = {"cbr": 40, "csbs": 40, "vbs": 40, "rds": 320, "gaussdb": 320, "taurusdb": 320}
"""Requests until all backups are reported: a page holds 1,000 rows, and 100 where a database service answers."""

ONE_READ_EACH = frozenset({"rds"})
"""Services whose lists are of one resource, so that the end of each backup takes a request of its own."""

MOST_LOOK_REQUESTS = {"cbr": 3, "csbs": 3, "vbs": 3, "gaussdb": 11, "taurusdb": 11, "rds": 1_000}
"""Requests of one look at the fresh backups of 1,000 resources: a page holds 1,000 rows, and 100 where a database
service answers; RDS lists those of one instance only."""

MOST_REPORT_REQUESTS = 30
"""Requests of one report on the protection of 1,000 resources with 10,000 backups."""

MOST_REPORT_CPU = 2.0
"""Its seconds of CPU, without those of the local cloud."""

SHARE_OF_CPU = {"rds": 4}
"""The best peer's CPU divided by ours, where single reads need most of it."""

USUAL_SHARE_OF_CPU = 9

MOST_MEMORY = 20.0
"""MB above start; what Airflow's own triggers need is part of it."""


@dataclass(frozen=True)
class Judgement:
    """One criterion against the figures.

    :param what: what is compared.
    :param limit: what it may be.
    :param measured: what it is, with the figures that it comes from.
    :param passed: whether that is within the limit; ``None`` when it was not measured.
    """

    what: str
    limit: str
    measured: str
    passed: bool | None


def judged(rows: Sequence[Row]) -> list[Judgement]:
    """Judge the runs of waiting.

    :param rows: their figures.
    """
    return list(_judgements(rows))


def _judgements(rows: Sequence[Row]) -> Iterator[Judgement]:
    for tls in (False, True):
        peers = [row for row in rows if row["contender"] in PEERS and _is(row, MEASURE, tls)]
        for row in rows:
            if row["contender"] == "ours" and _is(row, MEASURE, tls) and peers:
                yield _requests(row)
                yield _cpu(row, peers, rows)
                yield _memory(row, peers, rows)
                yield from _by_itself(row)
    yield from _growth(rows)


def _requests(row: Row) -> Judgement:
    service, jobs = row["service"], row["jobs"]
    most = MOST_REQUESTS[service] + (jobs if service in ONE_READ_EACH else 0)
    return Judgement(f"requests, {_name(row)}", f"{most:,}", f"{row['requests']:,}", row["requests"] <= most)


def _cpu(row: Row, peers: Iterable[Row], rows: Iterable[Row]) -> Judgement:
    share = SHARE_OF_CPU.get(row["service"], USUAL_SHARE_OF_CPU)
    best = min(peers, key=lambda peer: float(peer["cpu_seconds"]))
    ratio = best["cpu_seconds"] / max(row["cpu_seconds"], 1e-9)
    return Judgement(
        f"CPU, s, {_name(row)}",
        f"1/{share} of the best peer's",
        f"1/{ratio:.1f} ({_beside(row, best, 'cpu_seconds', rows)})",
        ratio >= share,
    )


def _memory(row: Row, peers: Iterable[Row], rows: Iterable[Row]) -> Judgement:
    best = min(peers, key=lambda peer: float(peer["memory_mb"]))
    return Judgement(
        f"memory above start, MB, {_name(row)}",
        f"{MOST_MEMORY:g}",
        _beside(row, best, "memory_mb", rows),
        row["memory_mb"] <= MOST_MEMORY,
    )


def _beside(row: Row, best: Row, figure: str, rows: Iterable[Row]) -> str:
    """Return a figure beside the best peer's and the floors, below which nothing can be."""
    known = [f"{_number(row[figure])} of {_number(best[figure])}, {best['contender']}"]
    for floor in rows:
        # Without requests there is no TLS, and no service.
        is_least = floor["contender"] == "triggers alone" and floor["jobs"] == row["jobs"]
        is_list = floor["contender"] == "bare list" and _place(floor) == _place(row)
        if is_least or is_list:
            known.append(f"{floor['contender']}: {_number(floor[figure])}")
    return "; ".join(known)


def _place(row: Row) -> tuple[Any, ...]:
    return row["service"], row["jobs"], row["tls"]


def _by_itself(row: Row) -> Iterator[Judgement]:
    yield Judgement(f"connections, {_name(row)}", "4", str(row["connections"]), row["connections"] <= 4)
    latest = POLL_SECONDS + 0.5
    yield Judgement(
        f"p99 latency, s, {_name(row)}", str(latest), f"{row['latency_p99']:.2f}", row["latency_p99"] <= latest
    )
    wrong = {name: row[name] for name in ("lost", "doubled", "bad", "early")}
    yield Judgement(
        f"events lost, twice, wrong, too early, {_name(row)}",
        "none",
        ", ".join(map(str, wrong.values())),
        not any(wrong.values()),
    )
    block = row["longest_block_without_collector_ms"]
    yield Judgement(
        f"longest block of the event loop beside Python's garbage collector, ms, {_name(row)}",
        "50",
        f"{block:.0f} ({row['longest_block_ms']:.0f} with it)",
        block <= 50,
    )


def _growth(rows: Sequence[Row]) -> Iterator[Judgement]:
    ours = {
        row["jobs"]: row for row in rows if row["contender"] == "ours" and row["service"] == "cbr" and not row["tls"]
    }
    most = COUNTS[-1]
    if most not in ours or MEASURE not in ours:
        return
    for figure, title in (("requests", "requests"), ("cpu_seconds", "CPU")):
        ratio = ours[most][figure] / max(ours[MEASURE][figure], 1e-9)
        yield Judgement(f"{title} of {most:,} to {MEASURE:,}, cbr", "2.2 times", f"{ratio:.2f} times", ratio <= 2.2)


def _is(row: Row, jobs: int, tls: bool) -> bool:
    return bool(row["jobs"] == jobs and row["tls"] is tls)


def _name(row: Row) -> str:
    return f"{row['service']}{' with TLS' if row['tls'] else ''}"


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.2f}"


_LONGEST_ROUND = 0.2
"""Seconds of the event loop after which the triggerer warns."""


def judged_looks(rows: Sequence[Row]) -> list[Judgement]:
    """Judge the looks at fresh backups.

    :param rows: their figures.
    """
    return [
        Judgement(
            f"requests of one look at fresh backups of {row['resources']:,} resources, {row['service']}",
            f"{MOST_LOOK_REQUESTS[row['service']]:,}",
            f"{row['requests']:,}" + ("" if row["fresh"] == row["resources"] else f", {row['fresh']:,} found"),
            row["requests"] <= MOST_LOOK_REQUESTS[row["service"]] and row["fresh"] == row["resources"],
        )
        for row in rows
    ]


def judged_reports(rows: Sequence[Row]) -> list[Judgement]:
    """Judge the reports on the protection of resources.

    :param rows: the figures, one row for each service.
    """
    return [
        Judgement(
            f"report on {row['resources']:,} resources with {row['backups']:,} backups, {row['service']}",
            f"{MOST_REPORT_REQUESTS} requests, {MOST_REPORT_CPU:.0f} s CPU, 1 finding",
            f"{row['requests']} requests, {row['cpu_seconds']:.2f} s CPU, {row['found'] + row['others']} findings",
            row["requests"] <= MOST_REPORT_REQUESTS
            and row["cpu_seconds"] <= MOST_REPORT_CPU
            and (row["found"], row["others"]) == (1, 0),
        )
        for row in rows
    ]


def judged_triggerers(rows: Sequence[Row]) -> list[Judgement]:
    """Judge the runs on real Airflow.

    :param rows: the figures of our trigger and of one that only sleeps.
    """
    by_trigger = {row["trigger"]: row for row in rows}
    ours, sleeping = by_trigger["ours"], by_trigger["sleeping"]
    ratio = ours["cpu_seconds"] / max(sleeping["cpu_seconds"], 1e-9)
    own_blocks = [each for each in ours["blocks"] if each["seconds"] - each["collector_seconds"] > _LONGEST_ROUND]
    return [
        Judgement(
            "deferred tasks that finish, real Airflow",
            f"all of {ours['tasks']:,}",
            f"{ours['finished']:,}",
            ours["finished"] == ours["tasks"],
        ),
        Judgement(
            "warnings of a blocked event loop beside Python's garbage collector, real Airflow",
            "none",
            f"{len(own_blocks)} ({len(ours['blocks'])} with it, {len(sleeping['blocks'])} with sleeping triggers)",
            not own_blocks,
        ),
        Judgement(
            "CPU of the triggerer, real Airflow",
            "1.2 times that with sleeping triggers",
            f"{ratio:.2f} times ({ours['cpu_seconds']:.1f} to {sleeping['cpu_seconds']:.1f} s)",
            ratio <= 1.2,
        ),
    ]
