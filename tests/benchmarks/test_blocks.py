"""Warnings of a blocked event loop, and what the garbage collector has to do with them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from benchmarks.real_airflow.blocks import blocks_in, passes_of

WARNED = datetime.fromisoformat("2026-11-21T21:01:24.145731+00:00").timestamp()
LOG = """\
2026-11-21T21:00:47.879223Z [info     ] 0 watchers currently running   [airflow.jobs.triggerer_job_runner]
2026-11-21T21:01:24.145731Z [info     ] Triggerer's async thread was blocked for 0.38 seconds, exceeding the \
configured warning threshold of 0.20 seconds. [airflow.jobs.triggerer_job_runner]
"""


def test_a_warning_without_the_collector_is_all_the_triggers_own() -> None:
    assert blocks_in(LOG, []) == [{"seconds": 0.38, "collector_seconds": 0.0}]


def test_a_pass_during_the_block_counts_as_the_collectors() -> None:
    (block,) = blocks_in(LOG, [(WARNED - 0.35, WARNED - 0.05), (WARNED - 100, WARNED - 99)])
    assert block["collector_seconds"] == pytest.approx(0.3)


def test_the_collector_takes_no_longer_than_the_block() -> None:
    (block,) = blocks_in(LOG, [(WARNED - 0.9, WARNED)])
    assert block["collector_seconds"] == 0.38


def test_other_lines_are_no_warnings() -> None:
    assert blocks_in(LOG.splitlines()[0], []) == []


def test_a_process_that_wrote_nothing_down_had_no_long_pass(tmp_path: Path) -> None:
    (tmp_path / "17").write_text("100.5 100.75\n")
    assert passes_of(tmp_path, 17) == [(100.5, 100.75)]
    assert passes_of(tmp_path, 18) == []
