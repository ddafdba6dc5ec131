"""What must be shown is judged by figures; these are made up."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.criteria import MOST_LOOK_REQUESTS, Judgement, judged, judged_looks, judged_triggerers


def row(contender: str, service: str | None = None, jobs: int = 5_000, **figures: Any) -> dict[str, Any]:
    costs: dict[str, Any] = {"requests": 40, "connections": 2, "memory_mb": 10.0, "cpu_seconds": 0.5}
    news = {"latency_p99": 5.1, "lost": 0, "doubled": 0, "bad": 0, "early": 0, "longest_block_ms": 120.0}
    block = {"longest_block_without_collector_ms": 50.0}
    return {"contender": contender, "service": service, "jobs": jobs, "tls": False, **costs, **news, **block, **figures}


def databricks(**figures: Any) -> dict[str, Any]:
    costs: dict[str, Any] = {"requests": 20_000, "connections": 5_000, "memory_mb": 100.0, "cpu_seconds": 10.0}
    return row("databricks", **costs | figures)


def the_one_about(what: str, judgements: list[Judgement]) -> Judgement:
    (found,) = (judgement for judgement in judgements if judgement.what.startswith(what))
    return found


def test_figures_at_the_limits_hold() -> None:
    limits = row("ours", "cbr", requests=40, connections=4, memory_mb=20.0, cpu_seconds=1.0, latency_p99=5.5)

    judgements = judged([databricks(cpu_seconds=9.0), limits])

    assert [judgement.what for judgement in judgements if not judgement.passed] == []
    assert len(judgements) == 7


def test_each_figure_beyond_its_limit_fails() -> None:
    beyond = row("ours", "cbr", requests=41, connections=5, memory_mb=20.1, cpu_seconds=1.01, latency_p99=5.51, lost=1)

    judgements = judged([databricks(cpu_seconds=9.0), beyond | {"longest_block_without_collector_ms": 50.1}])

    assert [judgement.what for judgement in judgements if judgement.passed] == []


def test_the_best_peer_counts() -> None:
    judgements = judged([databricks(), row("http", cpu_seconds=30.0), row("ours", "cbr")])

    assert the_one_about("CPU", judgements).measured == "1/20.0 (0.50 of 10.00, databricks)"


def test_the_floors_stand_beside() -> None:
    floors = [row("triggers alone", memory_mb=6.5), row("bare list", "cbr", memory_mb=9.0)]

    judgements = judged([databricks(), row("ours", "cbr"), *floors, row("bare list", "vbs", memory_mb=8.0)])

    expected = "10.00 of 100.00, databricks; triggers alone: 6.50; bare list: 9.00"
    assert the_one_about("memory", judgements).measured == expected


@pytest.mark.parametrize(("service", "most"), [("csbs", 40), ("gaussdb", 320), ("taurusdb", 320), ("rds", 5_320)])
def test_a_service_may_send_as_many_requests_as_its_pages_need(service: str, most: int) -> None:
    within, beyond = (
        the_one_about("requests", judged([databricks(), row("ours", service, requests=requests)]))
        for requests in (most, most + 1)
    )

    assert (within.passed, beyond.passed) == (True, False)


def test_single_reads_may_take_more_cpu() -> None:
    judgements = judged([databricks(), row("ours", "rds", cpu_seconds=2.5)])

    assert the_one_about("CPU", judgements).passed


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


def test_a_look_holds_up_to_its_number_of_requests_and_when_it_finds_everything() -> None:
    good = {"resources": 1_000, "fresh": 1_000}
    at_the_limit = judged_looks(
        [{"service": name, "requests": most, **good} for name, most in MOST_LOOK_REQUESTS.items()]
    )
    beyond = judged_looks(
        [{"service": "cbr", "requests": 4, **good}, {"service": "cbr", "requests": 1, **good, "fresh": 1}]
    )

    assert {judgement.passed for judgement in at_the_limit} == {True}
    assert [judgement.passed for judgement in beyond] == [False, False]
