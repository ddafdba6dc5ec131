"""Transient errors in the log: when they begin, every few minutes, and when they end."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from airflow_provider_backup.cloud.http.transient_error_log import TransientErrorLog
from airflow_provider_backup.cloud.limits import Limits
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.virtual_clock


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Return a function that tells what was said so far, other than for debugging."""
    caplog.set_level(logging.INFO)
    return lambda: [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO]


def trouble_log() -> TransientErrorLog:
    return TransientErrorLog(logging.getLogger("trouble"), "cbr answers again", clock=VIRTUAL_CLOCK)


async def test_transient_errors_are_logged_when_they_begin_and_when_they_end(lines: Callable[[], list[str]]) -> None:
    trouble = trouble_log()
    for number in range(90):
        trouble.failed("no answer: %s", number)
        await VIRTUAL_CLOCK.sleep(1)
    trouble.recovered()
    assert lines() == ["no answer: 0", "cbr answers again after 90 s; failures: 90."]


async def test_errors_that_last_are_logged_every_five_minutes(lines: Callable[[], list[str]]) -> None:
    trouble = trouble_log()
    for number in range(3600):
        trouble.failed("no answer: %s", number)
        await VIRTUAL_CLOCK.sleep(1)
    assert len(lines()) == 3600 / Limits().log_interval
    assert lines()[1] == "no answer: 300 (failure 301 in 300 s)"


async def test_errors_that_come_and_go_do_not_fill_the_log(lines: Callable[[], list[str]]) -> None:
    trouble = trouble_log()
    for _ in range(600):
        trouble.failed("no answer")
        await VIRTUAL_CLOCK.sleep(0.5)
        trouble.recovered()
        await VIRTUAL_CLOCK.sleep(0.5)
    assert len(lines()) == 4


async def test_without_an_error_nothing_is_logged(lines: Callable[[], list[str]]) -> None:
    trouble_log().recovered()
    assert lines() == []
