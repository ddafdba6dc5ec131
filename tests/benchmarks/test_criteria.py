"""What must be shown is judged by figures; these are made up."""

from __future__ import annotations

from typing import Any

from benchmarks.criteria import Judgement, judged, judged_triggerers


def row(contender: str, service: str | None = None, jobs: int = 5_000, **figures: Any) -> dict[str, Any]:
    costs: dict[str, Any] = {"requests": 40, "connections": 2, "memory_mb": 10.0, "cpu_seconds": 0.5}
    news = {"latency_p99": 5.1, "lost": 0, "doubled": 0, "bad": 0, "early": 0, "longest_block_ms": 120.0}
    block = {"longest_block_without_collector_ms": 50.0}
    return {"contender": contender, "service": service, "jobs": jobs, "tls": False, **costs, **news, **block, **figures}


def databricks() -> dict[str, Any]:
    return row("databricks", requests=20_000, connections=5_000, memory_mb=100.0, cpu_seconds=10.0)


def the_one_about(what: str, judgements: list[Judgement]) -> Judgement:
    (found,) = (judgement for judgement in judgements if judgement.what.startswith(what))
    return found


def test_figures_at_the_limits_hold() -> None:
    limits = row("ours", "cbr", requests=400, connections=4, cpu_seconds=0.5, latency_p99=5.5)
    floor = row("bare list", "cbr", cpu_seconds=0.5 / 3)

    judgements = judged([databricks(), limits, floor])

    assert [judgement.what for judgement in judgements if not judgement.passed] == []
    assert len(judgements) == 8


def test_each_figure_beyond_its_limit_fails() -> None:
    beyond = row("ours", "cbr", requests=401, connections=5, memory_mb=10.1, cpu_seconds=0.51, latency_p99=5.51, lost=1)
    floor = row("bare list", "cbr", cpu_seconds=0.16)

    judgements = judged([databricks(), beyond | {"longest_block_without_collector_ms": 50.1}, floor])

    assert [judgement.what for judgement in judgements if judgement.passed] == []


def test_the_best_peer_counts() -> None:
    judgements = judged(
        [databricks(), row("http", requests=15_000, cpu_seconds=30.0), row("ours", "cbr", requests=350)]
    )

    assert the_one_about("requests", judgements).measured == "1/42.9 (350 of 15,000, http)"
    assert the_one_about("CPU", judgements).measured == "1/20.0 (0.50 of 10.00, databricks)"


def test_what_triggers_need_that_ask_nothing_stands_beside() -> None:
    judgements = judged([databricks(), row("ours", "cbr"), row("triggers alone", memory_mb=6.5)])

    assert the_one_about("memory", judgements).measured == "1/10.0 (10.00 of 100.00, databricks; triggers alone: 6.50)"


def test_services_with_short_pages_may_ask_twice_as_often() -> None:
    judgements = judged([databricks(), row("ours", "gaussdb", requests=800)])

    assert the_one_about("requests", judgements).passed


def test_growth_is_judged_by_the_largest_number() -> None:
    judgements = judged([row("ours", "cbr"), row("ours", "cbr", jobs=10_000, requests=88, cpu_seconds=1.2)])

    assert the_one_about("requests of 10,000", judgements).passed
    assert not the_one_about("CPU of 10,000", judgements).passed


def test_triggerers_are_compared_with_one_that_sleeps() -> None:
    def triggerer(name: str, **figures: Any) -> dict[str, Any]:
        return {"trigger": name, "tasks": 1_000, "finished": 1_000, "cpu_seconds": 10.0, "blocks": [], **figures}

    good = judged_triggerers([triggerer("ours", cpu_seconds=12.0), triggerer("sleeping")])
    block = {"seconds": 0.5, "collector_seconds": 0.29}
    bad = judged_triggerers([triggerer("ours", cpu_seconds=12.1, blocks=[block], finished=999), triggerer("sleeping")])

    assert [judgement.passed for judgement in good] == [True, True, True]
    assert [judgement.passed for judgement in bad] == [False, False, False]


def test_a_block_by_the_garbage_collector_is_not_held_against_a_trigger() -> None:
    figures = {"tasks": 1_000, "finished": 1_000, "cpu_seconds": 10.0}
    block = {"seconds": 0.5, "collector_seconds": 0.31}

    judgements = judged_triggerers(
        [{"trigger": "ours", "blocks": [block], **figures}, {"trigger": "sleeping", "blocks": [], **figures}]
    )

    assert the_one_about("warnings", judgements).measured == "0 (1 with it, 0 with sleeping triggers)"
