"""Unbroken transient errors: the time for which no answer has come, whatever was sent last."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from airflow_provider_backup.cloud.errors import BackupError, OutOfTimeError
from airflow_provider_backup.cloud.http.time_limit import time_limit, within_time_limit
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.virtual_clock


async def _answered_after(seconds: float) -> None:
    async with within_time_limit("iam", "GET /v3/projects") as exchange:
        exchange.begins()
        await asyncio.sleep(seconds)
        exchange.answered()


async def test_slow_answers_to_several_requests_for_credentials_are_not_added_up() -> None:
    with time_limit(60, tolerance=1, clock=VIRTUAL_CLOCK):
        async with within_time_limit("rds", "GET (address and credentials)"):
            await _answered_after(0.6)
            await _answered_after(0.6)
        await _answered_after(0.6)


async def _refused_and_then_silent() -> None:
    async with within_time_limit("rds", "GET /v3/backups") as exchange:
        exchange.begins()
        exchange.failed(BackupError("The token is refused."))
        exchange.begins()
        await asyncio.sleep(30)


async def _answered_for_credentials_and_then_silent() -> None:
    async with within_time_limit("rds", "GET (address and credentials)"):
        await _answered_after(0)
        await asyncio.sleep(30)


@pytest.mark.parametrize("work", [_refused_and_then_silent, _answered_for_credentials_and_then_silent])
async def test_silence_after_an_answer_ends_with_the_tolerance_and_not_with_the_deadline(
    work: Callable[[], Awaitable[None]],
) -> None:
    error = pytest.raises(OutOfTimeError, match=r"tolerance of 0.05 s")
    with time_limit(60, tolerance=0.05, clock=VIRTUAL_CLOCK), error as caught:
        await work()
    assert not caught.value.is_deadline


async def _asked_in_vain(times: int) -> None:
    for _ in range(times):
        async with within_time_limit("rds", "GET (address and credentials)"):
            pass
        async with within_time_limit("rds", "GET /v3/backups"):
            await asyncio.sleep(0.03)


async def test_errors_that_continue_are_counted_through_several_requests() -> None:
    with time_limit(60, tolerance=0.1, clock=VIRTUAL_CLOCK), pytest.raises(OutOfTimeError, match=r"tolerance of 0.1 s"):
        await _asked_in_vain(100)
