"""Trouble that lasts, in the log: when it begins, now and then, and when it is over."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import pytest

from airflow_provider_backup.cloud.http.transient_error_log import SECONDS_BETWEEN_LINES, TransientErrorLog


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Return a function that tells what was said so far, other than for debugging."""
    caplog.set_level(logging.INFO)
    return lambda: [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return a function that lets time pass."""
    now = 1000.0

    def pass_by(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr(time, "monotonic", lambda: now)
    return pass_by


def trouble_log() -> TransientErrorLog:
    return TransientErrorLog(logging.getLogger("trouble"), "cbr answers again")


def test_trouble_is_told_when_it_begins_and_when_it_is_over(
    lines: Callable[[], list[str]], later: Callable[[float], None]
) -> None:
    trouble = trouble_log()
    for number in range(90):
        trouble.failed("no answer: %s", number)
        later(1)
    trouble.recovered()
    assert lines() == ["no answer: 0", "cbr answers again after 90 s; failures: 90."]


def test_trouble_that_lasts_is_told_every_five_minutes(
    lines: Callable[[], list[str]], later: Callable[[float], None]
) -> None:
    trouble = trouble_log()
    for number in range(3600):
        trouble.failed("no answer: %s", number)
        later(1)
    assert len(lines()) == 3600 / SECONDS_BETWEEN_LINES
    assert lines()[1] == "no answer: 300 (failure 301 in 300 s)"


def test_trouble_that_comes_and_goes_does_not_fill_the_log(
    lines: Callable[[], list[str]], later: Callable[[float], None]
) -> None:
    trouble = trouble_log()
    for _ in range(600):
        trouble.failed("no answer")
        later(0.5)
        trouble.recovered()
        later(0.5)
    assert len(lines()) == 4


def test_without_trouble_nothing_is_said(lines: Callable[[], list[str]]) -> None:
    trouble_log().recovered()
    assert lines() == []
